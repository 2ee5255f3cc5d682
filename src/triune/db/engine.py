"""Connections to the database, and its schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine


class DatabaseUnavailable(SQLAlchemyError):
    """The database did not answer: no connection, or one that broke. Some drivers say it with an `OSError`."""


MIGRATIONS = Path(__file__).parent / "migrations"
# A database may be shared with services that have migrations of their own.
VERSION_TABLE = "triune_alembic_version"


class Database:
    """A pool of connections; one per process."""

    def __init__(self, url: str) -> None:
        self._engine = _create_engine(url)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block and rolls back on an error. Never call a pod inside it.

        Raises `DatabaseUnavailable`.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (OperationalError, InterfaceError, PoolTimeout, OSError) as error:
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error

    async def upgrade(self) -> None:
        """Bring the schema to the newest revision; safe to run again."""
        async with self._engine.begin() as connection:
            await connection.run_sync(_upgrade)

    async def schema(self) -> str:
        """The revision of the database's schema; empty where it has none. Raises `DatabaseUnavailable`."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(
                    lambda sync: (
                        MigrationContext.configure(sync, opts={"version_table": VERSION_TABLE}).get_current_revision()
                        or ""
                    )
                )
        except (SQLAlchemyError, OSError) as error:
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _create_engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # At MariaDB's default level the update of a row that is not there yet locks a range, and two requests for
        # different keys of the journal would wait for each other.
        return create_async_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED")
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


def newest_schema() -> str:
    """The revision that this release works with."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
