"""The journal: a durable queue of keys whose pods may differ from what is wanted.

Level-triggered: a row never says what to do, only where to look. A second request for a key that waits raises its
generation instead of adding a row; one that arrives while the key is being worked on makes it run once more.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import JournalRow, now

# The text of an error that is kept; more helps nobody and could be a whole page of a proxy.
MAX_ERROR = 2000

_WAITING = JournalRow.generation > JournalRow.done_generation


@dataclass(frozen=True, slots=True)
class Key:
    """What may differ: a resource of a kind in a pod."""

    kind: str
    resource_id: str
    pod_id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal as it was read."""

    id: str
    key: Key
    project_id: str | None
    request_id: str | None
    generation: int
    done_generation: int
    attempts: int
    last_error: str | None
    due_at: datetime
    owner: str | None
    fence: int
    beat: int
    created_at: datetime
    updated_at: datetime

    @property
    def status(self) -> str:
        """NEW, RUNNING, FAIL (was tried, will be tried again) or SUCCESS."""
        if self.owner is not None:
            return "RUNNING"
        if self.generation == self.done_generation:
            return "SUCCESS"
        return "FAIL" if self.attempts else "NEW"


class Journal:
    """Reads and writes the journal. All methods but `request` are transactions of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def request(
        self, session: AsyncSession, key: Key, project_id: str | None, request_id: str | None, delay: float = 0.0
    ) -> None:
        """Say that a key may differ, in the transaction of whatever made it differ.

        `delay` is in seconds; whoever means to do the work at once asks the worker to wait for so long.
        """
        if not await self._raise_generation(session, key, request_id, delay):
            row = JournalRow(
                id=str(uuid.uuid4()),
                kind=key.kind,
                resource_id=key.resource_id,
                pod_id=key.pod_id,
                project_id=project_id,
                request_id=request_id,
                due_at=_due(delay),
            )
            try:
                async with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                # Somebody else has just added it.
                await self._raise_generation(session, key, request_id, delay)

    async def _raise_generation(self, session: AsyncSession, key: Key, request_id: str | None, delay: float) -> bool:
        statement = (
            update(JournalRow)
            .where(_is(key))
            .values(
                generation=JournalRow.generation + 1,
                attempts=0,
                due_at=_due(delay),
                request_id=request_id,
                updated_at=now(),
            )
        )
        return _changed(await session.execute(statement))

    async def waiting(self, per_pod: int) -> list[Entry]:
        """Keys that are due and that nobody works on, fresh ones first; and all that somebody works on.

        At most `per_pod` due keys of each pod, so that the backlog of one pod hides no other's. Whether the owner of a
        key still lives is for the caller to observe (`triune.work.lease`).
        """
        order = (JournalRow.attempts, JournalRow.due_at)
        place = func.row_number().over(partition_by=JournalRow.pod_id, order_by=order).label("place")
        due = (
            select(JournalRow.id, place)
            .where(_WAITING, JournalRow.owner.is_(None), JournalRow.due_at <= now())
            .subquery()
        )
        first = select(JournalRow).join(due, due.c.id == JournalRow.id).where(due.c.place <= per_pod).order_by(*order)
        owned = select(JournalRow).where(JournalRow.owner.is_not(None))
        return [*await self._entries(first), *await self._entries(owned)]

    async def claim(self, entry: Entry, owner: str) -> Entry | None:
        """Take an entry as it was read; None when somebody was faster or its owner has moved since."""
        statement = (
            update(JournalRow)
            .where(
                JournalRow.id == entry.id,
                JournalRow.fence == entry.fence,
                JournalRow.beat == entry.beat,
                or_(_WAITING, JournalRow.owner.is_not(None)),
            )
            .values(owner=owner, fence=JournalRow.fence + 1, beat=0, updated_at=now())
        )
        async with self._database.transaction() as session:
            if not _changed(await session.execute(statement)):
                return None
            row = await session.get(JournalRow, entry.id)
            return _entry(row) if row is not None else None

    async def beat(self, lease: Entry) -> bool:
        """Show that the owner lives; False when the lease is lost."""
        return await self._under(lease, {"beat": JournalRow.beat + 1})

    async def succeeded(self, lease: Entry) -> bool:
        """The key was seen as wanted, in the generation that was claimed; False when the lease is lost."""
        return await self._under(
            lease, {"owner": None, "done_generation": lease.generation, "attempts": 0, "last_error": None}
        )

    async def failed(self, lease: Entry, error: str, delay: float) -> bool:
        """The key could not be mended; it is due again in `delay` seconds. False when the lease is lost."""
        return await self._under(
            lease,
            {
                "owner": None,
                "attempts": JournalRow.attempts + 1,
                "last_error": error[:MAX_ERROR],
                "due_at": _due(delay),
            },
        )

    async def _under(self, lease: Entry, values: dict[str, Any]) -> bool:
        statement = (
            update(JournalRow)
            .where(JournalRow.id == lease.id, JournalRow.fence == lease.fence, JournalRow.owner == lease.owner)
            .values(updated_at=now(), **values)
        )
        async with self._database.transaction() as session:
            return _changed(await session.execute(statement))

    async def done(self, keys: Iterable[Key]) -> None:
        """Close keys whose work was done by whoever asked for it, unless somebody works on them or asked again."""
        statement = update(JournalRow).where(
            or_(*(_is(key) for key in keys)),
            JournalRow.owner.is_(None),
            JournalRow.generation == JournalRow.done_generation + 1,
        )
        values = {"done_generation": JournalRow.generation, "last_error": None, "updated_at": now()}
        async with self._database.transaction() as session:
            await session.execute(statement.values(**values))

    async def redo(self, entry_id: str) -> None:
        """Make a waiting entry due now."""
        statement = update(JournalRow).where(JournalRow.id == entry_id).values(due_at=now(), updated_at=now())
        async with self._database.transaction() as session:
            await session.execute(statement)

    async def get(self, entry_id: str) -> Entry | None:
        """One entry."""
        async with self._database.transaction() as session:
            row = await session.get(JournalRow, entry_id)
            return _entry(row) if row is not None else None

    async def drop(self, entry_id: str) -> None:
        """Forget an entry that nobody works on."""
        statement = delete(JournalRow).where(JournalRow.id == entry_id, JournalRow.owner.is_(None))
        async with self._database.transaction() as session:
            await session.execute(statement)

    async def prune(self, keep: float) -> int:
        """Drop what was finished more than `keep` seconds ago; how many that were."""
        statement = delete(JournalRow).where(
            JournalRow.generation == JournalRow.done_generation,
            JournalRow.owner.is_(None),
            JournalRow.updated_at < now() - timedelta(seconds=keep),
        )
        async with self._database.transaction() as session:
            result = await session.execute(statement)
            return result.rowcount if isinstance(result, CursorResult) else 0

    async def page(self, filters: Iterable[Any], after: Entry | None = None, limit: int | None = None) -> list[Entry]:
        """Entries that match, the newest first; behind `after` where one is given."""
        statement = select(JournalRow).where(*filters)
        if after is not None:
            earlier = JournalRow.updated_at < after.updated_at
            same = and_(JournalRow.updated_at == after.updated_at, JournalRow.id < after.id)
            statement = statement.where(or_(earlier, same))
        statement = statement.order_by(JournalRow.updated_at.desc(), JournalRow.id.desc())
        return await self._entries(statement if limit is None else statement.limit(limit))

    async def _entries(self, statement: Select[Any]) -> list[Entry]:
        async with self._database.transaction() as session:
            return [_entry(row) for row in await session.scalars(statement)]


def _is(key: Key) -> Any:
    return and_(JournalRow.kind == key.kind, JournalRow.resource_id == key.resource_id, JournalRow.pod_id == key.pod_id)


def _due(delay: float) -> datetime:
    return now() + timedelta(seconds=delay)


def _changed(result: Any) -> bool:
    return isinstance(result, CursorResult) and result.rowcount > 0


def _entry(row: JournalRow) -> Entry:
    return Entry(
        id=row.id,
        key=Key(row.kind, row.resource_id, row.pod_id),
        project_id=row.project_id,
        request_id=row.request_id,
        generation=row.generation,
        done_generation=row.done_generation,
        attempts=row.attempts,
        last_error=row.last_error,
        due_at=row.due_at,
        owner=row.owner,
        fence=row.fence,
        beat=row.beat,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
