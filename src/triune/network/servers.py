"""Servers and their ports of central Neutron (kind `server`): what the pod says of them is told at the top."""

from collections.abc import Mapping
from typing import Any

from triune.network.clocks import since, told_at
from triune.network.port_twins import twins
from triune.network.top_ports import TopChanged, TopPorts, placement, with_status
from triune.pods.client import Document
from triune.pods.locate import SERVER
from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.work.handler import Again
from triune.work.journal import Key

JSON = dict[str, Any]

# Seconds between looks at a server that is changing.
PAUSE, LONGEST_PAUSE = 1.0, 30.0
# For so many seconds after its last change a server that rests may still have ports that come up or go down.
RESTLESS = 30.0
# Actions of Nova that take ports while the server itself shows no change.
ON_PORTS = frozenset({"detach_interface", "attach_interface"})
# A server that has been changing for longer than this many seconds is looked at by the comparison of the whole pod.
STUCK = 3600.0


class PodRefused(Exception):
    """A pod's Nova answers with an error where Triune's own user asks it."""

    def __init__(self, what: str, document: Document) -> None:
        super().__init__(f"{what}: {document.pod.region_name} answers HTTP {document.status}")


class Servers:
    """The handler of the kind `server`."""

    def __init__(self, registry: Registry, user: ServiceUser, ports: TopPorts) -> None:
        self._registry = registry
        self._user = user
        self._ports = ports

    async def __call__(self, key: Key) -> Again | None:
        """Bring the ports of one server to what its pod says.

        Raises what makes it due again: `PodUnreachable`, `TopRefused`, `Refused`, `PodRefused`.
        """
        pod = next((pod for pod in await self._registry.pods() if pod.id == key.pod_id), None)
        if pod is None:
            return None
        # The server first: what its ports are afterwards is at least as new as it.
        document = await self._user.fetch(pod, "compute", "GET", SERVER.show(key.resource_id))
        if not document.ok and document.status != 404:
            if not await self._ports_in(pod, key.resource_id):
                return None
            raise PodRefused(f"server {key.resource_id}", document)
        server: JSON | None = document.part("server") if document.ok else None
        age = since(server.get("updated"), told_at(document)) if server is not None else 0.0
        if server is not None and is_changing(server) and age < STUCK:
            # What its ports are while it changes is of no use to anybody; where much is built, looks make it slower.
            return Again(min(max(PAUSE, age / 2), LONGEST_PAUSE), f"the server is {server['status']}")
        ports = await self._ports_in(pod, key.resource_id)
        if not ports:
            return None
        found = await twins(self._user, pod, ports)
        try:
            settled = [await self._bring(port, found.get(port["id"]), server, pod) for port in ports]
        except TopChanged as error:
            return Again(PAUSE, str(error))
        if server is None:
            return None
        action = await self._last_action(pod, key.resource_id)
        age = min(age, since(str(action.get("start_time"))[:19] + "Z", told_at(document)))
        if age < RESTLESS and not all(settled):
            return Again(PAUSE, "a port is not as its server yet")
        if age < RESTLESS and action.get("action") in ON_PORTS:
            # Nova says nothing of it in the server's state.
            return Again(max(PAUSE, age / 3), f"the server may still be at {action['action']}")
        return None

    async def _ports_in(self, pod: Pod, server_id: str) -> list[JSON]:
        """The ports of a server that are placed in a pod."""
        return [port for port in await self._ports.of_device(server_id) if placement(port).get("pod") == pod.id]

    async def _last_action(self, pod: Pod, server_id: str) -> JSON:
        """What Nova was last asked to do with a server, as far as it tells."""
        document = await self._user.fetch(pod, "compute", "GET", f"{SERVER.show(server_id)}/os-instance-actions")
        actions = document.part("instanceActions") if document.ok else []
        return dict(actions[0]) if actions else {}

    async def _bring(self, port: JSON, twin: JSON | None, server: JSON | None, pod: Pod) -> bool:
        """Bring one port to what the pod says; whether it is as it will stay."""
        if server is None:
            await self._ports.let_go(port)
            return True
        if twin is None:
            # That a twin is not shown says nothing of its server. If it is gone, the key of its port makes it anew.
            return False
        if twin.get("device_id") != port["device_id"]:
            if is_changing(server):
                return False
            # Detached, or never attached: Nova has let the twin go.
            await self._ports.let_go(port)
            return True
        if changes := differences(port, twin, pod):
            await self._ports.update(port, changes, as_read=True)
        return twin["status"] == "ACTIVE" or server["status"] != "ACTIVE" or not twin.get("admin_state_up", True)


def is_changing(server: Mapping[str, Any]) -> bool:
    """Whether Nova is at work on a server, so that its ports may still change."""
    return server["status"] == "BUILD" or server.get("OS-EXT-STS:task_state") is not None


def differences(port: Mapping[str, Any], twin: Mapping[str, Any], pod: Pod) -> JSON:
    """What of a port at the top is not as its twin has it."""
    changes: JSON = {}
    host = twin.get("binding:host_id") or ""
    if (port.get("binding:host_id") or "") != host:
        changes["binding:host_id"] = host
    if placement(port).get("status") != twin["status"] or (host and port["status"] != twin["status"]):
        changes |= with_status(port, twin["status"])
    owner = f"compute:{pod.az_name}"
    if port.get("device_owner") != owner:
        changes["device_owner"] = owner
    return changes
