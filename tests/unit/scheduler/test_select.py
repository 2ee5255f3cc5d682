"""Choosing pods, without asking anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.pods.placement import Anchor, Limit, Limited, NoCandidate, UnknownZone
from triune.pods.registry import Pod
from triune.scheduler import filters, weighers
from triune.scheduler.request import PodState, RequestSpec
from triune.scheduler.scheduler import Scheduler

ONE = Pod("1", "RegionOne", "az1")
TWO = Pod("2", "RegionTwo", "az2")
THREE = Pod("3", "RegionThree", "az2")
OFF = Pod("4", "RegionFour", "az3", enabled=False)
PODS = [ONE, TWO, THREE, OFF]

SCHEDULER = Scheduler(
    (filters.AvailabilityZoneFilter(), filters.AnchorFilter(), filters.LimitFilter(), filters.EnabledFilter()),
    (weighers.HealthWeigher(), weighers.CapacityWeigher(), weighers.ProjectWeigher()),
)


def candidates(
    pods: Sequence[Pod],
    zone: str | None,
    anchors: Sequence[Anchor],
    used: Mapping[str, int],
    limits: Sequence[Limit] = (),
) -> list[Pod]:
    states = [PodState(pod, used.get(pod.id, 0)) for pod in pods]
    request = RequestSpec("compute", "p", zone, tuple(anchors), tuple(limits))
    return [state.pod for state in SCHEDULER.select(states, request)]


def anchor(description: str, pod: Pod) -> Anchor:
    return Anchor(description, pod, "/v3/volumes/1", "volume")


def regions(zone: str | None = None, anchors: tuple[Anchor, ...] = (), **used: int) -> list[str]:
    counts = {pod.id: used[pod.region_name] for pod in PODS if pod.region_name in used}
    return [pod.region_name for pod in candidates(PODS, zone, anchors, counts)]


def test_without_a_zone_every_enabled_pod_may() -> None:
    assert regions() == ["RegionOne", "RegionThree", "RegionTwo"]


def test_a_zone_is_one_or_more_pods() -> None:
    assert regions("az1") == ["RegionOne"]
    assert regions("az2") == ["RegionThree", "RegionTwo"]


def test_a_project_stays_together() -> None:
    assert regions(RegionTwo=5, RegionOne=2) == ["RegionTwo", "RegionOne", "RegionThree"]
    assert regions("az2", RegionTwo=1) == ["RegionTwo", "RegionThree"]


@pytest.mark.parametrize("zone", ["nowhere", "az3", ""])
def test_an_unknown_zone(zone: str) -> None:
    with pytest.raises(UnknownZone) as caught:
        regions(zone)
    assert caught.value.zone == zone


def test_what_is_needed_decides() -> None:
    assert regions(None, (anchor("network n", TWO),)) == ["RegionTwo"]
    assert regions("az2", (anchor("network n", TWO), anchor("volume v", TWO))) == ["RegionTwo"]


def test_something_needed_in_another_zone_names_both() -> None:
    with pytest.raises(NoCandidate, match=r"network n is in availability zone az1, not in az2\."):
        regions("az2", (anchor("network n", ONE),))


def test_two_things_in_two_pods_name_both() -> None:
    with pytest.raises(NoCandidate) as caught:
        regions(None, (anchor("network n", ONE), anchor("volume v", TWO)))
    assert str(caught.value) == ("volume v is in availability zone az2, but network n is in availability zone az1.")


def test_something_needed_in_a_disabled_pod() -> None:
    with pytest.raises(NoCandidate):
        regions(None, (anchor("network n", OFF),))


@given(
    zone=st.none() | st.sampled_from(["az1", "az2", "az3", "az4"]),
    needed=st.lists(st.sampled_from(PODS), max_size=3),
    used=st.dictionaries(st.sampled_from(["1", "2", "3", "4"]), st.integers(0, 3)),
)
def test_whatever_is_chosen_fits(zone: str | None, needed: list[Pod], used: dict[str, int]) -> None:
    try:
        chosen = candidates(PODS, zone, [anchor(f"thing {pod.id}", pod) for pod in needed], used)
    except NoCandidate:
        return
    assert chosen
    assert all(pod.enabled and zone in (None, pod.az_name) for pod in chosen)
    assert all(pod.id == other.id for pod in chosen for other in needed)
    counts = [used.get(pod.id, 0) for pod in chosen]
    assert counts == sorted(counts, reverse=True)


def test_limits_leave_out_pods() -> None:
    limit = Limit("Network n", frozenset({ONE.id, TWO.id}))
    assert [pod.region_name for pod in candidates(PODS, None, (), {}, [limit])] == ["RegionOne", "RegionTwo"]
    assert [pod.region_name for pod in candidates(PODS, "az2", (), {}, [limit])] == ["RegionTwo"]


@pytest.mark.parametrize(
    ("zone", "anchors", "limits", "text"),
    [
        ("az2", (), [{ONE.id}], "Network 0 can be in availability zone az1, not in az2."),
        ("az3", (), [{ONE.id, TWO.id}], "Network 0 can be in availability zones az1, az2, not in az3."),
        (
            None,
            (anchor("volume v", TWO),),
            [{ONE.id}],
            "Network 0 can be in availability zone az1, but volume v is in availability zone az2.",
        ),
        (
            None,
            (),
            [{ONE.id}, {TWO.id}],
            "Network 1 can be in availability zone az2, but Network 0 can be in availability zone az1.",
        ),
        (
            None,
            (),
            [set()],
            "Network 0 can be in no availability zone.",
        ),
    ],
)
def test_limits_that_rule_out_everything(
    zone: str | None, anchors: tuple[Anchor, ...], limits: list[set[str]], text: str
) -> None:
    given_limits = [Limit(f"Network {number}", frozenset(ids)) for number, ids in enumerate(limits)]
    with pytest.raises(Limited) as caught:
        candidates(PODS, zone, anchors, {}, given_limits)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [
        # The project is in the second.
        ({}, {"used": 1}, ["RegionTwo", "RegionOne"]),
        ({}, {"used": 1, "has_capacity": False}, ["RegionOne", "RegionTwo"]),
        ({"has_capacity": True}, {"used": 1, "has_capacity": None}, ["RegionTwo", "RegionOne"]),
        ({"has_capacity": False}, {"has_capacity": None}, ["RegionTwo", "RegionOne"]),
        ({"has_capacity": False}, {"has_capacity": False}, ["RegionOne", "RegionTwo"]),
        # Who does not answer comes last, be there room or not.
        ({"has_capacity": False}, {"used": 5, "answers": False}, ["RegionOne", "RegionTwo"]),
    ],
)
def test_the_order_of_pods(first: dict[str, Any], second: dict[str, Any], order: list[str]) -> None:
    states = [replace(PodState(ONE), **first), replace(PodState(TWO), **second)]
    assert [state.pod.region_name for state in SCHEDULER.select(states, RequestSpec("compute"))] == order
    assert [state.pod.region_name for state in SCHEDULER.select(states[::-1], RequestSpec("compute"))] == order


def test_a_filter_for_room() -> None:
    strict = Scheduler((filters.CapacityFilter(),), ())
    states = [PodState(ONE, has_capacity=False), PodState(TWO), PodState(THREE, has_capacity=True)]
    assert [state.pod for state in strict.select(states, RequestSpec("compute"))] == [THREE, TWO]
    with pytest.raises(NoCandidate):
        strict.select(states[:1], RequestSpec("compute"))
