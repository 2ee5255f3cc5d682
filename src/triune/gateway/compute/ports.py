"""The ports of one server that is being made: made or claimed in central Neutron, put in a pod, and given their twins.

Every port that is under way belongs to the attempt by its `device_id`, from its first moment on. So whatever happens
to this process, the handler of the attempt's key (`triune.network.boots`) finds them all.
"""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from oslo_log import log as logging

from triune.gateway.call import Call
from triune.gateway.compute.networks import NO_GROUPS_THERE, Interface, Refusal, ask, in_use
from triune.gateway.errors import ApiError
from triune.network.boots import let_go_all
from triune.network.names import BOOT, BOOT_DEVICE, PORT
from triune.network.top import NETWORK_SERVICE, central
from triune.network.top_ports import PATH, TopChanged, TopPorts, TopRefused, fault, placed
from triune.pods.client import Document
from triune.pods.registry import Pod
from triune.work.handler import KeyFailed, KeyWaits
from triune.work.journal import Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# A port that is changed by its owner at the same time is read again so often.
CLAIMS = 3


class PodRefused(Exception):
    """The ports cannot be in this pod, or not now; another one may do."""

    def __init__(self, pod: Pod, error: ApiError) -> None:
        super().__init__(error.message)
        self.pod = pod
        self.error = error


@dataclass(slots=True)
class _Slot:
    """One interface: the port at the top as it was last read, whether it was given by the user, its twin's id."""

    interface: Interface
    keep: bool
    port: JSON | None = None
    twin_id: str = ""


class BootPorts:
    """The ports of one attempt to give a server its interfaces. Errors are `ApiError`s in Nova's words."""

    def __init__(
        self, call: Call, interfaces: Iterable[Interface], group_ids: Iterable[str], project_id: str | None
    ) -> None:
        gateway = call.gateway
        self.id = str(uuid.uuid4())
        self._call = call
        self._central = central(gateway.conf)
        self._ports = TopPorts(gateway.service_user, self._central)
        self._slots = [_Slot(interface, interface.port is not None, interface.port) for interface in interfaces]
        self._group_ids = list(group_ids)
        self._project_id = project_id

    @property
    def key(self) -> Key:
        """What is left to do where this process ends before the server has its ports."""
        return Key(BOOT, self.id)

    @property
    def _device(self) -> str:
        return f"{BOOT_DEVICE}{self.id}"

    def twin_ids(self) -> list[str]:
        """The ids in the pod, in the order of the interfaces."""
        return [slot.twin_id for slot in self._slots]

    def tops(self) -> list[JSON]:
        """The ports at the top, as they were last read."""
        return [slot.port for slot in self._slots if slot.port is not None]

    def translated(self, body: bytes) -> bytes:
        """An answer of the pod with the ids of the top, wherever they stand: nobody but Triune has given it these."""
        for slot in self._slots:
            if slot.twin_id and slot.port is not None:
                body = body.replace(slot.twin_id.encode(), slot.port["id"].encode())
        return body

    async def place(self, pod: Pod) -> None:
        """Have all ports in a pod, with their twins ready.

        Raises `ApiError`, `PodUnreachable` of central Neutron, `PodRefused` where another pod may do.
        """
        results = await asyncio.gather(*(self._place(slot, pod) for slot in self._slots), return_exceptions=True)
        # All have ended by now, so what follows meets no port that is still on its way.
        errors = [result for result in results if isinstance(result, BaseException)]
        # A request that nobody can fulfil is refused for that, and not for what the pod thinks of it.
        for error in sorted(errors, key=lambda error: isinstance(error, PodRefused)):
            raise error

    async def adopt(self, server_id: str, pod: Pod) -> None:
        """The server is there: the ports are its own. What goes wrong here is left to the worker: the server exists.

        Central Neutron asks for a look at the server in the transaction that gives it a port.
        """
        changes = {"device_id": server_id, "device_owner": f"compute:{pod.az_name}"}
        await asyncio.gather(*(self._ports.update(slot.port, changes) for slot in self._slots if slot.port is not None))

    async def give_up(self) -> None:
        """No server has got the ports: those that were made go, those that were given are their owner's again."""
        await let_go_all(self._ports, self.id)

    async def _place(self, slot: _Slot, pod: Pod) -> None:
        if slot.port is None:
            slot.port = await self._make(slot)
        if slot.keep and slot.port.get("device_id") != self._device:
            await self._claim(slot, pod)
        else:
            slot.port = await self._put(slot, placed(slot.port, pod.id, slot.keep), pod)
        await self._ready(slot, pod)

    async def _make(self, slot: _Slot) -> JSON:
        """A new port, with the caller's rights and on his quota."""
        interface = slot.interface
        network_id = interface.network["id"]
        port: JSON = {
            "network_id": network_id,
            "admin_state_up": True,
            "tenant_id": self._project_id,
            "device_id": self._device,
        }
        if interface.nic.fixed_ip is not None:
            port["fixed_ips"] = [{"ip_address": interface.nic.fixed_ip}]
        if self._group_ids:
            port["security_groups"] = self._group_ids
        call = self._call
        document = await call.fetch(call.target(self._central, "POST", PATH, service=NETWORK_SERVICE), {"port": port})
        if not document.ok:
            raise await self._refusal(document, interface)
        made: JSON = document.part("port")
        return made

    async def _claim(self, slot: _Slot, pod: Pod) -> None:
        """Take a port that the user gave, unless somebody is faster. Raises `ApiError` 409."""
        assert slot.port is not None
        for _ in range(CLAIMS):
            changes = {**placed(slot.port, pod.id, keep=True), "device_id": self._device}
            try:
                slot.port = await self._put(slot, changes, pod, as_read=True)
                return
            except TopChanged:
                found = await self._read(slot.port["id"])
                if not found:
                    raise Refusal(400, f"Port id {slot.port['id']} could not be found.", 404) from None
                if found[0].get("device_id"):
                    raise in_use(slot.port["id"]) from None
                slot.port = found[0]
        raise in_use(slot.port["id"])

    async def _read(self, port_id: str) -> list[JSON]:
        try:
            return await self._ports.matching([("id", port_id)])
        except TopRefused as error:
            raise ApiError(503, f"The network service answers HTTP {error.document.status}.") from error

    async def _put(self, slot: _Slot, changes: JSON, pod: Pod, as_read: bool = False) -> JSON:
        assert slot.port is not None
        try:
            port = await self._ports.update(slot.port, changes, as_read)
        except TopChanged:
            raise
        except TopRefused as error:
            kind, text = fault(error.document)
            if error.document.status == 409 and slot.keep and slot.port.get("device_id") != self._device:
                raise in_use(slot.port["id"]) from error
            if error.document.status in (400, 409):
                # The network cannot be there: hints, or a type that is in another pod.
                raise PodRefused(pod, ApiError(400, text)) from error
            LOG.warning("Port %s cannot be placed: %s %s", slot.port["id"], kind, text)
            raise ApiError(503, "The network service does not place ports.") from error
        if port is None:
            raise Refusal(400, f"Port id {slot.port['id']} could not be found.", 404)
        return port

    async def _ready(self, slot: _Slot, pod: Pod) -> None:
        """Wait until the twin is there. Raises `PodRefused`."""
        assert slot.port is not None
        gateway = self._call.gateway
        key = Key(PORT, slot.port["id"], pod.id)
        try:
            await self._until_done(key, gateway.conf.pods.request_deadline)
        except (KeyFailed, TimeoutError) as error:
            LOG.warning("Port %s does not come to %s: %s", slot.port["id"], pod.region_name, error)
            text = f"The networks of the server cannot be made ready in availability zone {pod.az_name}."
            raise PodRefused(pod, ApiError(503, text)) from error
        twin_id = await gateway.routings.bottom(PORT, slot.port["id"], pod.id)
        if twin_id is None:
            raise PodRefused(pod, ApiError(503, f"Port {slot.port['id']} is not in availability zone {pod.az_name}."))
        slot.twin_id = twin_id

    async def _until_done(self, key: Key, deadline: float) -> None:
        """Raises `KeyFailed`; `TimeoutError` when after `deadline` seconds its handler still says `Again`."""
        runner = self._call.gateway.runner
        async with asyncio.timeout(deadline):
            while True:
                try:
                    return await runner.now(key, deadline)
                except KeyWaits as error:
                    await asyncio.sleep(error.again.seconds)

    async def _refusal(self, document: Document, interface: Interface) -> ApiError:
        """Neutron's refusal of a new port in Nova's words (nova/network/neutron.py, `_create_port_minimal`)."""
        kind, text = fault(document)
        network_id, address = interface.network["id"], interface.nic.fixed_ip
        if kind == "OverQuota":
            return ApiError(403, "Maximum number of ports exceeded")
        if kind == "InvalidIpForNetwork":
            reason = f"Fixed IP {address} is not a valid ip address for network {network_id}."
            return ApiError(400, f"Invalid input received: {reason}")
        if kind in ("IpAddressInUse", "IpAddressAlreadyAllocated"):
            holder = await self._holder(interface)
            return Refusal(400, f"Fixed IP address {address} is already in use on instance {holder}.", 409)
        if kind == "IpAddressGenerationFailure":
            return ApiError(400, f"No fixed IP addresses available for network: {network_id}")
        if kind == "NetworkNotFound":
            return Refusal(400, f"Network {network_id} could not be found.", 404)
        if kind == "PortSecurityAndIPRequiredForSecurityGroups":
            return ApiError(400, NO_GROUPS_THERE)
        if document.status in (401, 403):
            return ApiError(403, text)
        if document.status < 500:
            return ApiError(400, text)
        return ApiError(503, f"The network service answers HTTP {document.status}.")

    async def _holder(self, interface: Interface) -> str:
        """The server that has an address, as far as the caller may see it."""
        filters = [
            ("network_id", interface.network["id"]),
            ("fixed_ips", f"ip_address={interface.nic.fixed_ip}"),
            ("fields", "device_id"),
        ]
        document = await ask(self._call, PATH, filters)
        ports = document.part("ports") if document.ok else []
        return str(ports[0]["device_id"]) if ports else ""
