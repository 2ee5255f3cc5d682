"""Changing host aggregates: what is the same in all parts is changed in all, and a host decides the pod.

Texts and status codes: nova/api/openstack/compute/aggregates.py and nova/exception.py.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from triune.gateway.call import Call
from triune.gateway.compute.aggregate_hosts import add_host, remove_host
from triune.gateway.compute.aggregate_parts import in_words_of, refused, refused_by_home, tell
from triune.gateway.compute.aggregates import KIND, TAG, ZONE, Aggregate, Part, all_aggregates, named
from triune.gateway.errors import ApiError
from triune.gateway.fanout import compose
from triune.gateway.forward import unreachable
from triune.gateway.http import Response
from triune.gateway.numbers import top_number
from triune.gateway.place import UNKNOWN_ZONE
from triune.gateway.strategies import Anywhere
from triune.pods.client import Document, PodUnreachable

JSON = dict[str, Any]


async def create_aggregate(call: Call) -> Response:
    """`POST /os-aggregates`: its home is in a pod of the zone that is named, or else in the first that answers."""
    body = await call.json()
    wanted = body.get("aggregate") if body is not None else None
    if body is None or not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str):
        return await Anywhere()(call)
    told = await all_aggregates(call)
    if isinstance(told, Response):
        return told
    _require_free(told[0], wanted["name"])
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    zone = wanted.get(ZONE)
    if isinstance(zone, str):
        pods = [pod for pod in pods if pod.az_name == zone]
        if not pods:
            raise ApiError(400, UNKNOWN_ZONE["compute"])
    failure: PodUnreachable | None = None
    for pod in pods:
        if pod.id in call.missing:
            continue
        try:
            document = await call.fetch(call.target(pod), {**body, "aggregate": in_words_of(pod, wanted)})
        except PodUnreachable as error:
            call.lost(error)
            if error.sent:
                raise
            failure = error
            continue
        if not document.ok:
            return await call.respond(document)
        shown = document.part("aggregate")
        made = Aggregate(top_number(pod.region_name, shown["id"]), (Part(pod, shown),))
        return compose(document, {"aggregate": made.view()})
    if failure is not None:
        raise unreachable(failure)
    raise ApiError(503, f"No answer from {call.missing_names()}.")


async def change_aggregate(call: Call) -> Response:
    """`PUT /os-aggregates/{aggregate_id}`: name and zone, in all parts."""
    found = await _to_change(call)
    if isinstance(found, Response):
        return found
    aggregate, everything = found
    body = await call.json()
    wanted = body.get("aggregate") if body is not None else None
    if body is None or not isinstance(wanted, dict):
        return await refused_by_home(call, aggregate)
    if isinstance(name := wanted.get("name"), str):
        _require_free([each for each in everything if each.id != aggregate.id], name)
    _require_zone(aggregate, wanted, "Cannot update aggregate")
    return await _change_all(
        call,
        aggregate,
        lambda part: {**body, "aggregate": in_words_of(part.pod, wanted)},
        lambda part: {"aggregate": {key: part.shown[key] for key in wanted if part.shown.get(key)}},
    )


async def remove_aggregate(call: Call) -> Response:
    """`DELETE /os-aggregates/{aggregate_id}`: the home last, for it tells the id."""
    found = await _to_change(call)
    if isinstance(found, Response):
        return found
    aggregate, _ = found
    # One with hosts is not removed, so none of the others is.
    ordered = sorted(aggregate.parts, key=lambda part: (not part.shown["hosts"], part is aggregate.home))
    for part in ordered:
        document = await tell(call, part)
        if not document.ok and document.status != 404:
            return await refused(call, aggregate, part, document)
    await call.gateway.routings.drop(KIND, str(aggregate.id))
    # Somebody else may have removed the home just now.
    return await refused(call, aggregate, aggregate.home, document)


async def cache_images(call: Call) -> Response:
    """`POST /os-aggregates/{aggregate_id}/images` (2.81): in all parts."""
    found = await _to_change(call)
    if isinstance(found, Response):
        return found
    aggregate, _ = found
    body = await call.json()
    if body is None:
        return await refused_by_home(call, aggregate)
    documents = [(part, await tell(call, part, body, "/images")) for part in aggregate.parts]
    for part, document in documents:
        if not document.ok:
            return await refused(call, aggregate, part, document)
    return await call.respond(documents[0][1])


async def act_on_aggregate(call: Call) -> Response:
    """`POST /os-aggregates/{aggregate_id}/action`."""
    found = await _to_change(call)
    if isinstance(found, Response):
        return found
    aggregate, _ = found
    body = await call.json() or {}
    action = next(iter(body), "")
    value = body.get(action)
    if len(body) != 1 or action not in ACTIONS or not isinstance(value, dict):
        return await refused_by_home(call, aggregate)
    return await ACTIONS[action](call, aggregate, value)


# -- actions


async def _set_metadata(call: Call, aggregate: Aggregate, value: JSON) -> Response:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or value.keys() != {"metadata"}:
        return await refused_by_home(call, aggregate)
    if TAG in metadata:
        raise ApiError(400, f"Cannot update metadata of aggregate {aggregate.id}. Reason: {TAG} is the cloud's own.")
    _require_zone(aggregate, metadata, "Cannot update metadata of aggregate")

    def before(part: Part) -> JSON:
        known = part.shown.get("metadata", {})
        return {"set_metadata": {"metadata": {key: known.get(key) for key in metadata}}}

    return await _change_all(
        call,
        aggregate,
        lambda part: {"set_metadata": {"metadata": in_words_of(part.pod, metadata)}},
        before,
        "/action",
    )


ACTIONS: Final[Mapping[str, Callable[[Call, Aggregate, JSON], Awaitable[Response]]]] = {
    "add_host": add_host,
    "remove_host": remove_host,
    "set_metadata": _set_metadata,
}


# -- all parts


async def _change_all(
    call: Call,
    aggregate: Aggregate,
    change: Callable[[Part], JSON],
    before: Callable[[Part], JSON],
    suffix: str = "",
) -> Response:
    """The same change in all parts: the home judges it, and a refusal of another takes it back."""
    done: list[tuple[Part, Document]] = []
    for part in aggregate.parts:
        try:
            document = await tell(call, part, change(part), suffix)
        except PodUnreachable as error:
            if not done:
                raise
            raise ApiError(
                503, f"No answer from {error.pod.region_name}; the other pods have done this. Repeat the request."
            ) from error
        if not document.ok:
            for changed, _ in done:
                await tell(call, changed, before(changed), suffix)
            return await refused(call, aggregate, part, document)
        done.append((part, document))
    parts = tuple(Part(part.pod, document.part("aggregate")) for part, document in done)
    return compose(done[0][1], {"aggregate": Aggregate(aggregate.id, parts).view()})


async def _to_change(call: Call) -> tuple[Aggregate, list[Aggregate]] | Response:
    """The aggregate of a path and all there are. Raises `ApiError` 503 where a pod with a part of it is away."""
    found = await named(call)
    if isinstance(found, Response):
        return found
    aggregate, everything, _ = found
    routings = call.gateway.routings
    away = [pod for pod in call.missing.values() if await routings.bottom(KIND, str(aggregate.id), pod.id)]
    if away:
        names = ", ".join(sorted(pod.region_name for pod in away))
        raise ApiError(503, f"Aggregate {aggregate.id} has hosts in {names}, which does not answer.")
    call.missing.clear()
    return aggregate, everything


def _require_free(others: list[Aggregate], name: str) -> None:
    """A name is one aggregate's, as in Nova. Raises `ApiError` 409."""
    if any(part.shown["name"] == name.strip() for each in others for part in each.parts):
        raise ApiError(409, f"Aggregate {name.strip()} already exists.")


def _require_zone(aggregate: Aggregate, wanted: JSON, refusal: str) -> None:
    """An aggregate is in the zone of its pods: hosts do not leave them. Raises `ApiError` 400."""
    zone = wanted.get(ZONE)
    others = sorted({part.pod.az_name for part in aggregate.parts} - {zone})
    if isinstance(zone, str) and zone and others:
        reason = f"One or more hosts already in availability zone(s) {others}"
        raise ApiError(400, f"{refusal} {aggregate.id}. Reason: {reason}.")
