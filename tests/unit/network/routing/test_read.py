"""What is made of the answers of central Neutron. All functions are pure."""

import pytest

from triune.network.central.pods import Pod
from triune.network.names import EXIT_DEVICE, FLOATING_DEVICE, GATEWAY_DEVICE, INTERFACE_DEVICE, PROFILE
from triune.network.routing import floating_read, read
from triune.network.routing.floating import Target
from triune.network.routing.model import Address, Exit, Interface, Link, Neighbour, Router, Span

PODS = (Pod("p1", "RegionOne", "az1"), Pod("p2", "RegionTwo", "az2"), Pod("p3", "RegionThree", "az1", enabled=False))
SUBNETS = {
    "s": {"id": "s", "ip_version": 4, "cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.1"},
    "t": {"id": "t", "ip_version": 4, "cidr": "10.2.0.0/24", "gateway_ip": None},
    "v": {"id": "v", "ip_version": 6, "cidr": "fd00:1::/64", "gateway_ip": "fd00:1::1"},
    "w": {"id": "w", "ip_version": 6, "cidr": "fd00:2::/64", "gateway_ip": "fd00:2::1"},
}


def port(id_: str, network: str = "n", pod: str = "", device: str = "", **addresses: str) -> dict:
    fixed_ips = [{"subnet_id": subnet, "ip_address": address} for subnet, address in addresses.items()]
    profile = {PROFILE: {"pod": pod}} if pod else {}
    return {"id": id_, "network_id": network, "device_id": device, "fixed_ips": fixed_ips, "binding:profile": profile}


def router(hints=(), interfaces=(), gateways=(), present=None, placed=None, pods=PODS) -> Router:
    shown = {"id": "r", "availability_zone_hints": list(hints)}
    return read._router(shown, interfaces, gateways, SUBNETS, present or {}, placed or {}, pods)


@pytest.mark.parametrize(
    ("hints", "allowed", "local"),
    [
        ((), {"p1", "p2", "p3"}, None),
        (("az1",), {"p1", "p3"}, None),
        (("az2",), {"p2"}, None),
        (("RegionTwo",), {"p2"}, "p2"),
        # Disabled pods take nothing new, but keep what they have.
        (("RegionThree",), {"p3"}, "p3"),
        (("RegionOne", "RegionTwo"), {"p1", "p2"}, None),
        (("RegionTwo", "az1"), {"p1", "p2", "p3"}, None),
        (("RegionNine",), set(), None),
    ],
)
def test_where_hints_allow_a_router(hints, allowed, local):
    assert router(hints).span == Span(frozenset(allowed), local)


def test_a_router_with_its_ports():
    made = router(
        interfaces=[
            port("2", v="fd00:1::1"),
            port("1", s="10.1.0.1"),
            port("3", "m", t="10.2.0.1"),
            port("0", z="1.1.1.1"),
        ],
        gateways=[port("g", "ext")],
        present={"n": frozenset({"p1"})},
        placed={"g": "p2"},
    )
    # One whose subnet went meanwhile is left out.
    assert [each.port_id for each in made.interfaces] == ["1", "2", "3"]
    assert made.interfaces[0] == Interface("1", "n", (Address("s", "10.1.0.1"),))
    assert made.span.present == {"n": {"p1"}, "m": set()}
    assert made.span.gateway_pod == "p2"
    assert made.subnets.keys() == {"s", "t", "v"}
    assert router(gateways=[port("g", "ext")]).span.gateway_pod is None


def test_the_link_of_a_pod_is_always_the_same_one():
    ports = [port("b", pod="p1", s="1.1.1.2"), port("a", pod="p1", s="1.1.1.1", v="fd00::1"), port("c", pod="p2")]
    expected = {"p1": Link("a", (Address("s", "1.1.1.1"), Address("v", "fd00::1"))), "p2": Link("c")}
    assert read._links(ports) == read._links(reversed(ports)) == expected


def test_an_exit_has_one_address_of_each_pod():
    subnet = {"id": "x", "network_id": "net", "gateway_ip": "100.64.1.1"}
    ports = [port("b", pod="p2", x="100.64.1.3"), port("a", pod="p2", x="100.64.1.2"), port("c", pod="p1", y="9.9.9.9")]
    expected = Exit("net", "x", "100.64.1.1", {"p2": "100.64.1.2"})
    assert read._exit(subnet, ports) == read._exit(subnet, reversed(ports)) == expected


GATEWAY, FIRST, SECOND = f"{GATEWAY_DEVICE}p2", f"{INTERFACE_DEVICE}p2-i", f"{INTERFACE_DEVICE}p2-j"


@pytest.mark.parametrize(
    ("holders", "own"),
    [
        ({}, {}),
        ({GATEWAY: [Address("s", "10.1.0.9")]}, {"i": "10.1.0.9"}),
        ({GATEWAY: [Address("t", "10.2.0.9")]}, {}),
        ({SECOND: [Address("s", "10.1.0.8")]}, {"j": "10.1.0.8"}),
        ({f"{INTERFACE_DEVICE}p1-j": [Address("s", "10.1.0.8")]}, {}),
        # What servers have been told of counts.
        ({GATEWAY: [Address("s", "10.1.0.9")], FIRST: [Address("s", "10.1.0.7")]}, {"i": "10.1.0.9"}),
    ],
)
def test_addresses_in_place_of_those_of_interfaces(holders, own):
    made = router(interfaces=[port("i", s="10.1.0.1"), port("j", s="10.1.0.4"), port("k", v="fd00:1::1")])
    assert read._own(made, holders, "p2") == own


def neighbours(local: Router, other: Router, holders=None) -> list[Neighbour]:
    return list(read._neighbours(local, [local, other], holders or {}, "p1"))


def test_neighbours_of_a_local_router():
    everywhere = frozenset({"p1", "p2"})
    mine = router(["RegionOne"], [port("a", s="10.1.0.4")], present={"n": everywhere})
    other = router(
        interfaces=[port("i", s="10.1.0.1"), port("j", v="fd00:1::1"), port("k", "m", t="10.2.0.1", w="fd00:2::1")],
        present={"n": everywhere, "m": frozenset({"p2"})},
    )
    reached = [Neighbour("s", "10.1.0.1", ("10.2.0.0/24",)), Neighbour("v", "fd00:1::1", ("fd00:2::/64",))]
    assert neighbours(mine, other) == reached
    own = neighbours(mine, other, {f"{GATEWAY_DEVICE}p1": [Address("s", "10.1.0.9")]})
    assert [each.address for each in own] == ["10.1.0.9", "fd00:1::1"]
    # Routers that span pods have none; nor are those neighbours that are not in the pod, or local themselves.
    assert neighbours(other, mine) == []
    assert neighbours(mine, router(interfaces=[port("i", s="10.1.0.1")], present={"n": frozenset({"p2"})})) == []
    assert neighbours(mine, router(["RegionOne"], [port("i", s="10.1.0.1")], present={"n": everywhere})) == []


def test_where_a_floating_ip_leads():
    ports = {"x": port("x", "n", s="10.1.0.5", v="fd00:1::5")}
    ends = [
        {"internal_port_id": "x", "internal_ip_address": "10.1.0.5"},
        {"internal_port_id": "x", "internal_ip_address": "10.1.0.5", "protocol": "tcp", "external_port": 80,
         "internal_port": 8080, "external_port_range": "80:80", "internal_port_range": "8080:8080"},
        {"internal_port_id": "x", "internal_ip_address": "10.1.0.5", "protocol": "udp", "external_port_range": "80:90",
         "internal_port_range": "80:90", "external_port": None, "internal_port": None},
        # In no pod, and no address of the port.
        {"internal_port_id": "y", "internal_ip_address": "10.1.0.6"},
        {"internal_port_id": "x", "internal_ip_address": "10.1.0.6"},
    ]  # fmt: skip
    address = Address("s", "10.1.0.5")
    assert list(floating_read._targets(ends, ports, {"x": "p1"})) == [
        Target("x", "n", address, "p1"),
        Target("x", "n", address, "p1", "tcp", ("80", "8080")),
        Target("x", "n", address, "p1", "udp", ("80:90", "80:90")),
    ]


def test_the_address_of_a_floating_ip_on_the_exit_is_always_the_same_one():
    ports = [port("b", pod="p2", x="1.1.1.2"), port("a", pod="p2", x="1.1.1.1"), port("c", pod="p3")]
    assert floating_read._inner(ports) == floating_read._inner(reversed(ports)) == {"p2": "1.1.1.1"}


class Central:
    """Central Neutron with one floating IP to a server, one by its ports, and one that leads nowhere."""

    async def show(self, path, id_):
        return {"id": id_, "router_id": "r", "port_id": "x", "fixed_ip_address": "10.1.0.5"} if id_ == "f" else None

    async def list(self, path):
        assert path == "floatingips/g/port_forwardings"
        return [{"internal_port_id": "x", "internal_ip_address": "10.1.0.5", "protocol": "tcp", "external_port": 80,
                 "internal_port": 80}]  # fmt: skip

    async def of(self, path, name, values, fields=()):
        ports = [
            port("x", s="10.1.0.5"),
            port("1", pod="p2", device=f"{EXIT_DEVICE}r", e="100.64.1.2"),
            port("2", pod="p2", device=f"{FLOATING_DEVICE}f", e="100.64.1.9"),
        ]
        subnets = [{"id": "e", "network_id": "net", "gateway_ip": "100.64.1.1"}]
        values = set(values)
        return [each for each in (ports if path == "ports" else subnets) if each[name] in values]


class Read(read.RoutingRead):
    def __init__(self) -> None:
        self.central = Central()

    async def routers(self, router_ids):
        return [router()] if "r" in set(router_ids) else []

    async def placed(self, port_ids):
        return dict.fromkeys(port_ids, "p2")


async def test_floating_ips_are_read_with_their_routers():
    found = await floating_read.floating_ip(Read(), "f")
    assert (found.router, found.inner, [each.pod_id for each in found.targets]) == (
        router(),
        {"p2": "100.64.1.9"},
        ["p2"],
    )
    assert found.exit == Exit("net", "e", "100.64.1.1", {"p2": "100.64.1.2"})
    assert await floating_read.floating_ip(Read(), "gone") is None
    shown = [{"id": "g", "router_id": "r"}, {"id": "h", "router_id": None}, {"id": "k", "router_id": "gone"}]
    shown[2]["port_id"], shown[2]["fixed_ip_address"] = "x", "10.1.0.5"
    (other,) = await floating_read.complete(Read(), shown)
    assert (other.shown["id"], other.inner, other.targets[0].ports) == ("g", {}, ("80", "80"))
