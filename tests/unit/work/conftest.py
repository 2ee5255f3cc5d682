"""A journal on a real database file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from triune.db.engine import Database
from triune.db.models import PodRow
from triune.work.jobs import Jobs
from triune.work.journal import Journal

PODS = ("pod-a", "p", "p0", "p1", "p2", "busy", "quiet")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'triune.db'}")
    await database.upgrade()
    async with database.transaction() as session:
        session.add_all(PodRow(pod_id=pod, region_name=pod) for pod in PODS)
    yield database
    await database.close()


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)
