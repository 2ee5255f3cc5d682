"""New resources: what decides their pod, and trying the candidates in turn."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.forward import unreachable
from triune.gateway.http import Response
from triune.gateway.image.bring import brought
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import IMAGE, Kind, NotInAnyPod, PodsMissing, is_uuid
from triune.pods.placement import Anchor, Limit, Limited, NoCandidate, UnknownZone
from triune.pods.registry import Pod
from triune.scheduler.request import PodState, RequestSpec

JSON = dict[str, Any]
# Nova (servers.py) and Cinder (exception.InvalidAvailabilityZone) on a zone that they do not know.
UNKNOWN_ZONE = {
    "compute": "The requested availability zone is not available",
    "volume": "Availability zone '{}' is invalid.",
}
# The most things whose place is looked up for one request.
MAX_ANCHORS = 64
Prepare = Callable[[Pod], Awaitable[JSON]]
# Whether there is room for what is asked for, by the ids of pods; those that cannot tell are left out.
Room = Callable[[Sequence[Pod]], Awaitable[Mapping[str, bool]]]
# Whether the next pod is to be tried although this one took the request. Raises `PodUnreachable`.
PassesOver = Callable[[Document], Awaitable[bool]]


async def anchors(call: Call, needed: Iterable[tuple[Kind, Any]]) -> list[Anchor]:
    """Where the things are that a new resource needs.

    What no pod has is left out: the pod that is chosen refuses it in its own words. Raises `ApiError` 503 when it
    cannot be known because pods are away.
    """
    named = ((kind, value) for kind, value in needed if isinstance(value, str) and value)
    # Once each, and so many as a real request has; with more of them the pod has its own limits.
    wanted = list(dict.fromkeys(named))[:MAX_ANCHORS]

    async def find(kind: Kind, value: str) -> Anchor | None:
        try:
            return Anchor(
                f"{kind.name.replace('_', ' ')} {value}", await call.locate(kind, value), kind.show(value), kind.service
            )
        except NotInAnyPod:
            return None
        except PodsMissing as error:
            raise ApiError(503, f"{kind.name} {value} cannot be looked up: {error}.") from error

    found = await asyncio.gather(*(find(kind, value) for kind, value in wanted))
    return [anchor for anchor in found if anchor is not None]


async def ordered_candidates(
    call: Call,
    zone: str | None,
    needed: list[Anchor],
    limits: Iterable[Limit] = (),
    body: JSON | None = None,
    room: Room | None = None,
) -> list[Pod]:
    """The pods to try, the best first, by the filters and weighers of the settings. Raises `ApiError` 400.

    `body` is what the tenant sent; `room` is asked which pods have room where there are several.
    """
    zone = zone or call.gateway.conf.gateway.default_availability_zone
    scheduler, health = call.gateway.scheduler, call.gateway.health
    used = await call.gateway.routings.used_pods(call.caller.project_id)
    states = [
        PodState(pod, used.get(pod.id, 0), not health.breaker(pod.id, call.service.name).is_open)
        for pod in await call.pods()
    ]
    request = RequestSpec(
        call.service.name, call.caller.project_id, zone, tuple(needed), tuple(limits), body if body is not None else {}
    )
    try:
        chosen = scheduler.select(states, request)
    except Limited as error:
        if await _visible(call, needed):
            raise ApiError(400, str(error)) from error
        raise ApiError(400, "What the request names is not in one availability zone.") from error
    except UnknownZone as error:
        raise ApiError(400, UNKNOWN_ZONE[call.service.name].format(error.zone)) from error
    except NoCandidate as error:
        if await _visible(call, needed):
            raise ApiError(400, str(error)) from error
        request = replace(request, anchors=(), limits=())
        chosen = scheduler.select(states, request)
    if room is not None and len(chosen) > 1:
        has_capacity = await room([state.pod for state in chosen])
        known = [replace(state, has_capacity=has_capacity.get(state.pod.id)) for state in chosen]
        try:
            chosen = scheduler.select(known, request)
        except NoCandidate:
            # None has room: the first one says so in its own words.
            pass
    return [state.pod for state in chosen]


async def with_images(call: Call, pods: list[Pod], image_ids: Iterable[Any]) -> list[Pod]:
    """The candidates that have all the images; where none has them, the first to which they could be brought.

    All candidates, for the native refusal, when nobody has them. Raises `ApiError`.
    """
    named = (value for value in image_ids if isinstance(value, str) and is_uuid(value))
    wanted = list(dict.fromkeys(named))[:MAX_ANCHORS]
    if not wanted:
        return pods
    holds = await asyncio.gather(*(_has_all(call, pod, wanted) for pod in pods))
    having = [pod for pod, has_them in zip(pods, holds, strict=True) if has_them]
    return having or await brought(call, pods, wanted)


async def _has_all(call: Call, pod: Pod, image_ids: list[str]) -> bool:
    deadline = call.gateway.conf.pods.list_deadline
    for image_id in image_ids:
        target = call.target(pod, "GET", IMAGE.show(image_id), service=IMAGE.service, deadline=deadline)
        try:
            document = await call.fetch(target)
            if not document.ok or document.part("status") != "active":
                return False
        except PodUnreachable:
            return False
    return True


def _words(kind: Kind, resource_id: str) -> str:
    return f"{kind.name.replace('_', ' ')} {resource_id}"


async def _visible(call: Call, needed: list[Anchor]) -> bool:
    """Whether the caller can see all of these; where others' things are is told to nobody.

    Raises `PodUnreachable` where a pod does not say.
    """
    deadline = call.gateway.conf.pods.list_deadline
    for anchor in needed:
        target = call.target(anchor.pod, "GET", anchor.path, service=anchor.service, deadline=deadline)
        document = await call.fetch(target)
        if not document.is_decided:
            raise PodUnreachable(anchor.pod, anchor.service, f"HTTP {document.status}", sent=False)
        if not document.ok:
            return False
    return True


async def require_same_pod(call: Call, what: str, pod: Pod, kind: Kind, resource_id: Any) -> None:
    """Refuse to join things of two pods. Raises `ApiError` 400 naming both zones, 503 where a pod is away.

    What does not exist, or belongs to somebody else, is left to the pod to refuse in its own words.
    """
    if not isinstance(resource_id, str):
        return
    try:
        other = await call.locate(kind, resource_id)
    except NotInAnyPod:
        return
    except PodsMissing as error:
        raise ApiError(503, f"{_words(kind, resource_id)} cannot be looked up: {error}.") from error
    anchor = Anchor(_words(kind, resource_id), other, kind.show(resource_id), kind.service)
    if other.id != pod.id and await _visible(call, [anchor]):
        raise ApiError(
            400,
            f"{what} is in availability zone {pod.az_name}, but {anchor.description} is in availability zone "
            f"{other.az_name}.",
        )


async def create(
    call: Call, pods: list[Pod], kind: Kind, key: str, prepare: Prepare, passes_over: PassesOver | None = None
) -> Response:
    """Create a resource in the first pod that can be reached, and remember where it is; `key` is its key in bodies.

    A pod that may have got the request is never passed over, for the resource could then exist twice; but where there
    is another one, `passes_over` may have removed what was made.
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
            if passes_over is not None and pod is not pods[-1] and await passes_over(document):
                continue
        except PodUnreachable as error:
            call.lost(error)
            failure = error
            if error.sent:
                break
            continue
        call.missing.clear()
        if document.ok:
            await _remember(call, document, kind, key)
        return await call.respond(document)
    assert failure is not None
    raise unreachable(failure) from failure


async def _remember(call: Call, document: Document, kind: Kind, key: str) -> None:
    resource_id = document.json().get(key, {}).get("id")
    # A request for several servers may answer with a reservation id only; they are found by search.
    if isinstance(resource_id, str):
        await call.gateway.locator.remember(kind, resource_id, document.pod, call.caller.project_id)
