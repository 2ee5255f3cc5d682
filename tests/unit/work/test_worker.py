"""The worker on a real database: retries, fencing, two side by side, a killed one."""

import asyncio
from collections import Counter
from dataclasses import replace

from triune.db.engine import DatabaseUnavailable
from triune.pods.health import Health, Limits
from triune.work.away import Away
from triune.work.backoff import Backoff
from triune.work.pace import Pace
from triune.work.periodic import Chore, PeriodicKeys
from triune.work.requests import Key
from triune.work.runner import Again, Runner
from triune.work.worker import Worker

from .engine import PACE, all_succeeded, eventually, request, runner, worker, working


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
    pace = replace(PACE, lease_time=0.6)
    async with working(worker(journal, handler, pace), worker(journal, handler, pace)):
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


async def test_places_that_get_free_are_used_at_once(database, journal, jobs):
    """Not only at the next look, which would be half a minute later."""

    async def handler(key: Key) -> None:
        await asyncio.sleep(0.01)

    await request(database, journal, *(Key("k", f"r{number}", "busy") for number in range(40)))
    pace = replace(PACE, poll_interval=30.0, lease_time=60.0, keys_per_pod=2)
    async with working(worker(journal, handler, pace)):
        await eventually(lambda: all_succeeded(jobs), seconds=20)


async def test_what_is_asked_for_is_met_soon(database, journal, jobs):
    """At once where the database notifies, else at the next look."""

    async def handler(key: Key) -> None:
        pass

    pace = replace(PACE, poll_interval=60.0 if journal.can_notify else 0.1, lease_time=60.0)
    async with working(worker(journal, handler, pace)):
        await asyncio.sleep(0.5)
        await request(database, journal, Key("k", "r", "p"))
        await eventually(lambda: all_succeeded(jobs), seconds=10)


async def test_users_do_not_wait_for_the_backlog(database, journal, jobs):
    order = []

    async def handler(key: Key) -> None:
        order.append(key.resource_id)
        await asyncio.sleep(0.05)

    await request(database, journal, *(Key("k", f"old{number}", "p") for number in range(40)), backlog=True)
    async with working(worker(journal, handler, replace(PACE, keys_per_pod=2))):
        await eventually(lambda: order)
        await request(database, journal, Key("k", "new", "p"))
        await eventually(lambda: "new" in order)
        assert len(order) < 30
        await eventually(lambda: all_succeeded(jobs))


async def test_keys_that_are_looked_at_again_and_again_hold_up_nothing_else(database, journal, jobs):
    """Neither what users ask for, nor what has failed, nor the keys of another kind."""
    polled, done, tries = [], [], Counter()

    async def poll(key: Key) -> Again:
        polled.append(key)
        return Again(0.0, "not yet")

    async def handler(key: Key) -> None:
        tries[key] += 1
        if key.resource_id == "failing" and tries[key] == 1:
            raise RuntimeError("once")
        done.append(key.resource_id)

    await request(database, journal, *(Key("polled", f"r{number}", "p") for number in range(60)))
    pace = replace(PACE, keys_per_pod=2, lease_time=10.0)
    engine = Runner(journal, {"polled": poll, "k": handler}, pace)
    async with working(Worker(engine)):
        await eventually(lambda: len(set(polled)) == 60)
        before = len(polled)
        await request(database, journal, Key("k", "new", "p"))
        await eventually(lambda: "new" in done)
        # Not all of them once more: those that were read ahead, twice where that was under way.
        assert len(polled) - before < 45
        await request(database, journal, Key("k", "failing", "p"))
        await request(database, journal, Key("k", "found", "p"), backlog=True)
        await eventually(lambda: {"failing", "found"} <= set(done))


async def test_kinds_of_another_release_hide_nothing(database, journal, jobs):
    done = []

    async def handler(key: Key) -> None:
        done.append(key)

    await request(database, journal, *(Key("unknown", f"r{number}", "p") for number in range(20)))
    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler, replace(PACE, keys_per_pod=2))):
        await eventually(lambda: done)
    assert {entry.status for entry in await jobs.page(()) if entry.key.kind == "unknown"} == {"NEW"}


async def test_a_key_that_wants_to_be_looked_at_again_is(database, journal, jobs):
    seen = []

    async def handler(key: Key) -> Again | None:
        seen.append(key)
        return Again(0.05, "not yet") if len(seen) < 4 else None

    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs))
    assert len(seen) == 4
    (entry,) = await jobs.page(())
    assert (entry.attempts, entry.last_error) == (0, None)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


async def test_keys_of_a_pod_that_is_away_wait_and_say_why(database, journal, jobs):
    clock, done = Clock(), []
    health = Health(Limits(1, 10.0, 10.0), clock)
    health.breaker("p", "network").failed("no connection")

    async def handler(key: Key) -> None:
        done.append(key)
        if key in waiting:
            await asyncio.sleep(0.2)
            health.breaker("p", "network").succeeded()

    waiting = [Key("port", f"r{number}", "p") for number in range(30)]
    others = [Key("port", "r", "quiet"), Key("flavor", "f", "p")]
    await request(database, journal, *waiting, *others)
    engine = Runner(journal, {"port": handler, "flavor": handler}, PACE, Away(health))
    async with working(Worker(engine)):
        await eventually(lambda: len(done) == 2)

        async def all_told() -> bool:
            entries = [entry for entry in await jobs.page(()) if entry.key in waiting]
            why = "waits: the pod's network service is away (no connection)"
            return all((entry.status, entry.attempts, entry.last_error) == ("NEW", 0, why) for entry in entries)

        await eventually(all_told)
        assert set(done) == set(others)
        # The pause is over: one finds out, and the others follow.
        clock.time = 60.0
        await eventually(lambda: len(done) > 2)
        assert len(done) == 3
        await eventually(lambda: all_succeeded(jobs))


async def test_periodic_keys_are_asked_for_once_for_all_workers(database, journal, jobs):
    done = Counter()

    async def handler(key: Key) -> None:
        done[key] += 1

    async def keys() -> list[Key]:
        return [Key("k", pod, pod) for pod in ("p0", "p1", "p2")]

    periodic = [PeriodicKeys("drift", 3600.0, keys)]
    async with working(*(Worker(runner(journal, handler), periodic) for _ in range(3))):
        await eventually(lambda: len(done) == 3)
        await asyncio.sleep(0.3)
    assert set(done.values()) == {1}
    assert {entry.generation for entry in await jobs.page(())} == {1}


async def test_a_chore_that_fails_ends_nothing(database, journal, jobs):
    times = Counter()

    async def broken() -> None:
        times["chore"] += 1
        raise RuntimeError("broken") if times["chore"] == 1 else DatabaseUnavailable("away")

    async def handler(key: Key) -> None:
        times["key"] += 1

    async with working(Worker(runner(journal, handler), chores=[Chore("broken", 0.02, broken)])):
        await eventually(lambda: times["chore"] > 3)
        await request(database, journal, Key("k", "r", "p"))
        await eventually(lambda: times["key"])


async def test_a_database_that_is_away_for_a_while_is_waited_for(database, journal, jobs, monkeypatch):
    real, failures = journal.due, []

    async def due(*arguments, **more):
        if len(failures) < 5:
            failures.append(DatabaseUnavailable("away"))
            raise failures[-1]
        return await real(*arguments, **more)

    async def handler(key: Key) -> None:
        pass

    monkeypatch.setattr(journal, "due", due)
    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs))
    assert len(failures) == 5


async def test_keys_under_way_get_their_grace(database, journal, jobs):
    started = asyncio.Event()

    async def handler(key: Key) -> None:
        started.set()
        await asyncio.sleep(0.3)

    await request(database, journal, Key("k", "r", "p"))
    async with working(worker(journal, handler, replace(PACE, grace=5.0))):
        await asyncio.wait_for(started.wait(), 5)
    assert await all_succeeded(jobs)


async def test_what_moves_data_takes_some_of_the_places_only(database, journal, jobs):
    at_work: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def handler(key: Key) -> None:
        at_work[key.kind] += 1
        at_work[key.kind + key.pod_id] += 1
        for name, number in at_work.items():
            most[name] = max(most[name], number)
        await asyncio.sleep(0.2)
        at_work[key.kind] -= 1
        at_work[key.kind + key.pod_id] -= 1

    pace = replace(PACE, keys_at_once=16, keys_per_pod=8, attempt_deadline=0.1)
    moves = Runner(journal, {"image": handler}, pace)
    for number in range(9):
        await request(database, journal, Key("image", f"i{number}", f"p{number % 3}"))
    async with working(Worker(moves)):
        # They may take longer than others, too.
        await eventually(lambda: all_succeeded(jobs), seconds=15)
    assert (most["image"], max(most["imagep0"], most["imagep1"], most["imagep2"])) == (4, 2)


async def test_progress_is_told_while_a_key_is_worked_on(database, journal, jobs):
    said = []
    key = Key("k", "r", "p")

    async def handler(key: Key) -> None:
        await journal.tell(key, "half of it")
        said.append([(entry.status, entry.last_error) for entry in await jobs.page(())])

    await request(database, journal, key)
    await journal.tell(key, "nobody is at it")
    assert [entry.last_error for entry in await jobs.page(())] == [None]
    async with working(worker(journal, handler)):
        await eventually(lambda: all_succeeded(jobs))
    assert said == [[("RUNNING", "half of it")]]
    assert [entry.last_error for entry in await jobs.page(())] == [None]
