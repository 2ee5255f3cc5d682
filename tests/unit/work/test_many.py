"""Many keys at once: asked for and looked at some at a time."""

import pytest

from triune.db.engine import DatabaseConflict
from triune.network.handlers.shop import Shop
from triune.network.read import Read
from triune.network.routing.read import RoutingRead
from triune.work.requests import Key

from .engine import request

KEYS = [Key("k" if number % 2 else "other", f"r{number}", "p") for number in range(25)]


@pytest.fixture
def shop(database, journal, monkeypatch) -> Shop:
    """Only what asks for keys."""
    monkeypatch.setattr("triune.network.handlers.shop.BATCH", 10)
    return Shop(
        None, None, database, journal, None, None, Read(None, database), None, RoutingRead(None, database, None), None
    )


async def test_many_keys_are_asked_for_some_at_a_time(journal, jobs, shop, monkeypatch):
    """Or one transaction would hold up all who ask for one of them, and take longer than it may."""
    real, sizes = journal.request, []

    async def counted(session, keys, **more) -> None:
        sizes.append(len(keys))
        await real(session, keys, **more)

    monkeypatch.setattr(journal, "request", counted)
    await shop.request(iter(KEYS), backlog=True)
    assert {entry.key for entry in await jobs.page(())} == set(KEYS)
    assert sizes == [10, 10, 5]


async def test_what_met_another_in_a_dead_lock_is_asked_for_again(journal, jobs, shop, monkeypatch):
    real, conflicts = journal.request, []

    async def conflicting(session, **more) -> None:
        await real(session, **more)
        if not conflicts:
            conflicts.append(session)
            raise DatabaseConflict("dead-lock")

    monkeypatch.setattr(journal, "request", conflicting)
    await shop.request(KEYS[:3])
    assert {entry.key: entry.generation for entry in await jobs.page(())} == dict.fromkeys(KEYS[:3], 1)


async def test_which_of_many_keys_wait(database, journal, monkeypatch):
    """Those of others do not count, nor those that are done; one that somebody is at does."""
    monkeypatch.setattr("triune.work.journal.BATCH", 10)
    await request(database, journal, *KEYS[:20], Key("k", KEYS[24].resource_id, "p0"))
    await journal.done(KEYS[:5])
    (entry, *_) = await journal.due({"k"}, 1)
    await journal.claim(entry, "worker")
    assert await journal.waiting(iter(KEYS)) == set(KEYS[5:20])
    assert await journal.waiting([]) == set()
