"""The filters and weighers that the settings name, and the order of pods that comes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from triune.scheduler.base import Filter, Weigher
from triune.scheduler.request import PodState, RequestSpec

FILTERS = "triune.filters"
WEIGHERS = "triune.weighers"


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Filters in turn, then weighers: the first that tells two pods apart decides between them."""

    filters: tuple[Filter, ...]
    weighers: tuple[Weigher, ...]

    def select(self, states: Iterable[PodState], request: RequestSpec) -> list[PodState]:
        """The pods that may take a request, the best first. Raises `NoCandidate`."""
        every = list(states)
        left: Sequence[PodState] = every
        for each in self.filters:
            passing = [state for state in left if each.passes(state, request)]
            if not passing:
                raise each.refusal(left, every, request)
            left = passing

        def place(state: PodState) -> tuple[Any, ...]:
            return (*(-weigher.weigh(state, request) for weigher in self.weighers), state.pod.region_name)

        return sorted(left, key=place)

    def weighs(self, weigher: type[Weigher]) -> bool:
        """Whether a weigher is among these."""
        return any(isinstance(each, weigher) for each in self.weighers)

    def has_filter(self, wanted: type[Filter]) -> bool:
        """Whether a filter is among these."""
        return any(isinstance(each, wanted) for each in self.filters)


def load(filters: Iterable[str], weighers: Iterable[str]) -> Scheduler:
    """The filters and weighers of these names, in this order. Raises `ValueError` naming one that is not there."""
    return _load(tuple(filters), tuple(weighers))


@cache
def _load(filters: tuple[str, ...], weighers: tuple[str, ...]) -> Scheduler:
    return Scheduler(
        tuple(_plugin(FILTERS, name, Filter) for name in filters),
        tuple(_plugin(WEIGHERS, name, Weigher) for name in weighers),
    )


def _plugin(group: str, name: str, kind: type[Any]) -> Any:
    found = entry_points(group=group, name=name)
    if not found:
        there = ", ".join(sorted(entry_points(group=group).names)) or "none; is the package installed anew?"
        raise ValueError(f"no entry point {name!r} in {group} (there are: {there})")
    try:
        plugin = next(iter(found)).load()()
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"entry point {name!r} in {group}: {error}") from error
    if not isinstance(plugin, kind):
        raise ValueError(f"entry point {name!r} in {group} is no {kind.__name__}")
    return plugin
