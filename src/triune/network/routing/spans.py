"""In which pods routers are, with which interfaces and addresses: pure decisions, from the model alone."""

from dataclasses import dataclass, field
from ipaddress import ip_address

from triune.network.routing.model import Address, Interface, Router, Span, Surroundings


@dataclass(frozen=True, slots=True)
class Needs:
    """What a pod router lacks at the top: an address on the bridge, one on its exit subnet, its own on interfaces."""

    link: bool = False
    exit: bool = False
    # Interfaces, by their ports, whose address another pod has.
    own: frozenset[str] = field(default_factory=frozenset)


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


def interfaces(router: Router, around: Surroundings, pod_id: str) -> list[Interface]:
    """The interfaces that a pod router has, as far as their addresses are there."""
    lacking = needs(router, around, pod_id).own
    return [
        each
        for each in router.interfaces
        if is_in(router.span, each.network_id, pod_id) and each.port_id not in lacking
    ]


def addresses(interface: Interface, around: Surroundings) -> tuple[Address, ...]:
    """The addresses of an interface in a pod: that of IPv4 may be the pod's own."""
    own = around.own.get(interface.port_id)
    return tuple(
        Address(each.subnet_id, own) if own is not None and ip_address(each.ip_address).version == 4 else each
        for each in interface.addresses
    )
