"""However many servers there are, a pod router has one route per subnet of the other pods."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from . import networks, packets, routers, sites, things, twins
from .lab import Lab
from .people import Person
from .sites import Site

# Servers in each of the two networks. Every one costs the machine seconds; forty show the same as these.
SERVERS = int(os.environ.get("E2E_L3_MANY", "6"))
ZONES = ("az1", "az2")
CHANGE_SECONDS = 30.0


@pytest.fixture
def crowd(owner: Person, admin: Person, lab: Lab) -> Iterator[Person]:
    """Somebody who may have so many."""
    for region in lab.regions:
        admin.pod(region).compute.update_quota_set(owner.project_id, instances=-1, cores=-1, ram=-1)
    admin.central.network.update_quota(owner.project_id, ports=-1)
    yield owner


def routes(admin: Person, lab: Lab, router: Any) -> dict[str, list[tuple[str, str]]]:
    """The routes of a router's pod routers, by region: where they lead, and the next hop."""
    pods = {zone: twins.the(admin, lab.zones[zone], "router", router) for zone in ZONES}
    return {
        zone: sorted((route["destination"], route["nexthop"]) for route in pod.routes) for zone, pod in pods.items()
    }


def test_one_route_per_subnet(crowd: Person, admin: Person, lab: Lab, boot: dict[str, str]) -> None:
    name = crowd.name
    with (
        sites.joined(crowd, boot, name, *ZONES) as (router, few),
        networks.group(crowd, f"{name}-more", *networks.EVERYTHING) as group,
    ):
        sites.all_reach_all(few, 4, 6)
        before = routes(admin, lab, router)
        subnets = {
            zone: sorted(sites.subnet(crowd, site.network, version).cidr for version in (4, 6))
            for zone, site in zip(ZONES, reversed(few), strict=True)
        }
        assert {zone: [to for to, _ in found] for zone, found in before.items()} == subnets
        with things.servers(crowd, *more(crowd, boot, few, group)) as servers:
            assert routes(admin, lab, router) == before
            # The first is in another pod than the last, and so on.
            for one, other in zip(servers, reversed(servers), strict=True):
                address = networks.address(networks.port_of(crowd, other))
                packets.reaches(one, address, seconds=CHANGE_SECONDS)
            # Nor has anybody else got routes in their stead.
            for zone in ZONES:
                found = [each for each in admin.pod(lab.zones[zone]).network.routers() if twins.top_id(each)]
                own = [each for each in found if twins.top_id(each) == router.id]
                assert routers.destinations(own) == subnets[zone]
        assert routes(admin, lab, router) == before


def more(person: Person, boot: dict[str, str], places: list[Site], group: Any) -> Iterator[dict[str, Any]]:
    """Requests for servers on the networks of some sites, until there are `SERVERS` on each; in turn."""
    for number in range(SERVERS - 1):
        for zone, site in zip(ZONES, places, strict=True):
            yield {
                "name": f"{person.name}-{zone}-{number}",
                "availability_zone": zone,
                "networks": [{"uuid": site.network.id}],
                "security_groups": [{"name": group.name}],
                **boot,
            }
