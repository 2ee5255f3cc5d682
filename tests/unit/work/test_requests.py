"""Asking: one row for each key, raised at once, never put off; from an asynchronous session and from another."""

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, update
from sqlalchemy.orm import Session

from triune.db.models import Base, JournalRow, now
from triune.work.requests import NEVER, TABLE, Key, moment, request, request_if_older

KEY = Key("k", "r", "p")


async def ask(database, *keys: Key, **how) -> None:
    async with database.transaction() as session:
        for statement in request(session.get_bind().dialect.name, keys, "project", "req-1", **how):
            await session.execute(statement)


async def ask_if_older(database, seconds: float, *keys: Key) -> None:
    async with database.transaction() as session:
        for statement in request_if_older(session.get_bind().dialect.name, keys, seconds):
            await session.execute(statement)


async def test_keys_are_asked_for_in_one_order_and_once():
    keys = [Key("b", "1"), Key("a", "2"), Key("a", "1", "p"), Key("b", "1")]
    texts = [str(statement.compile().params["kind"]) for statement in request("sqlite", keys, None, None)]
    assert texts == ["a", "a", "b"]


async def test_a_session_without_asyncio_writes_the_same(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'sync.db'}")
    Base.metadata.create_all(engine)
    for _ in range(3):
        with Session(engine) as session, session.begin():
            for statement in request(session.get_bind().dialect.name, [KEY], "project", "req-1"):
                session.execute(statement)
    with Session(engine) as session:
        (row,) = session.query(JournalRow).all()
        assert (row.generation, row.done_generation, row.attempts, row.backlog) == (3, 0, 0, False)
    engine.dispose()


def test_nothing_is_imported_that_central_neutron_may_lack():
    code = "import sys, triune.work.requests; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"aiohttp", "oslo_config", "keystoneauth1", "msgspec", "alembic", "aiosqlite"} & set(done.stdout.split())


async def test_a_key_that_waits_is_not_put_off(database, journal, jobs):
    await ask(database, KEY)
    await ask(database, KEY, delay=3600.0)
    assert [entry.generation for entry in await journal.due({"k"}, 5)] == [2]


async def test_a_key_that_is_put_off_comes_earlier_when_it_is_asked_for(database, journal, jobs):
    await ask(database, KEY, delay=3600.0)
    assert await journal.due({"k"}, 5) == []
    await ask(database, KEY)
    assert len(await journal.due({"k"}, 5)) == 1


async def test_a_finished_key_waits_for_its_delay(database, journal, jobs):
    await ask(database, KEY)
    await journal.done([KEY])
    (entry,) = await jobs.page(())
    assert entry.due_at == NEVER
    await ask(database, KEY, delay=3600.0)
    assert await journal.due({"k"}, 5) == []


async def test_delays_have_fractions(database, jobs):
    before = moment(0.4)
    await ask(database, KEY, delay=0.4)
    (entry,) = await jobs.page(())
    assert before <= entry.due_at <= moment(0.4)


async def test_a_request_from_the_backlog_does_not_end_the_pause_of_a_failure(database, journal, jobs):
    await ask(database, KEY)
    (entry,) = await journal.due({"k"}, 5)
    lease = await journal.claim(entry, "worker")
    await journal.failed(lease, "no", 60.0)
    await ask(database, KEY, backlog=True)
    (entry,) = await jobs.page(())
    assert (entry.generation, entry.attempts) == (2, 1)
    assert await journal.due({"k"}, 5) == []
    await ask(database, KEY)
    (entry,) = await journal.due({"k"}, 5)
    assert (entry.generation, entry.attempts) == (3, 0)


async def test_what_users_ask_for_goes_before_the_backlog(database, journal):
    await ask(database, Key("k", "old", "p"), backlog=True)
    await ask(database, Key("k", "new", "p"))
    assert [entry.key.resource_id for entry in await journal.due({"k"}, 5)] == ["new", "old"]
    # A user's request for what is in the backlog takes it out of there.
    await ask(database, Key("k", "old", "p"))
    assert [entry.key.resource_id for entry in await journal.due({"k"}, 5)] == ["old", "new"]


async def test_the_project_that_asked_is_not_forgotten(database, jobs):
    await ask(database, KEY)
    async with database.transaction() as session:
        for statement in request(session.get_bind().dialect.name, [KEY], None, None):
            await session.execute(statement)
    (entry,) = await jobs.page(())
    assert (entry.project_id, entry.request_id) == ("project", None)


@pytest.mark.parametrize("age", [0, 30])
async def test_a_key_is_asked_for_once_in_an_interval(database, journal, jobs, age):
    await ask_if_older(database, 60.0, KEY)
    await ask_if_older(database, 60.0, KEY)
    (entry,) = await jobs.page(())
    assert (entry.generation, entry.waits) == (1, True)
    await journal.done([KEY])
    await set_age(database, age)
    await ask_if_older(database, 60.0, KEY)
    (entry,) = await jobs.page(())
    assert (entry.generation, entry.waits) == (1, False)


async def test_a_key_is_asked_for_again_after_the_interval(database, journal, jobs):
    await ask(database, KEY)
    await journal.done([KEY])
    await set_age(database, 61)
    for _ in range(3):
        await ask_if_older(database, 60.0, KEY)
    (entry,) = await jobs.page(())
    assert (entry.generation, entry.done_generation) == (2, 1)
    assert len(await journal.due({"k"}, 5)) == 1


async def set_age(database, seconds: float) -> None:
    async with database.transaction() as session:
        await session.execute(update(TABLE).values(updated_at=now() - timedelta(seconds=seconds)))
