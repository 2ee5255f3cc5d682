"""Handlers of the work engine: a pod that was away gets what it lacks, and loses what was removed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.shared.changes import Changes
from triune.shared.copying import (
    FLAVOR_VERSION,
    KEYPAIR_VERSION,
    CopyRefused,
    copy_keypair,
    flavor_path,
    keypair_path,
)
from triune.shared.flavor_changes import FLAVOR, copy_with_changes
from triune.shared.intents import Intents
from triune.work.handler import Handler
from triune.work.requests import Key
from triune.work.runner import Runner

KEYPAIR = "keypair"

Ask = Callable[[Pod, str], Awaitable[Document]]
Copy = Callable[[Pod, Pod], Awaitable[None]]


def keypair_id(user_id: str, name: str) -> str:
    """The resource id of a keypair: names are a user's own."""
    return f"{user_id}/{name}"


class Convergence:
    """Brings one shared resource in one pod to what is wanted."""

    def __init__(
        self, registry: Registry, user: ServiceUser, intents: Intents, changes: Changes, runner: Runner
    ) -> None:
        self._registry = registry
        self._user = user
        self._intents = intents
        self._changes = changes
        self._runner = runner

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker calls for each kind."""
        return {FLAVOR: self.flavor, KEYPAIR: self.keypair}

    async def flavor(self, key: Key) -> None:
        """A flavor, with its extra specs and access list. One that is there already is never overwritten."""

        async def ask(pod: Pod, method: str) -> Document:
            path = flavor_path(key.resource_id)
            return await self._user.fetch(pod, "compute", method, path, microversion=FLAVOR_VERSION)

        async def copy(source: Pod, target: Pod) -> None:
            deadline = self._runner.pace.attempt_deadline
            await copy_with_changes(self._user, self._changes, self._runner, source, target, key.resource_id, deadline)

        await self._converge(key, ask, copy)

    async def keypair(self, key: Key) -> None:
        """A user's keypair."""
        user_id, _, name = key.resource_id.partition("/")

        async def ask(pod: Pod, method: str) -> Document:
            query = urlencode({"user_id": user_id})
            path = keypair_path(name)
            return await self._user.fetch(pod, "compute", method, path, query=query, microversion=KEYPAIR_VERSION)

        async def copy(source: Pod, target: Pod) -> None:
            await copy_keypair(self._user, source, target, user_id, name)

        await self._converge(key, ask, copy)

    async def _converge(self, key: Key, ask: Ask, copy: Copy) -> None:
        pods = await self._registry.pods()
        pod = next((pod for pod in pods if pod.id == key.pod_id), None)
        if pod is None:
            return
        if await self._intents.is_removed(key):
            _require(key, await ask(pod, "DELETE"))
            return
        if _require(key, await ask(pod, "GET")):
            return
        away: PodUnreachable | None = None
        for source in pods:
            if source.id == pod.id or await self._intents.is_removed(replace(key, pod_id=source.id)):
                continue
            try:
                if _require(key, await ask(source, "GET")):
                    await copy(source, pod)
                    return
            except PodUnreachable as error:
                away = error
        if away is not None:
            # The only pod that has it may be the one that is away.
            raise away


def _require(key: Key, document: Document) -> bool:
    """Whether the resource was there. Raises `CopyRefused` for any other answer than that it was or was not."""
    if not document.ok and document.status != 404:
        raise CopyRefused(f"{key.kind} {key.resource_id}", document)
    return document.ok
