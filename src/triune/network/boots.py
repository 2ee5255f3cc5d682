"""Attempts to give ports to a server that their gateway did not bring to an end (kind `boot`)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from oslo_log import log as logging

from triune.db.engine import Database
from triune.network.clocks import since
from triune.network.names import BOOT_DEVICE
from triune.network.port_twins import PodRefused, twins
from triune.network.top_ports import TopChanged, TopPorts, placement
from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.work.handler import Again
from triune.work.journal import Journal, Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# For so many seconds after its last change a port may still be on its way to a server that nobody sees yet.
UNDER_WAY = 20.0
# Seconds between looks at a pod that is still building servers.
PAUSE = 3.0
# How often ports that change meanwhile are read again.
LOOKS = 4


async def let_go_all(ports: TopPorts, boot_id: str) -> None:
    """Nobody has got the ports of an attempt: delete what was made for it, release what was given.

    Raises `TopRefused`, `PodUnreachable`.
    """
    for _ in range(LOOKS):
        try:
            for port in await ports.of_device(f"{BOOT_DEVICE}{boot_id}"):
                await ports.let_go(port)
            return
        except TopChanged as error:
            LOG.info("%s; looking again", error)
    raise TimeoutError(f"the ports of attempt {boot_id} go on changing")


class Boots:
    """The handler of the kind `boot`: finds out whether a server got the ports, and settles them."""

    def __init__(
        self,
        _database: Database,
        _journal: Journal,
        registry: Registry,
        user: ServiceUser,
        ports: TopPorts,
        under_way: float = UNDER_WAY,
    ) -> None:
        self._registry = registry
        self._user = user
        self._ports = ports
        self._under_way = under_way

    async def __call__(self, key: Key) -> Again | None:
        """Settle one attempt. Raises what makes it due again: `PodUnreachable`, `TopRefused`, `PodRefused`."""
        waits: Again | None = None
        left, read_at = await self._ports.dated(f"{BOOT_DEVICE}{key.resource_id}")
        pods = {pod.id: pod for pod in await self._registry.pods()}
        for pod_id in {placement(port).get("pod") for port in left}:
            mine = [port for port in left if placement(port).get("pod") == pod_id]
            waits = await self._settle(pods.get(pod_id or ""), mine, read_at) or waits
        return waits

    async def _settle(self, pod: Pod | None, mine: list[JSON], read_at: datetime) -> Again | None:
        """Settle the ports of an attempt that are in one pod, or in none."""
        found = await twins(self._user, pod, mine) if pod is not None else {}
        for port in mine:
            server_id = found.get(port["id"], {}).get("device_id")
            if pod is not None and server_id:
                await self._adopt(port, server_id, pod)
        rest = [port for port in mine if not found.get(port["id"], {}).get("device_id")]
        # Only a port that has a twin can be one that a server waits for.
        owners = {port["tenant_id"] for port in rest if port["id"] in found}
        if owners and min(since(port["updated_at"], read_at) for port in rest) < self._under_way:
            return Again(PAUSE, "the pod may not have begun with the server yet")
        if pod is not None and await self._builds(pod, owners):
            return Again(PAUSE, f"{pod.region_name} is still building servers of the project")
        for port in rest:
            await self._ports.let_go(port)
        return None

    async def _adopt(self, port: JSON, server_id: str, pod: Pod) -> None:
        # Central Neutron asks for a look at the server in the transaction that gives it the port.
        await self._ports.update(port, {"device_id": server_id, "device_owner": f"compute:{pod.az_name}"})

    async def _builds(self, pod: Pod, project_ids: Iterable[str]) -> bool:
        for project_id in project_ids:
            query = urlencode({"all_tenants": 1, "project_id": project_id, "status": "BUILD", "limit": 1})
            document = await self._user.fetch(pod, "compute", "GET", "/v2.1/servers", query=query)
            if not document.ok:
                raise PodRefused("servers", document)
            if document.part("servers"):
                return True
        return False
