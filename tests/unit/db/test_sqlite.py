"""SQLite's connections."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosqlite import Connection
from sqlalchemy import text

from triune.db.engine import Database
from triune.db.sqlite import connect


@pytest.fixture(autouse=True)
async def all_threads_end() -> AsyncIterator[None]:
    """What is given up ends by itself, and tells it to the loop."""
    yield
    for thread in threading.enumerate():
        if "connection_worker" in thread.name:
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()


async def _closing_while_it_is_busy(connection: Connection) -> asyncio.Task[None]:
    """A task that closes a connection whose thread has something to do for a while."""
    busy = asyncio.create_task(connection._execute(time.sleep, 0.2))
    await asyncio.sleep(0.05)
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0.05)
    assert not busy.done()
    return closing


async def test_closing_ends_where_it_is_given_up_meanwhile(tmp_path: Path) -> None:
    connection = await connect(tmp_path / "a.db")
    closing = await _closing_while_it_is_busy(connection)
    connection.stop()
    async with asyncio.timeout(5):
        await closing
        await connection.close()


async def test_closing_ends_where_it_is_cancelled(tmp_path: Path) -> None:
    connection = await connect(tmp_path / "a.db")
    closing = await _closing_while_it_is_busy(connection)
    connection.stop()
    closing.cancel()
    done, _ = await asyncio.wait({closing}, timeout=5)
    assert done and closing.cancelled()


@pytest.mark.parametrize("pause", [0, 0.001, 0.02])
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_transaction_that_is_cancelled_over_and_over_leaves_no_task(
    tmp_path: Path, times: int, pause: float
) -> None:
    path = tmp_path / "triune.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.upgrade()

    async def write() -> None:
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM routings"))

    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        before = asyncio.all_tasks()
        task = asyncio.create_task(write())
        await asyncio.sleep(0.1)
        # The deadline of an attempt, that of its undoing, that of the caller.
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(pause)
        # The end of the process: each task is cancelled once, and waited for.
        left = asyncio.all_tasks() - before
        for each in left:
            each.cancel()
        await asyncio.sleep(0.01)
        other.rollback()
    _, pending = await asyncio.wait({task, *left}, timeout=5)
    assert not pending
    async with asyncio.timeout(5):
        await write()
    await database.close()
