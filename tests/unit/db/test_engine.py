"""The database's schema."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from triune.db.engine import Database, DatabaseUnavailable, newest_schema
from triune.db.models import Base


async def test_an_upgraded_database_has_the_newest_schema(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'triune.db'}")
    assert await database.schema() == ""
    await database.upgrade()
    await database.upgrade()
    assert await database.schema() == newest_schema()
    await database.close()


async def test_an_upgraded_database_has_the_indexes_of_the_models(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'triune.db'}")
    await database.upgrade()
    await database.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'triune.db'}")
    for table in Base.metadata.sorted_tables:
        made = sorted(index["column_names"] for index in inspect(engine).get_indexes(table.name))
        assert made == sorted([column.name for column in index.columns] for index in table.indexes), table.name
    engine.dispose()


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
