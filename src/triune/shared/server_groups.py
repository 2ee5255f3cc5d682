"""Server groups that span pods: how their twins are known, and removing them from pods that were away.

Nova gives a group its id, and lets nobody change or tag one. So a twin carries the id at the top in its name, behind
the name that the user gave (docs/decisions/0022-twins-of-server-groups.md).
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from oslo_log import log as logging

from triune.pods.client import Document
from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.shared.copying import CopyRefused
from triune.shared.intents import Intents
from triune.work.handler import Handler
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Keys: a group that is wanted no more in a pod; and whoever makes a twin or a first member, or removes the group.
SERVER_GROUP: Final = "server_group"
SERVER_GROUP_CHANGE: Final = "server_group_change"
PATH: Final = "/v2.1/os-server-groups"
# The microversion from which groups tell whose they are.
OWNED: Final = (2, 13)
# Pages of one pod; a loop needs a bound.
MAX_PAGES: Final = 1000

_MARK: Final = " triune:"
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# So much of a name is kept in a twin's: Nova takes 255 characters, of which the mark needs 44.
_KEPT: Final = 200


def twin_name(name: str, top_id: str) -> str:
    """The name of a twin of the group that has this name and id at the top."""
    return f"{name[:_KEPT].rstrip()}{_MARK}{top_id}"


def own_name(name: str) -> str:
    """The name in the pod of a group that is no twin: one that looks like a twin's is set off."""
    return name if parsed(name) == (name, None) else f"{name}{_MARK}"


def parsed(name: str) -> tuple[str, str | None]:
    """The name at the top of a group that has this name in a pod, and of a twin the id at the top."""
    before, mark, behind = name.rpartition(_MARK)
    if not mark or not before or (behind and _ID.fullmatch(behind) is None):
        return name, None
    return before, behind or None


def removal_key(project_id: str, top_id: str, pod: Pod) -> Key:
    """The key of a group that is removed, in a pod."""
    return Key(SERVER_GROUP, f"{project_id}/{top_id}", pod.id)


class ServerGroups:
    """The handlers of server groups."""

    def __init__(self, registry: Registry, user: ServiceUser, intents: Intents) -> None:
        self._registry = registry
        self._user = user
        self._intents = intents

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker calls for each kind."""
        return {SERVER_GROUP: self._converge, SERVER_GROUP_CHANGE: self._settle}

    async def _converge(self, key: Key) -> None:
        """A removed group goes from a pod that was away: its home or its twins, whichever the pod has."""
        pod = next((pod for pod in await self._registry.pods() if pod.id == key.pod_id), None)
        if pod is None or not await self._intents.is_removed(key):
            return
        project_id, _, top_id = key.resource_id.partition("/")
        for shown in await self._listed(pod):
            if shown["project_id"] == project_id and top_id in (shown["id"], parsed(shown["name"])[1]):
                document = await self._ask(pod, "DELETE", f"{PATH}/{quote(shown['id'], safe='')}")
                if not document.ok and document.status != 404:
                    raise CopyRefused(f"{key.kind} {top_id}", document)
                LOG.info("Server group %s removed from %s", top_id, pod.region_name)

    async def _settle(self, _key: Key) -> None:
        """Who changed a group has died: what was made carries its mark, and who needs it finds it."""

    async def _listed(self, pod: Pod) -> list[JSON]:
        """The groups of all projects, in pages whose length the pod decides."""
        found: list[JSON] = []
        for _ in range(MAX_PAGES):
            query = urlencode({"all_projects": "true", "offset": len(found)})
            document = await self._ask(pod, "GET", PATH, query)
            if not document.ok:
                raise CopyRefused(f"GET {PATH}", document)
            page = document.part("server_groups")
            if not page:
                break
            found += page
        return found

    async def _ask(self, pod: Pod, method: str, path: str, query: str = "") -> Document:
        version = f"compute {'.'.join(map(str, OWNED))}"
        return await self._user.fetch(pod, "compute", method, path, query=query, microversion=version)
