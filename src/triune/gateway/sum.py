"""Numbers of all pods, added up: limits, quotas, usages, statistics."""

from collections.abc import Iterable
from typing import Any

from triune.gateway.call import Call
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response

JSON = dict[str, Any]


class Sum:
    """Adds up the numbers of an object that every pod answers with; `path` leads to the object.

    Where `limits` is set, a negative number means "unlimited" and stays so; `least` names limits that hold for each
    resource or in each pod by itself, of which the smallest counts.
    """

    def __init__(self, *path: str, limits: bool = False, least: Iterable[str] = ()) -> None:
        self._path = path
        self._limits = limits
        self._least = frozenset(least)

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        targets = [call.target(pod, deadline=deadline) for pod in await call.pods()]
        answers = await read_all(call, targets, lambda document: (document.json(), document.part(*self._path)))
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        first, (whole, _) = answers[0]
        total = whole
        for key in self._path:
            total = total[key]
        for _, (_, part) in answers[1:]:
            self._add(total, part)
        return compose(first, whole)

    def _add(self, total: JSON, other: JSON) -> None:
        for key, theirs in other.items():
            mine = total.get(key)
            total[key] = theirs if mine is None else self._combine(key, mine, theirs)

    def _combine(self, key: str, mine: Any, theirs: Any) -> Any:
        if isinstance(mine, dict) and isinstance(theirs, dict):
            if key in self._least:
                return {name: _least(mine.get(name, value), value, name) for name, value in theirs.items()}
            self._add(mine, theirs)
            return mine
        if isinstance(mine, list) and isinstance(theirs, list):
            return mine + theirs
        if not _is_number(mine) or not _is_number(theirs):
            return mine
        if key in self._least:
            return _least(mine, theirs, key)
        if self._limits and (mine < 0 or theirs < 0):
            return -1
        return mine + theirs


def _least(mine: Any, theirs: Any, name: str) -> Any:
    """The smaller limit, unlimited being the greatest; of what is used, the greater."""
    if name in ("in_use", "reserved"):
        return max(mine, theirs)
    return max(mine, theirs) if mine < 0 or theirs < 0 else min(mine, theirs)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
