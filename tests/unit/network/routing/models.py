"""What the tests of pod routers share: routers, what is around them, and where packets go by them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

from hypothesis import strategies as st

from triune.network.gateways import Home
from triune.network.routing import plan, spans
from triune.network.routing.model import Address, Exit, Interface, Link, Router, Span, Surroundings
from triune.network.routing.plan import PodRouter

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
