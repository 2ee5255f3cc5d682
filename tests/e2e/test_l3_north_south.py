"""Servers in two pods leave by an external network that is in one of them."""

from collections.abc import Iterator

import pytest

from . import edge, networks, outside, packets, routers, sites
from .edge import Edge
from .people import Person

CHANGE_SECONDS = 30.0
CHOSEN = "203.0.113.150"
WHICH = pytest.mark.parametrize("which", ["far", "near"])


@pytest.fixture(scope="module")
def world(owner: Person, admin: Person, boot: dict[str, str]) -> Iterator[Edge]:
    """The edge, whose router has a gateway in some tests only."""
    with edge.edge(owner, admin, boot) as made:
        yield made


@pytest.fixture
def gateway(owner: Person, world: Edge) -> Iterator[str]:
    """The router's gateway, for the length of a test; its address."""
    with routers.gateway(owner, world.router, world.external) as address:
        yield address


@WHICH
def test_without_a_gateway_nobody_leaves(world: Edge, which: str) -> None:
    assert packets.silent(getattr(world, which).server, outside.ADDRESS)


@WHICH
def test_who_leaves_has_the_address_of_the_router(world: Edge, gateway: str, which: str) -> None:
    server = getattr(world, which).server
    packets.reaches(server, outside.ADDRESS, seconds=CHANGE_SECONDS)
    packets.becomes(server, outside.HOST, outside.ADDRESS, gateway, CHANGE_SECONDS)


def test_a_gateway_as_a_user_sets_it(owner: Person, world: Edge) -> None:
    owner.run("router set --external-gateway", world.external.id, world.router.id)
    try:
        shown = owner.cli("router show", world.router.id)["external_gateway_info"]
        (fixed,) = shown["external_fixed_ips"]
        assert (shown["network_id"], shown["enable_snat"]) == (world.external.id, True)
        for site in world.both:
            packets.reaches(site.server, outside.ADDRESS, seconds=CHANGE_SECONDS)
        packets.reaches(outside.HOST, fixed["ip_address"])
    finally:
        owner.run("router unset --external-gateway", world.router.id)
    for site in world.both:
        packets.falls_silent(site.server, outside.ADDRESS, CHANGE_SECONDS)
    # What is inside goes on as before.
    sites.all_reach_all(list(world.both), 4, 6)


def test_servers_reach_each_other_under_their_own_addresses(world: Edge, gateway: str) -> None:
    for site, other in (world.both, world.both[::-1]):
        for version in (4, 6):
            assert packets.seen_as(site.server, other.server, other.address(version)) == site.address(version)


def test_the_gateway_has_the_address_that_was_asked_for(admin: Person, owner: Person, world: Edge) -> None:
    (subnet,) = admin.central.network.subnets(network_id=world.external.id)
    fixed = [{"subnet_id": subnet.id, "ip_address": CHOSEN}]
    # Neutron lets administrators say so, and nobody else.
    with routers.gateway(admin, world.router, world.external, external_fixed_ips=fixed) as address:
        assert address == CHOSEN
        for site in world.both:
            packets.becomes(site.server, outside.HOST, outside.ADDRESS, CHOSEN, CHANGE_SECONDS)


def test_without_translation(admin: Person, world: Edge) -> None:
    """A network outside has to know the way back; then it sees the servers' own addresses."""
    with routers.gateway(admin, world.router, world.external, enable_snat=False) as address:
        for site in world.both:
            packets.falls_silent(site.server, outside.ADDRESS, CHANGE_SECONDS)
            cidr = sites.subnet(admin, site.network).cidr
            with outside.route(outside.HOST, cidr, address):
                packets.becomes(site.server, outside.HOST, outside.ADDRESS, site.address(), CHANGE_SECONDS)
                packets.reaches(outside.HOST, site.address())
        info = {"network_id": world.external.id, "enable_snat": True}
        changed = admin.central.network.update_router(world.router.id, external_gateway_info=info)
        for site in world.both:
            leaves_as = routers.external_address(changed)
            packets.becomes(site.server, outside.HOST, outside.ADDRESS, leaves_as, CHANGE_SECONDS)


def test_ipv6_is_routed_as_it_is(admin: Person, owner: Person, world: Edge) -> None:
    neutron = admin.central.network
    subnet = neutron.create_subnet(network_id=world.external.id, name=f"{owner.name}-v6", **outside.SUBNET_V6)
    try:
        with routers.gateway(owner, world.router, world.external):
            gateway = routers.external_address(neutron.get_router(world.router.id), 6)
            for site in world.both:
                with outside.route(outside.HOST, sites.subnet(owner, site.network, 6).cidr, gateway):
                    seen = packets.seen_as(site.server, outside.HOST, outside.ADDRESS_V6, CHANGE_SECONDS)
                    assert seen == site.address(6)
                    packets.reaches(outside.HOST, site.address(6))
    finally:
        neutron.delete_subnet(subnet.id)


def test_users_do_not_see_the_exit_network(owner: Person, admin: Person, world: Edge, gateway: str) -> None:
    packets.reaches(world.far.server, outside.ADDRESS, seconds=CHANGE_SECONDS)
    found = routers.meeting_networks(admin, owner.project_id)[routers.EXIT]
    assert found.project_id != owner.project_id
    assert found.id not in {each.id for each in owner.central.network.networks()}
    assert networks.refusal(lambda: owner.central.network.get_network(found.id)).status_code == 404
    assert [each.name for each in owner.central.network.networks(is_router_external=True)] == [world.external.name]


def test_the_external_network_stays_while_a_router_uses_it(admin: Person, world: Edge, gateway: str) -> None:
    refused = networks.refusal(lambda: admin.central.network.delete_network(world.external.id))
    assert refused.status_code == 409
