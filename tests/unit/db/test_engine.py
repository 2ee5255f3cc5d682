"""The database's schema."""

import asyncio
import threading
from pathlib import Path

import pytest

from triune.db.engine import Database, DatabaseUnavailable, newest_schema


async def test_an_upgraded_database_has_the_newest_schema(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'triune.db'}")
    assert await database.schema() == ""
    await database.upgrade()
    await database.upgrade()
    assert await database.schema() == newest_schema()
    await database.close()


async def test_a_database_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        await database.schema()
    await database.close()
    # The driver's thread ends by itself, and tells it to the loop.
    for _ in range(200):
        if not any("connection_worker" in thread.name for thread in threading.enumerate()):
            break
        await asyncio.sleep(0.01)
