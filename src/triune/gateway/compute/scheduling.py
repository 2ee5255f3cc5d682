"""Whether a pod has found a host for new servers: where another pod could take them, the answer waits for that.

Nova answers before its scheduler has looked. A server for which there is no host is then in ERROR, with the fault that
`NoValidHost` leaves (nova/conductor/manager.py, `schedule_and_build_instances`, `_bury_in_cell0`); until a host begins
with it, its task is `scheduling`.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from oslo_log import log as logging

from triune.gateway.call import Call
from triune.gateway.place import UNKNOWN_ZONE
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SERVER
from triune.pods.registry import Pod

LOG = logging.getLogger(__name__)

JSON = Mapping[str, Any]

# Seconds between looks: the first, and the longest, for it doubles.
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 1.0
# How NoValidHost and what Nova derives from it begin (nova/exception.py).
NO_VALID_HOST = ("No valid host was found", "Exceeded maximum number of retries")
# Shows the reservation of a server to administrators.
RESERVATIONS = "compute 2.3"
RESERVATION = "OS-EXT-SRV-ATTR:reservation_id"
_TASK = "OS-EXT-STS:task_state"


class Verdict(Enum):
    """What a pod's scheduler has said of a server."""

    UNDECIDED = "undecided"
    TAKEN = "taken"
    NO_HOST = "no host"


def verdict(server: JSON) -> Verdict:
    """Read a server as Nova shows it to administrators."""
    status = server.get("status")
    if status == "ERROR":
        fault = server.get("fault")
        if not isinstance(fault, Mapping):
            # Nova writes the state first.
            return Verdict.UNDECIDED
        return Verdict.NO_HOST if str(fault.get("message")).startswith(NO_VALID_HOST) else Verdict.TAKEN
    if status == "UNKNOWN" or server.get(_TASK) == "scheduling":
        return Verdict.UNDECIDED
    return Verdict.TAKEN


def joint_verdict(servers: Iterable[JSON]) -> Verdict:
    """The same of servers of one request: without a host only if none has one."""
    verdicts = {verdict(server) for server in servers}
    if Verdict.TAKEN in verdicts or not verdicts:
        return Verdict.TAKEN
    return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.NO_HOST


def _has_no_zone(document: Document) -> bool:
    """Whether a pod refuses the zone in which it is to make a server."""
    if document.status != 400:
        return False
    try:
        return bool(document.part("badRequest", "message") == UNKNOWN_ZONE["compute"])
    except PodUnreachable:
        return False


class Undone(Exception):
    """A pod cannot tell about a server, or does not remove it."""


class Scheduling:
    """Waits for a pod's scheduler, with Triune's own rights: who may make servers may perhaps do nothing else.

    `several` tells whether one request to the pod makes more than one server.
    """

    def __init__(self, call: Call, several: bool = False) -> None:
        self._call = call
        self._several = several
        self._user = call.gateway.service_user
        self._wait: float = call.gateway.conf.gateway.scheduling_wait

    async def passes_over(self, document: Document) -> bool:
        """Whether the pod has no host for the servers that it has just answered about; then they are gone.

        Where it cannot be told in time, or they cannot be removed, they stay. Raises `PodUnreachable` where it is not
        known whether one was removed.
        """
        if _has_no_zone(document):
            # The zone is the pod's own word for that of the top: no host of it takes servers now.
            return True
        if not document.ok or not self._wait:
            return False
        try:
            async with asyncio.timeout(self._wait):
                servers = await self._without_host(document)
        except (TimeoutError, Undone) as error:
            LOG.info("New servers are left to %s: %s", document.pod.region_name, error or "no decision in time")
            return False
        if not servers:
            return False
        try:
            # The one that the client would be told of is the last to go.
            for server_id in reversed([str(server["id"]) for server in servers]):
                await self._remove(document.pod, server_id)
        except Undone as error:
            LOG.warning("A server without a host stays in %s: %s", document.pod.region_name, error)
            return False
        LOG.info("%s has no host for %d servers; the next pod is asked", document.pod.region_name, len(servers))
        return True

    async def _without_host(self, document: Document) -> Sequence[JSON]:
        """The servers of an answer if none got a host, else nothing. Ends when that is decided; raises `Undone`."""
        pause = FIRST_PAUSE
        told = document.json()
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                servers = await self._servers(document.pod, told)
            except PodUnreachable as error:
                LOG.info("It is not known yet what becomes of a server: %s", error)
                continue
            match joint_verdict(servers):
                case Verdict.TAKEN:
                    return []
                case Verdict.NO_HOST:
                    return servers

    async def _servers(self, pod: Pod, told: Any) -> Sequence[JSON]:
        """The servers that a pod has told of, the one first that it named. Raises `Undone`, `PodUnreachable`."""
        server = told.get("server") if isinstance(told, dict) else None
        reservation = told.get("reservation_id") if isinstance(told, dict) else None
        named: list[JSON] = []
        if isinstance(server, dict) and isinstance(server.get("id"), str):
            shown = await self._shown(pod, SERVER.show(server["id"]))
            named = [shown.part("server")]
            reservation = named[0].get(RESERVATION) if self._several else None
        if not isinstance(reservation, str) or not reservation:
            return named
        project_id = self._call.caller.project_id
        # Nova reads the reservation as a regular expression.
        query = {"all_tenants": "1", "project_id": project_id or "", "reservation_id": f"^{reservation}$"}
        listed = await self._shown(pod, "/v2.1/servers/detail", urlencode(query))
        if "servers_links" in listed.json():
            raise Undone("there are more than fit into one list")
        seen = {each["id"] for each in named}
        others = (each for each in listed.part("servers") if each["id"] not in seen)
        return [
            *named,
            *(each for each in others if (each[RESERVATION], each["tenant_id"]) == (reservation, project_id)),
        ]

    async def _shown(self, pod: Pod, path: str, query: str = "") -> Document:
        document = await self._user.fetch(
            pod, "compute", "GET", path, query=query, microversion=RESERVATIONS, deadline=self._wait
        )
        if document.status >= 500:
            raise PodUnreachable(pod, "compute", f"HTTP {document.status}")
        if not document.ok:
            # Somebody has removed it, say.
            raise Undone(f"HTTP {document.status}")
        return document

    async def _remove(self, pod: Pod, server_id: str) -> None:
        """Remove a server. Raises `Undone` where it surely stays, `PodUnreachable` where that is not known."""
        try:
            document = await self._user.fetch(pod, "compute", "DELETE", SERVER.show(server_id))
        except PodUnreachable as error:
            if error.sent:
                raise
            raise Undone(str(error)) from error
        if not document.ok:
            # Also where its owner was faster, who then does not want another one.
            raise Undone(f"HTTP {document.status}")
