"""The networks between pod routers: what is wanted, and their addresses."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import count, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triune.network.names import BRIDGE_NAME, EXIT_DEVICE, EXIT_NAME, LINK_DEVICE, PROFILE
from triune.network.routing.bridges import MOST_SUBNETS, Bridges, NoRange, Settings, Wanted, free, wanted
from triune.network.routing.model import Router, Span

RANGE = IPv4Network("100.64.0.0/10")
SETTINGS = Settings(RANGE, IPv6Network("fd74:7269:756e::/48"))
PODS = frozenset({"p1", "p2"})
ONE, BOTH = {"n": frozenset({"p1"})}, {"n": PODS}


@pytest.mark.parametrize(
    ("spans", "due"),
    [
        ([], Wanted()),
        ([Span(PODS), Span(PODS, present=ONE), Span(PODS, present=ONE, gateway_pod="p1")], Wanted()),
        ([Span(PODS, present=BOTH)], Wanted(True)),
        ([Span(PODS, present=ONE, gateway_pod="p2")], Wanted(True, frozenset({"r0"}))),
        ([Span(PODS, present=BOTH), Span(PODS, present=BOTH, gateway_pod="p1")], Wanted(True, frozenset({"r1"}))),
        ([Span(frozenset({"p1"}), "p1", BOTH, "p1")], Wanted()),
    ],
)
def test_what_a_project_needs(spans, due):
    assert wanted(Router({"id": f"r{number}"}, span) for number, span in enumerate(spans)) == due


@settings(deadline=None)
@given(st.integers(16, 28), st.sets(st.integers(0, 40)), st.lists(st.sampled_from(["100.64.0.0/22", "fd00::/64"])))
def test_free_subnets(prefix_length, numbers, more):
    subnets = list(islice(RANGE.subnets(new_prefix=prefix_length), 41))
    used = [*(str(subnets[each]) for each in numbers), *more]
    first, second = islice(free(RANGE, prefix_length, used), 2)
    assert first.prefixlen == prefix_length and first.subnet_of(RANGE) and not first.overlaps(second)
    assert first != subnets[0], "that of the bridge"
    for each in map(ip_network, used):
        assert each.version == 6 or not (first.overlaps(each) or second.overlaps(each))


@pytest.mark.parametrize(
    ("range_", "length", "found"),
    [("100.64.0.0/24", 26, 3), ("100.64.0.0/24", 24, 0), ("100.64.0.0/28", 24, 0), (str(RANGE), 24, MOST_SUBNETS - 1)],
)
def test_how_many_subnets_there_are(range_, length, found):
    assert sum(1 for _ in free(IPv4Network(range_), length, ())) == found


class Central:
    """A Neutron that gives ids, and a subnet its first address as the gateway's."""

    def __init__(self) -> None:
        self.held = {"networks": [], "subnets": [], "ports": []}
        self._ids = count()

    async def list(self, path, filters):
        return [each for each in self.held[path] if all(each.get(name) == value for name, value in filters)]

    async def create(self, path, body):
        shown = {"id": f"{next(self._ids):03}", "project_id": "triune", **body}
        if path == "subnets":
            shown = {"gateway_ip": str(ip_network(body["cidr"])[1]), **shown}
        self.held[path].append(shown)
        return shown

    async def delete(self, path, id_):
        self.held[path] = [each for each in self.held[path] if each["id"] != id_]
        if path == "networks":
            self.held["subnets"] = [each for each in self.held["subnets"] if each["network_id"] != id_]

    def names(self, path="networks"):
        return [each["name"] for each in self.held[path]]


def bridges(central: Central, settings: Settings = SETTINGS) -> Bridges:
    async def own_project() -> str:
        return "triune"

    return Bridges(central, settings, own_project)


async def test_what_is_wanted_is_made_once_and_removed():
    central = Central()
    made, due = bridges(central), Wanted(True, frozenset({"r1", "r2"}))
    for _ in range(2):
        await made.ensure("anna", due)
    assert central.names() == [f"{BRIDGE_NAME}anna", f"{EXIT_NAME}anna"]
    bridge, exits = await made.bridge("anna"), await made.exit("anna")
    assert [(each["cidr"], each["gateway_ip"], each["enable_dhcp"]) for each in bridge.subnets] == [
        ("100.64.0.0/24", None, False), ("fd74:7269:756e::/64", None, False),
    ]  # fmt: skip
    assert [each["cidr"] for each in exits.subnets] == ["100.64.1.0/24", "100.64.2.0/24"]
    await made.prune("anna", due)
    assert len(central.held["subnets"]) == 4
    await made.ensure("anna", Wanted(True, frozenset({"r2", "r3"})))
    await made.prune("anna", Wanted(True, frozenset({"r2", "r3"})))
    exits = await made.exit("anna")
    assert {each["name"] for each in exits.subnets} == {f"{EXIT_NAME}r2", f"{EXIT_NAME}r3"}
    await made.prune("anna", Wanted(True))
    assert central.names() == [f"{BRIDGE_NAME}anna"]
    await made.prune("anna", Wanted())
    assert central.held == {"networks": [], "subnets": [], "ports": []}


async def test_a_network_of_the_same_name_is_not_taken_for_ours():
    central = Central()
    central.held["networks"].append({"id": "x", "name": f"{BRIDGE_NAME}anna", "project_id": "anna"})
    made = bridges(central)
    assert await made.bridge("anna") is None
    await made.ensure("anna", Wanted(True))
    await made.prune("anna", Wanted())
    assert [each["id"] for each in central.held["networks"]] == ["x"]


async def test_of_two_networks_the_older_one_counts():
    central = Central()
    for id_, created_at in (("a", "2024-02"), ("c", "2024-01"), ("b", "2024-01")):
        shown = {"id": id_, "name": f"{BRIDGE_NAME}anna", "project_id": "triune", "created_at": created_at}
        central.held["networks"].append(shown)
    assert (await bridges(central).bridge("anna")).shown["id"] == "b"


async def test_a_range_comes_to_its_end():
    made = bridges(Central(), Settings(IPv4Network("100.64.0.0/24"), SETTINGS.range_ipv6, 25))
    with pytest.raises(NoRange, match="for router r2"):
        await made.ensure("anna", Wanted(True, frozenset({"r1", "r2"})))
    assert len((await made.exit("anna")).subnets) == 1


@pytest.mark.parametrize("physical_network", [None, "between"])
async def test_what_carries_the_networks(physical_network):
    central = Central()
    await bridges(central, Settings(RANGE, SETTINGS.range_ipv6, physical_network=physical_network)).ensure(
        "anna", Wanted(True)
    )
    (network,) = central.held["networks"]
    assert network["provider:network_type"] == "vlan"
    assert network.get("provider:physical_network") == physical_network


async def test_addresses_are_held_for_pods_and_given_back():
    central = Central()
    made, router = bridges(central), {"id": "r1", "project_id": "anna"}
    assert not await made.add_link(router, "p1")
    assert not await made.add_exit(router, "p1", True)
    assert not await made.add_inner(router, "f", "p1")
    await made.ensure("anna", Wanted(True, frozenset({"r1"})))
    assert await made.add_link(router, "p1") and await made.add_link(router, "p2")
    assert await made.add_exit(router, "p1", True) and await made.add_exit(router, "p2", False)
    assert await made.add_inner(router, "f", "p2")
    assert not await made.add_exit({"id": "r2", "project_id": "anna"}, "p1", True)
    ports = central.held["ports"]
    assert [len(each["fixed_ips"]) for each in ports] == [2, 2, 1, 1, 1]
    assert [each["fixed_ips"][0].get("ip_address") for each in ports[2:]] == ["100.64.1.1", None, None]
    assert [each["binding:profile"][PROFILE]["pod"] for each in ports] == ["p1", "p2", "p1", "p2", "p2"]
    assert await made.release(f"{LINK_DEVICE}r1", "p1")
    assert not await made.release(f"{LINK_DEVICE}r1", "p1")
    assert await made.release(f"{EXIT_DEVICE}r1")
    assert len(central.held["ports"]) == 2
