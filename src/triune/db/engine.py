"""Connections to the database, and its schema."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from oslo_log import log as logging
from oslo_log.log import BaseLoggerAdapter
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from triune.db import sqlite

LOG = logging.getLogger(__name__)

T = TypeVar("T")


class DatabaseUnavailable(SQLAlchemyError):
    """The database did not answer: no connection, or one that broke. Some drivers say it with an `OSError`."""


class DatabaseConflict(DatabaseUnavailable):
    """The database gave up the transaction for another's sake, mostly in a dead-lock: repeated it may succeed."""


# By these MariaDB and MySQL (numbers) and PostgreSQL (SQLSTATE) tell that a transaction may be repeated.
CONFLICTS = frozenset({1020, 1213, "40001", "40P01"})
# Seconds that a transaction may take, and its undoing where it failed: a database can hang as well as be away.
DEADLINE = 30.0
UNDO_DEADLINE = 5.0
# How often a transaction is tried, and the longest pause before the second try, in seconds; it doubles.
TRIES = 6
PAUSE = 0.02
# How often it is seen whether a connection that listens still lives, and how long it has to say so, in seconds.
PROBE_INTERVAL = 20.0
PROBE_DEADLINE = 10.0

MIGRATIONS = Path(__file__).parent / "migrations"
# A database may be shared with services that have migrations of their own.
VERSION_TABLE = "triune_alembic_version"


def log_failure(log: BaseLoggerAdapter, what: str, error: SQLAlchemyError | OSError) -> None:
    """Log what could not be done, for who goes on without: a line where the database is away, else the stack too."""
    if isinstance(error, DatabaseUnavailable | OSError):
        reason = str(error).partition("\n")[0]
        log.error("%s: %s", what, f"{type(error).__name__}: {reason}" if reason else type(error).__name__)
    else:
        log.exception(what, exc_info=error)


class Database:
    """A pool of connections; one per process."""

    def __init__(self, url: str) -> None:
        self._engine = _create_engine(url)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block and rolls back on an error. Never call a pod inside it.

        Raises `DatabaseUnavailable`, as `DatabaseConflict` where the transaction may be repeated.
        """
        try:
            async with asyncio.timeout(DEADLINE), self._session() as session:
                yield session
        except DBAPIError as error:
            if _is_conflict(error):
                raise DatabaseConflict(_reason(error)) from error
            if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
                raise DatabaseUnavailable(_reason(error)) from error
            raise
        except (PoolTimeout, OSError) as error:
            raise DatabaseUnavailable(_reason(error)) from error

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        """As `AsyncSession.begin`, which cannot be cancelled while it commits or closes."""
        session = self._sessions()
        try:
            yield session
            await session.commit()
            await session.close()
        except BaseException:
            await _undo(session)
            raise

    async def repeat(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What `work` returns in a transaction, which is repeated where it met another in a dead-lock.

        Raises `DatabaseUnavailable`.
        """
        for attempt in range(TRIES - 1):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except DatabaseConflict:
                await asyncio.sleep(random.uniform(0.0, PAUSE * 2.0**attempt))
        async with self.transaction() as session:
            return await work(session)

    @property
    def can_notify(self) -> bool:
        """Whether transactions can wake those who `listen`."""
        return self._engine.dialect.name == "postgresql"

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` now and at each notification, for as long as the connection lives; where `can_notify`.

        Raises `DatabaseUnavailable` when it ends.
        """
        try:
            async with self._engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                try:
                    await driver.add_listener(channel, lambda *_: heard())
                    # What was asked for before is told to nobody.
                    heard()
                    while True:
                        await asyncio.sleep(PROBE_INTERVAL)
                        await driver.execute("SELECT 1", timeout=PROBE_DEADLINE)
                finally:
                    # It would go on to listen for whoever gets it next.
                    await connection.invalidate()
        except Exception as error:
            raise DatabaseUnavailable(_reason(error)) from error

    async def upgrade(self) -> None:
        """Bring the schema to the newest revision; safe to run again."""
        async with self._engine.begin() as connection:
            await connection.run_sync(_upgrade)

    async def schema(self) -> str:
        """The revision of the database's schema; empty where it has none. Raises `DatabaseUnavailable`."""
        try:
            async with asyncio.timeout(DEADLINE), self._engine.connect() as connection:
                return await connection.run_sync(
                    lambda sync: (
                        MigrationContext.configure(sync, opts={"version_table": VERSION_TABLE}).get_current_revision()
                        or ""
                    )
                )
        except (SQLAlchemyError, OSError) as error:
            raise DatabaseUnavailable(_reason(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def _undo(session: AsyncSession) -> None:
    """Roll back; a connection on which that takes too long is dropped, and the database does the rest."""
    try:
        async with asyncio.timeout(UNDO_DEADLINE):
            await session.close()
    except (SQLAlchemyError, OSError) as error:
        LOG.debug("A connection was dropped: %s", error)


def _create_engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # At MariaDB's default level the update of a row that is not there yet locks a range, and two requests for
        # different keys of the journal would wait for each other.
        return create_async_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED")
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(parsed, connect_args={"timeout": 10, "async_creator_fn": sqlite.connect})

    # WAL lets several gateways read while one writes; foreign keys are off in SQLite unless asked for.
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


def _reason(error: Exception) -> str:
    """What a driver says, without the statement and its values: they are not for logs, nor for who asked."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(error).__name__}: {said}"


def _is_conflict(error: DBAPIError) -> bool:
    cause: Any = error.orig
    return getattr(cause, "sqlstate", None) in CONFLICTS or bool(CONFLICTS & {*getattr(cause, "args", ())[:1]})


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
