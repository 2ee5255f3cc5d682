"""Gateway addresses of networks in pods: what decides about them, read from central Neutron."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from triune.network.gateways import Attachment, Home, handed_out, spans_pods
from triune.network.names import BRIDGE_NAME, EXIT_NAME, GATEWAY_DEVICE, INTERFACE_DEVICE
from triune.network.neutron import Neutron
from triune.network.reserve import Reserve, held
from triune.network.routing.model import Router
from triune.network.routing.read import RoutingRead

JSON = dict[str, Any]


class Gateways:
    """All methods raise `PodUnreachable` and `Refused` of central Neutron, and `DatabaseUnavailable`."""

    def __init__(
        self, central: Neutron, read: RoutingRead, reserve: Reserve, own_project: Callable[[], Awaitable[str]]
    ) -> None:
        self.homes = read.homes
        self._own_project = own_project
        self._central = central
        self._read = read
        self._reserve = reserve

    async def around(self, network: JSON, pod_id: str, holders: Iterable[JSON]) -> tuple[Home | None, list[Attachment]]:
        """The home of a network that can span pods; routers on it.

        It is this pod where it has none, unless it holds addresses of its own already (`holders`): servers know those.
        Of others nothing is asked: everywhere they have the addresses that central Neutron tells.
        """
        if not spans_pods(network) or is_between(network, await self._own_project()):
            return None, []
        own = tuple(f"{device}{pod_id}" for device in (GATEWAY_DEVICE, INTERFACE_DEVICE))
        if any(each["device_id"].startswith(own) for each in holders):
            home = (await self.homes.of([network["id"]])).get(network["id"], Home())
        else:
            home = await self.homes.claim(network["id"], pod_id)
        return home, attachments(await self._read.on_networks([network["id"]]))

    async def of(self, networks: Iterable[JSON], subnets: Iterable[JSON], pod_id: str) -> dict[str, str | None]:
        """The gateway addresses that a pod hands out in the subnets of networks that can span pods."""
        own_project = await self._own_project()
        spanning = {each["id"] for each in networks if spans_pods(each) and not is_between(each, own_project)}
        held, homes, routers = await asyncio.gather(
            self._read.held_gateways(spanning, pod_id), self.homes.of(spanning), self._read.on_networks(spanning)
        )
        around = attachments(routers)
        return {
            each["id"]: handed_out(each, pod_id, homes.get(each["network_id"], Home()), around, held)
            for each in subnets
            if each["network_id"] in spanning
        }

    async def hold(self, network: JSON, own: Iterable[JSON], holders: Iterable[JSON], device: str) -> dict[str, str]:
        """The addresses that a device holds in place of the gateway addresses of some subnets.

        None for a subnet in which somebody who is no router has the gateway address: he is the router.
        """
        holders = list(holders)
        known = held(each for each in holders if each["device_id"] == device)
        wanted = {each["id"]: 1 for each in own if each["id"] in known or not await self._taken(network, each)}
        found = await self._reserve.hold(network, wanted, holders, device)
        return {subnet_id: addresses[0] for subnet_id, addresses in found.items()}

    async def _taken(self, network: JSON, subnet: JSON) -> bool:
        filters = [("network_id", network["id"]), ("fixed_ips", f"ip_address={subnet['gateway_ip']}")]
        ports = await self._central.list("ports", filters, ["device_owner"])
        return any(not each["device_owner"].startswith("network:router_") for each in ports)


def is_between(network: JSON, own_project: str) -> bool:
    """Whether pod routers meet on a network: there an address has one meaning in all pods."""
    return network["project_id"] == own_project and str(network["name"]).startswith((BRIDGE_NAME, EXIT_NAME))


def attachments(routers: Iterable[Router]) -> list[Attachment]:
    """Where routers are on subnets."""
    return [
        Attachment(router.shown["id"], interface.port_id, address.subnet_id, address.ip_address, router.span.local)
        for router in routers
        for interface in router.interfaces
        for address in interface.addresses
    ]
