"""The runner: brings keys to what is wanted in this process, under a lease, for the worker and for whoever cannot wait.

Handlers use `now` for what their key depends on, and the gateway for what a request needs. Kinds form a graph without
cycles: a handler asks only for kinds whose handlers never ask for its own.
"""

import asyncio
import itertools
import os
import socket
import uuid
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.db.engine import DatabaseUnavailable
from triune.log import current_request_id, request_context
from triune.work.away import Away
from triune.work.entry import Entry
from triune.work.handler import Again, Handler, KeyFailed, KeyWaits, told
from triune.work.journal import Journal
from triune.work.kinds import moves_data
from triune.work.lease import LeaseLost, Observer, kept
from triune.work.pace import Pace
from triune.work.requests import Key

__all__ = ["Again", "Handler", "Held", "KeyFailed", "KeyWaits", "Outcome", "Runner", "chain"]

LOG = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds until the second look at a key that somebody else works on; the pauses grow up to the poll interval.
FIRST_LOOK = 0.02
# Doublings of the first pause for which a key waits whose pod is away: its breaker holds it back after that.
AWAY_DOUBLINGS = 2


_chain: ContextVar[tuple[Key, ...]] = ContextVar("chain", default=())


def chain() -> tuple[Key, ...]:
    """The keys whose handlers the caller runs in: the innermost last, each asked for by the one before."""
    return _chain.get()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt at a key ended: `lost` its lease, wants to look `again`, raised an `error`; or the key is done."""

    lost: bool = False
    again: Again | None = None
    error: Exception | None = None


@dataclass(slots=True)
class Held:
    """A key that is kept by a block of code; `settled` says that all is well even if the block raises something."""

    key: Key
    settled: bool = False


class Runner:
    """Runs handlers under leases; one per process. Any number of processes share one journal.

    `handlers` may be filled after the runner was made.
    """

    def __init__(
        self,
        journal: Journal,
        handlers: Mapping[str, Handler],
        pace: Pace,
        away: Away | None = None,
        name: str | None = None,
    ) -> None:
        self.journal = journal
        self.handlers = handlers
        self.pace = pace
        self.away = away
        self.name = name or f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._running: dict[Key, asyncio.Event] = {}
        self._claims = itertools.count()

    async def now(self, key: Key, deadline: float, project_id: str | None = None, demand: bool = True) -> None:
        """Return when a key is as wanted: it is run here, or whoever works on it already is waited for.

        `demand` asks for it first, so that whatever was committed before this call is looked at; without, only what
        waits already is settled. Takes no place of a worker's, so those who wait for each other cannot lock each other
        out. A key whose owner has died is taken over after the lease time. A cancelled caller gives the key back.

        Raises `KeyFailed`: the handler failed (here: it is the cause; elsewhere: the reason tells), or `deadline`
        seconds are over (the key stays asked for); and `KeyWaits` when the handler says `Again`. Raises
        `DatabaseUnavailable`.
        """
        try:
            async with asyncio.timeout(deadline) as limit:
                await self._settle(key, project_id, demand)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise KeyFailed(key, f"not done within {deadline:g} s") from error

    @asynccontextmanager
    async def held(self, key: Key, project_id: str | None = None) -> AsyncIterator[Held]:
        """Ask for a key and keep it while the block runs, which does the work itself.

        If the block ends without an exception, or has set `settled`, the key is done. Otherwise it is due at once, and
        if this process dies, after the lease time: a worker's handler settles what is left. Raises `KeyFailed` where
        somebody else works on the key, or took it over. The block must have a deadline of its own.
        """
        lease, taken = await self._certainly(self.journal.demand(key, project_id, current_request_id(), self.name))
        if not taken:
            raise KeyFailed(key, "somebody else works on it")
        hold = Held(key)
        try:
            async with kept(self.journal, lease, self.pace.lease_time):
                yield hold
        except LeaseLost as error:
            raise KeyFailed(key, "somebody else has taken it over") from error
        except BaseException:
            await self._write(self.journal.succeeded(lease) if hold.settled else self.journal.release(lease))
            raise
        await self._write(self.journal.succeeded(lease))

    async def claim(self, seen: Entry) -> tuple[Entry, bool]:
        """Take an entry as it was read: as it is now, and True; or as it was read, and False: somebody was faster.

        Raises `DatabaseUnavailable`.
        """

        async def take() -> tuple[Entry, bool]:
            lease = await self.journal.claim(seen, self.name)
            return (seen, False) if lease is None else (lease, True)

        return await self._certainly(take())

    async def claim_free(self, seen: Collection[Entry]) -> list[Entry]:
        """Take entries that nobody owned when they were read; those that were taken. Raises `DatabaseUnavailable`."""
        owner = f"{self.name}.{next(self._claims)}"
        leases, cancelled = await self._to_the_end(self.journal.claim_free(seen, owner))
        if cancelled is not None:
            for lease in leases:
                await self._write(self.journal.release(lease))
            raise cancelled
        return leases

    def runs(self, key: Key) -> bool:
        """Whether a key is being run in this process."""
        return key in self._running

    async def attempt(self, lease: Entry) -> Outcome:
        """Run the handler of a key that was claimed, and write down how it ended.

        When it is cancelled the key is given back.
        """
        ended = self._running[lease.key] = asyncio.Event()
        outer = _chain.set((*_chain.get(), lease.key))
        try:
            with request_context(lease.request_id or f"req-{uuid.uuid4()}"):
                return await self._attempt(lease)
        finally:
            _chain.reset(outer)
            if self._running.get(lease.key) is ended:
                del self._running[lease.key]
            ended.set()

    async def _settle(self, key: Key, project_id: str | None, demand: bool) -> None:
        if key.kind not in self.handlers:
            raise KeyFailed(key, "this process has no handler for it")
        taken = False
        if demand:
            seen, taken = await self._certainly(self.journal.demand(key, project_id, current_request_id(), self.name))
        else:
            found = await self._find(key)
            if found is None or not found.waits:
                return
            seen = found
        wanted, first = seen.generation, seen
        observer = Observer(self.pace.lease_time)
        pause = FIRST_LOOK
        while True:
            if not taken and observer.claimable([seen]):
                seen, taken = await self.claim(seen)
            if taken:
                outcome = await self.attempt(seen)
                if not outcome.lost:
                    self._conclude(key, outcome)
                    return
                first = seen
            await self._watch(key, pause)
            pause = min(pause * 1.5, self.pace.poll_interval)
            taken, found = False, await self._find(key)
            if found is None or found.done_generation >= wanted:
                # Rows go when they are finished or an administrator forgets them: nothing waits any more.
                return
            if found.owner is None and found.fence > first.fence and found.attempts > seen.attempts:
                # Whoever claimed it after this call had asked, saw what it asked for, and failed.
                raise KeyFailed(key, found.last_error or "failed")
            seen = found

    def _conclude(self, key: Key, outcome: Outcome) -> None:
        if outcome.again is not None:
            raise KeyWaits(key, outcome.again)
        if outcome.error is not None:
            raise KeyFailed(key, told(outcome.error)) from outcome.error

    async def _watch(self, key: Key, seconds: float) -> None:
        """Until a key that runs in this process has ended, at most for some time."""
        ended = self._running.get(key)
        if ended is None:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            pass

    async def _attempt(self, lease: Entry) -> Outcome:
        key, pace = lease.key, self.pace
        deadline = pace.copy_deadline if moves_data(key) else pace.attempt_deadline
        limit = asyncio.timeout(deadline)
        try:
            async with kept(self.journal, lease, pace.lease_time), limit:
                again = await self.handlers[key.kind](key)
        except LeaseLost:
            return Outcome(lost=True)
        except asyncio.CancelledError:
            await self._write(self.journal.release(lease))
            raise
        except KeyWaits as error:
            return await self._wait(lease, Again(error.again.seconds, str(error)))
        except Exception as error:  # noqa: BLE001 - any failure of a handler is a reason to try again, and is told
            late = isinstance(error, TimeoutError) and limit.expired()
            return await self._fail(lease, error, f"not done in {deadline:g} s" if late else told(error))
        if again is not None:
            return await self._wait(lease, again)
        return Outcome(lost=not await self._write(self.journal.succeeded(lease)))

    async def _wait(self, lease: Entry, again: Again) -> Outcome:
        kept_until_then = await self._write(self.journal.waits(lease, again.why, again.seconds))
        return Outcome(lost=not kept_until_then, again=again)

    async def _fail(self, lease: Entry, error: Exception, reason: str) -> Outcome:
        backoff = self.pace.backoff
        if self.away is not None and (why := self.away.explains(error)) is not None:
            LOG.info("%s %s %s", lease.key.kind, lease.key.resource_id, why)
            written = await self._write(self.journal.waits(lease, why, backoff.pause(AWAY_DOUBLINGS)))
        else:
            LOG.warning("%s %s: %s", lease.key.kind, lease.key.resource_id, reason)
            written = await self._write(self.journal.failed(lease, reason, backoff.pause(lease.attempts)))
        return Outcome(lost=not written, error=error)

    async def _find(self, key: Key) -> Entry | None:
        found, cancelled = await self._to_the_end(self.journal.find(key))
        if cancelled is not None:
            raise cancelled
        return found

    async def _certainly(self, taking: Coroutine[Any, Any, tuple[Entry, bool]]) -> tuple[Entry, bool]:
        """The outcome of taking a key. If the caller is cancelled meanwhile, what was taken is given back."""
        (entry, taken), cancelled = await self._to_the_end(taking)
        if cancelled is not None:
            if taken:
                await self._write(self.journal.release(entry))
            raise cancelled
        return entry, taken

    async def _write(self, writing: Coroutine[Any, Any, bool]) -> bool:
        """Write how an attempt ended, also while the caller is being cancelled; False where the lease is lost.

        What cannot be written is no loss: the lease runs out, and the key is looked at once more.
        """
        try:
            kept_until_now, cancelled = await self._to_the_end(writing)
        except SQLAlchemyError as error:
            LOG.error("How a key ended cannot be written: %s", error)
            return True
        if cancelled is not None:
            raise cancelled
        return kept_until_now

    async def _to_the_end(self, doing: Coroutine[Any, Any, T]) -> tuple[T, asyncio.CancelledError | None]:
        """What a transaction returns, and the cancellation of the caller that came meanwhile, if one came.

        One that is cut off half-way costs its connection, and leaves unknown what it has done.
        """
        task = asyncio.create_task(self._in_time(doing))
        try:
            return await asyncio.shield(task), None
        except asyncio.CancelledError as cancelled:
            await asyncio.wait({task})
            if task.exception() is not None:
                raise
            return task.result(), cancelled

    async def _in_time(self, doing: Coroutine[Any, Any, T]) -> T:
        """A transaction in the time of a lease; later it is somebody else's turn. Raises `DatabaseUnavailable`."""
        try:
            async with asyncio.timeout(self.pace.lease_time):
                return await doing
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer in {self.pace.lease_time:g} s") from error
