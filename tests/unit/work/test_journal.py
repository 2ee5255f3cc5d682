"""The journal: coalescing, claiming, fencing."""

import asyncio

from triune.db.engine import Database
from triune.work.entry import Entry
from triune.work.jobs import Jobs
from triune.work.journal import Journal
from triune.work.requests import TABLE, Key

KEY = Key("flavor", "f1", "pod-a")


async def request(database: Database, journal: Journal, key: Key = KEY, delay: float = 0.0) -> None:
    async with database.transaction() as session:
        await journal.request(session, key, "project", "req-1", delay)


async def only(jobs: Jobs) -> Entry:
    (entry,) = await jobs.page(())
    return entry


async def test_second_request_raises_the_generation_of_the_row_that_is_there(database, journal, jobs):
    await request(database, journal)
    await request(database, journal)
    entry = await only(jobs)
    assert (entry.generation, entry.done_generation, entry.status) == (2, 0, "NEW")


async def test_requests_at_the_same_time_make_one_row(database, journal, jobs):
    await asyncio.gather(*(request(database, journal) for _ in range(20)))
    assert (await only(jobs)).generation == 20


async def test_a_request_that_is_rolled_back_leaves_nothing(database, journal, jobs):
    try:
        async with database.transaction() as session:
            await journal.request(session, KEY, "project", "req-1")
            raise RuntimeError("the intent failed")
    except RuntimeError:
        assert await jobs.page(()) == []


async def test_of_many_that_claim_one_wins(database, journal, jobs):
    await request(database, journal)
    (entry,) = await journal.due({"flavor", "k"}, 5)
    claims = await asyncio.gather(*(journal.claim(entry, f"worker-{number}") for number in range(10)))
    assert len([claim for claim in claims if claim is not None]) == 1


async def test_a_request_during_the_work_makes_the_key_wait_again(database, journal, jobs):
    await request(database, journal)
    lease = await journal.claim(await only(jobs), "worker")
    await request(database, journal)
    assert await journal.succeeded(lease)
    entry = await only(jobs)
    assert (entry.generation, entry.done_generation, entry.status) == (2, 1, "NEW")


async def test_a_worker_that_was_given_up_cannot_finish(database, journal, jobs):
    await request(database, journal)
    first = await journal.claim(await only(jobs), "first")
    second = await journal.claim(await only(jobs), "second")
    assert second is not None
    assert not await journal.beat(first)
    assert not await journal.succeeded(first)
    assert not await journal.failed(first, "too late", 0.0)
    assert (await only(jobs)).status == "RUNNING"
    assert await journal.succeeded(second)
    assert (await only(jobs)).status == "SUCCESS"


async def test_an_owner_that_has_moved_is_not_robbed(database, journal, jobs):
    await request(database, journal)
    lease = await journal.claim(await only(jobs), "owner")
    seen = await only(jobs)
    assert await journal.beat(lease)
    assert await journal.claim(seen, "thief") is None


async def test_a_failure_keeps_its_reason_and_waits(database, journal, jobs):
    await request(database, journal)
    lease = await journal.claim(await only(jobs), "worker")
    assert await journal.failed(lease, "HTTP 500", 60.0)
    entry = await only(jobs)
    assert (entry.status, entry.attempts, entry.last_error) == ("FAIL", 1, "HTTP 500")
    assert await journal.due({"flavor", "k"}, 5) == []
    await jobs.redo(entry.id)
    assert [waiting.id for waiting in await journal.due({"flavor", "k"}, 5)] == [entry.id]


async def test_the_backlog_of_one_pod_hides_no_other(database, journal, jobs):
    for number in range(50):
        await request(database, journal, Key("flavor", f"f{number}", "busy"))
    await request(database, journal, Key("flavor", "f", "quiet"))
    pods = [entry.key.pod_id for entry in await journal.due({"flavor", "k"}, 3)]
    assert sorted(pods) == ["busy"] * 3 + ["quiet"]


async def test_the_keys_of_one_kind_hide_no_other_kind(database, journal, jobs):
    for number in range(10):
        await request(database, journal, Key("flavor", f"f{number}", "pod-a"))
    await request(database, journal, Key("k", "r", "pod-a"))
    kinds = [entry.key.kind for entry in await journal.due({"flavor", "k"}, 3)]
    assert kinds == ["flavor"] * 3 + ["k"]


async def test_keys_whose_owner_may_be_dead_come_before_all_that_is_due(database, journal, jobs):
    """Or they would never be taken over while there is more to do than there are places."""
    await request(database, journal, Key("flavor", "owned", "pod-a"))
    await journal.claim(await only(jobs), "dead")
    await request(database, journal, Key("flavor", "due", "pod-a"))
    assert [entry.key.resource_id for entry in await journal.due({"flavor"}, 5)] == ["owned", "due"]


async def test_of_the_backlog_what_is_due_for_longer_comes_first(database, journal, jobs):
    await request(database, journal, Key("flavor", "failing", "pod-a"))
    await journal.failed(await journal.claim(await only(jobs), "worker"), "no", 0.0)
    async with database.transaction() as session:
        await journal.request(session, Key("flavor", "found", "pod-a"), None, None, backlog=True)
    assert [entry.key.resource_id for entry in await journal.due({"flavor"}, 5)] == ["failing", "found"]


async def test_fresh_keys_come_before_those_that_have_failed(database, journal, jobs):
    await request(database, journal, Key("flavor", "failing", "pod-a"))
    lease = await journal.claim(await only(jobs), "worker")
    await journal.failed(lease, "no", 0.0)
    await request(database, journal, Key("flavor", "fresh", "pod-a"))
    assert [entry.key.resource_id for entry in await journal.due({"flavor", "k"}, 5)] == ["fresh", "failing"]


async def test_work_done_by_whoever_asked_closes_the_key(database, journal, jobs):
    await request(database, journal, delay=60.0)
    await journal.done([KEY])
    assert (await only(jobs)).status == "SUCCESS"


async def test_work_done_does_not_close_a_key_that_was_asked_for_again(database, journal, jobs):
    await request(database, journal)
    await request(database, journal)
    await journal.done([KEY])
    assert (await only(jobs)).status == "NEW"


async def test_finished_keys_are_pruned_and_waiting_ones_kept(database, journal, jobs):
    await request(database, journal)
    await journal.done([KEY])
    await request(database, journal, Key("flavor", "waiting", "pod-a"))
    assert await journal.prune(keep=3600.0) == 0
    assert await journal.prune(keep=-5.0) == 1
    assert [entry.key.resource_id for entry in await jobs.page(())] == ["waiting"]


async def test_keys_of_pods_that_are_no_longer_registered_are_dropped(database, journal, jobs):
    await request(database, journal, Key("k", "r", "forgotten-pod"))
    await request(database, journal, Key("boot", "b"))
    await request(database, journal, Key("k", "r", "pod-a"))
    assert await journal.prune(keep=3600.0) == 1
    assert {entry.key.pod_id for entry in await jobs.page(())} == {"", "pod-a"}


async def test_a_key_that_runs_is_not_dropped(database, journal, jobs):
    await request(database, journal, Key("k", "r", "forgotten-pod"))
    await journal.claim(await only(jobs), "worker")
    assert await journal.prune(keep=-5.0) == 0


async def test_many_finished_keys_are_pruned_some_at_a_time(database, journal, jobs, monkeypatch):
    monkeypatch.setattr("triune.work.journal.BATCH", 50)
    keys = [Key("k", f"r{number}", "pod-a") for number in range(120)]
    async with database.transaction() as session:
        await journal.request(session, keys, None, None)
        await session.execute(TABLE.update().values(done_generation=1))
    assert await journal.prune(keep=-5.0) == 120


async def test_closing_no_key_closes_none(database, journal, jobs):
    await request(database, journal)
    await journal.done([])
    assert (await only(jobs)).status == "NEW"


async def test_what_was_asked_for_during_a_failure_stays_fresh(database, journal, jobs):
    await request(database, journal)
    lease = await journal.claim(await only(jobs), "worker")
    await request(database, journal)
    assert await journal.failed(lease, "no", 60.0)
    entry = await only(jobs)
    assert (entry.status, entry.attempts, entry.last_error) == ("NEW", 0, "no")
    assert len(await journal.due({"flavor"}, 5)) == 1


async def test_many_are_claimed_at_once_and_each_by_one(database, journal, jobs):
    for number in range(30):
        await request(database, journal, Key("flavor", f"f{number}", "pod-a"))
    seen = await journal.due({"flavor"}, 30)
    claims = await asyncio.gather(*(journal.claim_free(seen, f"worker-{number}") for number in range(5)))
    taken = [lease.id for leases in claims for lease in leases]
    assert sorted(taken) == sorted(entry.id for entry in seen)
    assert all(await asyncio.gather(*(journal.succeeded(lease) for leases in claims for lease in leases)))


async def test_what_was_put_off_since_it_was_read_is_not_claimed(database, journal, jobs):
    await request(database, journal)
    seen = await journal.due({"flavor"}, 5)
    lease = await journal.claim(seen[0], "faster")
    await journal.failed(lease, "no", 60.0)
    assert await journal.claim_free(seen, "late") == []


async def test_counts(database, journal, jobs):
    for number in range(4):
        await request(database, journal, Key("flavor", f"f{number}", "pod-a"))
    first, second, third, _ = await journal.due({"flavor"}, 5)
    await journal.succeeded(await journal.claim(first, "worker"))
    await journal.failed(await journal.claim(second, "worker"), "no", 60.0)
    await journal.claim(third, "worker")
    assert await jobs.counts(()) == {"NEW": 1, "RUNNING": 1, "SUCCESS": 1, "FAIL": 1}
