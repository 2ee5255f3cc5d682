"""What pods must hold of a router, without any pod."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triune.network import names
from triune.network.gateways import Home
from triune.network.plan import Ref
from triune.network.resources import SUBNET
from triune.network.routing import plan, spans
from triune.network.routing.model import (
    Address,
    Exit,
    Interface,
    Link,
    Neighbour,
    Router,
    Span,
    Surroundings,
)
from triune.network.routing.plan import PodRouter
from triune.network.routing.routes import Route
from triune.network.routing.spans import Needs

PODS = ("p1", "p2", "p3")
EXTERNAL = {4: "203.0.113.0/24", 6: "2001:db8::/64"}
OUTSIDE = {4: "203.0.113.200", 6: "2001:db8::c8"}


def subnet(number: int, version: int = 4, **more) -> dict:
    shown = {"id": f"s{number}v{version}", "ip_version": version, "network_id": f"n{number}"}
    cidr = f"10.{number}.0.0/24" if version == 4 else f"fd00:{number}::/64"
    return {**shown, "cidr": cidr, "gateway_ip": str(ip_network(cidr)[1]), **more}


def interface(number: int, version: int = 4, host: int = 1) -> Interface:
    shown = subnet(number, version)
    return Interface(
        f"i{number}v{version}", f"n{number}", (Address(shown["id"], str(ip_network(shown["cidr"])[host])),)
    )


def link(pod: str) -> Link:
    number = int(pod[1:])
    return Link(f"l-{pod}", (Address("b4", f"100.64.0.{number}"), Address("b6", f"fd74:7269:756e::{number}")))


def exit_(gateway_pod: str = "p1", pods=PODS) -> Exit:
    addresses = {each: "100.64.1.1" if each == gateway_pod else f"100.64.1.1{each[1:]}" for each in pods}
    return Exit("x", "xs", "100.64.1.1", addresses)


def external(*versions: int, **more) -> dict:
    fixed_ips = [{"subnet_id": f"e{each}", "ip_address": str(ip_network(EXTERNAL[each])[9])} for each in versions]
    return {"network_id": "ext", "external_fixed_ips": fixed_ips, **more}


def router(present=None, gateway_pod=None, versions=(4,), routes=(), local=None, allowed=PODS, info=None) -> Router:
    """A router with an interface of each IP version on each network of `present`."""
    present = {number: frozenset(pods) for number, pods in (present or {}).items()}
    shown = {
        "id": "r", "name": "r", "description": "", "project_id": "p", "admin_state_up": True,
        "routes": [{"destination": destination, "nexthop": nexthop} for destination, nexthop in routes],
        "external_gateway_info": info if info is not None else external(4, 6) if gateway_pod else None,
    }  # fmt: skip
    span = Span(
        frozenset(allowed), local, {f"n{number}": pods for number, pods in present.items()}, gateway_pod
    )  # fmt: skip
    interfaces = tuple(interface(number, version) for number in present for version in versions)
    subnets = {each["id"]: each for number in present for each in (subnet(number, 4), subnet(number, 6))}
    used = {address.subnet_id for each in interfaces for address in each.addresses}
    return Router(shown, span, interfaces, {each: subnets[each] for each in used})


def around(made: Router, **more) -> Surroundings:
    """All that pod routers need at the top."""
    pods, gateway_pod = spans.pods(made.span), made.span.gateway_pod
    found = {
        "links": {each: link(each) for each in pods} if spans.meets(made.span) else {},
        "exit": exit_(gateway_pod, pods) if gateway_pod and spans.leaves(made.span) else None,
    }
    return Surroundings(**{**found, **more})


def routes_of(made: Router, pod: str, **more) -> set[tuple[str, str]]:
    found = plan.pod_router(made, around(made, **more), pod)
    assert found is not None
    return {(each.destination, each.nexthop) for each in found.routes}


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


def test_what_pod_routers_lack_at_the_top():
    made = router({1: ["p1", "p2"], 2: ["p2"]}, "p1")
    homes = {"n1": Home("p1"), "n2": Home("p2")}
    assert spans.needs(made, Surroundings(homes), "p1") == Needs(True, True)
    assert spans.needs(made, Surroundings(homes), "p2") == Needs(True, True, frozenset({"i1v4"}))
    assert spans.needs(made, around(made, homes=homes, own={"i1v4": "10.1.0.9"}), "p2") == Needs()
    assert spans.needs(made, around(made, homes=homes), "p3") == Needs()


def test_what_is_missing_is_left_out():
    made = router({1: ["p1", "p2"], 2: ["p2"]}, "p1", routes=[("10.99.0.0/16", "10.1.0.200")])
    found = plan.pod_router(made, Surroundings({"n1": Home("p1")}), "p2")
    assert [each.network.top_id for each in found.attachments] == ["n2"]
    assert (found.gateway, found.routes) == (None, set())


@pytest.mark.parametrize(
    ("pod", "address", "right"),
    [("p1", "100.64.1.1", True), ("p1", "100.64.1.9", False), ("p2", "100.64.1.1", False), ("p2", "100.64.1.9", True)],
)
def test_the_gateway_of_an_exit_is_in_the_external_networks_pod(pod, address, right):
    made = router({1: ["p1", "p2"]}, "p1")
    found = around(made, exit=Exit("x", "xs", "100.64.1.1", {pod: address}))
    assert spans.has_exit(made.span, found, pod) == right
    assert spans.needs(made, found, pod).exit != right


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


@pytest.mark.parametrize(("versions", "default"), [((4,), False), ((6,), True), ((4, 6), True)])
def test_ipv6_leaves_by_the_bridge(versions, default):
    made = router({1: ["p2"]}, "p1", (4, 6), info=external(*versions))
    assert (("::/0", "fd74:7269:756e::1") in routes_of(made, "p2")) == default
    assert routes_of(made, "p1") == {("10.1.0.0/24", "100.64.0.2"), ("fd00:1::/64", "fd74:7269:756e::2")}


def test_a_network_in_several_pods_is_reached_in_the_same_one_always():
    made = router({1: ["p1"], 2: ["p3", "p2"], 3: []})
    assert routes_of(made, "p1") == {("10.2.0.0/24", "100.64.0.2")}
    assert routes_of(made, "p1", links={"p1": link("p1"), "p3": link("p3")}) == {("10.2.0.0/24", "100.64.0.3")}


def test_two_subnets_of_one_network_are_two_interfaces():
    made = router({1: ["p1"], 2: ["p2"]})
    second = {"id": "t", "ip_version": 4, "cidr": "10.11.0.0/24", "gateway_ip": None}
    more = Interface("j", "n1", (Address("t", "10.11.0.5"),))
    made = replace(made, interfaces=(*made.interfaces, more), subnets={**made.subnets, "t": second})
    assert len(plan.pod_router(made, around(made), "p1").attachments) == 3
    assert routes_of(made, "p2") == {("10.1.0.0/24", "100.64.0.1"), ("10.11.0.0/24", "100.64.0.1")}


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

DESTINATIONS = (
    "0.0.0.0/0", "::/0", "10.99.0.0/16", "10.99.1.0/24", "10.1.0.0/24", "10.1.0.128/25", "10.0.0.0/8", "fd00:1::/64",
    "fd00:99::/48",
)  # fmt: skip
NEXTHOPS = (
    "10.0.0.200", "10.1.0.200", "10.2.0.200", "10.2.0.9", "fd00:0::c8", "fd00:1::c8", OUTSIDE[4], OUTSIDE[6],
)  # fmt: skip


@dataclass
class World:
    """A router, and what its pod routers find around them."""

    router: Router
    around: dict[str, Surroundings]
    parts: dict[str, PodRouter] = field(init=False)

    def __post_init__(self):
        pods = spans.pods(self.router.span)
        self.parts = {pod: plan.pod_router(self.router, self.around[pod], pod) for pod in pods}

    def cidr(self, subnet_id: str) -> str:
        known = {"b4": "100.64.0.0/24", "b6": "fd74:7269:756e::/64", "xs": "100.64.1.0/24"}
        known |= {"e4": EXTERNAL[4], "e6": EXTERNAL[6]}
        return known.get(subnet_id) or self.router.subnets[subnet_id]["cidr"]

    def spots(self, pod: str) -> list[plan.Spot]:
        part = self.parts[pod]
        gateway = part.gateway.spots if part.gateway else ()
        return [*gateway, *(spot for each in part.attachments for spot in each.spots)]

    def connected(self, pod: str) -> set:
        return {ip_network(self.cidr(spot.subnet.top_id)) for spot in self.spots(pod)}

    def defaults(self, pod: str) -> Iterator[tuple]:
        """What the gateway of a pod router brings by itself."""
        gateway = self.parts[pod].gateway
        for spot in gateway.spots if gateway else ():
            if spot.subnet.top_id == "xs":
                yield ip_network("0.0.0.0/0"), ip_address("100.64.1.1")
            else:
                version = ip_address(spot.address).version
                yield ip_network("0.0.0.0/0" if version == 4 else "::/0"), ip_address(OUTSIDE[version])

    def ways(self, pod: str, address) -> list:
        """The next hops of an address: itself where it is connected, several where routes are equal."""
        static = [(ip_network(each.destination), ip_address(each.nexthop)) for each in self.parts[pod].routes]
        static += self.defaults(pod)
        found = [(each.prefixlen, True, address) for each in self.connected(pod) if address in each]
        found += [(each.prefixlen, False, hop) for each, hop in static if address in each]
        best = max(((length, near) for length, near, _ in found), default=None)
        return [hop for length, near, hop in found if (length, near) == best]

    def pod_at(self, hop) -> str | None:
        """The pod router that answers at an address of the bridge or of the exit."""
        between = (ip_network(self.cidr(each)) for each in ("b4", "b6", "xs"))
        if not any(hop in each for each in between):
            return None
        return next(pod for pod in self.parts if any(ip_address(each.address) == hop for each in self.spots(pod)))

    def ends(self, pod: str, address, hops: int = 0) -> Iterator[tuple[str | None, int]]:
        """Where a packet is handed over, and by how many networks between pods; None: it is dropped."""
        assert hops < len(PODS), "a loop"
        ways = self.ways(pod, address)
        if not ways:
            yield None, hops
        for hop in ways:
            if (further := self.pod_at(hop)) is not None:
                yield from self.ends(further, address, hops + 1)
            else:
                yield str(hop), hops


@st.composite
def worlds(draw, whole=True, routed=True):
    numbers = range(draw(st.integers(1, 3)))
    some_pods = st.sets(st.sampled_from(PODS))
    present = {number: draw(some_pods) for number in numbers}
    allowed = draw(st.just(set(PODS)) | some_pods)
    gateway_pod = draw(st.none() | st.sampled_from(sorted(allowed))) if allowed else None
    pairs = st.lists(st.tuples(st.sampled_from(DESTINATIONS), st.sampled_from(NEXTHOPS)), max_size=4, unique=True)
    routes = draw(pairs) if routed else []
    made = router(present, gateway_pod, draw(st.sampled_from([(4,), (6,), (4, 6)])), allowed=allowed)
    hops = [ip_network(each["cidr"]) for each in made.subnets.values()]
    hops += [ip_network(each) for each in EXTERNAL.values()] if gateway_pod else []
    valid = [
        {"destination": to, "nexthop": str(ip_address(hop))}
        for to, hop in routes
        if any(ip_address(hop) in each for each in hops) and (":" in to) == (":" in hop)
    ]
    made.shown["routes"] = valid
    pods = spans.pods(made.span)
    homes = {f"n{number}": Home(draw(st.none() | st.sampled_from(sorted(there)))) for number, there in present.items()
             if there}  # fmt: skip
    links = {each: link(each) for each in pods} if spans.meets(made.span) else {}
    exits = exit_(gateway_pod, pods) if gateway_pod and spans.leaves(made.span) else None
    if not whole:
        links = {each: links[each] for each in draw(st.sets(st.sampled_from(sorted(links)))) if links} if links else {}
        if exits is not None:
            held = draw(st.sets(st.sampled_from(sorted(pods))))
            exits = draw(
                st.sampled_from([None, replace(exits, addresses={each: exits.addresses[each] for each in held})])
            )
    surroundings = {}
    for pod in pods:
        own = {
            f"i{number}v4": f"10.{number}.0.{8 + PODS.index(pod)}"
            for number in numbers
            if f"n{number}" in homes and homes[f"n{number}"].pod_id not in (None, pod)
        }
        if not whole:
            own = {each: own[each] for each in sorted(own) if draw(st.booleans())}
        surroundings[pod] = Surroundings(homes, own, links, exits)
    return World(made, surroundings)


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
