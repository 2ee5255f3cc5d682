"""Numbers of all pods, added up: statistics, and the summary of volumes."""

from typing import Any

from triune.gateway.call import Call
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response

JSON = dict[str, Any]


class Sum:
    """Adds up the numbers of an object that every pod answers with; `path` leads to the object."""

    def __init__(self, *path: str) -> None:
        self._path = path

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
            add(total, part)
        return compose(first, whole)


def add(total: JSON, other: JSON) -> None:
    """Add the numbers of one object to those of another, which is changed."""
    for key, theirs in other.items():
        mine = total.get(key)
        total[key] = theirs if mine is None else _combine(mine, theirs)


def _combine(mine: Any, theirs: Any) -> Any:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        add(mine, theirs)
        return mine
    if isinstance(mine, list) and isinstance(theirs, list):
        # Distinct values: of metadata, in the summary of volumes.
        return mine + [each for each in theirs if each not in mine]
    return mine + theirs if _is_number(mine) and _is_number(theirs) else mine


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
