"""A world with routers: what users do with them at the top, and what is to be seen of it in the pods.

What central Neutron does by itself is done here: gateways, and the interfaces of local routers, are placed.
"""

import json
from collections.abc import Iterable
from typing import Any

from triune.network import names
from triune.network.names import EXIT_DEVICE, FLOATING_DEVICE, GATEWAY_DEVICE, INTERFACE_DEVICE, LINK_DEVICE

from .cloud.neutron import Neutron, Record
from .cloud.neutron.addresses import ROUTER_INTERFACE
from .cloud.neutron.networks import ROUTER_GATEWAY
from .cloud.service import Asked
from .network_world import PROJECT, World

# How the addresses that Triune holds are called here.
_HELD = {
    LINK_DEVICE: "link", EXIT_DEVICE: "exit", FLOATING_DEVICE: "inner", GATEWAY_DEVICE: "own", INTERFACE_DEVICE: "own",
}  # fmt: skip


class Roads:
    """Central Neutron as its users see it."""

    def __init__(self, there: World) -> None:
        self.there = there
        self.central = there.central
        self._token = there.keystone.token("admin", roles=("admin", "service"))

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """A request to central Neutron. Raises `Refusal`."""
        document = json.dumps(body).encode() if body else b""
        asked = Asked(method, f"/v2.0/{path}", f"/v2.0/{path}", [], {"x-auth-token": self._token.id}, document)
        return (await self.central._answer(asked, None)).document

    def network(self, number: int, kind: str = "geneve", **fields: Any) -> Record:
        """A network, with the subnet 10.<number>.0.0/24."""
        where = {"provider:network_type": kind, "provider:segmentation_id": 2000 + number}
        where |= {"provider:physical_network": "physnet1"} if kind == "vlan" else {}
        network = self.central.add_network(PROJECT, name=f"n{number}", mtu=1400, **where, **fields)
        self.central.add_subnet(network, f"10.{number}.0.0/24")
        return network

    def external(self, **fields: Any) -> Record:
        """An external network, with the subnet 203.0.113.0/24."""
        where = {"provider:network_type": "flat", "provider:physical_network": "public"}
        network = self.central.add_external(PROJECT, name="public", **where, **fields)
        self.central.add_subnet(network, "203.0.113.0/24", enable_dhcp=False)
        return network

    def subnet(self, network: Record, version: int = 4) -> Record:
        """The subnet of a network."""
        found = (each for each in self.central.subnets.values() if each["network_id"] == network["id"])
        return next(each for each in found if each["ip_version"] == version)

    def automatic(self, network: Record, cidr: str) -> Record:
        """A subnet of a network in which ports have addresses that follow from their MACs."""
        subnet = self.central.add_subnet(network, cidr, ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
        self.central._give_automatic(subnet)
        return subnet

    async def server(self, network: Record, pod: int, last: int = 50) -> Record:
        """A port of a server in a pod."""
        subnet = self.subnet(network)
        address = f"{subnet['cidr'].rpartition('.')[0]}.{last}"
        group = self.central.default_group(PROJECT)
        ips = [{"subnet_id": subnet["id"], "ip_address": address}]
        fields = {"fixed_ips": ips, "security_groups": [group["id"]], "name": f"s{address}"}
        port = self.central.add_port(PROJECT, network, **fields)
        await self.there.place(port, self.there.pods[pod])
        return port

    def named(self, address: str) -> Record:
        """The port of the server with an address."""
        return next(each for each in self.central.ports.values() if each["name"] == f"s{address}")

    def router(self, name: str = "r", *hints: str, **fields: Any) -> Record:
        """A router; a region as its only hint makes it a local one."""
        return self.central.add_router(PROJECT, name=name, availability_zone_hints=list(hints), **fields)

    async def attach(self, router: Record, network: Record, address: str | None = None) -> Record:
        """An interface, by default with the gateway address."""
        port = self.central.add_interface(router, self.subnet(network), address)
        await self.placed(router, port)
        return port

    async def placed(self, router: Record, port: Record) -> None:
        """Place an interface: only those of local routers are anywhere."""
        local = [pod for pod in self.there.pods if router["availability_zone_hints"] == [pod.region_name]]
        await self.there.tables.place(port, local[0].id if local else None)

    async def gateway(self, router: Record, network: Record, pod: int, **info: Any) -> None:
        """Give a router a gateway in a pod."""
        wanted = {"network_id": network["id"], **info}
        await self.ask("PUT", f"routers/{router['id']}", router={"external_gateway_info": wanted})
        port = self.central.gateway_of(router["id"])
        assert port is not None
        await self.there.tables.place(port, self.there.pods[pod].id)

    async def floating(self, network: Record, port: Record | None = None) -> Record:
        """A floating IP."""
        body = {"floating_network_id": network["id"], "project_id": PROJECT}
        body |= {"port_id": port["id"]} if port is not None else {}
        made = await self.ask("POST", "floatingips", floatingip=body)
        return self.central.records["floatingips"][made["floatingip"]["id"]]

    async def forward(self, floating: Record, port: Record, external: int, internal: int) -> None:
        """A port forwarding."""
        body = {"internal_port_id": port["id"], "internal_ip_address": port["fixed_ips"][0]["ip_address"]}
        body |= {"protocol": "tcp", "external_port": external, "internal_port": internal}
        await self.ask("POST", f"floatingips/{floating['id']}/port_forwardings", port_forwarding=body)

    async def change(self, router: Record, **fields: Any) -> None:
        await self.ask("PUT", f"routers/{router['id']}", router=fields)

    async def detach(self, router: Record, port: Record) -> None:
        await self.ask("PUT", f"routers/{router['id']}/remove_router_interface", port_id=port["id"])

    async def remove(self, *records: Record) -> None:
        """Remove routers and floating IPs."""
        for record in records:
            path = "floatingips" if "floating_ip_address" in record else "routers"
            for port in self.central.ports_of(record["id"], ROUTER_INTERFACE) if path == "routers" else ():
                await self.detach(record, port)
            forwardings = self.central.records["port_forwardings"].values() if path == "floatingips" else ()
            for each in [each for each in forwardings if each["floatingip_id"] == record["id"]]:
                await self.ask("DELETE", f"{path}/{record['id']}/port_forwardings/{each['id']}")
            await self.ask("DELETE", f"{path}/{record['id']}")

    def held(self, *devices: str) -> list[Record]:
        """The ports that hold addresses of Triune's own at the top."""
        return [each for each in self.central.ports.values() if each["device_id"].startswith(devices)]

    def made(self) -> list[str]:
        """The names of the networks by which pod routers meet."""
        found = (names.BRIDGE_NAME, names.EXIT_NAME)
        return [each["name"] for each in self.central.networks.values() if each["name"].startswith(found)]

    def routed(self, pod: int) -> "Routed":
        """What is in a pod."""
        return Routed(self.there.neutron(self.there.pods[pod]), self._words())

    def _words(self) -> dict[str, str]:
        """Names for the addresses that Triune holds; each is held once."""
        regions = {pod.id: str(number) for number, pod in enumerate(self.there.pods)}
        words: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        for port in self.held(*_HELD):
            device = next(each for each in _HELD if port["device_id"].startswith(each))
            pod_id = port["binding:profile"].get(names.PROFILE, {}).get("pod") or next(
                each for each in regions if each in port["device_id"]
            )
            assert (port["device_id"], pod_id) not in seen, "it is held twice"
            seen.add((port["device_id"], pod_id))
            for fixed in port["fixed_ips"]:
                words[fixed["ip_address"]] = f"{_HELD[device]} {regions[pod_id]}"
        return words


class Routed:
    """The routers and floating IPs of a pod, with Triune's own addresses by their names."""

    def __init__(self, neutron: Neutron, words: dict[str, str]) -> None:
        self.neutron = neutron
        self._words = words

    def _word(self, address: str | None) -> str | None:
        return self._words.get(address, address) if address is not None else None

    def _addresses(self, ports: Iterable[Record]) -> set[str | None]:
        return {self._word(each["ip_address"]) for port in ports for each in port["fixed_ips"]}

    def router(self, name: str = "r") -> Record:
        (found,) = (each for each in self.neutron.records["routers"].values() if each["name"] == name)
        return found

    def interfaces(self, name: str = "r") -> set[str | None]:
        return self._addresses(self.neutron.ports_of(self.router(name)["id"], ROUTER_INTERFACE))

    def gateway(self, name: str = "r") -> tuple[str | None, bool] | None:
        ports = self.neutron.ports_of(self.router(name)["id"], ROUTER_GATEWAY)
        if not ports:
            return None
        (address,) = {each for each in self._addresses(ports) if each is not None and ":" not in each}
        return address, self.router(name)["enable_snat"]

    def routes(self, name: str = "r") -> set[tuple[str, str | None]]:
        return {(each["destination"], self._word(each["nexthop"])) for each in self.router(name)["routes"]}

    def floating(self) -> set[tuple[str | None, str | None]]:
        """From where to where floating IPs lead."""
        found = self.neutron.records["floatingips"].values()
        return {(self._word(each["floating_ip_address"]), self._word(each["fixed_ip_address"])) for each in found}

    def forwardings(self) -> set[tuple[str | None, int, int]]:
        """Where port forwardings lead."""
        found = self.neutron.records["port_forwardings"].values()
        return {
            (self._word(each["internal_ip_address"]), each["external_port"], each["internal_port"]) for each in found
        }

    def loose(self) -> list[Record]:
        """Ports that were made for a router and belong to nobody."""
        found = (each for each in self.neutron.ports.values() if each["name"].startswith(f"{names.TAG}:"))
        return [each for each in found if not each["device_id"]]

    def picture(self) -> dict[str, Any]:
        """All of it."""
        routers = {
            each["name"]: (self.interfaces(each["name"]), self.gateway(each["name"]), self.routes(each["name"]))
            for each in self.neutron.records["routers"].values()
        }
        counts = {name: len(self.neutron.records[name]) for name in ("routers", "floatingips", "ports", "networks")}
        return {
            "routers": routers,
            "floating": self.floating(),
            "forwardings": self.forwardings(),
            "counts": counts,
            "loose": self.loose(),
        }


async def still(roads: Roads) -> None:
    """Everything is as wanted: nothing is changed any more, and nothing differs."""
    there = roads.there
    await there.settle()
    found = await there.drifted()
    assert found == {}, found
    there.wire.calls.clear()
    await there.settle()
    assert there.wire.changes() == []
    for number, _pod in enumerate(there.pods):
        assert roads.routed(number).loose() == []


def nothing_left(roads: Roads) -> None:
    """Neither in pods nor at the top is anything of Triune's routers."""
    for pod in roads.there.pods:
        neutron = roads.there.neutron(pod)
        left = {name for name, records in neutron.records.items() if records}
        assert left <= {"security_groups", "security_group_rules"}, left
    assert roads.held(*names.HELD_DEVICES) == []
    assert roads.made() == []


async def two_pods(there: World, name: str = "r") -> tuple[Roads, Record]:
    """A router with two networks, each with a server in a pod of its own: 10.1.0.50 and 10.2.0.50."""
    roads = Roads(there)
    router = roads.router(name)
    for number in (1, 2):
        network = roads.network(number)
        await roads.server(network, number - 1)
        await roads.attach(router, network)
    return roads, router


async def emptied(roads: Roads) -> None:
    """All servers go."""
    for port in [each for each in roads.central.ports.values() if each["name"].startswith("s10.")]:
        await roads.there.remove_port(port)
