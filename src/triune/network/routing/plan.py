"""What a pod must hold of a router of central Neutron: pure functions from the model to a pod router.

A pod router names other resources by `Ref`; which ids they have in the pod is found out when it is realized.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any, Final

from triune.network import names
from triune.network.gateways import Home
from triune.network.plan import Ref, Twin, twin
from triune.network.resources import SUBNET
from triune.network.routing.model import Address, Interface, Router, Span, Surroundings

JSON = Mapping[str, Any]

_DEFAULTS: Final[Mapping[int, str]] = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a router; both in the one spelling of `ipaddress`."""

    destination: str
    nexthop: str


@dataclass(frozen=True, slots=True)
class Spot:
    """An address of a pod router in a subnet of its pod."""

    subnet: Ref
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """An interface of a pod router: with its own port (`port`), or one that is made for it."""

    network: Ref
    spots: tuple[Spot, ...]
    port: Ref | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """The external gateway of a pod router."""

    network: Ref
    spots: tuple[Spot, ...]
    enable_snat: bool = True


@dataclass(frozen=True, slots=True)
class PodRouter:
    """What a pod must hold of a router."""

    twin: Twin
    attachments: tuple[Attachment, ...] = ()
    gateway: Gateway | None = None
    routes: frozenset[Route] = frozenset()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a pod router lacks at the top: an address on the bridge, one on its exit subnet, its own on interfaces."""

    link: bool = False
    exit: bool = False
    # Interfaces, by their ports, whose address another pod has.
    own: frozenset[str] = field(default_factory=frozenset)


def references(wanted: PodRouter) -> frozenset[Ref]:
    """All that a pod router names."""
    refs = {ref for each in wanted.attachments for ref in (each.network, *(spot.subnet for spot in each.spots))}
    if wanted.gateway is not None:
        refs |= {wanted.gateway.network, *(spot.subnet for spot in wanted.gateway.spots)}
    return frozenset(refs)


def pods(span: Span) -> frozenset[str]:
    """The pods that need a part of a router."""
    if span.local is not None:
        return frozenset({span.local}) if span.present or span.gateway_pod else frozenset()
    found = frozenset[str]().union(*span.present.values()) & span.allowed
    return found | ({span.gateway_pod} if span.gateway_pod else set())


def meets(span: Span) -> bool:
    """Whether there are several pod routers, which have to reach each other."""
    return len(pods(span)) > 1


def leaves(span: Span) -> bool:
    """Whether pod routers reach an external network by another pod."""
    return span.gateway_pod is not None and meets(span)


def is_in(span: Span, network_id: str, pod_id: str) -> bool:
    """Whether the pod router of a pod has the router's interfaces on a network."""
    return pod_id in pods(span) and (span.local is not None or pod_id in span.present.get(network_id, ()))


def needs(router: Router, around: Surroundings, pod_id: str) -> Needs:
    """What a pod router lacks of what is not the router's own."""
    span = router.span
    if pod_id not in pods(span):
        return Needs()
    elsewhere = {
        each.port_id
        for each in router.interfaces
        if is_in(span, each.network_id, pod_id) and _is_elsewhere(router, each, around, pod_id)
    }
    return Needs(
        link=meets(span) and pod_id not in around.links,
        exit=leaves(span) and not has_exit(span, around, pod_id),
        own=frozenset(elsewhere - around.own.keys()),
    )


def has_exit(span: Span, around: Surroundings, pod_id: str) -> bool:
    """Whether a pod router has the address on the exit subnet that it should have: the gateway's, or any other."""
    address = around.exit.addresses.get(pod_id) if around.exit is not None else None
    if around.exit is None or address is None:
        return False
    return (address == around.exit.gateway_ip) == (span.gateway_pod == pod_id)


def _is_elsewhere(router: Router, interface: Interface, around: Surroundings, pod_id: str) -> bool:
    """Whether the address of an interface is used in another pod than this."""
    home = around.homes.get(interface.network_id)
    if router.span.local is not None or home is None or home.pod_id in (None, pod_id):
        return False
    return any(router.subnets[each.subnet_id]["ip_version"] == 4 for each in interface.addresses)


def pod_router(router: Router, around: Surroundings, pod_id: str) -> PodRouter | None:
    """The part of a router that is in a pod; None where it needs none. What is missing at the top is left out."""
    if pod_id not in pods(router.span):
        return None
    if pod_id not in around.links:
        # The others' links are not reached without one.
        around = replace(around, links={})
    shown = router.shown
    body = {"name": shown["name"], "description": shown.get("description"), "admin_state_up": shown["admin_state_up"]}
    # What nobody has asked for is left to the pod.
    body |= {name: True for name in ("distributed", "ha") if shown.get(name)}
    return PodRouter(
        twin(names.ROUTER, shown, body),
        tuple(_attachments(router, around, pod_id)),
        _gateway(router, around, pod_id),
        frozenset(_routes(router, around, pod_id)),
    )


def _interfaces(router: Router, around: Surroundings, pod_id: str) -> list[Interface]:
    """The interfaces that a pod router has, as far as their addresses are there."""
    lacking = needs(router, around, pod_id).own
    return [
        each
        for each in router.interfaces
        if is_in(router.span, each.network_id, pod_id) and each.port_id not in lacking
    ]


def _spots(interface: Interface, around: Surroundings) -> tuple[Spot, ...]:
    return tuple(_spot(address, around.own.get(interface.port_id)) for address in interface.addresses)


def _attachments(router: Router, around: Surroundings, pod_id: str) -> Iterator[Attachment]:
    for each in _interfaces(router, around, pod_id):
        yield Attachment(Ref(names.NETWORK, each.network_id), _spots(each, around))
    link = around.links.get(pod_id)
    if link is not None and meets(router.span):
        spots = tuple(_spot(each) for each in link.addresses)
        yield Attachment(Ref(names.PORT, link.port_id), spots, Ref(names.PORT, link.port_id))
    if router.span.gateway_pod == pod_id and around.exit is not None and has_exit(router.span, around, pod_id):
        spot = Spot(Ref(SUBNET, around.exit.subnet_id), around.exit.gateway_ip)
        yield Attachment(Ref(names.NETWORK, around.exit.network_id), (spot,))


def _spot(address: Address, own: str | None = None) -> Spot:
    is_own = own is not None and ip_address(address.ip_address).version == 4
    return Spot(Ref(SUBNET, address.subnet_id), own if own is not None and is_own else address.ip_address)


def _gateway(router: Router, around: Surroundings, pod_id: str) -> Gateway | None:
    info = router.shown.get("external_gateway_info")
    if router.span.gateway_pod is None or not info:
        return None
    snat = bool(info.get("enable_snat", True))
    if router.span.gateway_pod == pod_id:
        spots = tuple(_spot(Address(each["subnet_id"], each["ip_address"])) for each in info["external_fixed_ips"])
        return Gateway(Ref(names.NETWORK, info["network_id"]), spots, snat)
    if around.exit is None or not has_exit(router.span, around, pod_id):
        return None
    spot = Spot(Ref(SUBNET, around.exit.subnet_id), around.exit.addresses[pod_id])
    return Gateway(Ref(names.NETWORK, around.exit.network_id), (spot,), snat)


def _routes(router: Router, around: Surroundings, pod_id: str) -> Iterator[Route]:
    yield from _towards_subnets(router, around, pod_id)
    yield from _of_owner(router, around, pod_id)
    yield from _by_neighbours(router, around)


def _towards_subnets(router: Router, around: Surroundings, pod_id: str) -> Iterator[Route]:
    """One route for each subnet that is not connected here, to a pod router to which it is."""
    connected = _interfaces(router, around, pod_id)
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
    present = router.span.present.get(network_id, frozenset()) & pods(router.span) - {pod_id}
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
    interfaces = _interfaces(router, around, pod_id)
    # Neutron refuses them all for one that is the router itself, or not connected.
    own = {str(ip_address(spot.address)) for each in interfaces for spot in _spots(each, around)}
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
    return is_in(router.span, interface.network_id, pod_id)


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
    elif around.exit is not None and has_exit(router.span, around, pod_id):
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
