"""Many values, some at a time: for conditions and addresses that may not be of any length."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T", bound=Any)


def portions(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Each of some values once, in their order, in lists of at most `size`."""
    wanted = sorted(set(values))
    return (wanted[start : start + size] for start in range(0, len(wanted), size))
