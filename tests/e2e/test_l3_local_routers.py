"""External networks in two pods at once, with a router of its own in each, and one more that joins the pods."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from . import networks, outside, packets, routers, sites, things
from .lab import Lab
from .packets import Host
from .people import Person
from .sites import Site

CHANGE_SECONDS = 30.0


@dataclass(frozen=True)
class Center:
    """A data centre: its own way out, and a server that uses it."""

    region: str
    site: Site
    external: Any
    router: Any
    # Its address on the external network.
    leaves_as: str
    # Who is outside there, and under which address.
    host: Host
    address: str


@pytest.fixture(scope="module")
def centers(owner: Person, admin: Person, lab: Lab, boot: dict[str, str]) -> Iterator[list[Center]]:
    """The two; a router without a hint joins their networks, with ports that were made for it."""
    with ExitStack() as stack:
        other = stack.enter_context(outside.other_host(lab))
        plans = (
            ("az1", outside.OTHER_VLAN, outside.other_subnet(), other, outside.OTHER_ADDRESS),
            ("az2", outside.VLAN, outside.subnet(), outside.HOST, outside.ADDRESS),
        )
        parts = []
        across = stack.enter_context(routers.router(owner, f"{owner.name}-across"))
        for zone, vlan, subnet, host, address in plans:
            region, name = lab.zones[zone], f"{owner.name}-{zone}"
            external = stack.enter_context(routers.external_network(admin, f"{name}-external", region, vlan, subnet))
            hints = {"availability_zone_hints": [region]}
            (net,) = stack.enter_context(sites.nets(owner, name, zone, **hints))
            router = stack.enter_context(routers.router(owner, name, *net.subnet_ids, **hints))
            leaves_as = stack.enter_context(routers.gateway(owner, router, external))
            fixed = [{"subnet_id": sites.subnet(owner, net).id}]
            port = stack.enter_context(networks.port(owner, net, f"{name}-across", fixed_ips=fixed))
            stack.enter_context(routers.interface(owner, across, port=port.id))
            parts.append((zone, net, region, external, router, leaves_as, host, address))
        places = [(zone, net) for zone, net, *_ in parts]
        found = stack.enter_context(sites.sites(owner, boot, owner.name, places))
        yield [
            Center(region, site, external, router, leaves_as, host, address)
            for site, (_, _, region, external, router, leaves_as, host, address) in zip(found, parts, strict=True)
        ]


def test_everybody_leaves_by_their_own_data_centre(centers: list[Center]) -> None:
    for center in centers:
        packets.becomes(center.site.server, center.host, center.address, center.leaves_as, CHANGE_SECONDS)


def test_nobody_leaves_by_the_other_data_centre(centers: list[Center]) -> None:
    one, two = centers
    assert packets.silent(one.site.server, two.address)
    assert packets.silent(two.site.server, one.address)


def test_they_reach_each_other(centers: list[Center]) -> None:
    one, two = (center.site for center in centers)
    sites.all_reach_all([one, two], 4, seconds=CHANGE_SECONDS)
    for site, other in ((one, two), (two, one)):
        assert packets.seen_as(site.server, other.server, other.address()) == site.address()


def test_floating_ips_of_both_data_centres(owner: Person, centers: list[Center]) -> None:
    for center in centers:
        with routers.floating_ip(owner, center.external, center.site.port) as floating:
            address = floating.floating_ip_address
            seen = packets.seen_as(center.host, center.site.server, address, CHANGE_SECONDS)
            assert seen == center.address
            routers.is_active(owner, floating)
            one, two = (each.site for each in centers)
            for site, other in ((one, two), (two, one)):
                assert packets.seen_as(site.server, other.server, other.address()) == site.address()


def test_a_local_router_is_in_its_pod_alone(owner: Person, lab: Lab, centers: list[Center]) -> None:
    for center, zone in zip(centers, lab.zones, strict=False):
        look = lambda to=center.router: owner.central.network.get_router(to.id).availability_zones  # noqa: E731
        assert things.wait_until("the zones of the router", look, CHANGE_SECONDS) == [zone]


# -- what cannot be


def test_a_local_router_and_a_network_that_is_elsewhere(owner: Person, centers: list[Center]) -> None:
    one, two = centers
    neutron = owner.central.network
    name = f"{owner.name}-refused"
    # Its gateway address is taken: with a port of its own, only the place is wrong.
    with networks.port(owner, two.site.network, name) as port:
        refused = networks.refusal(lambda: neutron.add_interface_to_router(one.router.id, port=port.id))
        assert refused.status_code == 400
        assert two.region in str(refused.details) or one.region in str(refused.details)
    with sites.nets(owner, name, "az2", availability_zone_hints=[two.region]) as (net,):
        for subnet_id in net.subnet_ids:
            add = lambda it=subnet_id: neutron.add_interface_to_router(one.router.id, subnet=it)  # noqa: E731
            assert networks.refusal(add).status_code == 400
    held = {port.network_id for port in neutron.ports(device_id=one.router.id, device_owner=routers.INTERFACE)}
    assert held == {one.site.network.id}


def test_a_local_router_and_an_external_network_that_is_elsewhere(owner: Person, centers: list[Center]) -> None:
    one, two = centers
    neutron = owner.central.network
    with routers.router(owner, f"{owner.name}-refused", availability_zone_hints=[one.region]) as router:
        info = {"network_id": two.external.id}
        refused = networks.refusal(lambda: neutron.update_router(router.id, external_gateway_info=info))
        assert refused.status_code == 400
        assert neutron.get_router(router.id).external_gateway_info is None
    hinted: dict[str, Any] = {"availability_zone_hints": [one.region], "external_gateway_info": info}
    name = f"{owner.name}-never"
    assert networks.refusal(lambda: neutron.create_router(name=name, **hinted)).status_code == 400
    assert not list(neutron.routers(name=name))


def test_addresses_by_which_the_regions_reach_each_other(owner: Person) -> None:
    neutron, name = owner.central.network, f"{owner.name}-taken"
    taken = {"ip_version": 4, "cidr": "100.64.7.0/24"}
    with networks.network(owner, name, taken) as net, routers.router(owner, name) as router:
        add = lambda: neutron.add_interface_to_router(router.id, subnet=net.subnet_ids[0])  # noqa: E731
        assert networks.refusal(add).status_code == 400


def test_overlapping_networks_on_one_router(owner: Person, centers: list[Center]) -> None:
    one, _ = centers
    neutron, name = owner.central.network, f"{owner.name}-overlap"
    taken = {"ip_version": 4, "cidr": sites.subnet(owner, one.site.network).cidr}
    with networks.network(owner, name, taken) as net:
        add = lambda: neutron.add_interface_to_router(one.router.id, subnet=net.subnet_ids[0])  # noqa: E731
        assert networks.refusal(add).status_code == 400
