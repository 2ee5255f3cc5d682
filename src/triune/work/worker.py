"""The worker: takes keys that are due, in the order of work, and has them run."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.work.away import Absence
from triune.work.entry import Entry
from triune.work.kinds import KINDS
from triune.work.lease import Observer
from triune.work.periodic import Chore, PeriodicKeys, repeat
from triune.work.requests import Key
from triune.work.runner import Runner

LOG = logging.getLogger(__name__)

# Seconds between prunings of finished keys.
PRUNE_INTERVAL = 300.0
# Seconds between telling keys of a pod that is away why they wait.
EXPLAIN_INTERVAL = 5.0
# The least time between looks at the journal, in seconds, and in the time that the last look took: a large backlog
# must not keep the database busy with looking.
SHORTEST_PAUSE = 0.02
REST = 3.0


class Worker:
    """One worker process. Any number run side by side against one database.

    `wake` makes it look at the journal soon. `periodic` are keys to be asked for, `chores` what else is to be done, at
    intervals; finished keys are pruned in any case.
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
        self._observer = Observer(self._pace.lease_time)
        self._running: dict[asyncio.Task[None], Key] = {}
        self._more = False
        self._explained = float("-inf")
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """There is something to look at."""
        self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then keys under way get their grace to be finished, and are given back."""
        chores = [asyncio.create_task(repeat(chore)) for chore in self._chores]
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake())
        try:
            while not stop.is_set():
                self._awake.clear()
                began = time.monotonic()
                try:
                    await self._take()
                except SQLAlchemyError as error:
                    LOG.error("The database does not answer: %s", error)
                await self._pause(stop, time.monotonic() - began)
        finally:
            for task in (*chores, stopping):
                task.cancel()
            await asyncio.gather(*chores, stopping, return_exceptions=True)
            await self._end()

    async def _pause(self, stop: asyncio.Event, took: float) -> None:
        """Until the next look: the interval is over, something woke us, or it is time to stop."""
        rest = max(SHORTEST_PAUSE, took * REST)
        try:
            async with asyncio.timeout(rest):
                await stop.wait()
            return
        except TimeoutError:
            pass
        try:
            async with asyncio.timeout(max(self._pace.poll_interval - rest, 0.0)):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def _take(self) -> None:
        """Claim what is due, as much as there are places, and start it."""
        places = self._pace.keys_at_once - len(self._running)
        self._more = True
        if places <= 0:
            return
        absences = self._runner.away.absences() if self._runner.away is not None else []
        await self._explain(absences)
        most = self._pace.keys_per_pod
        kinds, but = self._runner.handlers.keys(), [absence.which for absence in absences]
        due = await self._runner.journal.due(kinds, most, but)
        counts = Counter(entry.key.pod_id for entry in due if entry.owner is None)
        self._more = any(count >= most for count in counts.values())
        for entry in self._observer.claimable(due):
            if not self._has_place(entry.key):
                self._more = True
                continue
            lease, taken = await self._runner.claim(entry)
            if not taken:
                # Another worker looks at the same keys; there may be more behind them.
                self._more = True
                continue
            self._start(lease)
            places -= 1
            if places == 0:
                self._more = True
                return

    def _has_place(self, key: Key) -> bool:
        """Whether one more key of this pod may be worked on; of a service that was away, one at a time finds out."""
        if self._runner.runs(key):
            # Its lease was lost, and it has not noticed yet.
            return False
        if sum(running.pod_id == key.pod_id for running in self._running.values()) >= self._pace.keys_per_pod:
            return False
        away = self._runner.away
        if away is None or not away.is_on_trial(key):
            return True
        service = KINDS[key.kind].service
        return not any(
            running.pod_id == key.pod_id and KINDS[running.kind].service == service
            for running in self._running.values()
            if running.kind in KINDS
        )

    def _start(self, lease: Entry) -> None:
        task = asyncio.create_task(self._run(lease))
        self._running[task] = lease.key
        task.add_done_callback(self._ended)

    async def _run(self, lease: Entry) -> None:
        await self._runner.attempt(lease)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if self._more:
            self.wake()
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
