"""What a pod lacks for a server or a volume: an image that another pod has is copied when it is needed there."""

import asyncio
from collections.abc import Iterable
from typing import Any

from oslo_log import log as logging

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import IMAGE, is_uuid
from triune.pods.registry import Pod
from triune.shared.images import ACTIVE, bound
from triune.work.handler import KeyFailed, KeyWaits
from triune.work.requests import Key

LOG = logging.getLogger(__name__)


async def brought(call: Call, pods: list[Pod], image_ids: Iterable[str]) -> list[Pod]:
    """The first of some candidates to which the images could be brought that it lacks; all where none can be reached.

    Raises `ApiError` where the images are on their way, or cannot leave where they are.
    """
    for pod in pods:
        try:
            for image_id in image_ids:
                if not await bring(call, pod, image_id):
                    return pods
        except PodUnreachable as error:
            call.lost(error)
            continue
        return [pod]
    return pods


async def bring(call: Call, pod: Pod, image_id: Any) -> bool:
    """See that a pod has an image that the caller may see elsewhere; False where nobody has it.

    The request waits for the copy for `[image] boot_deadline`, and the copy goes on without it. Whatever is no id of an
    image, or is in nobody's hands, is left to the pod to refuse in its own words. Raises `ApiError` 400 where the image
    is bound to another pod or has no data yet, 409 where it does not come in time, 503 where it cannot be looked up;
    `PodUnreachable` when this pod is away.
    """
    if not isinstance(image_id, str) or not is_uuid(image_id):
        return True
    mine = await _ask(call, pod, image_id)
    if mine.ok and mine.part("status") == ACTIVE:
        return True
    found, away = await _elsewhere(call, pod, image_id)
    if not found:
        if not mine.ok and away:
            names = ", ".join(sorted(error.pod.region_name for error in away))
            raise ApiError(503, f"Image {image_id} cannot be looked up: no answer from {names}.")
        return mine.ok
    for document in found:
        if (reason := bound(document.json())) is not None:
            home = document.pod.az_name
            raise ApiError(
                400, f"Image {image_id} can be used in availability zone {home} only, not in {pod.az_name}: {reason}."
            )
    active = [document for document in found if document.part("status") == ACTIVE]
    if not active:
        if mine.ok:
            return True
        # nova.exception.ImageNotActive; Cinder says the same.
        raise ApiError(400, f"Image {image_id} is not active.")
    if not mine.ok and len(found) == 1 and not away:
        # It is in one pod alone, so it was made there: where it goes, its copies follow.
        await call.gateway.routings.add(IMAGE.name, image_id, active[0].pod.id, active[0].json().get("owner"))
    await _copied(call, pod, image_id)
    return True


async def _copied(call: Call, pod: Pod, image_id: str) -> None:
    """Wait for the copy, which the work engine makes once for all who ask for it. Raises `ApiError` 409."""
    gateway = call.gateway
    key = Key(IMAGE.name, image_id, pod.id)
    copying = gateway.background.start(
        gateway.runner.now(key, gateway.conf.worker.copy_deadline, call.caller.project_id)
    )
    # Whoever does not wait leaves it to go on; where this process ends, a worker takes it up.
    await asyncio.wait({copying}, timeout=gateway.conf.image.boot_deadline)
    coming = ApiError(
        409, f"Image {image_id} is still being copied to availability zone {pod.az_name}. Try again in a while."
    )
    if not copying.done():
        raise coming
    try:
        copying.result()
    except KeyWaits as error:
        raise coming from error
    except KeyFailed as error:
        LOG.warning("%s", error)
        if isinstance(error.__cause__, PodUnreachable) and error.__cause__.pod.id == pod.id:
            raise error.__cause__ from error
        raise ApiError(
            409, f"Image {image_id} could not be copied to availability zone {pod.az_name} yet. Try again in a while."
        ) from error


async def _elsewhere(call: Call, pod: Pod, image_id: str) -> tuple[list[Document], list[PodUnreachable]]:
    """The image as other pods show it to the caller, and the pods that do not answer."""
    others = [other for other in await call.gateway.registry.pods() if other.id != pod.id]
    found: list[Document] = []
    away: list[PodUnreachable] = []
    answers = await asyncio.gather(*(_ask(call, other, image_id) for other in others), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, PodUnreachable):
            if not await call.gateway.endpoints.lacks(answer.pod.region_name, IMAGE.service):
                away.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        # What was removed while a pod was away must not spread from there.
        elif answer.ok and not await call.gateway.intents.is_removed(Key(IMAGE.name, image_id, answer.pod.id)):
            found.append(answer)
    return found, away


async def _ask(call: Call, pod: Pod, image_id: str) -> Document:
    deadline = call.gateway.conf.pods.list_deadline
    return await call.fetch(call.target(pod, "GET", IMAGE.show(image_id), service=IMAGE.service, deadline=deadline))
