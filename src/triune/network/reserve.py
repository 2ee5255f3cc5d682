"""Addresses of a network that a pod may use for itself, such as those of its DHCP service and of its routers.

A port of central Neutron holds them, so that they are given to nobody else. Subnets in the pod hand out no others: so
no pod can ever give an address that central Neutron or another pod gives too.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from oslo_log import log as logging

from triune.network import plan
from triune.network.names import GATEWAY_DEVICE, INTERFACE_DEVICE, RESERVE_DEVICE, RESERVE_OWNER
from triune.network.neutron import Neutron, Refused
from triune.network.realize import CONFLICT

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# What holds addresses for a pod, in front of the pod's id.
_OF_PODS: Final = (RESERVE_DEVICE, GATEWAY_DEVICE, INTERFACE_DEVICE)


class Reserve:
    """Holds addresses in central Neutron. All methods raise `PodUnreachable` and `Refused`."""

    def __init__(self, central: Neutron, count: int) -> None:
        """`count` addresses of each subnet with DHCP for each pod."""
        self._central = central
        self._count = count

    def wanted(self, subnets: Iterable[JSON]) -> dict[str, int]:
        """How many addresses of each subnet a pod needs for its own use."""
        return {each["id"]: self._count for each in subnets if plan.needs_addresses(each)}

    async def hold(
        self, network: JSON, wanted: Mapping[str, int], ports: Iterable[JSON], device: str
    ) -> dict[str, tuple[str, ...]]:
        """See to it that a device holds so many addresses of each subnet, as far as there are any; which those are.

        `ports` are all that hold addresses of the network; those of this device are kept.
        """
        own = [each for each in ports if each["device_id"] == device]
        have = held(own)
        missing = [
            subnet_id for subnet_id, count in wanted.items() for _ in range(count - len(have.get(subnet_id, ())))
        ]
        return held(await self._more(network, own, missing, device)) if missing else have

    async def holders(self, network_id: str) -> list[JSON]:
        """The ports that hold addresses of a network, for whatever pod."""
        filters = [("network_id", network_id), ("device_owner", RESERVE_OWNER)]
        return await self._central.list("ports", filters, ["device_id", "fixed_ips", "network_id"])

    async def release(self, network_id: str, pod_id: str) -> None:
        """Give back everything that is held of a network for a pod."""
        for port in await self.holders(network_id):
            if any(port["device_id"].startswith(f"{device}{pod_id}") for device in _OF_PODS):
                await self._central.delete("ports", port["id"])

    async def give_back(self, port: JSON) -> None:
        """Give back what one port holds."""
        await self._central.delete("ports", port["id"])

    async def _more(self, network: JSON, ports: list[JSON], missing: list[str], device: str) -> list[JSON]:
        """The ports with one more address of each subnet in `missing`, as far as there are any."""
        try:
            return await self._take(network, ports, missing, device)
        except Refused as error:
            if error.status != CONFLICT:
                raise
            if len(missing) == 1:
                # A small subnet: servers go first, and most pods answer DHCP without an address.
                LOG.warning("No address can be held for a pod: %s", error)
                return ports
        for subnet_id in missing:
            ports = await self._more(network, ports, [subnet_id], device)
        return ports

    async def _take(self, network: JSON, ports: list[JSON], missing: list[str], device: str) -> list[JSON]:
        more = [{"subnet_id": each} for each in missing]
        if ports:
            changes = {"fixed_ips": [*ports[0]["fixed_ips"], *more]}
            return [await self._central.update("ports", ports[0]["id"], changes), *ports[1:]]
        body = {
            "network_id": network["id"],
            "name": "addresses for a region",
            "device_owner": RESERVE_OWNER,
            "device_id": device,
            "fixed_ips": more,
        }
        try:
            return [await self._central.create("ports", {**body, "project_id": network["project_id"]})]
        except Refused as error:
            if error.type != "OverQuota":
                raise
            # It is no port of the tenant's choosing.
            return [await self._central.create("ports", body)]


def of_no_interface(ports: Iterable[JSON], pod_id: str, interfaces: Iterable[str]) -> list[JSON]:
    """Those of some ports that hold addresses for a pod in place of those of interfaces that are no more.

    `interfaces` are the ids of the ports of all that are there.
    """
    prefix = f"{INTERFACE_DEVICE}{pod_id}-"
    due = {f"{prefix}{each}" for each in interfaces}
    return [each for each in ports if each["device_id"].startswith(prefix) and each["device_id"] not in due]


def held(ports: Iterable[JSON]) -> dict[str, tuple[str, ...]]:
    """The addresses of each subnet that ports hold."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for port in ports:
        for each in port["fixed_ips"]:
            found[each["subnet_id"]].add(each["ip_address"])
    return {subnet_id: tuple(sorted(addresses)) for subnet_id, addresses in found.items()}
