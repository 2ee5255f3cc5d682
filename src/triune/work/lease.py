"""Who may work on a key: leases without clocks that must agree.

An owner shows that it lives by raising its row's `beat`. A worker that sees the same fence and beat for longer than
the lease lasts, by its own monotonic clock, takes the owner for dead. No two machines compare their clocks, and a row
can only be taken in exactly the state in which it was observed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from oslo_log import log as logging

from triune.work.entry import Entry
from triune.work.journal import Journal

LOG = logging.getLogger(__name__)

# How often an owner shows that it lives, in the time of a lease: it may miss some before it is taken for dead.
BEATS = 4


class LeaseLost(Exception):
    """Somebody else has taken the key over, or may have done so."""


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


@asynccontextmanager
async def kept(journal: Journal, lease: Entry, lease_time: float) -> AsyncIterator[None]:
    """Renew a lease while the block runs. Where it is lost, the block is cancelled, and `LeaseLost` raised.

    It counts as lost too when it could not be renewed for as long as it lasts: others may have taken it.
    """
    task = asyncio.current_task()
    assert task is not None
    cancelling = task.cancelling()
    over, lost = asyncio.Event(), False

    def lose() -> None:
        nonlocal lost
        # Whose block has ended learns it from what it writes.
        if not over.is_set():
            lost = True
            task.cancel()

    beating = asyncio.create_task(_beat(journal, lease, lease_time, over, lose))
    try:
        yield
    except asyncio.CancelledError as error:
        # As `asyncio.timeout` does it: only our own cancellation is turned into something else.
        if lost and task.uncancel() <= cancelling:
            raise LeaseLost from error
        raise
    finally:
        over.set()
        if lost:
            beating.cancel()
        await asyncio.wait({beating})


async def _beat(
    journal: Journal, lease: Entry, lease_time: float, over: asyncio.Event, lose: Callable[[], None]
) -> None:
    """Raise the beat until it is `over`, or the lease is lost."""
    renewed = time.monotonic()
    while True:
        try:
            async with asyncio.timeout(lease_time / BEATS):
                await over.wait()
            return
        except TimeoutError:
            pass
        began = time.monotonic()
        left = renewed + lease_time - began
        if left <= 0:
            break
        try:
            async with asyncio.timeout(left):
                if not await journal.beat(lease):
                    break
            renewed = began
        except Exception as error:  # noqa: BLE001 - whatever it is, the lease is not renewed, and that has its time
            reason = str(error) or type(error).__name__
            LOG.error("The lease of %s %s cannot be renewed: %s", lease.key.kind, lease.key.resource_id, reason)
            if time.monotonic() - renewed >= lease_time:
                break
    LOG.warning("The lease of %s %s is lost", lease.key.kind, lease.key.resource_id)
    lose()
