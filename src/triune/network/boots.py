"""Attempts to give ports to a server that their gateway did not bring to an end (kind `boot`)."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from oslo_log import log as logging

from triune.network.clocks import since, told_at
from triune.network.names import BOOT, BOOT_DEVICE, PORT
from triune.network.neutron import Neutron
from triune.network.port_twins import twins
from triune.network.servers import PodRefused
from triune.network.top_ports import TopChanged, TopPorts, boot_of, placement
from triune.pods.registry import Pod, Registry
from triune.pods.routings import Routings
from triune.pods.service_user import ServiceUser
from triune.work.handler import Again
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Seconds in which a pod shows a server that it was asked for, once its gateway has ceased to wait for that.
MARGIN = 10.0
# Seconds between looks at a pod that is still building servers.
PAUSE = 3.0
# How often ports that change meanwhile are read again.
LOOKS = 4
# A server that has been building for so many seconds has its ports by now, or gets none any more; nor is one that is
# so much younger than an attempt the attempt's.
STUCK = 3600.0
_SERVERS = "/v2.1/servers/detail"
_BUILDING = {"all_tenants": "1", "status": "BUILD", "sort_key": "created_at", "sort_dir": "desc"}


def under_way(request_deadline: float) -> float:
    """How long after its last change a port may be on its way to a server that nobody sees yet.

    As long as a gateway waits for a pod ([pods] request_deadline), and a little; all in seconds.
    """
    return request_deadline + MARGIN


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


async def attempts(neutron: Neutron) -> set[Key]:
    """The attempts to whom central Neutron says that ports belong, be anybody at work on them or not.

    What a request that timed out has done later is known to nobody else. Raises `PodUnreachable`, `Refused`.
    """
    nobodys = await neutron.list("ports", [("device_owner", "")], ["id", "device_id"])
    return {Key(BOOT, boot_id) for port in nobodys if (boot_id := boot_of(port)) is not None}


class Boots:
    """The handler of the kind `boot`: finds out whether a server got the ports, and settles them."""

    def __init__(
        self,
        registry: Registry,
        routings: Routings,
        user: ServiceUser,
        ports: TopPorts,
        under_way: float,
    ) -> None:
        self._registry = registry
        self._routings = routings
        self._user = user
        self._ports = ports
        self._under_way = under_way

    async def __call__(self, key: Key) -> Again | None:
        """Settle one attempt.

        Raises what makes it due again: `PodUnreachable`, `TopRefused`, `Refused`, `PodRefused`.
        """
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
        for port in rest:
            if pod is not None and port["id"] not in found and await self._routings.bottom(PORT, port["id"], pod.id):
                # A Neutron that has just started may hide what is there; what is gone is made anew by the port's key.
                return Again(PAUSE, f"{pod.region_name} does not show the twin of port {port['id']}")
        # Only a port that has a twin can be one that a server waits for.
        ages: dict[str, float] = {}
        for port in rest:
            if port["id"] in found:
                age = since(port["updated_at"], read_at)
                ages[port["tenant_id"]] = max(age, ages.get(port["tenant_id"], 0.0))
        if ages and min(since(port["updated_at"], read_at) for port in rest) < self._under_way:
            return Again(PAUSE, "the pod may not have begun with the server yet")
        for project_id, age in ages.items():
            if pod is not None and await self._builds(pod, project_id, age):
                return Again(PAUSE, f"{pod.region_name} is still building servers of the project")
        for port in rest:
            await self._ports.let_go(port)
        return None

    async def _adopt(self, port: JSON, server_id: str, pod: Pod) -> None:
        # Central Neutron asks for a look at the server in the transaction that gives it the port.
        await self._ports.update(port, {"device_id": server_id, "device_owner": f"compute:{pod.az_name}"})

    async def _builds(self, pod: Pod, project_id: str, age: float) -> bool:
        """Whether a pod builds a server that an attempt may have asked for whose ports are of this age in seconds."""
        query = urlencode({**_BUILDING, "project_id": project_id})
        document = await self._user.fetch(pod, "compute", "GET", _SERVERS, query=query)
        if not document.ok:
            raise PodRefused("servers", document)
        servers = document.part("servers")
        if "Date" not in document.headers:
            return bool(servers)
        now = told_at(document)
        # A page of the newest is enough: where it is full of them, there is one.
        ages = (since(server.get("created"), now) for server in servers)
        return any(age - STUCK < each < min(age + MARGIN, STUCK) for each in ages)
