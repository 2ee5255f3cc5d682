"""The worker: takes keys that are due, in the order of work, and has them run."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.work.away import Absence
from triune.work.entry import Entry
from triune.work.kinds import KINDS, moves_data
from triune.work.lease import Observer
from triune.work.periodic import Chore, PeriodicKeys, repeat
from triune.work.requests import Key
from triune.work.runner import Runner

LOG = logging.getLogger(__name__)

# Seconds between prunings of finished keys.
PRUNE_INTERVAL = 300.0
# Seconds until a worker listens again whose connection to the database broke.
LISTEN_PAUSE = 5.0
# Seconds between telling keys of a pod that is away why they wait.
EXPLAIN_INTERVAL = 5.0
# The least time between claims, in seconds: what ends or comes in it is met together.
SHORTEST_PAUSE = 0.02
# The least time between looks at the journal, in the time that the last one took: a large backlog must not keep the
# database busy with looking. And how many keys of a kind are read ahead of each pod, in the number of a pod's places.
REST = 3.0
# How often the pause doubles while the database does not answer.
DOUBLINGS = 4
AHEAD = 8
# The part of the places, of a process and of a pod, that work may take which moves data for hours.
DATA_PART = 4


class Worker:
    """One worker process. Any number run side by side against one database.

    Where the database can notify, it looks at the journal as soon as something is asked for. `periodic` are keys to be
    asked for, `chores` what else is to be done, at intervals; finished keys are pruned in any case.
    """

    def __init__(self, runner: Runner, periodic: Iterable[PeriodicKeys] = (), chores: Iterable[Chore] = ()) -> None:
        self._runner = runner
        self._pace = runner.pace
        journal, keep = runner.journal, runner.pace.keep_finished
        self._chores = [
            Chore("pruning", PRUNE_INTERVAL, lambda: journal.prune(keep)),
            *(keys.chore(journal) for keys in periodic),
            *chores,
        ]
        if journal.can_notify:
            self._chores.append(Chore("listening", LISTEN_PAUSE, lambda: journal.listen(self.wake)))
        self._observer = Observer(self._pace.lease_time)
        self._running: dict[asyncio.Task[None], Key] = {}
        self._candidates: list[Entry] = []
        self._more = False
        self._look_at = 0.0
        self._rest = 0.0
        self._failures = 0
        self._explained = float("-inf")
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """There is something to look at."""
        self._look_at = 0.0
        self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then keys under way get their grace to be finished, and are given back."""
        chores = [asyncio.create_task(repeat(chore)) for chore in self._chores]
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._awake.set())
        try:
            while not stop.is_set():
                self._awake.clear()
                try:
                    await self._take()
                    self._failures = 0
                except SQLAlchemyError as error:
                    self._failures += 1
                    LOG.error("The database does not answer: %s", error)
                await self._pause(stop)
        finally:
            for task in (*chores, stopping):
                task.cancel()
            await asyncio.gather(*chores, stopping, return_exceptions=True)
            await self._end()

    async def _pause(self, stop: asyncio.Event) -> None:
        """Until there may be something to claim: the interval is over, something woke us, or it is time to stop."""
        rest = SHORTEST_PAUSE if self._candidates else max(SHORTEST_PAUSE, self._rest)
        if self._failures:
            rest = self._pace.poll_interval * 2.0 ** min(self._failures, DOUBLINGS)
        for event, seconds in ((stop, rest), (self._awake, max(self._pace.poll_interval - rest, 0.0))):
            try:
                async with asyncio.timeout(seconds):
                    await event.wait()
            except TimeoutError:
                continue
            return

    async def _take(self) -> None:
        """Claim what is due, as much as there are places, and start it."""
        if len(self._running) >= self._pace.keys_at_once:
            return
        if not self._candidates or time.monotonic() >= self._look_at:
            await self._look()
        chosen = {entry.id: entry for entry in self._choose(self._candidates)}
        self._candidates = [entry for entry in self._candidates if entry.id not in chosen]
        free = [entry for entry in chosen.values() if entry.owner is None]
        leases = await self._runner.claim_free(free)
        for lease in leases:
            self._start(lease)
        for entry in chosen.values():
            if entry.owner is not None:
                lease, taken = await self._runner.claim(entry)
                if taken:
                    self._start(lease)
        if len(leases) < len(free) and self._candidates:
            # Another worker has read the same, and was faster.
            self._awake.set()

    async def _look(self) -> None:
        """Read what is due. It is used for a while: claims see for themselves whether it still is."""
        began = time.monotonic()
        absences = self._runner.away.absences() if self._runner.away is not None else []
        await self._explain(absences)
        most = self._pace.keys_per_pod * AHEAD
        but = [absence.which for absence in absences]
        due = await self._runner.journal.due(self._runner.handlers.keys(), most, but)
        self._candidates = self._observer.claimable(due)
        counts = Counter((entry.key.pod_id, entry.key.kind) for entry in due if entry.owner is None)
        self._more = any(count >= most for count in counts.values())
        self._rest = (time.monotonic() - began) * REST
        self._look_at = time.monotonic() + max(self._pace.poll_interval, self._rest)

    def _choose(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those for which there are places: of the process, of their pod, and of a service that was away only one."""
        taken = list(self._running.values())
        per_pod = Counter(key.pod_id for key in taken)
        per_service = Counter(_service(key) for key in taken)
        moving = Counter(key.pod_id for key in taken if moves_data(key))
        chosen: list[Entry] = []
        for entry in entries:
            key = entry.key
            if len(taken) >= self._pace.keys_at_once:
                break
            places = self._runner.away.places(key) if self._runner.away is not None else None
            # One that runs here has lost its lease, and has not noticed yet.
            if (
                per_pod[key.pod_id] >= self._pace.keys_per_pod
                or (places is not None and per_service[_service(key)] >= places)
                or (moves_data(key) and self._is_full(moving, key.pod_id))
                or self._runner.runs(key)
            ):
                continue
            chosen.append(entry)
            taken.append(key)
            moving[key.pod_id] += moves_data(key)
            per_pod[key.pod_id] += 1
            per_service[_service(key)] += 1
        return chosen

    def _is_full(self, moving: Counter[str], pod_id: str) -> bool:
        """Whether as much data is moved as may be: to a pod, or altogether."""
        per_pod = max(self._pace.keys_per_pod // DATA_PART, 1)
        return moving[pod_id] >= per_pod or moving.total() >= max(self._pace.keys_at_once // DATA_PART, 1)

    def _start(self, lease: Entry) -> None:
        task = asyncio.create_task(self._run(lease))
        self._running[task] = lease.key
        task.add_done_callback(self._ended)

    async def _run(self, lease: Entry) -> None:
        await self._runner.attempt(lease)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if self._candidates or self._more:
            self._awake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("A key ended unexpectedly", exc_info=error)

    async def _explain(self, absences: Iterable[Absence]) -> None:
        """Let the jobs of keys that are held back say why."""
        if time.monotonic() - self._explained < EXPLAIN_INTERVAL:
            return
        for absence in absences:
            self._explained = time.monotonic()
            await self._runner.journal.explain(absence.which, absence.why)

    async def _end(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._pace.grace)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _service(key: Key) -> tuple[str, str | None]:
    """The service of a pod that a key needs."""
    return key.pod_id, KINDS[key.kind].service if key.kind in KINDS else None
