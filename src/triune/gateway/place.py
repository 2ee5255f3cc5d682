"""New resources: what decides their pod, and trying the candidates in turn."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.forward import unreachable
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import IMAGE, Kind, NotInAnyPod, PodsMissing
from triune.pods.placement import Anchor, NoCandidate, UnknownZone, candidates
from triune.pods.registry import Pod

JSON = dict[str, Any]
# Nova (servers.py) and Cinder (exception.InvalidAvailabilityZone) on a zone that they do not know.
UNKNOWN_ZONE = {
    "compute": "The requested availability zone is not available",
    "volume": "Availability zone '{}' is invalid.",
}
Prepare = Callable[[Pod], Awaitable[JSON]]


async def anchors(call: Call, needed: Iterable[tuple[Kind, Any]]) -> list[Anchor]:
    """Where the things are that a new resource needs.

    What no pod has is left out: the pod that is chosen refuses it in its own words. Raises `ApiError` 503 when it
    cannot be known because pods are away.
    """
    wanted = [(kind, value) for kind, value in needed if isinstance(value, str) and value]

    async def find(kind: Kind, value: str) -> Anchor | None:
        try:
            return Anchor(f"{kind.name.replace('_', ' ')} {value}", await call.locate(kind, value))
        except NotInAnyPod:
            return None
        except PodsMissing as error:
            raise ApiError(503, f"{kind.name} {value} cannot be looked up: {error}.") from error

    found = await asyncio.gather(*(find(kind, value) for kind, value in wanted))
    return [anchor for anchor in found if anchor is not None]


async def ordered_candidates(call: Call, zone: str | None, needed: list[Anchor]) -> list[Pod]:
    """The pods to try, the best first; those whose service answers before the others. Raises `ApiError` 400."""
    used = await call.gateway.routings.used_pods(call.caller.project_id)
    try:
        chosen = candidates(
            await call.pods(), zone or call.gateway.conf.gateway.default_availability_zone, needed, used
        )
    except UnknownZone as error:
        raise ApiError(400, UNKNOWN_ZONE[call.service.name].format(error.zone)) from error
    except NoCandidate as error:
        raise ApiError(400, str(error)) from error
    health = call.gateway.health
    return sorted(chosen, key=lambda pod: health.breaker(pod.id, call.service.name).is_open)


async def with_image(call: Call, pods: list[Pod], image_id: Any) -> list[Pod]:
    """The candidates that have an image; all of them when none has it, for the native refusal."""
    if not isinstance(image_id, str) or not image_id or len(pods) < 2:
        return pods

    async def has(pod: Pod) -> bool:
        target = call.target(
            pod, "GET", IMAGE.show(image_id), service=IMAGE.service, deadline=call.gateway.conf.pods.list_deadline
        )
        try:
            document = await call.fetch(target)
            return document.ok and document.part("status") == "active"
        except PodUnreachable:
            return False

    holds = await asyncio.gather(*(has(pod) for pod in pods))
    return [pod for pod, has_it in zip(pods, holds, strict=True) if has_it] or pods


async def create(call: Call, pods: list[Pod], kind: Kind, prepare: Prepare) -> Response:
    """Create a resource in the first pod that can be reached, and remember where it is.

    A pod that may have got the request is never passed over, for the resource could then exist twice.
    """
    failure: PodUnreachable | None = None
    for pod in pods:
        try:
            body = await prepare(pod)
        except PodUnreachable as error:
            call.lost(error)
            # Whatever preparing has sent, the request itself was not.
            failure = PodUnreachable(pod, error.service, error.reason, sent=False)
            continue
        try:
            document = await call.fetch(call.target(pod), body)
        except PodUnreachable as error:
            call.lost(error)
            failure = error
            if error.sent:
                break
            continue
        call.missing.clear()
        if document.ok:
            await _remember(call, document, kind)
        return await call.respond(document)
    assert failure is not None
    raise unreachable(failure) from failure


async def _remember(call: Call, document: Document, kind: Kind) -> None:
    resource_id = document.json().get(kind.name, {}).get("id")
    # A request for several servers may answer with a reservation id only; they are found by search.
    if isinstance(resource_id, str):
        await call.gateway.locator.remember(kind, resource_id, document.pod, call.caller.project_id)
