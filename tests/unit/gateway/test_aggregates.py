"""Which aggregates of pods are one at the top."""

from typing import Any

import pytest

from triune.gateway.compute import aggregates
from triune.gateway.compute.aggregates import TAG, Part, grouped
from triune.gateway.numbers import top_number
from triune.pods.registry import Pod

ONE = Pod("1", "RegionOne", "az1")
TWO = Pod("2", "RegionTwo", "az2")


def part(pod: Pod, bottom_id: int, *hosts: str, tag: Any = None, **more: Any) -> Part:
    metadata = {} if tag is None else {TAG: str(tag)}
    return Part(pod, {"id": bottom_id, "name": "ssd", "hosts": list(hosts), "metadata": metadata, **more})


def test_ids_are_those_of_always() -> None:
    # Whoever changes this changes the ids that people have written down.
    assert top_number("RegionOne", 1) == 606852551180362
    ids = {top_number(region, number) for region in ("RegionOne", "RegionTwo") for number in range(1, 2000)}
    assert len(ids) == 2 * 1999
    assert all(0 < each < 2**53 for each in ids)
    assert top_number("RegionOne", 2**53) < 2**53


def test_parts_stand_behind_their_home() -> None:
    home_id = top_number("RegionTwo", 7)
    (one,) = grouped([part(ONE, 3, "a", tag=home_id), part(TWO, 7, "b")])
    assert (one.id, one.home.pod) == (home_id, TWO)
    assert one.view() == {"id": home_id, "name": "ssd", "hosts": ["b", "a"], "metadata": {}}


def test_the_same_number_in_two_pods_is_two_aggregates() -> None:
    first, second = grouped([part(ONE, 3), part(TWO, 3)])
    assert first.id != second.id


def test_parts_without_their_home_are_one() -> None:
    (one,) = grouped([part(ONE, 3, "a", tag=5), part(TWO, 7, "b", tag=5)])
    assert (one.id, one.view()["hosts"]) == (5, ["a", "b"])


def test_a_tag_that_is_no_number_is_none() -> None:
    (one,) = grouped([part(ONE, 3, tag="x")])
    assert one.id == top_number("RegionOne", 3)


def test_a_zone_is_in_the_words_of_the_top() -> None:
    shown = part(ONE, 3, availability_zone="nova")
    shown.shown["metadata"] = {"availability_zone": "nova", "a": "b"}
    view = grouped([shown])[0].view()
    assert (view["availability_zone"], view["metadata"]) == ("az1", {"availability_zone": "az1", "a": "b"})


def test_two_homes_of_one_number_stay_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregates, "top_number", lambda region, number: 5)
    assert [each.home.pod for each in grouped([part(ONE, 3), part(TWO, 7)])] == [ONE, TWO]
