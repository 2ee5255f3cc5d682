"""What pods must hold of a router, without any pod."""

from dataclasses import replace

import pytest

from triune.network import names
from triune.network.gateways import Home
from triune.network.plan import Ref
from triune.network.resources import SUBNET
from triune.network.routing import plan, spans
from triune.network.routing.model import Address, Interface, Surroundings
from triune.network.routing.routes import Route
from triune.network.routing.spans import Needs

from .models import OUTSIDE, around, external, router, routes_of


def test_a_router_in_one_pod_is_as_everywhere():
    made = router({1: ["p1"]}, "p1", routes=[("10.99.0.0/16", "10.1.0.200"), ("10.98.0.0/16", OUTSIDE[4])])
    assert spans.needs(made, Surroundings(), "p1") == Needs()
    found = plan.pod_router(made, Surroundings(), "p1")
    assert [each.spots for each in found.attachments] == [(plan.Spot(Ref(SUBNET, "s1v4"), "10.1.0.1"),)]
    assert found.gateway == plan.Gateway(
        Ref(names.NETWORK, "ext"),
        (plan.Spot(Ref(SUBNET, "e4"), "203.0.113.9"), plan.Spot(Ref(SUBNET, "e6"), "2001:db8::9")),
    )
    assert found.routes == {Route("10.99.0.0/16", "10.1.0.200"), Route("10.98.0.0/16", OUTSIDE[4])}
    assert plan.references(found) == {
        Ref(names.NETWORK, "n1"), Ref(names.NETWORK, "ext"),
        Ref(SUBNET, "s1v4"), Ref(SUBNET, "e4"), Ref(SUBNET, "e6"),
    }  # fmt: skip


@pytest.mark.parametrize("up", [True, False])
def test_pod_routers_are_as_their_router_is(up):
    made = router({1: ["p1"], 2: ["p2"]})
    made.shown.update(admin_state_up=up, tags=["own"])
    for pod in ("p1", "p2"):
        twin = plan.pod_router(made, around(made), pod).twin
        assert (twin.kind, twin.top_id, twin.body["admin_state_up"], twin.tags) == ("router", "r", up, {"own"})


def test_what_is_missing_is_left_out():
    made = router({1: ["p1", "p2"], 2: ["p2"]}, "p1", routes=[("10.99.0.0/16", "10.1.0.200")])
    found = plan.pod_router(made, Surroundings({"n1": Home("p1")}), "p2")
    assert [each.network.top_id for each in found.attachments] == ["n2"]
    assert (found.gateway, found.routes) == (None, set())


@pytest.mark.parametrize("snat", [True, False])
def test_where_a_pod_router_has_its_gateway(snat):
    made = router({1: ["p1"], 2: ["p2"]}, "p1", info=external(4, enable_snat=snat))
    real, other = (plan.pod_router(made, around(made), pod) for pod in ("p1", "p2"))
    assert (real.gateway.network, real.gateway.enable_snat) == (Ref(names.NETWORK, "ext"), snat)
    assert [each.network.top_id for each in real.attachments] == ["n1", "l-p1", "x"]
    assert real.attachments[-1].spots == (plan.Spot(Ref(SUBNET, "xs"), "100.64.1.1"),)
    spot = plan.Spot(Ref(SUBNET, "xs"), "100.64.1.12")
    assert other.gateway == plan.Gateway(Ref(names.NETWORK, "x"), (spot,), snat)
    assert [each.network.top_id for each in other.attachments] == ["n2", "l-p2"]
    assert other.attachments[-1].port == Ref(names.PORT, "l-p2")


def test_two_subnets_of_one_network_are_two_interfaces():
    made = router({1: ["p1"], 2: ["p2"]})
    second = {"id": "t", "ip_version": 4, "cidr": "10.11.0.0/24", "gateway_ip": None}
    more = Interface("j", "n1", (Address("t", "10.11.0.5"),))
    made = replace(made, interfaces=(*made.interfaces, more), subnets={**made.subnets, "t": second})
    assert len(plan.pod_router(made, around(made), "p1").attachments) == 3
    assert routes_of(made, "p2") == {("10.1.0.0/24", "100.64.0.1"), ("10.11.0.0/24", "100.64.0.1")}
