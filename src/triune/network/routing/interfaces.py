"""Interfaces of a router in a pod, with addresses that were chosen."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final

from triune.network.names import tag
from triune.network.neutron import Neutron, Refused
from triune.network.realize import NOT_FOUND

JSON = dict[str, Any]

INTERFACE_OWNER: Final = "network:router_interface"
# Whatever kind of router it is in the pod: centralized, distributed, or doubled for its availability.
INTERFACE_OWNERS: Final = (
    INTERFACE_OWNER,
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)

# A subnet of the pod, and an address in it.
Pair = tuple[str, str]

_NOBODY: Final = {"device_id": "", "device_owner": ""}


def pairs(fixed_ips: Iterable[JSON]) -> frozenset[Pair]:
    """The addresses of a port in the one spelling of `ipaddress`."""
    return frozenset((each["subnet_id"], str(ip_address(each["ip_address"]))) for each in fixed_ips)


def is_new(port: JSON) -> bool:
    """Whether a port says to be an interface that it has not become yet (`Interfaces.attach`)."""
    return str(port.get("name") or "").startswith(_new(tag("")))


class Interfaces:
    """Those of one router. All methods raise `PodUnreachable` and `Refused` of the pod's Neutron."""

    def __init__(self, neutron: Neutron, router: JSON) -> None:
        self._neutron = neutron
        self._router = router

    async def ports(self) -> list[JSON]:
        """All of them, and such as have not become any yet."""
        found = await self._neutron.list("ports", [("device_id", self._router["id"])])
        return [each for each in found if each["device_owner"] in INTERFACE_OWNERS]

    async def add(self, which: JSON) -> None:
        """Make a port an interface, or let Neutron make one with the gateway address of a subnet."""
        await self._neutron.act(f"routers/{self._router['id']}/add_router_interface", which)

    async def attach(self, network_id: str, wanted: Iterable[Pair]) -> None:
        """Give the router addresses on a network that it does not have."""
        gateways: list[Pair] = []
        own: list[Pair] = []
        for pair in wanted:
            (gateways if await self._is_gateway(pair) else own).append(pair)
        for some in _shared(own):
            await self._attach(network_id, some)
        for subnet_id, _ in gateways:
            await self.add({"subnet_id": subnet_id})

    async def detach(self, which: JSON) -> None:
        """Take an interface away, or its address in one subnet."""
        try:
            await self._neutron.act(f"routers/{self._router['id']}/remove_router_interface", which)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise

    async def discard(self, port: JSON) -> None:
        """Remove a port that has not become an interface. Neutron keeps those that say to be one."""
        if port["device_owner"]:
            await self._neutron.update("ports", port["id"], _NOBODY)
        await self._neutron.delete("ports", port["id"])

    async def _is_gateway(self, pair: Pair) -> bool:
        subnet = await self._neutron.show("subnets", pair[0])
        gateway = subnet["gateway_ip"] if subnet is not None else None
        return gateway is not None and ip_address(gateway) == ip_address(pair[1])

    async def _attach(self, network_id: str, wanted: frozenset[Pair]) -> None:
        beside = await self._beside(network_id) if _version(min(wanted)) == 6 else None
        if beside is not None:
            await self._neutron.update(
                "ports", beside["id"], {"fixed_ips": _fixed_ips(pairs(beside["fixed_ips"]) | wanted)}
            )
            return
        port = await self._port(network_id, wanted)
        try:
            await self.add({"port_id": port["id"]})
        except Refused:
            # Nobody else knows of it. What is left where this fails too is found by its name the next time.
            await self.discard(port)
            raise

    async def _beside(self, network_id: str) -> JSON | None:
        """The interface with IPv6 addresses on a network: of these Neutron takes one."""
        found = (each for each in await self.ports() if each["network_id"] == network_id and not is_new(each))
        return next((each for each in found if any(_version(pair) == 6 for pair in pairs(each["fixed_ips"]))), None)

    async def _port(self, network_id: str, wanted: frozenset[Pair]) -> JSON:
        """A port that can become an interface: new, or left by whoever did not come to make it one."""
        name = tag(self._router["id"])
        found = None
        for port in await self._neutron.list("ports", [("network_id", network_id), ("name", name)]):
            if port["device_id"] == "" and pairs(port["fixed_ips"]) == wanted:
                found = port
            elif port["device_id"] == "":
                await self.discard(port)
        return found or await self._make(network_id, name, wanted)

    async def _make(self, network_id: str, name: str, wanted: frozenset[Pair]) -> JSON:
        # Neutron gives ports one more address in each subnet with SLAAC, unless they say to be interfaces from their
        # first moment on; and makes interfaces only of ports that do not say so.
        body = {
            "network_id": network_id,
            "name": _new(name),
            "project_id": self._router["project_id"],
            "device_id": self._router["id"],
            "device_owner": INTERFACE_OWNER,
            "fixed_ips": _fixed_ips(wanted),
            "security_groups": [],
        }
        made = await self._neutron.create("ports", body)
        return await self._neutron.update("ports", made["id"], {**_NOBODY, "name": name})


def _new(name: str) -> str:
    return f"new {name}"


def _version(pair: Pair) -> int:
    return ip_address(pair[1]).version


def _shared(wanted: Iterable[Pair]) -> list[frozenset[Pair]]:
    """Addresses as they have to be on ports: Neutron takes one of IPv4 for each, and all of IPv6 on one."""
    wanted = list(wanted)
    ipv6 = frozenset(each for each in wanted if _version(each) == 6)
    return [*(frozenset({each}) for each in wanted if _version(each) == 4), *([ipv6] if ipv6 else [])]


def _fixed_ips(wanted: Iterable[Pair]) -> list[JSON]:
    return [{"subnet_id": subnet_id, "ip_address": address} for subnet_id, address in sorted(wanted)]
