"""Whether the pods' routers and floating IPs are what central Neutron wants: for `agreement`, by what both answer.

A pod where one of a router's networks is has a router for it; it has an interface on each of them, and a route to each
of the others. Of a floating IP, the pod of the external network has one with its address, and the pod of the server has
one with the server's.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from . import routers
from .people import Person

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")
# How a port begins that holds what a pod has in place of a subnet's gateway address; the id of the pod follows.
GATEWAY = "triune-gateway-"


@dataclass(frozen=True)
class Routing:
    """The routers and floating IPs of some projects, with the ports of routers, as central Neutron has them."""

    routers: dict[str, Any]
    interfaces: list[Any]
    floating_ips: dict[str, Any]
    forwarded: set[str]


def read(admin: Person, projects: Iterable[str]) -> Routing:
    """Ask central Neutron."""
    neutron, owners = admin.central.network, set(projects)
    found = {each.id: each for each in neutron.routers() if each.project_id in owners}
    floating = {each.id: each for each in neutron.ips() if each.project_id in owners}
    return Routing(
        routers=found,
        interfaces=[port for port in neutron.ports(device_owner=routers.INTERFACE) if port.device_id in found],
        floating_ips=floating,
        forwarded={key for key in floating if list(neutron.floating_ip_port_forwardings(key))},
    )


def differences(
    admin: Person, region: str, central: Any, top: Routing, pod_id: str, bottom: dict[tuple[str, str], Any]
) -> Iterator[str]:
    """In what a pod differs; `central` is `agreement.Central`, `bottom` holds the pod's twins by kind and top id."""
    present = {port.network_id for port in central.placed(pod_id)}
    for router in top.routers.values():
        yield from _router(admin, region, central, top, router, present, bottom)
    for floating in top.floating_ips.values():
        if floating.id not in top.forwarded:
            yield from _floating_ip(region, central, floating, pod_id, bottom)
    for (kind, key), twin in bottom.items():
        if kind in ("router", "floating ip") and key not in top.routers.keys() | top.floating_ips.keys():
            yield f"left over: {kind} {twin.id}, twin of {key}"


def _router(
    admin: Person,
    region: str,
    central: Any,
    top: Routing,
    router: Any,
    present: set[str],
    bottom: dict[tuple[str, str], Any],
) -> Iterator[str]:
    joined = {
        each["subnet_id"]: port
        for port in top.interfaces
        if port.device_id == router.id
        for each in port.fixed_ips
        if each["subnet_id"] in central.subnets
    }
    here = {subnet for subnet, port in joined.items() if port.network_id in present}
    if not here:
        return
    if (twin := bottom.get(("router", router.id))) is None:
        yield f"no twin of router {router.id}"
        return
    for name in ("name", "is_admin_state_up", "project_id"):
        if getattr(router, name) != getattr(twin, name):
            yield f"router {router.id}: {name} is {getattr(twin, name)} and not {getattr(router, name)}"
    own = {
        each["subnet_id"]
        for port in admin.pod(region).network.ports(device_id=twin.id, device_owner=routers.INTERFACE)
        for each in port.fixed_ips
    }
    wanted = {bottom[("subnet", each)].id for each in here if ("subnet", each) in bottom}
    if missing := wanted - own:
        yield f"router {router.id} has no interface on {missing}"
    elsewhere = joined.keys() - here
    cidrs = {_network(central.subnets[each].cidr) for each in elsewhere if _somewhere(central, each)}
    users = {_network(route["destination"]) for route in router.routes}
    routes = {_network(route["destination"]) for route in twin.routes if route["destination"] not in DEFAULT_ROUTES}
    if lacks := (cidrs | users) - routes:
        yield f"router {router.id} has no routes to {sorted(lacks)}"
    if has := routes - users - {_network(central.subnets[each].cidr) for each in elsewhere}:
        yield f"router {router.id} has routes to {sorted(has)}"
    if bool(router.external_gateway_info) != bool(twin.external_gateway_info):
        yield f"router {router.id} has the gateway {twin.external_gateway_info}, not {router.external_gateway_info}"


def _somewhere(central: Any, subnet_id: str) -> bool:
    """Whether anybody who is in a pod could be meant by a route to a subnet."""
    network_id = central.subnets[subnet_id].network_id
    return any(port.network_id == network_id and central.pod(port) for port in central.ports)


def _floating_ip(
    region: str, central: Any, floating: Any, pod_id: str, bottom: dict[tuple[str, str], Any]
) -> Iterator[str]:
    twin = bottom.get(("floating ip", floating.id))
    (port,) = [each for each in central.ports if each.id == floating.port_id] or [None]
    pod = None if port is None else central.pod(port)
    if pod is None:
        if twin is not None and twin.port_id is not None:
            yield f"floating ip {floating.floating_ip_address} leads to {twin.fixed_ip_address}, and not nowhere"
        return
    hints = central.networks[floating.floating_network_id].availability_zone_hints
    if region in hints:
        if twin is None or twin.floating_ip_address != floating.floating_ip_address or twin.port_id is None:
            yield f"floating ip {floating.floating_ip_address} is {twin and twin.floating_ip_address}"
    elif pod != pod_id and twin is not None:
        yield f"floating ip {floating.floating_ip_address} is in a pod where its server is not"
    if pod == pod_id and (twin is None or twin.fixed_ip_address != floating.fixed_ip_address):
        leads = twin and twin.fixed_ip_address
        yield f"floating ip {floating.floating_ip_address} leads to {leads}, not {floating.fixed_ip_address}"
    status = "ACTIVE" if twin is not None and twin.status == "ACTIVE" else None
    if pod == pod_id and status and floating.status != status:
        yield f"floating ip {floating.floating_ip_address} is {floating.status}, in the pod {status}"


def gateways(central: Any, subnet: Any, pod_id: str) -> set[str | None]:
    """The addresses that a pod may hand out as the gateway of a subnet: its own where it has one, or the subnet's.

    A port has an address in each IPv6 subnet in which addresses follow from MACs, whatever it is for.
    """
    if subnet.ip_version != 4:
        return {subnet.gateway_ip}
    own = {
        each["ip_address"]
        for port in central.ports
        if port.device_id == f"{GATEWAY}{pod_id}"
        for each in port.fixed_ips
        if each["subnet_id"] == subnet.id
    }
    return own or {subnet.gateway_ip}


def _network(prefix: str) -> str:
    return str(ipaddress.ip_network(prefix, strict=False))
