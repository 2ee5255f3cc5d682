"""Transactions that get into each other's way."""

import asyncio

import pytest

from triune.db.engine import DatabaseConflict
from triune.work.requests import Key

ONE, OTHER = Key("k", "one", "p"), Key("k", "other", "p")


async def test_transactions_that_meet_in_a_dead_lock_are_repeated(database, journal, jobs):
    async def ask(first: Key, second: Key) -> None:
        async def work(session) -> None:
            await journal.request(session, first, "project", "req-1")
            await asyncio.sleep(0.2)
            await journal.request(session, second, "project", "req-1")

        await database.repeat(work)

    await asyncio.gather(*(ask(ONE, OTHER) for _ in range(2)), *(ask(OTHER, ONE) for _ in range(2)))
    assert [entry.generation for entry in await jobs.page(())] == [4, 4]


async def test_a_transaction_is_not_repeated_for_ever(database):
    times = []

    async def work(session) -> None:
        times.append(session)
        raise DatabaseConflict("again and again")

    with pytest.raises(DatabaseConflict):
        await database.repeat(work)
    assert 2 < len(times) < 10
