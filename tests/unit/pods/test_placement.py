"""Choosing pods, without asking anybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.pods.placement import Anchor, Limit, Limited, NoCandidate, UnknownZone, candidates
from triune.pods.registry import Pod

ONE = Pod("1", "RegionOne", "az1")
TWO = Pod("2", "RegionTwo", "az2")
THREE = Pod("3", "RegionThree", "az2")
OFF = Pod("4", "RegionFour", "az3", enabled=False)
PODS = [ONE, TWO, THREE, OFF]


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
