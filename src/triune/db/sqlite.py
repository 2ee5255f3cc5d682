"""SQLite's connections, which can be given up while they close."""

import asyncio
from pathlib import Path
from sqlite3 import Connection as Database
from sqlite3 import connect as open_database
from typing import Any

from aiosqlite import Connection

# Rows that a cursor which is iterated fetches at once.
CHUNK = 64


class SqliteConnection(Connection):
    """A connection whose thread is told to end once only.

    aiosqlite's `close()` waits for the thread's answer to the second telling too, which never comes: a transaction
    that is cancelled twice (by its deadline, then at shutdown) would leave a task that nothing ends, and the process
    would wait for it for ever (seen with aiosqlite 0.22.1 and SQLAlchemy 2.1.9).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told_to_end = False

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread, after what it was told to do before; None where it was told already."""
        if self._told_to_end:
            return None
        self._told_to_end = True
        return super().stop()

    async def close(self) -> None:
        """Close, after what the thread was told to do before; nothing where it ends already."""
        if not self._told_to_end:
            await super().close()


def connect(database: str | Path, **options: Any) -> SqliteConnection:
    """A connection that opens when it is awaited, as `aiosqlite.connect` gives; `options` are `sqlite3.connect`'s."""

    def opened() -> Database:
        database_opened: Database = open_database(database, **options)
        return database_opened

    connection = SqliteConnection(opened, CHUNK)
    # A process does not wait for a thread that waits for a lock.
    connection._thread.daemon = True
    return connection
