"""Flavors in one pod after what was changed in them, and copies that miss no change.

Whatever writes into a flavor that is there does so under the lease of its change's key in that pod: so it comes in the
order in which it was asked for.
"""

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.shared.changes import Changes
from triune.shared.copying import FLAVOR_VERSION, CopyRefused, copy_flavor, flavor_path
from triune.shared.flavor_parts import DEFINITION, change_flavor, same_flavor
from triune.shared.intents import Intents
from triune.work.handler import Handler, KeyFailed
from triune.work.requests import Key
from triune.work.runner import Runner

FLAVOR: Final = "flavor"
FLAVOR_CHANGE: Final = "flavor_change"
# How often a copy waits for somebody else who writes into the same flavor.
TURNS: Final = 5


class FlavorChanges:
    """Brings the changes of one flavor to one pod."""

    def __init__(self, registry: Registry, user: ServiceUser, intents: Intents, changes: Changes) -> None:
        self._registry = registry
        self._user = user
        self._intents = intents
        self._changes = changes

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker calls for each kind."""
        return {FLAVOR_CHANGE: self.change}

    async def change(self, key: Key) -> None:
        """Change a flavor in a pod, if it is there, and the one that was changed in the others.

        A pod that lacks it gets it as it is to be when it is copied there.
        """
        generation, wanted = await self._changes.of(key)
        pod = next((pod for pod in await self._registry.pods() if pod.id == key.pod_id), None)
        if pod is None or not wanted:
            return
        settled = partial(self._changes.made, key, generation)
        if not await self._intents.is_removed(Key(FLAVOR, key.resource_id, key.pod_id)):
            path = flavor_path(key.resource_id)
            shown = await self._user.fetch(pod, "compute", "GET", path, microversion=FLAVOR_VERSION)
            if not shown.ok and shown.status != 404:
                raise CopyRefused(f"flavor {key.resource_id}", shown)
            if shown.ok:
                if DEFINITION in wanted and not same_flavor(shown.part("flavor"), wanted[DEFINITION]):
                    raise CopyRefused(f"flavor {key.resource_id} is another one there", shown)
                await change_flavor(self._user, pod, key.resource_id, wanted, settled)
        await settled(wanted)


async def copy_with_changes(
    user: ServiceUser, changes: Changes, runner: Runner, source: Pod, target: Pod, flavor_id: str, deadline: float
) -> None:
    """Copy a flavor as it is to be, whatever the source lacks itself and whoever changes it meanwhile.

    `deadline` is in seconds, for those who write into it before. Raises `CopyRefused`, `PodUnreachable`, `KeyFailed`.
    """
    key = Key(FLAVOR_CHANGE, flavor_id, target.id)
    for _ in range(TURNS):
        await runner.now(key, deadline, demand=False)
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(runner.held(key))
            except KeyFailed:
                continue
            # Before the source is read: so what it lacks now is known, and what it does not lack is read. A change that
            # comes later is written down for the target too, and waits there until this has ended.
            _, lacks = await changes.of(Key(FLAVOR_CHANGE, flavor_id, source.id))
            await copy_flavor(user, source, target, flavor_id)
            await change_flavor(user, target, flavor_id, lacks, _nothing)
            return
    raise KeyFailed(key, "somebody else works on it")


async def _nothing(_parts: Iterable[str]) -> None:
    """What becomes of the source's own changes is the source's business."""
