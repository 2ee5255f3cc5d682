"""What pods must hold of a floating IP, without any pod."""

from dataclasses import replace

import pytest

from triune.network import names
from triune.network.plan import Ref
from triune.network.resources import SUBNET
from triune.network.routing import floating
from triune.network.routing.floating import FloatingIP, Forwarding, Standing, Target
from triune.network.routing.model import Address, Exit, Router, Span

SHOWN = {
    "id": "f", "project_id": "p", "floating_network_id": "ext", "floating_ip_address": "203.0.113.7",
    "description": "mine", "tags": ["own"],
}  # fmt: skip
EXIT = Exit("x", "xs", "100.64.1.1", {"p1": "100.64.1.1", "p2": "100.64.1.2"})
PODS = frozenset({"p1", "p2", "p3"})
SPAN = Span(PODS, present={"n": PODS}, gateway_pod="p1")
LOCAL = Span(frozenset({"p1"}), "p1", {"n": PODS}, "p1")
INNER = "100.64.1.77"
AT_EXIT = Standing(Ref(names.NETWORK, "x"), Ref(SUBNET, "xs"), INNER)


def target(pod: str, protocol: str | None = None, external: str = "", internal: str = "", host: int = 5) -> Target:
    return Target(f"port{host}", "n", Address("s", f"10.0.0.{host}"), pod, protocol, (external, internal))


def fip(*targets: Target, span: Span = SPAN, inner: dict | None = None, exit_: Exit | None = EXIT) -> FloatingIP:
    return FloatingIP(SHOWN, Router({"id": "r"}, span), targets, exit_, inner or {})


SERVER = (Ref(names.PORT, "port5"), "10.0.0.5")


@pytest.mark.parametrize(
    ("model", "leads"),
    [
        # The server is in the pod of the external network; elsewhere; elsewhere with nothing at the top yet.
        (fip(target("p1")), {"p1": SERVER, "p2": None}),
        (fip(target("p2"), inner={"p2": INNER}), {"p1": (AT_EXIT, INNER), "p2": SERVER, "p3": None}),
        (fip(target("p2")), {"p1": "nowhere", "p2": None}),
        (fip(target("p2"), inner={"p2": INNER}, exit_=None), {"p1": "nowhere", "p2": None}),
        (fip(target("p2"), inner={"p3": INNER}), {"p1": "nowhere", "p2": None, "p3": None}),
        # What was held for a server that has moved on counts no more.
        (fip(target("p1"), inner={"p2": INNER}), {"p1": SERVER, "p2": None}),
        # In a pod in which its router may not be.
        (
            fip(target("p2"), span=replace(SPAN, allowed=frozenset({"p1"})), inner={"p2": INNER}),
            {"p1": (AT_EXIT, INNER), "p2": None},
        ),
        # A local router reaches servers elsewhere over layer 2.
        (fip(target("p1"), span=LOCAL, exit_=None), {"p1": SERVER}),
        (
            fip(target("p2"), span=LOCAL, exit_=None),
            {"p1": (Standing(Ref(names.NETWORK, "n"), Ref(SUBNET, "s"), "10.0.0.5"), "10.0.0.5"), "p2": None},
        ),
        (fip(), {"p1": None, "p2": None}),
        (fip(target("p2"), span=replace(SPAN, gateway_pod=None), inner={"p2": INNER}), {"p1": None, "p2": None}),
    ],
)
def test_where_a_floating_ip_leads(model, leads):
    for pod, end in leads.items():
        found = floating.pod_floating_ip(model, pod)
        if end is None:
            assert found is None
            continue
        assert found is not None
        assert found.leads == (None if end == "nowhere" else end)
        network, address = ("ext", "203.0.113.7") if pod == "p1" else ("x", INNER)
        assert found.twin.body == {
            "floating_network_id": Ref(names.NETWORK, network), "floating_ip_address": address, "description": "mine",
        }  # fmt: skip
        assert (found.twin.kind, found.twin.project_id, found.twin.tags) == ("floating_ip", "p", {"own"})


@pytest.mark.parametrize(
    ("model", "pods"),
    [
        (fip(target("p1")), set()),
        (fip(target("p2"), target("p1"), target("p3")), {"p2", "p3"}),
        (fip(target("p2"), span=LOCAL), set()),
        (fip(target("p2"), span=replace(SPAN, allowed=frozenset({"p1"}))), set()),
        # Its router has no gateway, or nobody knows where: there is no exit by which they could be reached.
        (fip(target("p2"), span=replace(SPAN, gateway_pod=None)), set()),
    ],
)
def test_servers_that_are_reached_by_a_second_floating_ip(model, pods):
    assert floating.remote_pods(model) == pods


def test_forwardings_to_servers_in_several_pods():
    model = fip(
        target("p1", "tcp", "80", "8080"),
        target("p2", "tcp", "81", "8080", host=6),
        target("p2", "udp", "90:95", "190:195", host=7),
        target("p3", "tcp", "82", "82", host=8),
        inner={"p2": INNER},
    )
    near, far = (floating.pod_floating_ip(model, pod) for pod in ("p1", "p2"))
    assert near.leads is far.leads is None
    assert near.forwardings == {
        Forwarding("tcp", "80", "8080", Ref(names.PORT, "port5"), "10.0.0.5"),
        # Passed on as it is: the server's pod changes the port.
        Forwarding("tcp", "81", "81", AT_EXIT, INNER),
        Forwarding("udp", "90:95", "90:95", AT_EXIT, INNER),
    }
    assert (near.standing, near.ports) == ({AT_EXIT}, {Ref(names.PORT, "port5")})
    assert far.forwardings == {
        Forwarding("tcp", "81", "8080", Ref(names.PORT, "port6"), "10.0.0.6"),
        Forwarding("udp", "90:95", "190:195", Ref(names.PORT, "port7"), "10.0.0.7"),
    }
    assert (far.standing, far.ports) == (set(), {Ref(names.PORT, "port6"), Ref(names.PORT, "port7")})
    assert floating.pod_floating_ip(model, "p3") is None


def test_a_forwarding_over_layer_2_changes_the_port_itself():
    found = floating.pod_floating_ip(fip(target("p2", "tcp", "80", "8080"), span=LOCAL), "p1")
    standing = Standing(Ref(names.NETWORK, "n"), Ref(SUBNET, "s"), "10.0.0.5")
    assert found.forwardings == {Forwarding("tcp", "80", "8080", standing, "10.0.0.5")}


@pytest.mark.parametrize(
    ("model", "port_id", "address"),
    [(fip(target("p1")), "x1", "10.0.0.5"), (fip(target("p1")), None, None), (fip(target("p2")), None, None)],
)
def test_the_twin_says_where_it_leads(model, port_id, address):
    wanted = floating.pod_floating_ip(model, "p1")
    body = floating.led(wanted, port_id).body
    assert (body["port_id"], body["fixed_ip_address"]) == (port_id, address)
    assert "port_id" not in wanted.twin.body
