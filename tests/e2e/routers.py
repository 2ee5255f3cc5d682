"""Routers, their gateways and floating IPs, made at the central region for the length of a test."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from openstack import exceptions

from . import networks
from .people import Person
from .waiting import wait_until

INTERFACE = "network:router_interface"
# How the networks are called on which the pod routers of a project meet.
BRIDGE, EXIT = "triune-bridge-", "triune-exit-"
# A router is made in two pods, with what is needed to make it.
ACTIVE_SECONDS = 60.0


@contextmanager
def router(person: Person, name: str, *subnet_ids: str, **attributes: Any) -> Iterator[Any]:
    """A router with an interface on each subnet; with all of them it is gone afterwards."""
    neutron = person.central.network
    made = neutron.create_router(name=name, **attributes)
    try:
        for subnet_id in subnet_ids:
            neutron.add_interface_to_router(made.id, subnet=subnet_id)
        yield made
    finally:
        remove_router(person, made.id)


def remove_router(person: Person, router_id: str) -> None:
    """Delete a router with its gateway and interfaces; one that is gone already is fine."""
    neutron = person.central.network
    if neutron.find_router(router_id) is None:
        return
    # Neutron keeps interfaces that extra routes lead to.
    neutron.update_router(router_id, routes=[], external_gateway_info={})
    for port in neutron.ports(device_id=router_id, device_owner=INTERFACE):
        neutron.remove_interface_from_router(router_id, port=port.id)
    neutron.delete_router(router_id, ignore_missing=True)


@contextmanager
def interface(person: Person, router: Any, **what: str) -> Iterator[str]:
    """An interface of a router, on a `subnet` or with a `port`; the id of its port."""
    neutron = person.central.network
    made = neutron.add_interface_to_router(router.id, **what)
    try:
        yield str(made["port_id"])
    finally:
        try:
            neutron.remove_interface_from_router(router.id, **what)
        except exceptions.NotFoundException:
            pass  # a test has removed it


@contextmanager
def gateway(person: Person, router: Any, network: Any, **attributes: Any) -> Iterator[str]:
    """A router's external gateway; its IPv4 address.

    Whoever says more than the network has to be an administrator, as Neutron wants it.
    """
    neutron = person.central.network
    info = {"network_id": network.id, **attributes}
    changed = neutron.update_router(router.id, external_gateway_info=info)
    try:
        yield external_address(changed)
    finally:
        neutron.update_router(router.id, external_gateway_info={})


def external_address(router: Any, version: int = 4) -> str:
    """The address of a router on its external network."""
    found = [each["ip_address"] for each in router.external_gateway_info["external_fixed_ips"]]
    return next(each for each in found if (":" in each) == (version == 6))


@contextmanager
def external_network(admin: Person, name: str, region: str, vlan: int, *subnets: dict[str, Any]) -> Iterator[Any]:
    """An external network on a VLAN of the physical network, in the pod of one region."""
    segment = {
        "provider_network_type": "vlan",
        "provider_physical_network": "physnet1",
        "provider_segmentation_id": vlan,
    }
    hints = {"is_router_external": True, "availability_zone_hints": [region]}
    with networks.network(admin, name, *subnets, **segment, **hints) as made:
        yield made


@contextmanager
def floating_ip(person: Person, network: Any, port: Any = None, **attributes: Any) -> Iterator[Any]:
    """A floating IP, of a port where one is given."""
    neutron = person.central.network
    chosen = {} if port is None else {"port_id": port.id}
    made = neutron.create_ip(floating_network_id=network.id, **chosen, **attributes)
    try:
        yield made
    finally:
        neutron.delete_ip(made.id, ignore_missing=True)


def is_active(person: Person, floating: Any, status: str = "ACTIVE") -> None:
    """Wait until a floating IP has a status. Raises `TimeoutError`."""
    get = person.central.network.get_ip
    wait_until(f"{floating.floating_ip_address} {status}", lambda: get(floating.id).status == status, ACTIVE_SECONDS)


@contextmanager
def port_forwarding(person: Person, floating: Any, port: Any, external: int, internal: int) -> Iterator[Any]:
    """A TCP port of a floating IP that leads to a TCP port of a server's port."""
    neutron = person.central.network
    made = neutron.create_floating_ip_port_forwarding(
        floating.id,
        protocol="tcp",
        external_port=external,
        internal_port=internal,
        internal_port_id=port.id,
        internal_ip_address=networks.address(port),
    )
    try:
        yield made
    finally:
        neutron.delete_floating_ip_port_forwarding(floating.id, made.id, ignore_missing=True)


def meeting_networks(admin: Person, project_id: str, region: str | None = None) -> dict[str, Any]:
    """The networks on which a project's pod routers meet, by how their names begin, as an administrator finds them."""
    cloud = admin.central if region is None else admin.pod(region)
    wanted = {f"{begin}{project_id}": begin for begin in (BRIDGE, EXIT)}
    return {wanted[each.name]: each for each in cloud.network.networks() if each.name in wanted}


def bridge_vlan(admin: Person, person: Person) -> int:
    """The VLAN on which a project's pod routers reach each other."""
    return int(meeting_networks(admin, person.project_id)[BRIDGE].provider_segmentation_id)


def destinations(routers: Iterable[Any]) -> list[str]:
    """Where the routes of some routers lead."""
    return sorted(route["destination"] for each in routers for route in each.routes)
