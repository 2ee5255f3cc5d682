"""Where a network may be present."""

from collections.abc import Collection

import pytest

from triune.network.central.pods import Pod, zones
from triune.network.central.presence import is_stretched, refusal

ONE = Pod("1", "RegionOne", "az1")
TWO = Pod("2", "RegionTwo", "az2")
ALSO_ONE = Pod("3", "RegionThree", "az1", enabled=False)
PODS = (ONE, TWO, ALSO_ONE)


@pytest.mark.parametrize("hints", [(), ("az1",), ("RegionOne",), ("az2", "az1"), ("RegionTwo", "az1")])
def test_hints_that_allow_a_pod(hints: Collection[str]) -> None:
    assert refusal("1", PODS, hints, {"vlan"}, ()) is None


@pytest.mark.parametrize("hints", [("az2",), ("RegionTwo",), ("RegionThree",), ("AZ1",)])
def test_hints_that_do_not(hints: tuple[str, ...]) -> None:
    reason = refusal("1", PODS, hints, {"vlan"}, ())
    assert reason is not None
    assert hints[0] in reason
    assert "RegionOne" in reason


def test_an_unknown_pod() -> None:
    assert refusal("9", PODS, (), {"vlan"}, ()) == "there is no pod 9"


@pytest.mark.parametrize("kind", ["local", "vxlan", "geneve", "gre", "of a later release"])
def test_networks_inside_one_pod_are_in_one_at_a_time(kind: str) -> None:
    assert refusal("1", PODS, (), {kind}, ()) is None
    reason = refusal("1", PODS, (), {kind}, {"2"})
    assert reason is not None
    assert f"type {kind} is in one region at a time, and it is in RegionTwo" in reason
    assert "flat or vlan can span regions" in reason


@pytest.mark.parametrize("types", [{"vlan"}, {"flat"}, {"vlan", "flat"}])
def test_networks_that_span_pods(types: Collection[str]) -> None:
    assert is_stretched(types)
    assert refusal("1", PODS, (), types, {"2", "3"}) is None


def test_one_segment_inside_a_pod_keeps_a_network_there() -> None:
    assert not is_stretched({"vlan", "geneve"})


def test_a_network_without_segments_spans_nothing() -> None:
    assert not is_stretched(())


def test_a_pod_that_is_registered_no_more_is_told_by_its_id() -> None:
    assert "it is in 9;" in (refusal("1", PODS, (), {"local"}, {"9"}) or "")


def test_zones_and_regions_can_be_named() -> None:
    assert zones(PODS) == {"az1": True, "az2": True, "RegionOne": True, "RegionTwo": True, "RegionThree": False}


def test_a_zone_whose_pods_are_all_disabled_is_unavailable() -> None:
    assert zones([ALSO_ONE]) == {"az1": False, "RegionThree": False}
