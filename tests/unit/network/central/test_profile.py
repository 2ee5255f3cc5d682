"""What a port's binding profile says of its pod."""

from typing import Any

import pytest

from triune.network.central.profile import BadProfile, Place, place


@pytest.mark.parametrize("profile", [None, {}, {"allocation": "x"}])
def test_a_profile_without_triune_says_nothing(profile: Any) -> None:
    assert place(profile) is None


def test_pod_and_status() -> None:
    assert place({"triune": {"pod": "one", "keep": True, "status": "ACTIVE"}, "card": 1}) == Place("one", "ACTIVE")


def test_a_port_of_which_nothing_is_known_is_down() -> None:
    assert place({"triune": {"pod": "one"}}) == Place("one", "DOWN")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("one", "no object"),
        ({}, 'no "pod"'),
        ({"pod": ""}, 'no "pod"'),
        ({"pod": 1}, 'no "pod"'),
        ({"pod": "one", "keep": "yes"}, "neither true nor false"),
        ({"pod": "one", "status": "up"}, "ACTIVE, BUILD, DOWN, ERROR"),
        ({"pod": "one", "status": None}, "ACTIVE, BUILD, DOWN, ERROR"),
    ],
)
def test_what_cannot_be_understood_is_told(said: Any, text: str) -> None:
    with pytest.raises(BadProfile, match=text):
        place({"triune": said})
