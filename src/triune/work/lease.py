"""Who may work on a key: leases without clocks that must agree.

An owner shows that it lives by raising its row's `beat`. A worker that sees the same fence and beat for longer than
the lease lasts, by its own monotonic clock, takes the owner for dead. No two machines compare their clocks, and a row
can only be taken in exactly the state in which it was observed.
"""

import time
from collections.abc import Callable, Iterable

from triune.work.entry import Entry


class Observer:
    """What one worker has seen of other owners' leases."""

    def __init__(self, lease_time: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease_time = lease_time
        self._clock = clock
        self._seen: dict[str, tuple[int, int, float]] = {}

    def claimable(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those that nobody owns, and those whose owners have not moved for longer than the lease lasts."""
        entries = list(entries)
        self._forget_all_but({entry.id for entry in entries if entry.owner is not None})
        return [entry for entry in entries if entry.owner is None or self._is_dead(entry)]

    def _is_dead(self, entry: Entry) -> bool:
        fence, beat, since = self._seen.get(entry.id, (-1, -1, 0.0))
        if (fence, beat) != (entry.fence, entry.beat):
            self._seen[entry.id] = (entry.fence, entry.beat, self._clock())
            return False
        return self._clock() - since > self._lease_time

    def _forget_all_but(self, owned: set[str]) -> None:
        self._seen = {entry_id: seen for entry_id, seen in self._seen.items() if entry_id in owned}
