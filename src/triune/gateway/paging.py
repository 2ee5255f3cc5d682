"""Merging sorted pages of several pods into one page, and the markers that lead on: pure functions."""

import base64
import heapq
import zlib
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import total_ordering
from itertools import takewhile
from typing import Any

import msgspec

Item = dict[str, msgspec.Raw]

# The position of a pod whose items are all told.
DONE = 0
# Bytes of the longest marker, unpacked: more than a thousand pods have.
MAX_MARKER = 256 * 1024
Position = str | int | None


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of a sort order: the field of an item, and its direction."""

    field: str
    descending: bool


@total_ordering
class Rank:
    """A value in its direction; a missing value comes first when ascending, as databases have it.

    Letters are compared in upper case: so does the default collation of MySQL and MariaDB (`_` stands behind `Z`).
    """

    __slots__ = ("descending", "value")

    def __init__(self, value: Any, descending: bool) -> None:
        self.value = value.upper() if isinstance(value, str) else value
        self.descending = descending

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rank) and self.value == other.value

    def __lt__(self, other: "Rank") -> bool:
        first, second = (other, self) if self.descending else (self, other)
        if first.value is None or second.value is None:
            return first.value is None and second.value is not None
        try:
            return bool(first.value < second.value)
        except TypeError:
            return str(first.value) < str(second.value)


@dataclass(slots=True)
class Page:
    """What one pod answered: its items in its order, and whether it has more behind them."""

    pod_id: str
    items: list[Item]
    has_more: bool


Values = list[msgspec.Raw]
"""What an item is sorted by, as far as it shows it, in the order of the sort keys."""


@dataclass(slots=True)
class Merged:
    """The merged page: items with the pods they are from, and each pod's position behind it.

    `values` are those of each pod's last told item: they say where the list goes on when that item is gone.
    """

    items: list[tuple[str, Item]] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    values: dict[str, Values] = field(default_factory=dict)

    def has_more_than(self, missing: Container[str]) -> bool:
        """Whether any pod has more to tell, those aside that do not answer."""
        return any(position != DONE for pod_id, position in self.positions.items() if pod_id not in missing)


def item_id(item: Item, field: str = "id") -> str:
    """What an item is called as a marker: its id, or what stands in another field."""
    return str(msgspec.json.decode(item[field], type=str | int))


def rank(item: Item, order: Sequence[SortKey]) -> list[Rank]:
    """Where an item stands. From the first field on that the item does not show, each pod's own order decides."""
    return rank_of(sort_values(item, order), order)


def sort_values(item: Item, order: Sequence[SortKey]) -> Values:
    """What an item is sorted by, up to the first field that it does not show."""
    return [item[key.field] for key in takewhile(lambda key: key.field in item, order)]


def rank_of(values: Values, order: Sequence[SortKey]) -> list[Rank]:
    """Where an item with these values stands."""
    return [Rank(msgspec.json.decode(value), key.descending) for value, key in zip(values, order, strict=False)]


def merge(
    pages: Iterable[Page],
    before: Merged,
    order: Sequence[SortKey],
    limit: int,
    marker: str = "id",
) -> Merged:
    """The first `limit` items of all pages in sort order; `marker` is the field that positions are told by.

    Each pod's own order is kept; equal items stand in the order of the pages. The merged page ends early where a pod
    with more items has run dry, because its next item might belong before those of the others.
    """
    pages = list(pages)
    merged = Merged(positions=dict(before.positions), values=dict(before.values))
    taken = dict.fromkeys((page.pod_id for page in pages), 0)
    ends = {page.pod_id: len(page.items) for page in pages}
    by_pod = {page.pod_id: page for page in pages}

    def heads(page: Page, place: int) -> Iterator[tuple[list[Rank], int, int, str, Item]]:
        for index, item in enumerate(page.items):
            yield rank(item, order), place, index, page.pod_id, item

    dry = any(page.has_more and not page.items for page in pages)
    for _, _, _, pod_id, item in heapq.merge(*(heads(page, place) for place, page in enumerate(pages))):
        if dry or len(merged.items) == limit:
            break
        merged.items.append((pod_id, item))
        merged.positions[pod_id] = item_id(item, marker)
        merged.values[pod_id] = sort_values(item, order)
        taken[pod_id] += 1
        dry = taken[pod_id] == ends[pod_id] and by_pod[pod_id].has_more
    for page in pages:
        if taken[page.pod_id] == len(page.items) and not page.has_more:
            merged.positions[page.pod_id] = DONE
            merged.values.pop(page.pod_id, None)
        else:
            merged.positions.setdefault(page.pod_id, None)
    return merged


_MARKER_PREFIX = "triune-"


class Marker(msgspec.Struct):
    """Where a merged list goes on: as in `Merged`, and the total where the API counts.

    It is not signed, for nothing in it is trusted: the positions are ids that go to the pods as `marker`, with the
    caller's own rights, and are refused there like any other.
    """

    positions: dict[str, str | int | None]
    count: int | None = None
    values: dict[str, Values] = {}

    def encode(self) -> str:
        """The text of the marker, for a URL."""
        packed = zlib.compress(msgspec.json.encode(self))
        return _MARKER_PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Marker | None":
        """The marker of a text, or None when it is not one of ours but the plain id of an item."""
        if not text.startswith(_MARKER_PREFIX):
            return None
        encoded = text.removeprefix(_MARKER_PREFIX)
        try:
            packed = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            unpacked = zlib.decompressobj().decompress(packed, MAX_MARKER)
            return msgspec.json.decode(unpacked, type=cls)
        except (ValueError, zlib.error, msgspec.DecodeError):
            return None
