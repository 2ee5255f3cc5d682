"""In which pods a router is, with which addresses, and what it lacks there."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given, settings

from triune.network.gateways import Home
from triune.network.routing import plan, spans
from triune.network.routing.model import Exit, Interface, Span, Surroundings
from triune.network.routing.spans import Needs

from .models import PODS, around, interface, router, subnet, worlds


@pytest.mark.parametrize(
    ("span", "pods"),
    [
        (Span(frozenset(PODS)), set()),
        (Span(frozenset(PODS), present={"n": frozenset()}), set()),
        (Span(frozenset(PODS), present={"n": frozenset({"p1"}), "m": frozenset({"p2"})}), {"p1", "p2"}),
        (Span(frozenset({"p1"}), present={"n": frozenset(PODS)}), {"p1"}),
        (Span(frozenset(PODS), gateway_pod="p3"), {"p3"}),
        (Span(frozenset(PODS), present={"n": frozenset({"p1"})}, gateway_pod="p3"), {"p1", "p3"}),
        # Local: where its hint says, whether its networks have come there or not.
        (Span(frozenset({"p1"}), "p1"), set()),
        (Span(frozenset({"p1"}), "p1", {"n": frozenset({"p2"})}), {"p1"}),
        (Span(frozenset({"p1"}), "p1", gateway_pod="p1"), {"p1"}),
        # Its pod is registered no more.
        (Span(frozenset(), present={"n": frozenset({"p1"})}), set()),
    ],
)
def test_where_a_router_is(span, pods):
    assert spans.pods(span) == pods
    assert spans.meets(span) == (len(pods) > 1)
    assert spans.leaves(span) == (len(pods) > 1 and span.gateway_pod is not None)


def test_a_router_that_is_nowhere_needs_nothing():
    made = router()
    assert spans.needs(made, Surroundings(), "p1") == Needs()
    assert plan.pod_router(made, Surroundings(), "p1") is None


def test_what_pod_routers_lack_at_the_top():
    made = router({1: ["p1", "p2"], 2: ["p2"]}, "p1")
    homes = {"n1": Home("p1"), "n2": Home("p2")}
    assert spans.needs(made, Surroundings(homes), "p1") == Needs(True, True)
    assert spans.needs(made, Surroundings(homes), "p2") == Needs(True, True, frozenset({"i1v4"}))
    assert spans.needs(made, around(made, homes=homes, own={"i1v4": "10.1.0.9"}), "p2") == Needs()
    assert spans.needs(made, around(made, homes=homes), "p3") == Needs()


@pytest.mark.parametrize(
    ("pod", "address", "right"),
    [("p1", "100.64.1.1", True), ("p1", "100.64.1.9", False), ("p2", "100.64.1.1", False), ("p2", "100.64.1.9", True)],
)
def test_the_gateway_of_an_exit_is_in_the_external_networks_pod(pod, address, right):
    made = router({1: ["p1", "p2"]}, "p1")
    found = around(made, exit=Exit("x", "xs", "100.64.1.1", {pod: address}))
    assert spans.has_exit(made.span, found, pod) == right
    assert spans.needs(made, found, pod).exit != right


@pytest.mark.parametrize(
    ("home", "own", "address"),
    [
        (Home("p1"), {"i1v4": "10.1.0.9"}, "10.1.0.9"),
        (Home("p2"), {}, "10.1.0.1"),
        (Home(None), {}, "10.1.0.1"),
        (None, {}, "10.1.0.1"),
    ],
)
def test_the_address_of_an_interface_is_in_the_home_alone(home, own, address):
    made = router({1: ["p1", "p2"]}, versions=(4, 6))
    found = plan.pod_router(made, around(made, homes={"n1": home} if home else {}, own=own), "p2")
    assert [each.spots[0].address for each in found.attachments[:2]] == [address, "fd00:1::1"]


def test_an_interface_of_both_ip_versions_has_one_address_of_its_own():
    made = router({1: ["p1", "p2"]})
    both = Interface("i1v4", "n1", (*interface(1).addresses, *interface(1, 6).addresses))
    made = replace(made, interfaces=(both,), subnets={**made.subnets, "s1v6": subnet(1, 6)})
    found = plan.pod_router(made, around(made, homes={"n1": Home("p1")}, own={"i1v4": "10.1.0.9"}), "p2")
    assert [each.address for each in found.attachments[0].spots] == ["10.1.0.9", "fd00:1::1"]


@settings(deadline=None)
@given(worlds())
def test_an_address_of_the_router_is_in_one_pod(world):
    for made in world.router.interfaces:
        address = made.addresses[0].ip_address
        where = [pod for pod in world.parts if address in {each.address for each in world.spots(pod)}]
        there = world.router.span.present[made.network_id] & world.parts.keys()
        home = world.around[next(iter(world.parts))].homes.get(made.network_id) if world.parts else None
        if ip_address(address).version == 4 and home is not None and home.pod_id is not None:
            assert where == [pod for pod in world.parts if pod == home.pod_id]
        else:
            assert set(where) == there
