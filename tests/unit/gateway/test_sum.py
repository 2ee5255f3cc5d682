"""Numbers of several pods as one."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.gateway import sum as sums


def add(total: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(total)
    sums.add(result, other)
    return result


@pytest.mark.parametrize(
    ("total", "other", "together"),
    [
        ({"a": 1}, {"a": 2}, {"a": 3}),
        ({"a": 1.5}, {"a": 2}, {"a": 3.5}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 3, "c": 3}}),
        ({"id": "p"}, {"id": "q"}, {"id": "p"}),
        ({"a": True}, {"a": True}, {"a": True}),
        ({"a": None}, {"a": 5}, {"a": 5}),
        ({"a": [1]}, {"a": [2]}, {"a": [1, 2]}),
        ({"a": ["x", "y"]}, {"a": ["y", "z"]}, {"a": ["x", "y", "z"]}),
    ],
)
def test_adding(total: dict[str, Any], other: dict[str, Any], together: dict[str, Any]) -> None:
    assert add(total, other) == together


numbers = st.dictionaries(st.sampled_from("abc"), st.integers(0, 100))


@given(one=numbers, two=numbers, three=numbers)
def test_in_any_order_it_is_the_same(one: dict[str, int], two: dict[str, int], three: dict[str, int]) -> None:
    assert add(add(one, two), three) == add(add(three, one), two)
