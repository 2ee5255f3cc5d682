"""A database that is away, or of another release."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from triune.cli.database import require_schema
from triune.db.engine import VERSION_TABLE, Database, DatabaseUnavailable


def database(directory: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{directory / 'triune.db'}")


async def test_errors_of_drivers_have_one_name(tmp_path: Path) -> None:
    found = database(tmp_path)
    with pytest.raises(DatabaseUnavailable, match="no such table"):
        async with found.transaction() as session:
            await session.execute(text("SELECT * FROM pods"))
    with pytest.raises(DatabaseUnavailable, match="ConnectionRefusedError"):
        async with found.transaction():
            raise ConnectionRefusedError
    await found.close()


async def test_a_database_without_a_schema_is_told(tmp_path: Path) -> None:
    found = database(tmp_path)
    with pytest.raises(SystemExit, match="no schema yet: run `triune db upgrade`"):
        await require_schema(found)
    await found.upgrade()
    await require_schema(found)
    await found.close()


async def test_a_database_of_another_release_is_told(tmp_path: Path) -> None:
    found = database(tmp_path)
    await found.upgrade()
    async with found.transaction() as session:
        await session.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(SystemExit, match="has schema 9999 and not"):
        await require_schema(found)
    await found.close()


async def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    found = Database(f"sqlite+aiosqlite:///{tmp_path}")
    with pytest.raises(SystemExit, match="the database does not answer"):
        await require_schema(found)
    await found.close()
    # The driver's thread ends by itself, and tells it to the loop.
    await asyncio.sleep(0.05)
