"""A journal on a real database file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from triune.db.engine import Database
from triune.work.journal import Journal


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'triune.db'}")
    await database.upgrade()
    yield database
    await database.close()


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)
