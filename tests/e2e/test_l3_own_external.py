"""A region that has an external network of its own: routers and floating IPs of all regions use it as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import outside, packets, routers
from .edge import REGION, Edge, edge
from .people import Person

CHANGE_SECONDS = 60.0
# What the region gives to its own users; central Neutron gives others.
POOL = {"start": "203.0.113.200", "end": "203.0.113.250"}


@contextmanager
def own_network(admin: Person, name: str) -> Iterator[tuple[Any, Any]]:
    """An external network that the region's operator has made there, and its subnet."""
    neutron = admin.pod(REGION).network
    made = neutron.create_network(
        name=name,
        is_router_external=True,
        provider_network_type="vlan",
        provider_physical_network="physnet1",
        provider_segmentation_id=outside.VLAN,
    )
    try:
        yield made, neutron.create_subnet(network_id=made.id, **outside.subnet(name=name, allocation_pools=[POOL]))
    finally:
        neutron.delete_network(made.id)


@pytest.fixture(scope="module")
def world(owner: Person, admin: Person, boot: dict[str, str]) -> Iterator[tuple[Edge, Any, Any]]:
    """Two servers in two pods, a router with a gateway, and what the region had before."""
    with (
        own_network(admin, f"{owner.name}-own") as (network, subnet),
        edge(owner, admin, boot) as made,
        routers.gateway(owner, made.router, made.external),
    ):
        yield made, network, subnet


def test_everybody_leaves_by_it_and_answers_on_it(owner: Person, world: tuple[Edge, Any, Any]) -> None:
    made, _, _ = world
    gateway = routers.external_address(owner.central.network.get_router(made.router.id))
    for site in made.both:
        packets.becomes(site.server, outside.HOST, outside.ADDRESS, gateway, CHANGE_SECONDS)
        with routers.floating_ip(owner, made.external, site.port) as floating:
            packets.reaches(outside.HOST, floating.floating_ip_address, seconds=CHANGE_SECONDS)


def test_it_stays_as_it_was(admin: Person, world: tuple[Edge, Any, Any]) -> None:
    _, network, subnet = world
    neutron = admin.pod(REGION).network
    names = ("name", "description", "tags", "is_router_external", "is_shared", "project_id", "mtu")
    now = neutron.get_network(network.id)
    assert {name: now[name] for name in names} == {name: network[name] for name in names}
    now = neutron.get_subnet(subnet.id)
    names = ("name", "tags", "allocation_pools", "gateway_ip", "is_dhcp_enabled")
    assert {name: now[name] for name in names} == {name: subnet[name] for name in names}
    assert [each.id for each in neutron.networks(provider_segmentation_id=outside.VLAN)] == [network.id]
