"""One router, networks in several pods: who is on one of them reaches who is on another, over the bridge network."""

from collections.abc import Iterator
from typing import Any

import pytest
from openstack import exceptions

from . import capture, networks, packets, routers, sites
from .lab import Lab
from .people import Person
from .sites import Site

# Somebody behind a server: an address that the cloud has not given to anybody.
BEHIND, ALIAS = "192.0.2.0/24", "192.0.2.1"
# A change of a router is made in two pods.
CHANGE_SECONDS = 30.0
# Who came before a router asks for one again and again, each time after a longer pause.
ADVERTISED_SECONDS = 90.0
THIRD = "az3"


@pytest.fixture(scope="module")
def pair(owner: Person, boot: dict[str, str]) -> Iterator[tuple[Any, list[Site]]]:
    """A router, and a server in each of two pods, each on a network of its own."""
    with sites.joined(owner, boot, owner.name, "az1", "az2") as made:
        yield made


@pytest.mark.parametrize("version", [4, 6])
def test_servers_in_two_pods_reach_each_other(pair: tuple[Any, list[Site]], version: int) -> None:
    _, places = pair
    for site in places:
        packets.has_addresses(site.server, {each["ip_address"] for each in site.port.fixed_ips})
    sites.all_reach_all(places, version)


def test_nothing_is_translated(pair: tuple[Any, list[Site]]) -> None:
    _, (one, two) = pair
    for version in (4, 6):
        for site, other in ((one, two), (two, one)):
            seen = packets.seen_as(site.server, other.server, other.address(version))
            assert seen == site.address(version)


@pytest.mark.parametrize("version", [4, 6])
def test_the_bridge_network_carries_it(
    owner: Person, admin: Person, lab: Lab, pair: tuple[Any, list[Site]], version: int
) -> None:
    _, (one, two) = pair
    packets.reaches(one.server, two.address(version))
    with capture.on_cable(lab, "RegionOne") as seen:
        packets.reaches(one.server, two.address(version))
    vlan = routers.bridge_vlan(admin, owner)
    for site, other in ((one, two), (two, one)):
        assert seen.vlans(site.address(version), other.address(version)) == {vlan}


def test_users_do_not_see_the_bridge_network(owner: Person, admin: Person, pair: tuple[Any, list[Site]]) -> None:
    bridge = routers.meeting_networks(admin, owner.project_id)[routers.BRIDGE]
    assert bridge.project_id != owner.project_id
    neutron = owner.central.network
    assert bridge.id not in {each.id for each in neutron.networks()}
    for missing in (
        lambda: neutron.get_network(bridge.id),
        lambda: neutron.get_subnet(bridge.subnet_ids[0]),
        lambda: neutron.create_port(network_id=bridge.id),
    ):
        assert isinstance(networks.refusal(missing), exceptions.NotFoundException)
    assert not list(neutron.ports(network_id=bridge.id))
    assert not [row for row in owner.cli("network list") if row["Name"].startswith("triune-")]
    assert not [row for row in owner.cli("subnet list") if row["Network"] == bridge.id]


def test_a_router_looks_like_any_other(owner: Person, pair: tuple[Any, list[Site]]) -> None:
    router, places = pair
    shown = owner.cli("router show", router.id)
    assert (shown["status"], shown["routes"], shown["external_gateway_info"]) == ("ACTIVE", [], None)
    wanted = {sites.subnet(owner, site.network, version).gateway_ip for site in places for version in (4, 6)}
    assert {each["ip_address"] for each in shown["interfaces_info"]} == wanted
    assert sorted(shown["availability_zones"]) == ["az1", "az2"]


def test_how_a_router_is_spread_over_hosts_is_kept_and_shown(admin: Person) -> None:
    neutron = admin.central.network
    made = neutron.create_router(name=f"{admin.name}-spread", is_distributed=True, is_ha=False)
    try:
        shown = neutron.get_router(made.id)
        assert (shown.is_distributed, shown.is_ha) == (True, False)
        with pytest.raises(exceptions.BadRequestException, match="chosen when it is made"):
            neutron.update_router(made.id, is_distributed=False)
    finally:
        neutron.delete_router(made.id)


@pytest.mark.parametrize("behind", [0, 1], ids=["in the first pod", "in the second pod"])
def test_extra_routes(owner: Person, pair: tuple[Any, list[Site]], behind: int) -> None:
    """Somebody behind a server is reached from the pod of this server, and from the other one."""
    router, places = pair
    site, other = places[behind], places[1 - behind]
    neutron = owner.central.network
    # It receives and sends what has not its own address.
    neutron.update_port(site.port.id, security_groups=[], is_port_security_enabled=False)
    packets.inside(site.server, "ip", "address", "add", f"{ALIAS}/32", "dev", "lo")
    words = ("--route", f"destination={BEHIND},gateway={site.address()}", router.id)
    try:
        owner.run("router add route", *words)
        packets.reaches(other.server, ALIAS, seconds=CHANGE_SECONDS)
        assert packets.seen_as(other.server, site.server, ALIAS) == other.address()
        owner.run("router remove route", *words)
        packets.falls_silent(other.server, ALIAS, CHANGE_SECONDS)
        packets.reaches(other.server, site.address())
    finally:
        packets.inside(site.server, "ip", "address", "delete", f"{ALIAS}/32", "dev", "lo")
        neutron.update_router(router.id, routes=[])
        groups = site.port.security_group_ids
        neutron.update_port(site.port.id, is_port_security_enabled=True, security_groups=groups)


def test_a_router_that_comes_after_the_servers_and_goes_before_them(owner: Person, boot: dict[str, str]) -> None:
    name = f"{owner.name}-late"
    with sites.nets(owner, name, "az1", "az2") as nets:
        places = list(zip(("az1", "az2"), nets, strict=True))
        with sites.sites(owner, boot, name, places) as (one, two):
            assert packets.silent(one.server, two.address())
            with routers.router(owner, name, *nets[0].subnet_ids) as router:
                for subnet_id in nets[1].subnet_ids:
                    owner.central.network.add_interface_to_router(router.id, subnet=subnet_id)
                sites.all_reach_all([one, two], 4, seconds=CHANGE_SECONDS)
                sites.all_reach_all([one, two], 6, seconds=ADVERTISED_SECONDS)
                owner.central.network.remove_interface_from_router(router.id, subnet=sites.subnet(owner, nets[1], 4).id)
                packets.falls_silent(one.server, two.address(), CHANGE_SECONDS)
                # The other subnet of the same network is still joined.
                packets.reaches(one.server, two.address(6))


def test_three_pods(owner: Person, lab: Lab, boot: dict[str, str]) -> None:
    if THIRD not in lab.zones:
        pytest.skip("the lab has no third region")
    with sites.joined(owner, boot, f"{owner.name}-three", *list(lab.zones)[:3]) as (_, places):
        sites.all_reach_all(places, 4, 6)
