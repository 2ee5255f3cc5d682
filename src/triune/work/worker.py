"""The worker: claims keys that are due, works on them, and keeps their leases alive."""

import asyncio
import os
import socket
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.log import request_context
from triune.work.backoff import Backoff
from triune.work.entry import Entry
from triune.work.journal import Journal
from triune.work.lease import Observer
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

# Brings one key to what is wanted, whatever state it is in; must be safe to run twice and at the same time.
Handler = Callable[[Key], Awaitable[None]]

# Seconds between prunings of finished keys.
PRUNE_INTERVAL = 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker works; times in seconds."""

    poll_interval: float
    lease_time: float
    attempt_deadline: float
    keys_at_once: int
    keys_per_pod: int
    keep_finished: float
    backoff: Backoff


class Worker:
    """One worker process. Any number run side by side against one database.

    `tidy` is called now and then with the seconds for which finished things are kept.
    """

    def __init__(
        self,
        journal: Journal,
        handlers: Mapping[str, Handler],
        pace: Pace,
        tidy: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._journal = journal
        self._tidy = tidy
        self._handlers = handlers
        self._pace = pace
        self._observer = Observer(pace.lease_time)
        self._running: dict[asyncio.Task[None], Key] = {}
        self.name = f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; keys under way are finished or given back."""
        prune_in = 0.0
        while not stop.is_set():
            try:
                await self._take()
                prune_in -= self._pace.poll_interval
                if prune_in <= 0:
                    await self._journal.prune(self._pace.keep_finished)
                    if self._tidy is not None:
                        await self._tidy(self._pace.keep_finished)
                    prune_in = PRUNE_INTERVAL
            except SQLAlchemyError as error:
                LOG.error("The database does not answer: %s", type(error).__name__)
            await self._wait(stop)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Until the next look: the interval is over, a place is free, or it is time to stop."""
        stopping = asyncio.ensure_future(stop.wait())
        full = len(self._running) >= self._pace.keys_at_once
        waited: set[asyncio.Future[object]] = {stopping, *self._running} if full else {stopping}  # type: ignore[arg-type]
        await asyncio.wait(waited, timeout=self._pace.poll_interval, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def _take(self) -> None:
        free = self._pace.keys_at_once - len(self._running)
        if free <= 0:
            return
        per_pod = Counter(key.pod_id for key in self._running.values())
        for entry in self._observer.claimable(await self._journal.due(self._handlers.keys(), self._pace.keys_per_pod)):
            if entry.key.kind not in self._handlers or per_pod[entry.key.pod_id] >= self._pace.keys_per_pod:
                continue
            lease = await self._journal.claim(entry, self.name)
            if lease is None:
                continue
            task = asyncio.create_task(self._work(lease))
            self._running[task] = lease.key
            task.add_done_callback(lambda done: self._running.pop(done, None))
            per_pod[entry.key.pod_id] += 1
            free -= 1
            if free == 0:
                return

    async def _work(self, lease: Entry) -> None:
        with request_context(lease.request_id or f"req-{uuid.uuid4()}"):
            handling = asyncio.ensure_future(self._handlers[lease.key.kind](lease.key))
            beating = asyncio.create_task(self._beat(lease, handling))
            try:
                async with asyncio.timeout(self._pace.attempt_deadline):
                    await handling
            except asyncio.CancelledError:
                # Stopping, or the lease was lost; whoever comes next looks at the key anew.
                await self._give_back(lease, "interrupted", 0.0)
                raise
            except Exception as error:  # noqa: BLE001 - any failure of a handler is a reason to try again, and is told
                reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                LOG.warning("%s %s: %s", lease.key.kind, lease.key.resource_id, reason)
                await self._give_back(lease, reason, self._pace.backoff.pause(lease.attempts))
            else:
                await self._finish(lease)
            finally:
                beating.cancel()

    async def _beat(self, lease: Entry, handling: asyncio.Future[None]) -> None:
        while True:
            await asyncio.sleep(self._pace.lease_time / 4)
            try:
                if not await self._journal.beat(lease):
                    LOG.warning("The lease of %s %s is lost", lease.key.kind, lease.key.resource_id)
                    handling.cancel()
                    return
            except SQLAlchemyError as error:
                LOG.error("The lease cannot be renewed: %s", type(error).__name__)

    async def _finish(self, lease: Entry) -> None:
        try:
            await self._journal.succeeded(lease)
        except SQLAlchemyError as error:
            # The lease runs out, and the key is looked at once more: harmless.
            LOG.error("Success cannot be written: %s", type(error).__name__)

    async def _give_back(self, lease: Entry, reason: str, delay: float) -> None:
        try:
            await self._journal.failed(lease, reason, delay)
        except SQLAlchemyError as error:
            LOG.error("A failure cannot be written: %s", type(error).__name__)
