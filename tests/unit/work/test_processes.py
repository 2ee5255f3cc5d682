"""Workers side by side in processes of their own: paused, killed, ended; no key is ever worked on by two at once."""

import asyncio
import itertools
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from triune.work.requests import Key

from .engine import all_succeeded, eventually, request
from .process import LEASE_TIME

pytestmark = pytest.mark.processes

# What a process on a busy machine may be late by.
SLACK = LEASE_TIME


@dataclass
class Stay:
    """One run of a handler: its key, the process, when it began and ended, and how."""

    key: str
    process: int
    begin: float
    end: float = float("inf")
    how: str = ""


@dataclass
class Process:
    """A worker that was started by a test."""

    process: asyncio.subprocess.Process
    record: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def stays(self) -> list[Stay]:
        """What its handler did, in the order in which it began."""
        stays: list[Stay] = []
        for line in self.record.read_text().splitlines() if self.record.exists() else []:
            moment, what, key = line.split()
            if what == "enters":
                stays.append(Stay(key, self.pid, float(moment)))
                continue
            stay = next(stay for stay in stays if stay.key == key and not stay.how)
            stay.end, stay.how = float(moment), what
        return stays


@pytest.fixture
async def start(url: str, tmp_path: Path) -> AsyncIterator[Callable]:
    """Starts workers; those that still live at the end of the test are killed."""
    started: list[Process] = []

    async def start(seconds: float) -> Process:
        record = tmp_path / f"record-{len(started)}"
        script = Path(__file__).with_name("process.py")
        process = await asyncio.create_subprocess_exec(sys.executable, script, url, record, str(seconds))
        started.append(Process(process, record))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()


@asynccontextmanager
async def paused(worker: Process) -> AsyncIterator[float]:
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield time.monotonic()
    finally:
        os.kill(worker.pid, signal.SIGCONT)


def overlaps(workers: list[Process]) -> list[tuple[Stay, Stay]]:
    """Pairs of stays at one key at one time."""
    by_key = defaultdict(list)
    for worker in workers:
        for stay in worker.stays():
            by_key[stay.key].append(stay)
    found = []
    for stays in by_key.values():
        stays.sort(key=lambda stay: stay.begin)
        found += [(one, two) for one, two in itertools.pairwise(stays) if two.begin < one.end]
    return found


async def test_hundreds_of_keys_that_are_asked_for_again_and_again(database, journal, jobs, start):
    keys = [Key("k", f"r{number}", f"p{number % 3}") for number in range(240)]
    workers = [await start(0.02) for _ in range(3)]
    await eventually(lambda: all(worker.record.exists() for worker in workers))
    await request(database, journal, *keys)
    for _ in range(20):
        await request(database, journal, *random.sample(keys, 12))
        await asyncio.sleep(0.05)
    await eventually(lambda: all_succeeded(jobs), seconds=60)
    assert overlaps(workers) == []
    assert {stay.key for worker in workers for stay in worker.stays()} == {key.resource_id for key in keys}
    # All took part.
    assert all(worker.stays() for worker in workers)
    entries = await jobs.page(())
    assert all(entry.generation == entry.done_generation and entry.attempts == 0 for entry in entries)


async def test_a_worker_that_is_paused_for_longer_than_its_lease_cannot_finish(database, journal, jobs, start):
    key = Key("k", "r", "p")
    await request(database, journal, key)
    sleeper = await start(300.0)
    await eventually(sleeper.stays)
    other = await start(1.0)
    async with paused(sleeper) as since:
        await eventually(other.stays, seconds=LEASE_TIME + 30)
        (second,) = other.stays()
        # Not before the lease is over; it was last renewed a quarter of its time before the pause, at most.
        assert second.begin - since > LEASE_TIME * 0.7
        await eventually(lambda: all_succeeded(jobs))
    (entry,) = await jobs.page(())
    await eventually(lambda: sleeper.stays()[0].how)
    (first,) = sleeper.stays()
    assert first.how == "is-stopped"
    await asyncio.sleep(0.5)
    (after,) = await jobs.page(())
    assert after == entry
    assert (after.status, after.fence) == ("SUCCESS", 2)


async def test_a_worker_that_goes_on_while_another_has_taken_over_is_stopped(database, journal, jobs, start):
    """Both run at once for as long as it takes the paused one to ask; its outcome does not count."""
    await request(database, journal, Key("k", "r", "p"))
    sleeper = await start(300.0)
    await eventually(sleeper.stays)
    other = await start(4.0)
    async with paused(sleeper):
        await eventually(other.stays, seconds=LEASE_TIME + 30)
    resumed = time.monotonic()
    await eventually(lambda: sleeper.stays()[0].how)
    (first,) = sleeper.stays()
    assert first.how == "is-stopped"
    assert first.end - resumed < SLACK
    await eventually(lambda: all_succeeded(jobs))
    (second,) = other.stays()
    assert second.how == "leaves"
    assert len(sleeper.stays()) == 1


async def test_the_keys_of_a_killed_worker_are_taken_over(database, journal, jobs, start):
    keys = [Key("k", f"r{number}", f"p{number % 3}") for number in range(12)]
    await request(database, journal, *keys)
    victim = await start(300.0)
    await eventually(lambda: len(victim.stays()) == 12)
    other = await start(0.1)
    victim.process.kill()
    killed = time.monotonic()
    await eventually(lambda: all_succeeded(jobs), seconds=LEASE_TIME + 30)
    assert min(stay.begin for stay in other.stays()) - killed > LEASE_TIME * 0.7
    assert len(other.stays()) == 12


async def test_a_worker_that_is_ended_gives_its_keys_back_at_once(database, journal, jobs, start):
    keys = [Key("k", f"r{number}", "p") for number in range(4)]
    await request(database, journal, *keys)
    ended = await start(300.0)
    await eventually(lambda: len(ended.stays()) == 4)
    ended.process.terminate()
    await asyncio.wait_for(ended.process.wait(), 5)
    assert {stay.how for stay in ended.stays()} == {"is-stopped"}
    assert {entry.status for entry in await jobs.page(())} == {"NEW"}
    other = await start(0.05)
    await eventually(lambda: all_succeeded(jobs))
    assert overlaps([ended, other]) == []
