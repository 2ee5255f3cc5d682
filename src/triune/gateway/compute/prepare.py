"""What a pod lacks for a server: flavors and keypairs that another pod has are copied when first needed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from oslo_log import log as logging

from triune.gateway.call import Call
from triune.pods.client import PodUnreachable
from triune.pods.registry import Pod
from triune.shared.convergence import KEYPAIR, keypair_id
from triune.shared.copying import CopyRefused, copy_keypair, flavor_path, keypair_path
from triune.shared.flavor_changes import FLAVOR, copy_with_changes
from triune.work.handler import KeyFailed
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

Copy = Callable[[Pod, Pod], Awaitable[None]]


async def prepare_flavor(call: Call, pod: Pod, reference: Any) -> None:
    """See that a pod has a flavor that the caller may see elsewhere; Nova takes an id or a URL that ends in one.

    Raises `PodUnreachable` when this pod is away, or lacks what only a pod that is away can have.
    """
    if not isinstance(reference, str | int):
        return
    flavor_id = str(reference).rstrip("/").rpartition("/")[2]

    async def copy(source: Pod, target: Pod) -> None:
        shared, deadline = call.gateway, call.gateway.conf.pods.request_deadline
        await copy_with_changes(shared.service_user, shared.changes, shared.runner, source, target, flavor_id, deadline)

    await _prepare(call, Key(FLAVOR, flavor_id, pod.id), pod, flavor_path(flavor_id), copy)


async def prepare_keypair(call: Call, pod: Pod, name: Any) -> None:
    """See that a pod has the caller's keypair. Raises `PodUnreachable` as `prepare_flavor` does."""
    if not isinstance(name, str) or not name:
        return
    user_id = call.caller.user_id

    async def copy(source: Pod, target: Pod) -> None:
        await copy_keypair(call.gateway.service_user, source, target, user_id, name)

    await _prepare(call, Key(KEYPAIR, keypair_id(user_id, name), pod.id), pod, keypair_path(name), copy)


async def _prepare(call: Call, key: Key, pod: Pod, path: str, copy: Copy) -> None:
    """Copy what is missing, with Triune's own rights but only what the caller can see.

    Where no pod has it, or it cannot be copied, the pod refuses the server in its own words.
    """
    deadline = call.gateway.conf.pods.list_deadline
    if key.resource_id.rpartition("/")[2] in (".", ".."):
        # No name of anything, but a way to other paths when asked with Triune's own rights.
        return
    if (await call.fetch(call.target(pod, "GET", path, deadline=deadline))).status != 404:
        return
    source = await _source(call, key, pod, path, deadline)
    if source is None:
        return
    try:
        await copy(source, pod)
    except KeyFailed as error:
        # Somebody else writes into it there, and does not end.
        raise PodUnreachable(pod, "compute", error.reason, sent=False) from error
    except CopyRefused as error:
        if not error.document.is_decided:
            raise PodUnreachable(pod, "compute", f"HTTP {error.document.status}", sent=False) from error
        LOG.warning("%s", error)


async def _source(call: Call, key: Key, pod: Pod, path: str, deadline: float) -> Pod | None:
    """Another pod that shows the resource to the caller, the first to answer; None where all say that they have none.

    Raises `PodUnreachable` where one of them does not say.
    """
    unsure: PodUnreachable | None = None
    questions = [
        asyncio.create_task(call.fetch(call.target(other, "GET", path, deadline=deadline)))
        for other in await call.pods()
        if other.id != pod.id
    ]
    try:
        for question in asyncio.as_completed(questions):
            try:
                document = await question
            except PodUnreachable as error:
                unsure = error
                continue
            if not document.is_decided:
                unsure = PodUnreachable(document.pod, "compute", f"HTTP {document.status}", sent=False)
            # What was removed while a pod was away must not spread from there.
            if document.ok and not await call.gateway.intents.is_removed(replace(key, pod_id=document.pod.id)):
                return document.pod
    finally:
        for task in questions:
            task.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
    if unsure is not None:
        raise unsure
    return None
