"""Which networks a router may be attached to, and where its gateway is."""

from collections.abc import Collection
from ipaddress import ip_network

import pytest

from triune.network.central.location import Network, allowed, gateway_pod, gateway_refusal, local_pod, overlap, refusal
from triune.network.central.pods import Pod

ONE = Pod("1", "RegionOne", "az1")
TWO = Pod("2", "RegionTwo", "az2")
ALSO_ONE = Pod("3", "RegionThree", "az1")
PODS = (ONE, TWO, ALSO_ONE)


def network(*hints: str, types: Collection[str] = ("vlan",), present: Collection[str] = ()) -> Network:
    return Network(frozenset(hints), frozenset(types), frozenset(present))


def test_the_pods_that_hints_allow() -> None:
    assert allowed((), PODS) == {"1", "2", "3"}
    assert allowed(("az1",), PODS) == {"1", "3"}
    assert allowed(("RegionTwo", "az1"), PODS) == {"1", "2", "3"}
    assert allowed(("RegionNine",), PODS) == set()


def test_one_region_makes_a_router_local() -> None:
    assert local_pod(("RegionThree",), PODS) == ALSO_ONE


@pytest.mark.parametrize("hints", [(), ("az1",), ("RegionOne", "RegionTwo"), ("RegionOne", "az1"), ("RegionNine",)])
def test_anything_else_does_not(hints: tuple[str, ...]) -> None:
    assert local_pod(hints, PODS) is None


@pytest.mark.parametrize("on", [network(), network("az2"), network(types=("geneve",), present=("2",))])
def test_a_router_without_hints_takes_any_network(on: Network) -> None:
    assert refusal((), on, PODS) is None


@pytest.mark.parametrize("on", [network(), network("az1"), network("RegionOne", "az2"), network(present=("2",))])
def test_a_local_router_takes_networks_that_may_be_in_its_pod(on: Network) -> None:
    assert refusal(("RegionOne",), on, PODS) is None


@pytest.mark.parametrize("on", [network("az2"), network("RegionThree")])
def test_a_local_router_refuses_networks_that_may_not(on: Network) -> None:
    reason = refusal(("RegionOne",), on, PODS)
    assert reason is not None
    assert "RegionOne" in reason
    assert next(iter(on.hints)) in reason


def test_a_local_router_refuses_a_network_that_is_confined_to_another_pod() -> None:
    assert refusal(("RegionOne",), network(types=("geneve",), present=("1",)), PODS) is None
    reason = refusal(("RegionOne",), network(types=("geneve",), present=("2",)), PODS)
    assert reason is not None
    assert "the network is in RegionTwo" in reason
    assert "of type geneve" in reason


@pytest.mark.parametrize("on", [network("az1"), network("RegionOne"), network("RegionThree", "RegionOne")])
def test_a_router_with_zones_takes_networks_inside_of_them(on: Network) -> None:
    assert refusal(("az1",), on, PODS) is None


def test_a_router_with_zones_refuses_a_network_that_may_be_beyond() -> None:
    assert "may also be in RegionTwo" in (refusal(("az1",), network("az1", "az2"), PODS) or "")


def test_a_router_with_zones_refuses_a_network_that_may_be_anywhere() -> None:
    assert "may be anywhere" in (refusal(("az1", "az2"), network(), PODS) or "")


def test_the_gateway_of_a_local_router_is_in_its_pod() -> None:
    assert gateway_pod(("RegionTwo",), network(present=("1",)), PODS, {"1"}) == TWO
    assert gateway_pod(("RegionTwo",), network("az1"), PODS, ()) is None


@pytest.mark.parametrize(
    ("interfaces", "present", "pod"),
    [((), (), ONE), (("2",), ("1",), TWO), ((), ("2",), TWO), (("1", "2"), ("2",), TWO), (("3", "2"), (), ALSO_ONE)],
)
def test_the_gateway_is_where_the_router_is(interfaces: tuple[str, ...], present: tuple[str, ...], pod: Pod) -> None:
    assert gateway_pod((), network(present=present), PODS, interfaces) == pod


def test_the_gateway_is_where_both_may_be() -> None:
    assert gateway_pod(("az2",), network("az2", "az1"), PODS, {"1"}) == TWO
    assert gateway_pod(("az2",), network("az1"), PODS, ()) is None
    assert gateway_pod((), network("az2"), PODS, {"1"}) == TWO


def test_a_disabled_pod_is_the_last_choice() -> None:
    disabled = Pod("1", "RegionOne", "az1", enabled=False)
    assert gateway_pod((), network(present=("1",)), (disabled, TWO), {"1"}) == TWO
    assert gateway_pod((), network("az1"), (disabled, TWO), ()) == disabled


def test_a_network_inside_one_pod_keeps_the_gateway_there() -> None:
    assert gateway_pod((), network(types=("geneve",), present=("2",)), PODS, {"1"}) == TWO
    assert gateway_pod(("az1",), network(types=("geneve",), present=("2",)), PODS, ()) is None
    assert gateway_pod((), network(types=("geneve",)), PODS, {"3"}) == ALSO_ONE


def test_there_is_no_pod() -> None:
    assert gateway_pod((), network(), (), ()) is None


RANGES = (ip_network("100.64.0.0/10"), ip_network("fd74:7269:756e::/48"))


@pytest.mark.parametrize("cidr", ["100.64.0.0/24", "100.0.0.0/8", "0.0.0.0/0", "fd74:7269:756e:1::/64", "fd00::/8"])
def test_subnets_with_addresses_of_ranges(cidr: str) -> None:
    assert cidr in (overlap(["10.0.0.0/24", cidr], RANGES) or "")


def test_subnets_without() -> None:
    assert overlap(["10.0.0.0/8", "100.128.0.0/16", "2001:db8::/64", "::/64"], RANGES) is None


@pytest.mark.parametrize(
    ("hints", "on"),
    [((), network()), ((), network("RegionTwo")), (("az1",), network()), (("az1",), network("az1", "az2"))],
)
def test_a_gateway_needs_one_pod_that_is_in_both_hints(hints: tuple[str, ...], on: Network) -> None:
    assert gateway_refusal(hints, on, PODS) is None


@pytest.mark.parametrize("hints", [("az1",), ("RegionOne",)])
def test_a_gateway_elsewhere_is_refused(hints: tuple[str, ...]) -> None:
    reason = gateway_refusal(hints, network("RegionTwo"), PODS)
    assert reason is not None
    assert hints[0] in reason
    assert "RegionTwo" in reason
