"""Which of many pairs are kept."""

from collections.abc import Iterable

from .pair import Pair

# Of these bytes or fewer, the longer answer is the better: it has more in it that could get lost.
ENOUGH = 4_000
# Longer answers are not kept.
MOST = 24_000


class Chosen:
    """The best pair of each operation, microversion and status."""

    def __init__(self) -> None:
        self.seen = 0
        self._best: dict[tuple[str, str, str, int], Pair] = {}

    def note(self, pair: Pair) -> None:
        """See a pair, and keep it if it is better than what is there."""
        self.seen += 1
        if len(pair.answer) + len(pair.body) > MOST:
            return
        key = (pair.service, pair.operation, pair.microversion, pair.status)
        if key not in self._best or _worth(pair) > _worth(self._best[key]):
            self._best[key] = pair

    def of(self, service: str) -> list[Pair]:
        """What is kept of a service: see `thin`."""
        return thin(pair for pair in self._best.values() if pair.service == service)


def thin(pairs: Iterable[Pair]) -> list[Pair]:
    """Of each operation: success at the lowest and at the highest microversion, and one refusal."""
    by_operation: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_operation.setdefault(pair.operation, []).append(pair)
    kept: list[Pair] = []
    for found in by_operation.values():
        successes = sorted((pair for pair in found if pair.status < 400), key=_age)
        refusals = sorted((pair for pair in found if 400 <= pair.status < 500), key=_age)
        kept += [*successes[:1], *successes[1:][-1:], *refusals[:1]]
    return kept


def _worth(pair: Pair) -> tuple[bool, int]:
    size = len(pair.answer)
    return size <= ENOUGH, size if size <= ENOUGH else -size


def _age(pair: Pair) -> tuple[list[int], int]:
    number = pair.microversion
    parts = [int(part) for part in number.split(".") if part.isdecimal()]
    # `latest` is the newest; the oldest need not be named.
    return ([99] if number == "latest" else parts), pair.status
