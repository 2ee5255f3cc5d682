"""Everything that routers can have, removed in a random order: what is in use is refused, and in the end all is gone.

The orders follow from `E2E_SEED`, and there are `E2E_ORDERS` of them; the id of a test says which one it was.
"""

import itertools
import os
from typing import Any

import pytest

from . import leftovers, networks, outside, packets, things
from .lab import Lab
from .people import Person
from .scenario import Play, Step, Steps, played

SEED = int(os.environ.get("E2E_SEED", "0")) or int.from_bytes(os.urandom(2))
ORDERS = [SEED + number for number in range(max(1, int(os.environ.get("E2E_ORDERS", "2"))))]
CHANGE_SECONDS = 30.0
BEHIND = "192.0.2.0/24"
# A server's port, and those of a floating IP that lead to the servers of these numbers.
PORT = 8080
PORTS = {3: 8003, 4: 8004}

EXTERNAL = {
    "is_router_external": True,
    "provider_network_type": "vlan",
    "provider_physical_network": "physnet1",
    "provider_segmentation_id": outside.VLAN,
    "availability_zone_hints": ["RegionTwo"],
}
SLAAC = {"ip_version": 6, "ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}


def site(number: int, zone: str) -> dict[str, Step]:
    """A network with a subnet of each version, both on the router, and a server with a floating IP."""
    net, v4, v6, port = f"@net{number}", f"@v4-{number}", f"@v6-{number}", f"@port{number}"
    floating = {"floating_network_id": "@outside", "port_id": port}
    values: dict[str, Any] = {"network_id": net, "fixed_ips": [{"subnet_id": v4}, {"subnet_id": v6}]}
    return {
        f"net{number}": Step("network"),
        f"v4-{number}": Step("subnet", {"network_id": net, "ip_version": 4, "cidr": f"10.0.{number}.0/24"}),
        f"v6-{number}": Step("subnet", {"network_id": net, "cidr": f"fd20:e2e:a:{number}::/64", **SLAAC}),
        f"interface{number}": Step("interface", {"router": "@router", "subnet": v4}),
        f"interface{number}-v6": Step("interface", {"router": "@router", "subnet": v6}),
        f"port{number}": Step("port", {**values, "security_groups": ["@open"]}),
        f"vm{number}": Step("server", {"availability_zone": zone, "networks": [{"port": port}]}),
        f"floating{number}": Step("floating ip", floating, after=("gateway", f"interface{number}")),
    }


def neighbour(number: int, net: int, zone: str) -> dict[str, Step]:
    """A server more on a network; a TCP port of the shared floating IP leads to it."""
    port = f"@port{number}"
    values = {"network_id": f"@net{net}", "fixed_ips": [{"subnet_id": f"@v4-{net}"}], "security_groups": ["@open"]}
    forwarding = {
        "floating_ip": "@shared",
        "external_port": PORTS[number],
        "internal_port": PORT,
        "internal_port_id": port,
        "internal_ip_address": f"{port}.address",
    }
    return {
        f"port{number}": Step("port", values),
        f"vm{number}": Step("server", {"availability_zone": zone, "networks": [{"port": port}]}),
        f"forwarding{number}": Step("forwarding", forwarding, after=("gateway", f"interface{net}")),
    }


ROUTE = {"router": "@router", "destination": BEHIND, "nexthop": "@port2.address"}
EVERYTHING: Steps = {
    "outside": Step("network", EXTERNAL, by_admin=True),
    "outside-v4": Step("subnet", {"network_id": "@outside", **outside.subnet()}, by_admin=True),
    "open": Step("group", {"ingress": networks.EVERYTHING}),
    "router": Step("router"),
    "gateway": Step("gateway", {"router": "@router", "network_id": "@outside"}, after=("outside-v4",)),
    **site(1, "az1"),
    **site(2, "az2"),
    "route": Step("route", ROUTE, after=("interface2",)),
    "shared": Step("floating ip", {"floating_network_id": "@outside"}, after=("outside-v4",)),
    **neighbour(3, 1, "az1"),
    **neighbour(4, 2, "az2"),
}


def it_works(play: Play) -> None:
    """All of it is in use before it is removed."""
    servers = [f"vm{number}" for number in (1, 2, 3, 4)]
    for one, other in itertools.permutations(servers, 2):
        packets.reaches(play.made[one], play.address(other), seconds=CHANGE_SECONDS)
    packets.reaches(play.made["vm1"], play.address("vm2", 6), seconds=CHANGE_SECONDS)
    for name in servers:
        packets.reaches(play.made[name], outside.ADDRESS, seconds=CHANGE_SECONDS)
    for number in (1, 2):
        packets.reaches(outside.HOST, play.floating(f"floating{number}"), seconds=CHANGE_SECONDS)
    for number, forwarded in PORTS.items():
        with packets.listening(play.made[f"vm{number}"], PORT):
            look = lambda to=forwarded: packets.knocks(outside.HOST, play.floating("shared"), to)  # noqa: E731
            things.wait_until(f"the forwarding to vm{number}", look, CHANGE_SECONDS)


@pytest.mark.parametrize("seed", ORDERS, ids=lambda seed: f"seed {seed}")
def test_removed_in_any_order(owner: Person, admin: Person, lab: Lab, boot: dict[str, str], seed: int) -> None:
    with played(owner, admin, boot, EVERYTHING, seed=None, removal=seed) as play:
        it_works(play)
    left = leftovers.settled(admin, lab.regions, [owner], owner.name)
    assert not left, "left behind:\n" + "\n".join(left)
