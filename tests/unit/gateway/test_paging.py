"""Merging pages: whatever pods hold and however they page, following the positions tells each item exactly once."""

import base64
import random
import uuid
import zlib
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.gateway.paging import DONE, Item, Marker, Merged, Page, Position, Rank, SortKey, item_id, merge, rank

BY_TIME = [SortKey("time", descending=True), SortKey("id", descending=False)]


def item(**fields: Any) -> Item:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def ordered(items: list[Item], order: list[SortKey]) -> list[Item]:
    return sorted(items, key=lambda each: rank(each, order))


def page_of(pod_id: str, items: list[Item], position: Position, size: int) -> Page:
    """What a pod answers to a marker and a limit."""
    start = 0
    if isinstance(position, str):
        start = [item_id(each) for each in items].index(position) + 1
    told = items[start : start + size]
    # Nova and Cinder give a next link with every full page, also with the last one.
    return Page(pod_id, told, has_more=bool(told) and len(told) == size)


def follow(pods: dict[str, list[Item]], order: list[SortKey], limit: int, most: dict[str, int]) -> list[list[Item]]:
    """All merged pages of pods whose own pages are at most so long."""
    merged = Merged()
    merged_pages: list[list[Item]] = []
    while True:
        assert len(merged_pages) < 500, "no end"
        positions = merged.positions
        asked = [pod_id for pod_id in sorted(pods) if positions.get(pod_id) != DONE]
        pages = [page_of(pod_id, pods[pod_id], positions.get(pod_id), min(limit, most[pod_id])) for pod_id in asked]
        merged = merge(pages, merged, order, limit)
        merged_pages.append([each for _, each in merged.items])
        if not merged.items or not merged.has_more_than(()):
            return merged_pages


values = st.one_of(st.none(), st.integers(0, 4), st.text("ab_Z", max_size=2))
homogeneous = st.sampled_from([st.integers(0, 4), st.text("ab_Z", max_size=2), st.none() | st.integers(0, 3)])


PODS = [f"pod-{number:02}" for number in range(20)]


@st.composite
def clouds(draw: st.DrawFn) -> tuple[dict[str, list[Item]], list[SortKey]]:
    """Pods with items in an order that their own service would give, and that order."""
    kinds = draw(homogeneous)
    order = [SortKey("key", draw(st.booleans())), SortKey("id", draw(st.booleans()))]
    pods: dict[str, list[Item]] = {}
    number = 0
    for pod_id in PODS[: draw(st.integers(1, len(PODS)))]:
        items = []
        for _ in range(draw(st.integers(0, 6))):
            number += 1
            items.append(item(id=f"id-{number:03}", key=draw(kinds)))
        pods[pod_id] = ordered(items, order)
    return pods, order


@given(
    cloud=clouds(), limit=st.integers(1, 8), most=st.lists(st.integers(1, 5), min_size=len(PODS), max_size=len(PODS))
)
def test_each_item_once_and_in_order(
    cloud: tuple[dict[str, list[Item]], list[SortKey]], limit: int, most: list[int]
) -> None:
    pods, order = cloud
    pages = follow(pods, order, limit, dict(zip(PODS, most, strict=True)))
    told = [each for page in pages for each in page]
    expected = [each for items in pods.values() for each in items]
    assert sorted(map(item_id, told)) == sorted(map(item_id, expected))
    assert all(len(page) <= limit for page in pages)
    ranks = [rank(each, order) for each in told]
    assert all(not second < first for first, second in pairwise(ranks))


@given(
    items=st.lists(st.tuples(st.integers(0, 2), values), max_size=20),
    limit=st.integers(1, 6),
    descending=st.booleans(),
)
def test_pods_in_any_order_of_their_own_still_tell_each_item_once(
    items: list[tuple[int, Any]], limit: int, descending: bool
) -> None:
    # A database may collate otherwise than we do, and an item may not show what it is sorted by.
    pods: dict[str, list[Item]] = {"one": [], "three": [], "two": []}
    for number, (pod, value) in enumerate(items):
        fields = {"id": f"id-{number}"} if value is None else {"id": f"id-{number}", "key": value}
        pods[("one", "three", "two")[pod]].append(item(**fields))
    order = [SortKey("key", descending), SortKey("id", descending=False)]
    pages = follow(pods, order, limit, dict.fromkeys(pods, 4))
    told = [item_id(each) for page in pages for each in page]
    assert sorted(told) == sorted(f"id-{number}" for number in range(len(items)))


@given(cloud=clouds())
def test_one_large_page_is_the_sorted_whole(cloud: tuple[dict[str, list[Item]], list[SortKey]]) -> None:
    pods, order = cloud
    (page, *rest) = follow(pods, order, 1000, dict.fromkeys(pods, 1000))
    assert [item_id(each) for each in page] == [
        item_id(each) for each in ordered([each for items in pods.values() for each in items], order)
    ]
    assert not any(rest)


def test_a_pod_that_runs_dry_ends_the_page() -> None:
    # Its next item may belong before those that the other pod has told already.
    first = Page("one", [item(id="a", time="9")], has_more=True)
    second = Page("two", [item(id="b", time="5"), item(id="c", time="4")], has_more=False)
    merged = merge([first, second], Merged(), BY_TIME, 10)
    assert [item_id(each) for _, each in merged.items] == ["a"]
    assert merged.positions == {"one": "a", "two": None}
    assert merged.has_more_than(())


def test_limit_0_tells_nothing() -> None:
    merged = merge([Page("one", [], has_more=False)], Merged(), BY_TIME, 0)
    assert (merged.items, merged.positions, merged.has_more_than(())) == ([], {"one": DONE}, False)


def test_a_missing_pod_alone_is_no_reason_for_a_next_page() -> None:
    page = Page("one", [item(id="a", time="9")], has_more=False)
    merged = merge([page], Merged(positions={"two": "x"}), BY_TIME, 10)
    assert merged.has_more_than(())
    assert not merged.has_more_than({"two"})


@pytest.mark.parametrize(
    ("lower", "higher"), [(None, "a"), ("a", "B"), ("B", "c"), ("Z", "_"), (1, 2), (None, 0), (False, True), (1.5, 2)]
)
def test_values_in_the_order_of_a_database(lower: Any, higher: Any) -> None:
    assert Rank(lower, descending=False) < Rank(higher, descending=False)
    assert Rank(higher, descending=True) < Rank(lower, descending=True)
    assert Rank(lower, descending=False) != Rank(higher, descending=False)


def test_what_cannot_be_compared_has_an_order_all_the_same() -> None:
    assert (Rank("a", descending=False) < Rank(1, descending=False)) != (
        Rank(1, descending=False) < Rank("a", descending=False)
    )


positions = st.dictionaries(st.text(max_size=40), st.none() | st.just(DONE) | st.text(max_size=40), max_size=8)


@given(positions=positions, count=st.none() | st.integers(0, 10**9))
def test_a_marker_comes_back_as_it_went(positions: dict[str, Position], count: int | None) -> None:
    text = Marker(positions, count).encode()
    assert Marker.decode(text) == Marker(positions, count)
    assert all(letter.isalnum() or letter in "-_" for letter in text)


@given(text=st.text(max_size=60))
def test_any_other_text_is_none(text: str) -> None:
    assert Marker.decode(text) is None
    assert Marker.decode(f"triune-{text}") is None


def test_a_marker_of_a_hundred_pods_fits_into_a_url() -> None:
    positions: dict[str, Position] = {str(uuid.uuid4()): str(uuid.uuid4()) for _ in range(100)}
    values = {
        pod_id: [
            msgspec.Raw(msgspec.json.encode(f"2026-11-{random.randint(10, 30)}T12:{random.randint(10, 59)}:44Z")),
            msgspec.Raw(msgspec.json.encode(position)),
        ]
        for pod_id, position in positions.items()
    }
    assert len(Marker(positions, values=values).encode()) < 8000


def test_a_marker_that_unpacks_to_too_much_is_none() -> None:
    bomb = zlib.compress(b'{"positions": {"a": "' + b"x" * 50_000_000 + b'"}}')
    assert Marker.decode("triune-" + base64.urlsafe_b64encode(bomb).decode().rstrip("=")) is None
