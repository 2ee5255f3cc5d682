"""A real database: SQLite, or what TRIUNE_TEST_DATABASE says (mariadb, postgresql)."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import databases
from triune.db.engine import Database
from triune.db.models import Base, PodRow

SERVERS = {"mariadb": databases.mariadb, "postgresql": databases.postgresql}
PODS = ("pod-a", "p", "p0", "p1", "p2", "busy", "quiet")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with the newest schema and nothing in it."""
    kind = os.environ.get("TRIUNE_TEST_DATABASE", "sqlite")
    directory = tmp_path_factory.mktemp(kind)
    if kind == "sqlite":
        url = f"sqlite+aiosqlite:///{directory / 'template.db'}"
        asyncio.run(_upgrade(url))
        yield url
        return
    with SERVERS[kind](directory) as url:
        asyncio.run(_upgrade(url))
        yield url


@pytest.fixture
def url(template: str, tmp_path: Path) -> str:
    """The URL of this test's database."""
    if not template.startswith("sqlite"):
        return template
    path = tmp_path / "triune.db"
    shutil.copy(template.removeprefix("sqlite+aiosqlite:///"), path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    async with database.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(table.delete())
        session.add_all(PodRow(pod_id=pod, region_name=pod) for pod in PODS)
    yield database
    await database.close()


async def _upgrade(url: str) -> None:
    database = Database(url)
    await database.upgrade()
    await database.close()
