"""The routes of pod routers: pure decisions. One for each subnet that is elsewhere, never one for each server."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from triune.network.gateways import Home
from triune.network.routing import spans
from triune.network.routing.model import Interface, Router, Surroundings

_DEFAULTS: Final[Mapping[int, str]] = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a router; both in the one spelling of `ipaddress`."""

    destination: str
    nexthop: str


def routes(router: Router, around: Surroundings, pod_id: str) -> Iterator[Route]:
    yield from _towards_subnets(router, around, pod_id)
    yield from _of_owner(router, around, pod_id)
    yield from _by_neighbours(router, around)


def _towards_subnets(router: Router, around: Surroundings, pod_id: str) -> Iterator[Route]:
    """One route for each subnet that is not connected here, to a pod router to which it is."""
    connected = spans.interfaces(router, around, pod_id)
    for interface in router.interfaces:
        if interface in connected:
            continue
        for address in interface.addresses:
            subnet = router.subnets[address.subnet_id]
            nexthop = _across(router, around, interface.network_id, subnet["ip_version"], pod_id)
            if nexthop is not None:
                yield Route(str(ip_network(subnet["cidr"])), nexthop)


def _across(router: Router, around: Surroundings, network_id: str, version: int, pod_id: str) -> str | None:
    """The address on the bridge of another pod router that is connected to a network; always the same of several."""
    present = router.span.present.get(network_id, frozenset()) & spans.pods(router.span) - {pod_id}
    # Where a pod lacks an address of its own, the home has one in any case.
    home = around.homes.get(network_id, Home()).pod_id
    there = sorted(present, key=lambda pod: (pod != home, pod))
    return next((found for pod in there if (found := _link_address(around, pod, version)) is not None), None)


def _link_address(around: Surroundings, pod_id: str, version: int) -> str | None:
    link = around.links.get(pod_id)
    addresses = (ip_address(each.ip_address) for each in link.addresses) if link is not None else ()
    return next((str(each) for each in addresses if each.version == version), None)


def _of_owner(router: Router, around: Surroundings, pod_id: str) -> Iterator[Route]:
    """The routes of the router's owner, where the next hop is; elsewhere they lead there.

    Of several next hops those of the own pod count, as its own gateway does: two pods could pass packets to and fro.
    """
    # What a router is connected to is nearer than any route, wherever that is.
    connected = {str(ip_network(each["cidr"])) for each in router.subnets.values()}
    asked = [each for each in _asked(router) if each.destination not in connected]
    here = [each for each in asked if _is_here(router, pod_id, each.nexthop)]
    interfaces = spans.interfaces(router, around, pod_id)
    # Neutron refuses them all for one that is the router itself, or not connected.
    own = {str(ip_address(spot.ip_address)) for each in interfaces for spot in spans.addresses(each, around)}
    for route in here:
        interface = _connected(router, route.nexthop)
        if (interface is None or interface in interfaces) and route.nexthop not in own:
            yield route
    near, versions = {each.destination for each in here}, _versions(router)
    if router.span.gateway_pod == pod_id:
        near |= {_DEFAULTS[each] for each in versions}
    elif _DEFAULTS[6] not in near and 6 in versions:
        # Of IPv4 the exit subnet's own gateway tells.
        yield from _by_link(around, router.span.gateway_pod, _DEFAULTS[6], 6)
    for route in asked:
        if route.destination not in near:
            yield from _elsewhere(router, around, pod_id, route)


def _asked(router: Router) -> list[Route]:
    return [
        Route(str(ip_network(each["destination"], strict=False)), str(ip_address(each["nexthop"])))
        for each in router.shown.get("routes") or ()
    ]


def _versions(router: Router) -> frozenset[int]:
    """The IP versions of which a router has a way out."""
    external = router.shown.get("external_gateway_info") or {}
    return frozenset(ip_address(each["ip_address"]).version for each in external.get("external_fixed_ips") or ())


def _is_here(router: Router, pod_id: str, nexthop: str) -> bool:
    """Whether a pod is one in which a next hop is; one that is on no interface's subnet is on the external network."""
    interface = _connected(router, nexthop)
    if interface is None:
        return router.span.gateway_pod == pod_id
    return spans.is_in(router.span, interface.network_id, pod_id)


def _elsewhere(router: Router, around: Surroundings, pod_id: str, route: Route) -> Iterator[Route]:
    """A route to the pod in which its next hop is."""
    version = ip_address(route.nexthop).version
    interface = _connected(router, route.nexthop)
    if interface is not None:
        nexthop = _across(router, around, interface.network_id, version, pod_id)
        if nexthop is not None:
            yield Route(route.destination, nexthop)
    elif version == 6:
        yield from _by_link(around, router.span.gateway_pod, route.destination, version)
    elif around.exit is not None and spans.has_exit(router.span, around, pod_id):
        yield Route(route.destination, around.exit.gateway_ip)


def _by_link(around: Surroundings, pod_id: str | None, destination: str, version: int) -> Iterator[Route]:
    nexthop = _link_address(around, pod_id, version) if pod_id is not None else None
    if nexthop is not None:
        yield Route(destination, nexthop)


def _connected(router: Router, nexthop: str) -> Interface | None:
    """The interface in whose subnets an address is."""
    for interface in router.interfaces:
        for address in interface.addresses:
            if ip_address(nexthop) in ip_network(router.subnets[address.subnet_id]["cidr"]):
                return interface
    return None


def _by_neighbours(router: Router, around: Surroundings) -> Iterator[Route]:
    """What other routers on the same subnets reach, so that servers need only know their own pod's router."""
    own = [ip_network(each["cidr"]) for each in router.subnets.values()]
    taken = {str(ip_network(each["destination"], strict=False)) for each in router.shown.get("routes") or ()}
    near = (each for each in around.neighbours if each.subnet_id in router.subnets)
    for neighbour in sorted(near, key=lambda each: ip_address(each.address).packed):
        for cidr in neighbour.cidrs:
            network = ip_network(cidr)
            if str(network) in taken or any(network.version == each.version and network.overlaps(each) for each in own):
                continue
            taken.add(str(network))
            yield Route(str(network), neighbour.address)
