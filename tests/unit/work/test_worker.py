"""The worker on a real database: retries, fencing, two side by side, a killed one."""

import asyncio
from collections import Counter

from triune.work.backoff import Backoff
from triune.work.pace import Pace
from triune.work.requests import Key

from .engine import all_succeeded, eventually, request, worker, working


async def test_a_failing_key_is_tried_again_until_it_succeeds(database, journal, jobs):
    tries = Counter()

    async def handler(key: Key) -> None:
        tries[key] += 1
        if tries[key] < 4:
            raise RuntimeError("not yet")

    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs), seconds=15)
    assert tries.total() == 4


async def test_two_workers_never_do_the_same_key_at_once(database, journal, jobs):
    at_work: Counter[Key] = Counter()
    overlaps = []
    done = Counter()

    async def handler(key: Key) -> None:
        at_work[key] += 1
        if at_work[key] > 1:
            overlaps.append(key)
        await asyncio.sleep(0.01)
        at_work[key] -= 1
        done[key] += 1

    keys = [Key("k", f"r{number}", f"p{number % 3}") for number in range(60)]
    for key in keys:
        await request(database, journal, key)
    async with working(worker(journal, handler), worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs), seconds=30)
    assert overlaps == []
    assert set(done) == set(keys)


async def test_the_key_of_a_worker_that_stands_still_is_taken_over_and_it_cannot_finish(database, journal, jobs):
    await request(database, journal, Key("k", "r", "p"))
    (entry,) = await journal.due({"k"}, 5)
    dead = await journal.claim(entry, "killed worker")
    assert dead is not None
    seen = []

    async def handler(key: Key) -> None:
        seen.append(key)

    async with working(worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs))
    assert len(seen) == 1
    assert not await journal.succeeded(dead)


async def test_a_slow_handler_keeps_its_lease(database, journal, jobs):
    calls = Counter()

    async def handler(key: Key) -> None:
        calls[key] += 1
        await asyncio.sleep(1.2)

    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler), worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs))
    assert calls.total() == 1


async def test_an_attempt_has_a_deadline_and_its_reason_is_told(database, journal, jobs):
    async def handler(key: Key) -> None:
        await asyncio.sleep(60)

    await request(database, journal, Key("k", "r", "p"))
    pace = Pace(0.02, 0.4, 0.1, 10, 10, 3600.0, Backoff(60.0, 60.0))

    async def has_failed() -> bool:
        (entry,) = await jobs.page(())
        return entry.status == "FAIL" and entry.last_error == "not done in 0.1 s"

    async with working(worker(journal, handler, pace)):
        await eventually(has_failed)


async def test_one_pod_cannot_take_all_places(database, journal, jobs):
    busiest = Counter()
    at_work: Counter[str] = Counter()

    async def handler(key: Key) -> None:
        at_work[key.pod_id] += 1
        busiest[key.pod_id] = max(busiest[key.pod_id], at_work[key.pod_id])
        await asyncio.sleep(0.02)
        at_work[key.pod_id] -= 1

    for number in range(12):
        await request(database, journal, Key("k", f"r{number}", "busy"))
    pace = Pace(0.02, 0.4, 2.0, 10, 2, 3600.0, Backoff(0.01, 0.05))
    async with working(worker(journal, handler, pace)):
        await eventually(lambda: all_succeeded(jobs))
    assert busiest["busy"] == 2


async def test_stopping_gives_keys_back(database, journal, jobs):
    started = asyncio.Event()

    async def handler(key: Key) -> None:
        started.set()
        await asyncio.sleep(60)

    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler)):
        await asyncio.wait_for(started.wait(), 5)
    (entry,) = await jobs.page(())
    assert (entry.owner, entry.status, entry.attempts) == (None, "NEW", 0)
