"""Whole clouds made step by step, in the order in which one would think of it and in others: it never matters.

The random orders follow from `E2E_SEED`, and there are `E2E_ORDERS` of them; the id of a test says which one it was.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from . import leftovers, networks, outside, packets, routers
from .lab import Lab
from .packets import Host
from .people import Person
from .scenario import Play, Step, Steps, order, played

SEED = int(os.environ.get("E2E_SEED", "0")) or int.from_bytes(os.urandom(2))
ORDERS = [None, *(SEED + number for number in range(int(os.environ.get("E2E_ORDERS", "5"))))]
CHANGE_SECONDS = 30.0

PHYSICAL = {"provider_network_type": "vlan", "provider_physical_network": "physnet1"}


def external(vlan: int, region: str) -> Step:
    """An external network in a pod."""
    hints = {"is_router_external": True, "availability_zone_hints": [region]}
    return Step("network", {**PHYSICAL, "provider_segmentation_id": vlan, **hints}, by_admin=True)


def subnet(network: str, cidr: str, first: str = "", last: str = "", **values: Any) -> Step:
    """An IPv4 subnet, with an allocation pool where it is given."""
    pools = {"allocation_pools": [{"start": first, "end": last}]} if first else {}
    return Step("subnet", {"network_id": network, "ip_version": 4, "cidr": cidr, **pools, **values})


def port(network: str, subnet: str, *groups: str) -> Step:
    """A port with an address of a subnet."""
    values = {"network_id": network, "fixed_ips": [{"subnet_id": subnet}]}
    return Step("port", {**values, "security_groups": list(groups)} if groups else values)


def server(zone: str, given: str) -> Step:
    """A server with a port that was made for it."""
    return Step("server", {"availability_zone": zone, "networks": [{"port": given}]})


GROUP = Step("group", {"ingress": networks.EVERYTHING})

# One external network, in the second pod. A network that no router joins has the same addresses as one that is joined,
# and another one has no gateway at all. One floating IP comes before its server, the other one after it.
ONE_WAY_OUT: Steps = {
    "outside": external(outside.VLAN, "RegionTwo"),
    "outside-v4": Step("subnet", {"network_id": "@outside", **outside.subnet()}, by_admin=True),
    "router": Step("router"),
    "gateway": Step("gateway", {"router": "@router", "network_id": "@outside"}, after=("outside-v4",)),
    "open": GROUP,
    "net1": Step("network"),
    "subnet1": subnet("@net1", "10.0.1.0/24", "10.0.1.10", "10.0.1.90"),
    "net3": Step("network"),
    "subnet3": subnet("@net3", "10.0.1.0/24", "10.0.1.110", "10.0.1.190"),
    "port1": port("@net1", "@subnet1", "@open"),
    "interface1": Step("interface", {"router": "@router", "subnet": "@subnet1"}),
    "floating1": Step(
        "floating ip", {"floating_network_id": "@outside", "port_id": "@port1"}, after=("gateway", "interface1")
    ),
    "vm1": server("az1", "@port1"),
    "net2": Step("network"),
    "subnet2": subnet("@net2", "10.0.2.0/24"),
    "port2": port("@net2", "@subnet2", "@open"),
    "vm2": server("az2", "@port2"),
    "interface2": Step("interface", {"router": "@router", "subnet": "@subnet2"}),
    "floating2": Step(
        "floating ip", {"floating_network_id": "@outside", "port_id": "@port2"}, after=("gateway", "interface2")
    ),
    "net4": Step("network"),
    "subnet4": subnet("@net4", "10.0.4.0/24", gateway_ip=None),
    "port4": port("@net4", "@subnet4", "@open"),
    "vm3": server("az1", "@port4"),
    "port3": port("@net3", "@subnet3", "@open"),
    "vm4": server("az2", "@port3"),
}

# An external network in each pod with a local router, and one router more that joins the pods by ports of its own.
TWO_WAYS_OUT: Steps = {
    "outside1": external(outside.OTHER_VLAN, "RegionOne"),
    "outside1-v4": Step("subnet", {"network_id": "@outside1", **outside.other_subnet()}, by_admin=True),
    "outside2": external(outside.VLAN, "RegionTwo"),
    "outside2-v4": Step("subnet", {"network_id": "@outside2", **outside.subnet()}, by_admin=True),
    "router1": Step("router", {"availability_zone_hints": ["RegionOne"]}),
    "gateway1": Step("gateway", {"router": "@router1", "network_id": "@outside1"}, after=("outside1-v4",)),
    "router2": Step("router", {"availability_zone_hints": ["RegionTwo"]}),
    "gateway2": Step("gateway", {"router": "@router2", "network_id": "@outside2"}, after=("outside2-v4",)),
    "router3": Step("router"),
    "open": GROUP,
    "net1": Step("network", {"availability_zone_hints": ["RegionOne"]}),
    "subnet1": subnet("@net1", "10.0.1.0/24"),
    "net2": Step("network", {"availability_zone_hints": ["RegionTwo"]}),
    "subnet2": subnet("@net2", "10.0.2.0/24"),
    "interface1": Step("interface", {"router": "@router1", "subnet": "@subnet1"}),
    "interface2": Step("interface", {"router": "@router2", "subnet": "@subnet2"}),
    "across1": port("@net1", "@subnet1"),
    "across2": port("@net2", "@subnet2"),
    "interface3": Step("interface", {"router": "@router3", "port": "@across1"}),
    "interface4": Step("interface", {"router": "@router3", "port": "@across2"}),
    "port1": port("@net1", "@subnet1", "@open"),
    "port2": port("@net2", "@subnet2", "@open"),
    "vm1": server("az1", "@port1"),
    "vm2": server("az2", "@port2"),
}


def leaves(play: Play, name: str, router: str, host: Host, address: str) -> None:
    """Wait until a server leaves as a router does."""
    gateway = play.person.central.network.get_router(play.made[router].id)
    packets.becomes(play.made[name], host, address, routers.external_address(gateway), CHANGE_SECONDS)


def reach_each_other(play: Play) -> None:
    """Wait until both servers are answered, and are seen under their own addresses."""
    for one, other in (("vm1", "vm2"), ("vm2", "vm1")):
        seen = packets.seen_as(play.made[one], play.made[other], play.address(other), CHANGE_SECONDS)
        assert seen == play.address(one)
        packets.reaches(play.made[one], play.address(other))


def one_way_out(play: Play, _other: Host) -> None:
    """What people find in the first scenario."""
    for name, floating in (("vm1", "floating1"), ("vm2", "floating2")):
        packets.reaches(outside.HOST, play.floating(floating), seconds=CHANGE_SECONDS)
        assert packets.seen_as(outside.HOST, play.made[name], play.floating(floating)) == outside.ADDRESS
        packets.reaches(play.made[name], outside.ADDRESS)
        packets.becomes(play.made[name], outside.HOST, outside.ADDRESS, play.floating(floating), CHANGE_SECONDS)
        routers.is_active(play.person, play.made[floating])
    reach_each_other(play)
    for alone in ("vm3", "vm4"):
        assert packets.silent(play.made[alone], outside.ADDRESS)
        assert packets.silent(play.made["vm2"], play.address(alone))
    # Without them, they leave as their router does.
    for name, floating in (("vm1", "floating1"), ("vm2", "floating2")):
        play.remove(floating)
        packets.falls_silent(outside.HOST, play.floating(floating), CHANGE_SECONDS)
        leaves(play, name, "router", outside.HOST, outside.ADDRESS)


def two_ways_out(play: Play, other: Host) -> None:
    """What people find in the second scenario."""
    leaves(play, "vm1", "router1", other, outside.OTHER_ADDRESS)
    leaves(play, "vm2", "router2", outside.HOST, outside.ADDRESS)
    reach_each_other(play)


@dataclass(frozen=True)
class Scenario:
    """Steps, and what is so once they are done."""

    steps: Steps
    check: Callable[[Play, Host], None]


SCENARIOS = {
    "one way out": Scenario(ONE_WAY_OUT, one_way_out),
    "two ways out": Scenario(TWO_WAYS_OUT, two_ways_out),
}


@contextmanager
def nothing_left(admin: Person, lab: Lab, person: Person) -> Iterator[None]:
    """Afterwards nothing of somebody's is anywhere, and no job is undone."""
    yield
    left = leftovers.settled(admin, lab.regions, [person], person.name)
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.mark.parametrize("seed", ORDERS, ids=lambda seed: "as given" if seed is None else f"seed {seed}")
@pytest.mark.parametrize("name", SCENARIOS)
def test_in_any_order(
    owner: Person, admin: Person, lab: Lab, boot: dict[str, str], name: str, seed: int | None
) -> None:
    scenario = SCENARIOS[name]
    print("order:", *order(scenario.steps, seed))
    with ExitStack() as stack:
        stack.enter_context(nothing_left(admin, lab, owner))
        other = stack.enter_context(outside.other_host(lab))
        play = stack.enter_context(played(owner, admin, boot, scenario.steps, seed))
        scenario.check(play, other)
