"""Hosts of host aggregates: a host decides the pod, and the first of a pod makes a part there."""

from typing import Any

from triune.gateway.call import Call
from triune.gateway.compute.aggregate_parts import PATH, in_words_of, refused, refused_by_home, tell
from triune.gateway.compute.aggregates import KIND, TAG, ZONE, Aggregate, Part
from triune.gateway.compute.services import compute_host, pod_of
from triune.gateway.errors import ApiError
from triune.gateway.fanout import compose
from triune.gateway.http import Response
from triune.pods.client import PodUnreachable
from triune.pods.registry import Pod

JSON = dict[str, Any]


async def add_host(call: Call, aggregate: Aggregate, value: JSON) -> Response:
    """The action `add_host`. Raises `ApiError` as Nova refuses it, `PodUnreachable`."""
    host = value.get("host")
    if not isinstance(host, str) or value.keys() != {"host"}:
        return await refused_by_home(call, aggregate)
    pod = await pod_of(call, compute_host(host))
    if isinstance(pod, Response):
        return pod
    if pod is None:
        return await refused_by_home(call, aggregate)
    if aggregate.zone is not None and pod.az_name != aggregate.zone:
        # nova.compute.api.AggregateAPI.is_safe_to_update_az
        raise ApiError(
            409,
            f"Cannot add host to aggregate {aggregate.id}. "
            f"Reason: One or more hosts already in availability zone(s) ['{pod.az_name}'].",
        )
    known = aggregate.part_in(pod)
    part = known or await _make_part(call, aggregate, pod)
    if isinstance(part, Response):
        return part
    document = await tell(call, part, {"add_host": value}, "/action", "POST")
    if not document.ok:
        if known is None:
            await _let_go(call, aggregate, part)
        return await refused(call, aggregate, part, document)
    changed = aggregate.with_part(Part(pod, document.part("aggregate")))
    return compose(document, {"aggregate": changed.view()})


async def remove_host(call: Call, aggregate: Aggregate, value: JSON) -> Response:
    """The action `remove_host`. Raises `ApiError` as Nova refuses it, `PodUnreachable`."""
    host = value.get("host")
    having = [part for part in aggregate.parts if host in part.shown["hosts"]]
    if len(having) > 1:
        names = ", ".join(part.pod.region_name for part in having)
        raise ApiError(400, f"Host name {host} refers to multiple hosts: {names}.")
    if not having:
        return await refused_by_home(call, aggregate)
    (part,) = having
    document = await tell(call, part, {"remove_host": value}, "/action", "POST")
    if not document.ok:
        return await refused(call, aggregate, part, document)
    left = Part(part.pod, document.part("aggregate"))
    if not left.shown["hosts"] and part is not aggregate.home:
        await _let_go(call, aggregate, left)
    return compose(document, {"aggregate": aggregate.with_part(left).view()})


async def _make_part(call: Call, aggregate: Aggregate, pod: Pod) -> Part | Response:
    """A part for the first host of a pod, with the name, zone and metadata of the home.

    What somebody else has made just now, or an earlier try did not finish, is taken.
    """
    home = aggregate.home.shown
    wanted = {"name": home["name"], **({ZONE: aggregate.zone} if aggregate.zone is not None else {})}
    path = f"/{call.service.version}{PATH}"
    document = await call.fetch(call.target(pod, "POST", path), {"aggregate": in_words_of(pod, wanted)})
    if document.status == 409:
        listed = await call.fetch(call.target(pod, "GET", path))
        same = [Part(pod, each) for each in listed.part("aggregates") if each["name"] == home["name"]]
        part = next((each for each in same if each.tag == aggregate.id or _is_unfinished(each)), None)
        if part is None:
            raise ApiError(409, f"Aggregate {home['name']} already exists in {pod.region_name}.")
    elif not document.ok:
        return await call.respond(document)
    else:
        part = Part(pod, {"hosts": [], "metadata": {}, **document.part("aggregate")})
    # Known before it holds anything, so that it is missed while its pod is away.
    await call.gateway.routings.put(KIND, str(aggregate.id), pod.id, str(part.bottom_id), None)
    metadata = {key: value for key, value in home["metadata"].items() if key not in (ZONE, TAG)}
    metadata[TAG] = str(aggregate.id)
    tagged = await tell(call, part, {"set_metadata": {"metadata": metadata}}, "/action", "POST")
    if not tagged.ok:
        await _let_go(call, aggregate, part)
        return await refused(call, aggregate, part, tagged)
    return Part(pod, tagged.part("aggregate"))


def _is_unfinished(part: Part) -> bool:
    """Whether this is what an interrupted `_make_part` leaves."""
    return part.tag is None and not part.shown["hosts"] and part.shown["metadata"].keys() <= {ZONE}


async def _let_go(call: Call, aggregate: Aggregate, part: Part) -> None:
    """Remove a part without hosts. One that somebody has just filled its pod does not remove."""
    try:
        document = await tell(call, part, method="DELETE")
    except PodUnreachable:
        # An empty part does no harm, and is there for the next host.
        return
    if document.ok or document.status == 404:
        await call.gateway.routings.forget(KIND, str(aggregate.id), part.pod.id)
