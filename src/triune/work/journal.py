"""The journal: a durable queue of keys whose pods may differ from what is wanted.

Level-triggered: a row never says what to do, only where to look. A second request for a key that waits raises its
generation instead of adding a row; one that arrives while the key is being worked on makes it run once more.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    Select,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import JournalRow, PodRow, now
from triune.portions import portions
from triune.work.entry import Entry, entry
from triune.work.requests import CHANNEL, NEVER, TABLE, WAITS, Key, is_key, moment, request, request_if_older

__all__ = ["Entry", "Journal", "Key"]

# The text of an error that is kept; more helps nobody and could be a whole page of a proxy.
MAX_ERROR = 2000
# How many rows one transaction changes where many are concerned, so that no other waits for long.
BATCH = 500
# The most such transactions in a row; what is left comes at the next time.
BATCHES = 2000

_FREE = TABLE.c.owner.is_(None)


class Journal:
    """Reads and writes the journal. All methods but `request` and `close` are transactions of their own.

    Those return only what was committed, and raise `DatabaseUnavailable`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- asking

    async def request(
        self,
        session: AsyncSession,
        keys: Key | Iterable[Key],
        project_id: str | None,
        request_id: str | None,
        delay: float = 0.0,
        backlog: bool = False,
    ) -> None:
        """Say that keys may differ, in the transaction of whatever made them differ (`triune.work.requests`).

        `delay` is in seconds; whoever means to do the work at once asks the workers to wait for so long.
        """
        keys = [keys] if isinstance(keys, Key) else keys
        for statement in request(_dialect(session), keys, project_id, request_id, delay, backlog):
            await session.execute(statement)

    async def request_if_older(self, keys: Collection[Key], seconds: float) -> None:
        """Ask for those keys that do not wait and were not finished in the last `seconds`."""

        async def work(session: AsyncSession) -> None:
            for statement in request_if_older(_dialect(session), keys, seconds):
                await session.execute(statement)

        await self._database.repeat(work)

    async def demand(self, key: Key, project_id: str | None, request_id: str | None, owner: str) -> tuple[Entry, bool]:
        """Ask for a key, and take it where nobody works on it: the entry, and whether it was taken."""

        async def work(session: AsyncSession) -> tuple[Entry, bool]:
            # Nobody needs to be woken for it.
            for statement in request(_dialect(session), [key], project_id, request_id)[:1]:
                await session.execute(statement)
            taken = _changed(await session.execute(_take(owner).where(is_key(key), _FREE)))
            return entry((await session.scalars(select(JournalRow).where(is_key(key)))).one()), taken

        return await self._database.repeat(work)

    @property
    def can_notify(self) -> bool:
        """Whether the database tells those who `listen` that something is asked for."""
        return self._database.can_notify

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` when something is asked for, until the connection breaks: then `DatabaseUnavailable`."""
        await self._database.listen(CHANNEL, heard)

    # -- looking

    async def find(self, key: Key) -> Entry | None:
        """The entry of a key."""
        async with self._database.transaction() as session:
            row = (await session.scalars(select(JournalRow).where(is_key(key)))).one_or_none()
            return entry(row) if row is not None else None

    async def waiting(self, keys: Iterable[Key]) -> set[Key]:
        """Those of these keys that were asked for and are not done yet."""
        found = set[Key]()
        for some in portions(keys, BATCH):
            columns = (TABLE.c.kind, TABLE.c.resource_id, TABLE.c.pod_id)
            which = or_(*_among(some))
            async with self._database.transaction() as session:
                found |= {Key(*row) for row in await session.execute(select(*columns).where(which, WAITS))}
        return found

    async def due(self, kinds: Collection[str], each: int, but: Iterable[ColumnElement[bool]] = ()) -> list[Entry]:
        """All keys of these kinds that somebody works on, then those that are due and free, in the order of work.

        So those of dead owners are taken over however much is due; whether an owner still lives is for the caller to
        observe (`triune.work.lease`). Fresh requests of users come before the backlog, then what is due for longer:
        what has failed often, or is looked at again and again, has its pauses for that. At most `each` free keys of a
        kind in a pod, so that many of one hide no other; `but` are conditions for free keys to be left out.
        """
        order = (JournalRow.backlog, JournalRow.due_at)
        alike = (JournalRow.pod_id, JournalRow.kind)
        place = func.row_number().over(partition_by=alike, order_by=order).label("place")
        # Whatever is owned was due when it was taken, and is put off by nobody: one range of one index holds it all.
        # The kind goes through a function, so that no database takes the index of the keys, where the finished are too.
        is_due = and_(JournalRow.due_at <= moment(), func.coalesce(JournalRow.kind, "").in_(kinds))
        free = select(JournalRow.id, place).where(is_due, _FREE, WAITS, *(~condition for condition in but)).subquery()
        first = select(JournalRow).join(free, free.c.id == JournalRow.id).where(free.c.place <= each)
        async with self._database.transaction() as session:
            due = [entry(row) for row in await session.scalars(first.order_by(*order))]
            owned = [entry(row) for row in await session.scalars(select(JournalRow).where(is_due, ~_FREE))]
        return owned + due

    async def owned(self, kinds: Collection[str], pod_id: str) -> list[Entry]:
        """Keys of these kinds in a pod that somebody works on."""
        # Whatever is owned is due.
        which = (JournalRow.due_at <= moment(), ~_FREE, JournalRow.pod_id == pod_id)
        async with self._database.transaction() as session:
            rows = await session.scalars(select(JournalRow).where(*which))
            return [entry(row) for row in rows if row.kind in kinds]

    # -- leases

    async def claim(self, seen: Entry, owner: str) -> Entry | None:
        """Take an entry as it was read; None when somebody was faster or its owner has moved since."""
        statement = _take(owner).where(
            JournalRow.id == seen.id,
            JournalRow.fence == seen.fence,
            JournalRow.beat == seen.beat,
            or_(WAITS, ~_FREE),
        )

        async def work(session: AsyncSession) -> Entry | None:
            if not _changed(await session.execute(statement)):
                return None
            row = await session.get(JournalRow, seen.id)
            return entry(row) if row is not None else None

        return await self._database.repeat(work)

    async def claim_free(self, seen: Collection[Entry], owner: str) -> list[Entry]:
        """Take those of these entries that are still due and free; `owner` must be new, for it tells them apart."""
        # By primary key and in its order: two who do this at once do not meet in a dead-lock.
        ids = sorted(entry.id for entry in seen)
        statement = _take(owner).where(JournalRow.id.in_(ids), _FREE, WAITS, JournalRow.due_at <= moment())

        async def work(session: AsyncSession) -> list[Entry]:
            if not _changed(await session.execute(statement)):
                return []
            mine = select(JournalRow).where(JournalRow.id.in_(ids), JournalRow.owner == owner)
            return [entry(row) for row in await session.scalars(mine)]

        return await self._database.repeat(work) if ids else []

    async def beat(self, lease: Entry) -> bool:
        """Show that the owner lives; False when the lease is lost."""
        return await self._under(lease, {"beat": JournalRow.beat + 1})

    async def succeeded(self, lease: Entry) -> bool:
        """The key was seen as wanted, in the generation that was claimed; False when the lease is lost."""
        return await self._under(
            lease,
            {
                "done_generation": lease.generation,
                "attempts": 0,
                "last_error": None,
                "due_at": _unless_asked_again(lease, NEVER, JournalRow.due_at),
            },
        )

    async def failed(self, lease: Entry, error: str, delay: float) -> bool:
        """The key could not be mended; it is due again in `delay` seconds. False when the lease is lost.

        Where it was asked for meanwhile, that request stays as fresh as it is: what it brought may be what was missing.
        """
        return await self._put_off(lease, error, delay, JournalRow.attempts + 1)

    async def waits(self, lease: Entry, why: str, delay: float) -> bool:
        """The key must wait, which is no failure; it is due again in `delay` seconds. False when the lease is lost."""
        return await self._put_off(lease, why, delay, 0)

    async def release(self, lease: Entry) -> bool:
        """Give an entry back as it was taken, due now. False when the lease is lost."""
        return await self._under(lease, {})

    async def _put_off(self, lease: Entry, why: str, delay: float, attempts: Any) -> bool:
        # What users ask for goes before it; else what is looked at every other second would be in the way of that.
        values = {"attempts": attempts, "backlog": true(), "due_at": moment(delay)}
        unless_asked_again = {name: _unless_asked_again(lease, value, TABLE.c[name]) for name, value in values.items()}
        return await self._under(lease, {"last_error": why[:MAX_ERROR], **unless_asked_again})

    async def _under(self, lease: Entry, values: dict[str, Any]) -> bool:
        """Write under a lease; all but a beat ends it."""
        if "beat" not in values:
            values = {"owner": None, "updated_at": now(), **values}
        statement = (
            update(TABLE)
            .where(JournalRow.id == lease.id, JournalRow.fence == lease.fence, JournalRow.owner == lease.owner)
            .values(**values)
        )
        return await self._execute(statement) > 0

    # -- besides

    async def done(self, keys: Iterable[Key]) -> None:
        """Close keys whose work was done by whoever asked for it, unless somebody works on them or asked again."""
        keys = sorted(set(keys))

        async def work(session: AsyncSession) -> None:
            for key in keys:
                await self.close(session, key)

        await self._database.repeat(work)

    async def close(self, session: AsyncSession, key: Key) -> bool:
        """The same of one key, in the caller's transaction; False where it stays open."""
        statement = (
            update(TABLE)
            .where(is_key(key), _FREE, JournalRow.generation == JournalRow.done_generation + 1)
            .values(done_generation=JournalRow.generation, last_error=None, due_at=NEVER, updated_at=now())
        )
        return _changed(await session.execute(statement))

    async def explain(self, which: ColumnElement[bool], why: str) -> None:
        """Say of keys that are due and match a condition why nobody works on them; `why` begins with `waits:`.

        What a key's own attempts said stays.
        """
        error = JournalRow.last_error
        untold = and_(WAITS, _FREE, or_(error.is_(None), and_(error.like("waits:%"), error != why)))
        chosen = select(JournalRow.id).where(which, JournalRow.due_at <= moment(), untold).limit(BATCH)
        await self._in_batches(
            chosen, lambda ids: update(TABLE).where(JournalRow.id.in_(ids), untold).values(last_error=why)
        )

    async def tell(self, key: Key, progress: str) -> None:
        """Say of a key that is being worked on how far it is; its job shows it until the attempt ends."""
        statement = update(TABLE).where(is_key(key), ~_FREE).values(last_error=progress[:MAX_ERROR])
        await self._execute(statement)

    async def prune(self, keep: float) -> int:
        """Drop what was finished more than `keep` seconds ago, and what concerns pods that are no longer registered.

        Returns how many rows that were.
        """
        old = and_(~WAITS, JournalRow.updated_at < now() - timedelta(seconds=keep))
        # In one statement with the table of pods: no key of a pod that was registered a moment ago is dropped.
        lost = and_(JournalRow.pod_id != "", JournalRow.pod_id.not_in(select(PodRow.pod_id)))
        return await self._drop(old) + await self._drop(lost)

    async def _drop(self, which: ColumnElement[bool]) -> int:
        chosen = select(JournalRow.id).where(which, _FREE).limit(BATCH)
        return await self._in_batches(chosen, lambda ids: delete(TABLE).where(JournalRow.id.in_(ids), _FREE, which))

    async def _execute(self, statement: Executable) -> int:
        """Run one statement in a transaction; how many rows it matched."""

        async def work(session: AsyncSession) -> int:
            return _count(await session.execute(statement))

        return await self._database.repeat(work)

    async def _in_batches(self, choose: Select[str], change: Callable[[list[str]], Executable]) -> int:
        """Change the rows that are chosen, some at a time, until there are none; how many that were.

        Chosen and changed by primary key in two steps, so that only rows that are changed are locked.
        """
        total = 0
        for _ in range(BATCHES):
            async with self._database.transaction() as session:
                ids = sorted(await session.scalars(choose))
            if ids:
                total += await self._execute(change(ids))
            if len(ids) < BATCH:
                break
        return total


def _among(keys: Iterable[Key]) -> Iterator[ColumnElement[bool]]:
    """The conditions of which one holds for a row of these keys: all databases find them by the index of the keys."""
    alike: dict[tuple[str, str], list[str]] = {}
    for key in keys:
        alike.setdefault((key.kind, key.pod_id), []).append(key.resource_id)
    for (kind, pod_id), ids in alike.items():
        yield and_(TABLE.c.kind == kind, TABLE.c.resource_id.in_(ids), TABLE.c.pod_id == pod_id)


def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name


def _take(owner: str) -> Any:
    """The claim of a row. What is owned is due: a worker that looks for dead owners finds it among what is due."""
    due = case((JournalRow.due_at > moment(), moment()), else_=JournalRow.due_at)
    return update(TABLE).values(owner=owner, fence=JournalRow.fence + 1, beat=0, due_at=due, updated_at=now())


def _unless_asked_again(lease: Entry, value: Any, otherwise: Any) -> Any:
    """`value`, but `otherwise` where the key was asked for since it was claimed."""
    return case((JournalRow.generation == lease.generation, value), else_=otherwise)


def _changed(result: Any) -> bool:
    return _count(result) > 0


def _count(result: Any) -> int:
    """The rows that a statement matched (all drivers count these, also where nothing changes in them)."""
    return result.rowcount if isinstance(result, CursorResult) else 0
