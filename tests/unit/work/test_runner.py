"""Keys that somebody waits for: run here, or waited for; failures told; leases kept and given back."""

import asyncio
from collections import Counter

import pytest

from triune.db.engine import DatabaseUnavailable
from triune.pods.answer import PodUnreachable
from triune.pods.health import Health, Limits
from triune.pods.registry import Pod
from triune.work.away import Away
from triune.work.requests import Key
from triune.work.runner import Again, KeyFailed, KeyWaits, Runner

from .engine import PACE, PATIENT, request, runner

KEY = Key("k", "r", "p")


class Recorder:
    """A handler that counts, and does what it is told to."""

    def __init__(self, seconds: float = 0.0, outcome=None) -> None:
        self.seconds = seconds
        self.outcome = outcome
        self.calls: Counter[Key] = Counter()
        self.finished: Counter[Key] = Counter()
        self.at_work = 0
        self.most = 0
        self.started = asyncio.Event()

    async def __call__(self, key: Key):
        self.calls[key] += 1
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        self.started.set()
        try:
            await asyncio.sleep(self.seconds)
            outcome = self.outcome
            if isinstance(outcome, Exception):
                raise outcome
            self.finished[key] += 1
            return outcome
        finally:
            self.at_work -= 1


async def only(jobs):
    (entry,) = await jobs.page(())
    return entry


async def test_a_key_is_asked_for_and_run_here(journal, jobs):
    handler = Recorder()
    await runner(journal, handler).now(KEY, 5, "project")
    entry = await only(jobs)
    assert (entry.status, entry.project_id, entry.generation, entry.done_generation) == ("SUCCESS", "project", 1, 1)
    assert handler.calls[KEY] == 1


async def test_what_has_been_asked_for_is_done_once_for_all(database, journal, jobs):
    handler = Recorder()
    for _ in range(3):
        await request(database, journal, KEY)
    await runner(journal, handler).now(KEY, 5)
    assert (await only(jobs)).generation == 4
    assert (await only(jobs)).status == "SUCCESS"
    assert handler.calls[KEY] == 1


async def test_without_demand_nothing_is_done_where_nothing_waits(database, journal, jobs):
    handler = Recorder()
    await runner(journal, handler).now(KEY, 5, demand=False)
    assert await jobs.page(()) == []
    await request(database, journal, KEY)
    await journal.done([KEY])
    await runner(journal, handler).now(KEY, 5, demand=False)
    assert handler.calls.total() == 0


async def test_without_demand_what_waits_is_settled_even_if_it_is_not_due(database, journal, jobs):
    handler = Recorder()
    await request(database, journal, KEY, delay=3600.0)
    await runner(journal, handler).now(KEY, 5, demand=False)
    entry = await only(jobs)
    assert (entry.status, entry.generation) == ("SUCCESS", 1)


@pytest.mark.parametrize("processes", [1, 5])
async def test_all_who_wait_for_a_key_are_served_by_one_run(journal, jobs, processes):
    handler = Recorder(60.0)
    runners = [runner(journal, handler, PATIENT) for _ in range(processes)]
    first = asyncio.create_task(runners[0].now(KEY, 30))
    await handler.started.wait()
    waiting = [asyncio.create_task(runners[number % processes].now(KEY, 30)) for number in range(20)]
    while (await only(jobs)).generation < 21:
        await asyncio.sleep(0.01)
    handler.seconds = 0.1
    first.cancel()
    await asyncio.gather(*waiting)
    assert (await only(jobs)).done_generation == 21
    # The one that had begun, and one for all who asked meanwhile.
    assert (handler.calls[KEY], handler.most) == (2, 1)


async def test_what_was_begun_before_the_demand_is_not_taken_for_its_outcome(database, journal, jobs):
    old, new = Recorder(0.3), Recorder()
    await request(database, journal, KEY)
    (entry,) = await journal.due({"k"}, 5)
    elsewhere = runner(journal, old)
    lease, taken = await elsewhere.claim(entry)
    assert taken
    attempt = asyncio.create_task(elsewhere.attempt(lease))
    await old.started.wait()
    await runner(journal, new).now(KEY, 5)
    assert (old.finished[KEY], new.finished[KEY]) == (1, 1)
    await attempt


async def test_a_failure_here_is_told_with_its_cause(journal, jobs):
    failure = RuntimeError("no room")
    with pytest.raises(KeyFailed, match="k r: RuntimeError: no room") as caught:
        await runner(journal, Recorder(outcome=failure), PATIENT).now(KEY, 5)
    assert caught.value.__cause__ is failure
    assert (caught.value.key, caught.value.reason) == (KEY, "RuntimeError: no room")
    entry = await only(jobs)
    assert (entry.status, entry.attempts, entry.last_error) == ("FAIL", 1, "RuntimeError: no room")


async def test_a_failure_elsewhere_is_told_with_its_reason(journal):
    handler = Recorder(0.2, RuntimeError("no room"))
    here, there = runner(journal, handler, PATIENT), runner(journal, handler, PATIENT)
    first = asyncio.create_task(there.now(KEY, 5))
    await handler.started.wait()
    waiting = [asyncio.create_task(here.now(KEY, 5)) for _ in range(5)]
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert all(isinstance(outcome, KeyFailed) and outcome.reason == "RuntimeError: no room" for outcome in outcomes)
    # The one that had begun failed for whoever began it; those who asked meanwhile had one more.
    assert handler.calls[KEY] == 2


async def test_a_failure_is_not_the_last_word(journal, jobs):
    handler = Recorder(outcome=RuntimeError("no room"))
    here = runner(journal, handler, PATIENT)
    with pytest.raises(KeyFailed):
        await here.now(KEY, 5)
    handler.outcome = None
    await here.now(KEY, 5, demand=False)
    assert (await only(jobs)).status == "SUCCESS"


async def test_a_handler_that_wants_to_look_again(journal, jobs):
    with pytest.raises(KeyWaits) as caught:
        await runner(journal, Recorder(outcome=Again(30.0, "the server is being built"))).now(KEY, 5)
    assert caught.value.again.seconds == 30.0
    entry = await only(jobs)
    assert (entry.status, entry.attempts, entry.last_error) == ("NEW", 0, "the server is being built")
    assert await journal.due({"k"}, 5) == []


async def test_a_key_that_depends_on_one_that_waits_waits_too(journal, jobs):
    async def depends(key: Key) -> None:
        await here.now(Key("other", "o", "p"), 5)

    here = Runner(journal, {"k": depends, "other": Recorder(outcome=Again(30.0, "not yet"))}, PACE)
    with pytest.raises(KeyWaits):
        await here.now(KEY, 5)
    entries = {entry.key.kind: entry for entry in await jobs.page(())}
    assert (entries["k"].status, entries["k"].last_error) == ("NEW", "other o: not yet")


async def test_a_key_that_depends_on_one_that_fails_fails_for_the_same_reason(journal, jobs):
    async def depends(key: Key) -> None:
        await here.now(Key("other", "o", "p"), 5)

    failure = RuntimeError("no room")
    here = Runner(journal, {"k": depends, "other": Recorder(outcome=failure)}, PATIENT)
    with pytest.raises(KeyFailed, match="k r: other o: RuntimeError: no room") as caught:
        await here.now(KEY, 5)
    assert caught.value.__cause__.__cause__ is failure


async def test_chains_of_keys_need_no_places(journal, jobs):
    """More who wait inside each other than a worker has places for."""

    async def depends(key: Key) -> None:
        if (depth := int(key.resource_id)) > 0:
            await here.now(Key("k", str(depth - 1), "p"), 10)

    here = runner(journal, depends, PATIENT)
    await asyncio.gather(*(here.now(Key("k", "15", "p"), 20) for _ in range(4)))
    assert {entry.status for entry in await jobs.page(())} == {"SUCCESS"}


async def test_the_deadline_of_whoever_waits_gives_the_key_back(journal, jobs):
    with pytest.raises(KeyFailed, match="not done within 0"):
        await runner(journal, Recorder(60.0), PATIENT).now(KEY, 0.2)
    entry = await only(jobs)
    assert (entry.status, entry.owner, entry.attempts) == ("NEW", None, 0)
    assert len(await journal.due({"k"}, 5)) == 1


async def test_the_deadline_holds_for_waiting_too(journal):
    handler = Recorder(60.0)
    first = asyncio.create_task(runner(journal, handler, PATIENT).now(KEY, 30))
    await handler.started.wait()
    with pytest.raises(KeyFailed, match="not done within 0"):
        await runner(journal, handler, PATIENT).now(KEY, 0.2)
    first.cancel()
    await asyncio.wait({first})


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.003, 0.01, 0.05])
async def test_a_cancelled_caller_gives_the_key_back(journal, jobs, pause):
    caller = asyncio.create_task(runner(journal, Recorder(60.0), PATIENT).now(KEY, 30))
    await asyncio.sleep(pause)
    caller.cancel()
    await asyncio.wait({caller})
    assert caller.cancelled()
    assert [entry.owner for entry in await jobs.page(())] in ([], [None])


async def test_the_key_of_a_dead_owner_is_taken_over(database, journal, jobs):
    await request(database, journal, KEY)
    (entry,) = await journal.due({"k"}, 5)
    dead = await journal.claim(entry, "killed")
    handler = Recorder()
    await runner(journal, handler).now(KEY, 5)
    assert handler.finished[KEY] == 1
    assert not await journal.succeeded(dead)


async def test_who_loses_the_lease_is_stopped_and_waits_for_whoever_took_it(database, journal, jobs):
    slow = Recorder(60.0)
    here = asyncio.create_task(runner(journal, slow).now(KEY, 10))
    await slow.started.wait()
    lease = await journal.claim(await only(jobs), "thief")
    await asyncio.sleep(0.3)
    assert (slow.at_work, here.done()) == (0, False)
    assert await journal.succeeded(lease)
    await here
    assert slow.finished.total() == 0


async def test_a_lease_that_cannot_be_renewed_is_given_up_in_time(database, journal, jobs, monkeypatch):
    """Others may have taken the key when the database cannot be asked for as long as the lease lasts."""

    async def away(lease) -> bool:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(journal, "beat", away)
    slow = Recorder(60.0)
    here = asyncio.create_task(runner(journal, slow).now(KEY, 10))
    await slow.started.wait()
    began = asyncio.get_running_loop().time()
    while slow.at_work:
        await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - began < PACE.lease_time + 0.2
    here.cancel()
    await asyncio.wait({here})


async def test_a_key_that_is_held_belongs_to_the_block(journal, jobs):
    handler = Recorder()
    here, there = runner(journal, handler), runner(journal, handler)
    async with here.held(KEY, "project"):
        assert (await only(jobs)).status == "RUNNING"
        with pytest.raises(KeyFailed, match="somebody else works on it"):
            async with there.held(KEY):
                raise AssertionError
        await asyncio.sleep(PACE.lease_time * 1.5)
        assert (await only(jobs)).owner == here.name
    entry = await only(jobs)
    # The second asked for it too, and was refused; a worker looks once more.
    assert (entry.generation, entry.done_generation) == (2, 1)
    assert handler.calls.total() == 0


@pytest.mark.parametrize(("settled", "status"), [(False, "NEW"), (True, "SUCCESS")])
async def test_a_block_that_fails_leaves_the_key_to_the_workers_unless_it_settled_it(journal, jobs, settled, status):
    with pytest.raises(RuntimeError):
        async with runner(journal, Recorder()).held(KEY) as hold:
            hold.settled = settled
            raise RuntimeError
    assert (await only(jobs)).status == status
    assert len(await journal.due({"k"}, 5)) == (0 if settled else 1)


async def test_a_block_that_loses_its_key_is_stopped(journal, jobs):
    stopped = False
    with pytest.raises(KeyFailed, match="taken it over"):
        async with runner(journal, Recorder()).held(KEY):
            await journal.claim(await only(jobs), "thief")
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                stopped = True
                raise
    assert stopped
    assert (await only(jobs)).owner == "thief"


async def test_kinds_without_a_handler_are_refused(journal, jobs):
    with pytest.raises(KeyFailed, match="no handler"):
        await runner(journal, Recorder()).now(Key("unknown", "r", "p"), 5)
    assert await jobs.page(()) == []


POD = Pod("p", "RegionTwo", "az2")


@pytest.mark.parametrize("failures", [0, 3])
async def test_a_pod_that_is_away_costs_no_attempts(journal, jobs, failures):
    health = Health(Limits(3, 60.0, 60.0))
    for _ in range(failures):
        health.breaker("p", "network").failed("deadline")
    unreachable = PodUnreachable(POD, "network", "no answer in 10 s", sent=True)
    with pytest.raises(KeyFailed) as caught:
        await runner(journal, Recorder(outcome=unreachable), PATIENT, away=Away(health)).now(KEY, 5)
    assert caught.value.__cause__ is unreachable
    entry = await only(jobs)
    if failures:
        assert (entry.status, entry.attempts) == ("NEW", 0)
        assert entry.last_error == "waits: network of RegionTwo: no answer in 10 s"
    else:
        # It may be this request alone that the pod cannot bear.
        assert (entry.status, entry.attempts) == ("FAIL", 1)
