"""The routes of pod routers, and where packets get to by them."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings

from triune.network.gateways import Home
from triune.network.routing import spans
from triune.network.routing.model import Neighbour

from .models import DESTINATIONS, OUTSIDE, PODS, external, link, router, routes_of, worlds


@pytest.mark.parametrize(("versions", "default"), [((4,), False), ((6,), True), ((4, 6), True)])
def test_ipv6_leaves_by_the_bridge(versions, default):
    made = router({1: ["p2"]}, "p1", (4, 6), info=external(*versions))
    assert (("::/0", "fd74:7269:756e::1") in routes_of(made, "p2")) == default
    assert routes_of(made, "p1") == {("10.1.0.0/24", "100.64.0.2"), ("fd00:1::/64", "fd74:7269:756e::2")}


def test_a_network_in_several_pods_is_reached_in_the_same_one_always():
    made = router({1: ["p1"], 2: ["p3", "p2"], 3: []})
    assert routes_of(made, "p1") == {("10.2.0.0/24", "100.64.0.2")}
    assert routes_of(made, "p1", links={"p1": link("p1"), "p3": link("p3")}) == {("10.2.0.0/24", "100.64.0.3")}


# Routes of the owner. n1 is in p1, n2 in p2 and n3 in both; the gateway is in p1.
@pytest.mark.parametrize(
    ("destination", "nexthop", "p1", "p2", "p3"),
    [
        ("10.99.0.0/16", "10.1.0.200", "10.1.0.200", "100.64.0.1", "100.64.0.1"),
        ("10.99.7.7/16", "10.2.0.200", "100.64.0.2", "10.2.0.200", "100.64.0.2"),
        ("10.99.0.0/16", "10.3.0.200", "10.3.0.200", "10.3.0.200", "100.64.0.1"),
        ("10.1.0.128/25", "10.2.0.200", "100.64.0.2", "10.2.0.200", "100.64.0.2"),
        ("fd00:99:0::/48", "fd00:1:0::c8", "fd00:1::c8", "fd74:7269:756e::1", "fd74:7269:756e::1"),
        ("10.99.0.0/16", OUTSIDE[4], OUTSIDE[4], "100.64.1.1", "100.64.1.1"),
        ("fd00:99::/48", OUTSIDE[6], OUTSIDE[6], "fd74:7269:756e::1", "fd74:7269:756e::1"),
        ("10.99.0.0/16", "fd00:1::c8", "fd00:1::c8", "fd74:7269:756e::1", "fd74:7269:756e::1"),
    ],
)
def test_routes_of_the_owner(destination, nexthop, p1, p2, p3):
    present = {1: ["p1"], 2: ["p2"], 3: ["p1", "p2"], 4: ["p3"]}
    bare = router(present, "p1", (4, 6))
    made = router(present, "p1", (4, 6), [(destination, nexthop)])
    shown = str(ip_network(destination, strict=False))
    for pod, hop in zip(PODS, (p1, p2, p3), strict=True):
        assert routes_of(made, pod) - routes_of(bare, pod) == {(shown, hop)}


def test_a_subnet_of_the_router_is_nearer_than_a_route_to_it():
    made = router({1: ["p1"], 2: ["p2"], 3: ["p3"]}, routes=[("10.1.0.0/24", "10.2.0.200")])
    assert {pod: {hop for to, hop in routes_of(made, pod) if to == "10.1.0.0/24"} for pod in PODS} == {
        "p1": set(), "p2": {"100.64.0.1"}, "p3": {"100.64.0.1"},
    }  # fmt: skip


def test_of_several_next_hops_those_of_the_own_pod_count():
    hops = [("10.99.0.0/16", "10.1.0.200"), ("10.99.0.0/16", "10.2.0.200"), ("10.99.0.0/16", "10.2.0.201")]
    made = router({1: ["p1"], 2: ["p2"], 3: ["p3"]}, routes=hops)
    found = {pod: {hop for to, hop in routes_of(made, pod) if to == "10.99.0.0/16"} for pod in PODS}
    assert found == {
        "p1": {"10.1.0.200"}, "p2": {"10.2.0.200", "10.2.0.201"}, "p3": {"100.64.0.1", "100.64.0.2"},
    }  # fmt: skip


def test_a_next_hop_that_is_the_pod_routers_own_address_is_none():
    """Neutron would refuse all routes for it."""
    made = router({1: ["p1", "p2"]}, routes=[("10.99.0.0/16", "10.1.0.9")])
    assert routes_of(made, "p1", homes={"n1": Home("p1")}) == {("10.99.0.0/16", "10.1.0.9")}
    assert routes_of(made, "p2", homes={"n1": Home("p1")}, own={"i1v4": "10.1.0.9"}) == set()


def test_a_next_hop_on_an_interface_that_is_not_there_is_none():
    """A full subnet has no address for the router of a further pod: it is reached by the home."""
    made = router({1: ["p1", "p2"]}, routes=[("10.99.0.0/16", "10.1.0.200")])
    assert routes_of(made, "p2", homes={"n1": Home("p1")}) == {("10.1.0.0/24", "100.64.0.1")}


def test_a_local_router_knows_what_its_neighbours_reach():
    made = router({1: ["p1", "p2"]}, "p1", routes=[("10.8.0.0/24", "10.1.0.200")], local="p1", allowed=["p1"])
    neighbours = (
        Neighbour("s1v4", "10.1.0.20", ("10.7.0.0/24", "10.8.0.0/24", "10.1.0.0/16")),
        Neighbour("s1v4", "10.1.0.3", ("10.7.0.0/24",)),
        # On a subnet of the same network on which this router is not.
        Neighbour("t", "10.11.0.3", ("10.6.0.0/24",)),
    )
    assert routes_of(made, "p1", neighbours=neighbours) == {("10.7.0.0/24", "10.1.0.3"), ("10.8.0.0/24", "10.1.0.200")}
    assert spans.pods(made.span) == {"p1"}


# From here on: whatever there is, packets arrive.


@settings(deadline=None)
@given(worlds(whole=False))
def test_every_next_hop_is_connected_and_somebody_elses(world):
    for pod, part in world.parts.items():
        own = {ip_address(each.address) for each in world.spots(pod)}
        for route in part.routes:
            hop = ip_address(route.nexthop)
            assert any(hop in each for each in world.connected(pod)), route
            assert hop not in own, route


@settings(deadline=None)
@given(worlds())
def test_there_are_no_loops(world):
    """Nor is a packet passed on twice: but for a default route of the owner's, which the exit's stands beside."""
    targets = [ip_network(each)[7] for each in DESTINATIONS] + [ip_address("8.8.8.8"), ip_address("2600::1")]
    beside = any(each["destination"] == "0.0.0.0/0" for each in world.router.shown["routes"])
    for pod in world.parts:
        for address in targets:
            assert all(hops <= (2 if beside and address.version == 4 else 1) for _, hops in world.ends(pod, address))


@settings(deadline=None)
@given(worlds(routed=False))
def test_every_subnet_that_is_anywhere_is_reached(world):
    for made in world.router.interfaces:
        there = world.router.span.present[made.network_id] & spans.pods(world.router.span)
        server = ip_network(world.router.subnets[made.addresses[0].subnet_id]["cidr"])[77]
        for pod in world.parts:
            ends = set(world.ends(pod, server))
            if there:
                assert ends == {(str(server), 0 if pod in there else 1)}


@settings(deadline=None)
@given(worlds())
def test_everybody_gets_out_in_the_external_networks_pod(world):
    gateway_pod = world.router.span.gateway_pod
    default = {each["destination"] for each in world.router.shown["routes"]} & {"0.0.0.0/0", "::/0"}
    for pod in world.parts if gateway_pod is not None and not default else ():
        for address, version in ((ip_address("8.8.8.8"), 4), (ip_address("2600::1"), 6)):
            assert set(world.ends(pod, address)) == {(OUTSIDE[version], 0 if pod == gateway_pod else 1)}


@settings(deadline=None)
@given(worlds())
def test_there_are_no_more_routes_than_subnets_and_routes_of_the_owner(world):
    for pod, part in world.parts.items():
        remote = [each for each in world.router.interfaces if not spans.is_in(world.router.span, each.network_id, pod)]
        assert len(part.routes) <= len(remote) + len(world.router.shown["routes"]) + 1
