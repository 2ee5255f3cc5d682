"""The journal as operators see it: pages of jobs, how many there are, one tried again or forgotten."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CursorResult, Executable, and_, delete, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import ChangeRow, JournalRow, now
from triune.work.entry import STATUSES, Entry, entry
from triune.work.requests import TABLE, WAITS, moment


class Jobs:
    """All methods are transactions of their own, and raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, filters: Iterable[Any], after: Entry | None = None, limit: int | None = None) -> list[Entry]:
        """Entries that match, the newest first; behind `after` where one is given."""
        statement = select(JournalRow).where(*filters)
        if after is not None:
            earlier = JournalRow.updated_at < after.updated_at
            same = and_(JournalRow.updated_at == after.updated_at, JournalRow.id < after.id)
            statement = statement.where(or_(earlier, same))
        statement = statement.order_by(JournalRow.updated_at.desc(), JournalRow.id.desc())
        async with self._database.transaction() as session:
            return [entry(row) for row in await session.scalars(statement if limit is None else statement.limit(limit))]

    async def counts(self, filters: Iterable[Any]) -> dict[str, int]:
        """How many entries that match have each status, those with none included."""
        filters = tuple(filters)
        async with self._database.transaction() as session:
            return {
                status: await session.scalar(select(func.count()).select_from(TABLE).where(*conditions, *filters)) or 0
                for status, conditions in STATUSES.items()
            }

    async def get(self, entry_id: str) -> Entry | None:
        """One entry."""
        async with self._database.transaction() as session:
            row = await session.get(JournalRow, entry_id)
            return entry(row) if row is not None else None

    async def redo(self, entry_id: str) -> bool:
        """Make an entry that waits due now, as fresh as a request; False where it does not wait any more."""
        statement = update(TABLE).where(TABLE.c.id == entry_id, TABLE.c.owner.is_(None), WAITS)
        return await self._changed(statement.values(due_at=moment(), backlog=false(), updated_at=now()))

    async def drop(self, job: Entry) -> bool:
        """Forget an entry, with what was to be changed by it; False where somebody works on it, or it is gone."""
        key = job.key
        changes = (ChangeRow.kind == key.kind, ChangeRow.resource_id == key.resource_id, ChangeRow.pod_id == key.pod_id)
        statement = delete(TABLE).where(TABLE.c.id == job.id, TABLE.c.owner.is_(None))

        async def write(session: AsyncSession) -> bool:
            result = await session.execute(statement)
            if not isinstance(result, CursorResult) or not result.rowcount:
                return False
            await session.execute(delete(ChangeRow).where(*changes))
            return True

        return await self._database.repeat(write)

    async def _changed(self, statement: Executable) -> bool:
        async with self._database.transaction() as session:
            result = await session.execute(statement)
            return isinstance(result, CursorResult) and result.rowcount > 0
