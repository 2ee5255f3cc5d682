"""Bringing what was written down to all pods while a request waits."""

import asyncio
from collections.abc import Callable

from oslo_log import log as logging

from triune.gateway.call import Call
from triune.pods.registry import Pod
from triune.work.handler import KeyFailed
from triune.work.requests import Key

LOG = logging.getLogger(__name__)


async def bring(call: Call, key_in: Callable[[str], Key]) -> list[Pod]:
    """Bring what was written down to all pods, the one that judged it too: the pods that have it now.

    `key_in` makes the key for the id of a pod. It goes there under the keys' leases, so that nothing older that is
    under way comes later. A pod that does not take it is named as missing: the worker goes on with it.
    """
    pods = [pod for pod in await call.pods() if pod.id not in call.missing]
    runner, deadline = call.gateway.runner, call.gateway.conf.pods.request_deadline

    async def one(pod: Pod) -> None:
        key = key_in(pod.id)
        try:
            await runner.now(key, deadline, call.caller.project_id, demand=False)
        except KeyFailed as error:
            LOG.warning("%s does not have %s %s yet: %s", pod.region_name, key.kind, key.resource_id, error.reason)
            call.missing[pod.id] = pod

    await asyncio.gather(*(one(pod) for pod in pods))
    return [pod for pod in pods if pod.id not in call.missing]
