"""What the tests of the engine share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from triune.db.engine import Database
from triune.work.backoff import Backoff
from triune.work.jobs import Jobs
from triune.work.journal import Journal
from triune.work.pace import Pace
from triune.work.requests import Key
from triune.work.runner import Handler, Runner
from triune.work.worker import Worker

PACE = Pace(
    poll_interval=0.02,
    lease_time=0.4,
    attempt_deadline=2.0,
    keys_at_once=10,
    keys_per_pod=10,
    keep_finished=3600.0,
    backoff=Backoff(0.01, 0.05),
    grace=0.1,
)
# Nothing is tried again, or taken over, while a test runs.
PATIENT = Pace(0.02, 60.0, 30.0, 10, 10, 3600.0, Backoff(60.0, 60.0), 0.1)


def runner(journal: Journal, handler: Handler, pace: Pace = PACE, **more: Any) -> Runner:
    return Runner(journal, {"k": handler}, pace, **more)


def worker(journal: Journal, handler: Handler, pace: Pace = PACE) -> Worker:
    return Worker(runner(journal, handler, pace))


async def request(database: Database, journal: Journal, *keys: Key, **how: Any) -> None:
    async with database.transaction() as session:
        await journal.request(session, keys, "project", "req-1", **how)


async def eventually(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(*workers: Worker) -> AsyncIterator[list[asyncio.Task[None]]]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        yield tasks
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_succeeded(jobs: Jobs) -> bool:
    return {entry.status for entry in await jobs.page(())} == {"SUCCESS"}
