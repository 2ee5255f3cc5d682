"""Reads what a router needs to be realized: from central Neutron, and from the tables of placements and homes."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import select

from triune.db.engine import Database
from triune.db.models import PlacementRow
from triune.network.central import pods as zones
from triune.network.gateways import Homes
from triune.network.names import EXIT_DEVICE, GATEWAY_DEVICE, INTERFACE_DEVICE, LINK_DEVICE, RESERVE_OWNER
from triune.network.neutron import Neutron
from triune.network.routing import spans
from triune.network.routing.model import Address, Exit, Interface, Link, Neighbour, Router, Span, Surroundings
from triune.network.top_ports import placement
from triune.pods.registry import Registry
from triune.portions import portions

JSON = dict[str, Any]

INTERFACE_OWNER: Final = "network:router_interface"
GATEWAY_OWNER: Final = "network:router_gateway"
# Rows of one statement.
AT_ONCE: Final = 500
# Networks of one request.
NETWORKS_AT_ONCE: Final = 50


class RoutingRead:
    """All methods raise `PodUnreachable` and `Refused` of central Neutron, and `DatabaseUnavailable`."""

    def __init__(self, central: Neutron, database: Database, registry: Registry) -> None:
        self.central = central
        self.homes = Homes(database)
        self._database = database
        self._registry = registry

    async def router(self, router_id: str) -> Router | None:
        """A router; None where it is gone."""
        return next(iter(await self.routers([router_id])), None)

    async def routers(self, router_ids: Iterable[str]) -> list[Router]:
        """Those of some routers that are there."""
        return await self._complete(await self.central.of("routers", "id", router_ids))

    async def of_project(self, project_id: str) -> list[Router]:
        """All routers of a project."""
        return await self._complete(await self.central.list("routers", [("project_id", project_id)]))

    async def on_networks(self, network_ids: Iterable[str]) -> list[Router]:
        """All routers that have interfaces on some networks."""
        ports = await self._interfaces_on(network_ids)
        return await self.routers({each["device_id"] for each in ports})

    async def everywhere(self) -> list[Router]:
        """All routers."""
        return await self._complete(await self.central.list("routers"))

    async def _complete(self, shown: list[JSON]) -> list[Router]:
        ports = await self.central.of(
            "ports",
            "device_id",
            (each["id"] for each in shown),
            ["device_id", "device_owner", "network_id", "fixed_ips"],
        )
        interfaces = _by((each for each in ports if each["device_owner"] == INTERFACE_OWNER), "device_id")
        gateways = _by((each for each in ports if each["device_owner"] == GATEWAY_OWNER), "device_id")
        subnet_ids = {each["subnet_id"] for port in ports for each in port["fixed_ips"]}
        subnets, present, placed, known = await asyncio.gather(
            self.central.of("subnets", "id", subnet_ids),
            self._present({each["network_id"] for some in interfaces.values() for each in some}),
            self.placed({each["id"] for some in gateways.values() for each in some}),
            self._zones(),
        )
        by_id = {each["id"]: each for each in subnets}
        return [
            _router(each, interfaces[each["id"]], gateways[each["id"]], by_id, present, placed, known) for each in shown
        ]

    async def surroundings(self, router: Router, pod_id: str) -> Surroundings:
        """What the pod router of a pod finds around it."""
        return (await self.all_surroundings([router], pod_id))[router.shown["id"]]

    async def all_surroundings(self, routers: Collection[Router], pod_id: str) -> dict[str, Surroundings]:
        """The same for the pod routers of several routers in one pod, by their ids."""
        network_ids = {each.network_id for router in routers for each in router.interfaces}
        devices = {f"{device}{router.shown['id']}" for router in routers for device in (LINK_DEVICE, EXIT_DEVICE)}
        local = {each.network_id for router in routers if router.span.local for each in router.interfaces}
        homes, holders, ports, others = await asyncio.gather(
            self.homes.of(network_ids),
            self._holders(network_ids, pod_id),
            self.central.of("ports", "device_id", devices),
            self.on_networks(local),
        )
        by_device = _by(ports, "device_id")
        exits = await self.exits(each for each in ports if each["device_id"].startswith(EXIT_DEVICE))
        return {
            router_id: Surroundings(
                homes=homes,
                own=_own(router, holders, pod_id),
                links=_links(by_device[f"{LINK_DEVICE}{router_id}"]),
                exit=exits.get(router_id),
                neighbours=tuple(_neighbours(router, others, holders, pod_id)),
            )
            for router in routers
            for router_id in [router.shown["id"]]
        }

    async def exits(self, ports: Iterable[JSON]) -> dict[str, Exit]:
        """The exit subnets of routers, by the ports that hold their pod routers' addresses on them."""
        found = _by(ports, "device_id")
        subnets = await self.central.of(
            "subnets", "id", {each.subnet_id for port in _all(found) for each in _addresses(port)}
        )
        by_id = {each["id"]: each for each in subnets}
        exits: dict[str, Exit] = {}
        for device, held in found.items():
            subnet = by_id.get(min((each.subnet_id for port in held for each in _addresses(port)), default=""))
            if subnet is not None:
                exits[device.removeprefix(EXIT_DEVICE)] = _exit(subnet, held)
        return exits

    async def held_gateways(self, network_ids: Iterable[str], pod_id: str) -> dict[str, str]:
        """The addresses that a pod's routers have in place of gateway addresses, by subnet."""
        held = (await self._holders(network_ids, pod_id)).get(f"{GATEWAY_DEVICE}{pod_id}", ())
        return {each.subnet_id: each.ip_address for each in held}

    async def present_routers(self, pod_id: str) -> list[Router]:
        """All routers of which a pod needs a part."""
        return [each for each in await self.everywhere() if pod_id in spans.pods(each.span)]

    async def _holders(self, network_ids: Iterable[str], pod_id: str) -> dict[str, list[Address]]:
        """The addresses that are held for a pod's routers on some networks, by device."""
        own = tuple(f"{device}{pod_id}" for device in (GATEWAY_DEVICE, INTERFACE_DEVICE))
        found: defaultdict[str, list[Address]] = defaultdict(list)
        for some in portions(network_ids, NETWORKS_AT_ONCE):
            filters = [("device_owner", RESERVE_OWNER), *(("network_id", each) for each in some)]
            for port in await self.central.list("ports", filters, ["device_id", "fixed_ips"]):
                if port["device_id"].startswith(own):
                    found[port["device_id"]] += _addresses(port)
        # Of two by accident the same one counts everywhere: the last here, and the first of `reserve.held`.
        return {device: sorted(some, key=lambda each: each.ip_address, reverse=True) for device, some in found.items()}

    async def _interfaces_on(self, network_ids: Iterable[str]) -> list[JSON]:
        found: list[JSON] = []
        for some in portions(network_ids, NETWORKS_AT_ONCE):
            filters = [("device_owner", INTERFACE_OWNER), *(("network_id", each) for each in some)]
            found += await self.central.list("ports", filters, ["device_id", "network_id"])
        return found

    async def _present(self, network_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """The pods in which networks are."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for some in portions(network_ids, AT_ONCE):
            query = select(PlacementRow.network_id, PlacementRow.pod_id).where(PlacementRow.network_id.in_(some))
            async with self._database.transaction() as session:
                for network_id, pod_id in await session.execute(query.distinct()):
                    found[network_id].add(pod_id)
        return {network_id: frozenset(pod_ids) for network_id, pod_ids in found.items()}

    async def placed(self, port_ids: Iterable[str]) -> dict[str, str]:
        """The pods of ports."""
        found: dict[str, str] = {}
        for some in portions(port_ids, AT_ONCE):
            query = select(PlacementRow.port_id, PlacementRow.pod_id).where(PlacementRow.port_id.in_(some))
            async with self._database.transaction() as session:
                rows = (await session.execute(query)).all()
                found |= {row.port_id: row.pod_id for row in rows}
        return found

    async def _zones(self) -> list[zones.Pod]:
        return [zones.Pod(pod.id, pod.region_name, pod.az_name, pod.enabled) for pod in await self._registry.pods()]


def _router(
    shown: JSON,
    interfaces: Iterable[JSON],
    gateways: Iterable[JSON],
    subnets: Mapping[str, JSON],
    present: Mapping[str, frozenset[str]],
    placed: Mapping[str, str],
    known: Iterable[zones.Pod],
) -> Router:
    hints = shown.get("availability_zone_hints") or ()
    allowed = [pod for pod in known if pod.is_in(hints)]
    local = next((pod.id for pod in allowed if list(hints) == [pod.region_name]), None)
    found = tuple(
        Interface(each["id"], each["network_id"], _addresses(each))
        for each in sorted(interfaces, key=lambda each: str(each["id"]))
        if all(address.subnet_id in subnets for address in _addresses(each))
    )
    span = Span(
        frozenset(pod.id for pod in allowed),
        local,
        {each.network_id: present.get(each.network_id, frozenset()) for each in found},
        next((placed[each["id"]] for each in gateways if each["id"] in placed), None),
    )
    own = {address.subnet_id for each in found for address in each.addresses}
    return Router(shown, span, found, {subnet_id: subnets[subnet_id] for subnet_id in own})


def _addresses(port: JSON) -> tuple[Address, ...]:
    return tuple(Address(each["subnet_id"], each["ip_address"]) for each in port["fixed_ips"])


def _links(ports: Iterable[JSON]) -> dict[str, Link]:
    """The link of each pod; of two by accident always the same one."""
    ordered = sorted(ports, key=lambda each: str(each["id"]), reverse=True)
    return {str(placement(each).get("pod")): Link(each["id"], _addresses(each)) for each in ordered}


def _exit(subnet: JSON, ports: Iterable[JSON]) -> Exit:
    ordered = sorted(ports, key=lambda each: str(each["id"]), reverse=True)
    addresses = {
        str(placement(port).get("pod")): each.ip_address
        for port in ordered
        for each in _addresses(port)
        if each.subnet_id == subnet["id"]
    }
    return Exit(subnet["network_id"], subnet["id"], subnet["gateway_ip"], addresses)


def _own(router: Router, holders: Mapping[str, Iterable[Address]], pod_id: str) -> dict[str, str]:
    """The addresses that are held for a pod in place of those of interfaces; a local router has its own everywhere."""
    found: dict[str, str] = {}
    if router.span.local is not None:
        return found
    for interface in router.interfaces:
        for address in interface.addresses:
            held = list(holders.get(f"{INTERFACE_DEVICE}{pod_id}-{interface.port_id}", ()))
            if router.subnets[address.subnet_id]["gateway_ip"] == address.ip_address:
                held += holders.get(f"{GATEWAY_DEVICE}{pod_id}", ())
            for each in held:
                if each.subnet_id == address.subnet_id:
                    # What servers of the pod take for their gateway comes last, and so counts.
                    found[interface.port_id] = each.ip_address
    return found


def _neighbours(
    router: Router, others: Iterable[Router], holders: Mapping[str, Iterable[Address]], pod_id: str
) -> Iterator[Neighbour]:
    """Routers that span pods, on the networks of a local one."""
    if router.span.local is None:
        return
    network_ids = {each.network_id for each in router.interfaces}
    for other in others:
        if other.span.local is not None:
            continue
        own = _own(other, holders, pod_id)
        for interface in other.interfaces:
            if interface.network_id not in network_ids or not spans.is_in(other.span, interface.network_id, pod_id):
                continue
            for address in interface.addresses:
                version = other.subnets[address.subnet_id]["ip_version"]
                is_own = version == 4 and interface.port_id in own
                nexthop = own[interface.port_id] if is_own else address.ip_address
                yield Neighbour(address.subnet_id, nexthop, _cidrs(other, interface.network_id, version))


def _by(records: Iterable[JSON], name: str) -> defaultdict[str, list[JSON]]:
    found: defaultdict[str, list[JSON]] = defaultdict(list)
    for each in records:
        found[each[name]].append(each)
    return found


def _all(found: Mapping[str, Iterable[JSON]]) -> Iterator[JSON]:
    return (each for some in found.values() for each in some)


def _cidrs(router: Router, network_id: str, version: int) -> tuple[str, ...]:
    """The prefixes of one IP version that a router reaches beyond a network."""
    return tuple(
        router.subnets[address.subnet_id]["cidr"]
        for interface in router.interfaces
        if interface.network_id != network_id
        for address in interface.addresses
        if router.subnets[address.subnet_id]["ip_version"] == version
    )
