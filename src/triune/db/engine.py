"""Connections to the database, and its schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, inspect, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A pool of connections; one per process."""

    def __init__(self, url: str) -> None:
        self._engine = _create_engine(url)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block and rolls back on an error. Never call a pod inside it."""
        async with self._sessions.begin() as session:
            yield session

    async def upgrade(self) -> None:
        """Bring the schema to the newest revision; safe to run again."""
        async with self._engine.begin() as connection:
            await connection.run_sync(_upgrade)

    async def has_schema(self) -> bool:
        """Whether `triune db upgrade` was run on this database."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(lambda sync: inspect(sync).has_table("pods"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _create_engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(parsed, connect_args={"timeout": 10})

    # WAL lets several gateways read while one writes; foreign keys are off in SQLite unless asked for.
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
