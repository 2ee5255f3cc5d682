"""A database that is away, or of another release."""

import asyncio
import socket
from pathlib import Path

import pytest
from oslo_log import log as logging
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from triune.cli.database import require_schema
from triune.db import engine
from triune.db.engine import VERSION_TABLE, Database, DatabaseUnavailable, log_failure
from triune.db.models import PodRow


def database(directory: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{directory / 'triune.db'}")


async def test_errors_of_drivers_have_one_name(tmp_path: Path) -> None:
    found = database(tmp_path)
    with pytest.raises(DatabaseUnavailable, match="no such table"):
        async with found.transaction() as session:
            await session.execute(text("SELECT * FROM pods"))
    with pytest.raises(DatabaseUnavailable) as told:
        async with found.transaction() as session:
            await session.execute(text("SELECT * FROM pods WHERE name = :name"), {"name": "a tenant's own"})
    assert str(told.value) == "OperationalError: no such table: pods"
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


async def test_a_database_that_hangs_is_waited_for_no_longer_than_a_transaction_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "DEADLINE", 0.2)
    # The kernel accepts connections; nobody speaks on them.
    silent = socket.create_server(("127.0.0.1", 0))
    found = Database(f"mysql+aiomysql://triune@127.0.0.1:{silent.getsockname()[1]}/central")
    with pytest.raises(DatabaseUnavailable, match="TimeoutError"):
        async with found.transaction() as session:
            await session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseUnavailable, match="TimeoutError"):
        await found.schema()
    await found.close()
    silent.close()


async def test_a_transaction_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    found = database(tmp_path)
    await found.upgrade()
    written = asyncio.Event()

    async def write() -> None:
        async with found.transaction() as session:
            session.add(PodRow(pod_id="p", region_name="RegionOne"))
            await session.flush()
            written.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write())
    await written.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    async with found.transaction() as session:
        assert await session.get(PodRow, "p") is None
        session.add(PodRow(pod_id="q", region_name="RegionTwo"))
    await found.close()


@pytest.mark.parametrize(
    ("error", "line", "stack"),
    [
        (DatabaseUnavailable("gone\n[SQL: SELECT 1]"), "Rows cannot be read: DatabaseUnavailable: gone", False),
        (TimeoutError(), "Rows cannot be read: TimeoutError", False),
        (ProgrammingError("SELECT 1", {}, Exception("no such column")), "Rows cannot be read", True),
    ],
    ids=["away", "hangs", "defect"],
)
def test_a_database_that_is_away_is_logged_in_a_line(
    caplog: pytest.LogCaptureFixture, error: SQLAlchemyError | OSError, line: str, stack: bool
) -> None:
    log_failure(logging.getLogger(__name__), "Rows cannot be read", error)
    (record,) = caplog.records
    assert record.getMessage() == line
    assert bool(record.exc_info) == stack
