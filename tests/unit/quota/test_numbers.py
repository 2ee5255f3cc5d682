"""Quotas of several pods as those of one cloud."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.quota.numbers import as_limits, in_use, least, merged, number
from triune.quota.scope import KINDS, Scope, scope_of
from triune.work.kinds import KINDS as ALL_KINDS


@pytest.mark.parametrize(
    ("parts", "wanted", "together"),
    [
        ([{"cores": 20}, {"cores": 10}], {}, {"cores": 10}),
        ([{"cores": -1}, {"cores": 10}], {}, {"cores": 10}),
        ([{"cores": -1}, {"cores": -1}], {}, {"cores": -1}),
        ([{"cores": 20}, {"cores": 10}], {"cores": 30, "hidden": 1}, {"cores": 30}),
        ([{"cores": 20}, {}], {}, {"cores": 20}),
        ([{}, {"cores": 20}], {}, {"cores": 20}),
        ([{"id": "p"}, {"id": "q"}], {}, {"id": "p"}),
        ([{"id": "12"}, {"id": "3"}], {}, {"id": "12"}),
        ([{"totalCoresUsed": 1, "maxTotalCores": 5}, {"totalCoresUsed": 2, "maxTotalCores": 6}], {"maxTotalCores": 9},
         {"totalCoresUsed": 3, "maxTotalCores": 9}),
        ([{"a": {"limit": 5, "in_use": 1, "reserved": 1}}, {"a": {"limit": 4, "in_use": 2, "reserved": 0}}], {},
         {"a": {"limit": 4, "in_use": 3, "reserved": 1}}),
        ([{"a": {"limit": 5, "in_use": 1, "reserved": 0}}], {"a": 7}, {"a": {"limit": 7, "in_use": 1, "reserved": 0}}),
        ([{"a": None}, {"a": 5}], {}, {"a": None}),
        ([{"a": {"limit": 5}}, {"a": 5}], {}, {"a": {"limit": 5}}),
        ([], {"a": 5}, {}),
    ],
)  # fmt: skip
def test_limits_are_the_least_and_usage_is_added_up(
    parts: list[dict[str, Any]], wanted: dict[str, int], together: dict[str, Any]
) -> None:
    assert merged(parts, wanted) == together


limits = st.integers(-1, 50)


@given(limits, limits, limits)
def test_the_least_is_the_same_in_any_order(one: int, two: int, three: int) -> None:
    assert least(least(one, two), three) == least(one, least(three, two))
    assert least(one, two) in (one, two)
    assert all(limit < 0 or 0 <= least(one, two) <= limit for limit in (one, two))


@pytest.mark.parametrize(
    ("value", "read"),
    [(5, 5), ("5", 5), (-1, -1), ("x", None), ("", None), (None, None), (True, None), (1.0, None), ([], None),
     ("9" * 5000, None)],
)  # fmt: skip
def test_limits_may_be_written_in_digits(value: Any, read: int | None) -> None:
    assert number(value) == read


def test_what_is_used_is_what_is_told() -> None:
    assert in_use({"in_use": 2, "reserved": 1, "limit": 9}) == 3
    assert in_use({"in_use": None}) == 0
    assert in_use(5) == 0


def test_limits_have_other_names() -> None:
    assert as_limits("compute", {"metadata_items": 5, "fixed_ips": 1}) == {"maxServerMeta": 5, "maxImageMeta": 5}
    assert as_limits("volume", {"gigabytes": 5, "gigabytes_fast": 1}) == {"maxTotalVolumeGigabytes": 5}


@pytest.mark.parametrize(
    "scope",
    [
        Scope("compute", "p"),
        Scope("compute", "a/b", "u"),
        Scope("volume", "p"),
        Scope("compute", "default", is_class=True),
        Scope("volume", "a b", is_class=True),
    ],
)
def test_a_scope_is_known_by_its_key(scope: Scope) -> None:
    key = scope.key("pod")
    assert scope_of(key.kind, key.resource_id) == scope
    assert key.kind in KINDS and key.kind in ALL_KINDS


def test_names_are_quoted_in_paths() -> None:
    assert Scope("volume", "a/b c").path == "/os-quota-sets/a%2Fb%20c"
    assert Scope("compute", "default", is_class=True).path == "/os-quota-class-sets/default"
