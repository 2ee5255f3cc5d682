"""What is wanted of shared resources: written down together with the keys that see to it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import ChangeRow, JournalRow, PodRow, RemovalRow, now
from triune.shared.changes import change_of, changes_of
from triune.work.journal import Journal
from triune.work.requests import Key


class Intents:
    """Says of a resource in a pod that it is wanted there, or no more."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    async def wanted(self, keys: Iterable[Key], project_id: str | None, request_id: str, delay: float) -> None:
        """The resources of these keys are wanted in their pods; the worker looks after `delay` seconds."""
        await self._write(keys, project_id, request_id, delay, removed=False)

    async def removed(self, keys: Iterable[Key], project_id: str | None, request_id: str, delay: float) -> None:
        """The resources of these keys are wanted no more in their pods."""
        await self._write(keys, project_id, request_id, delay, removed=True)

    async def _write(
        self, keys: Iterable[Key], project_id: str | None, request_id: str, delay: float, removed: bool
    ) -> None:
        keys = sorted(set(keys))

        async def write(session: AsyncSession) -> None:
            # First, for it locks the key's row: two that want the opposite of one resource come one after the other.
            await self._journal.request(session, keys, project_id, request_id, delay)
            for key in keys:
                await session.execute(delete(RemovalRow).where(_is(key)))
                if removed:
                    # What was to be changed in it is not meant for another one of this id.
                    await session.execute(delete(ChangeRow).where(changes_of(change_of(key))))
                    session.add(RemovalRow(kind=key.kind, resource_id=key.resource_id, pod_id=key.pod_id))

        await self._database.repeat(write)

    async def is_removed(self, key: Key) -> bool:
        """Whether the resource is wanted no more in that pod."""
        async with self._database.transaction() as session:
            return await session.get(RemovalRow, (key.kind, key.resource_id, key.pod_id)) is not None

    async def prune(self, keep: float) -> None:
        """Forget removals older than `keep` seconds that were done, and what concerns pods that are not registered."""
        waiting = exists().where(
            JournalRow.kind == RemovalRow.kind,
            JournalRow.resource_id == RemovalRow.resource_id,
            JournalRow.pod_id == RemovalRow.pod_id,
            JournalRow.generation > JournalRow.done_generation,
        )
        statement = delete(RemovalRow).where(RemovalRow.created_at < now() - timedelta(seconds=keep), ~waiting)
        async with self._database.transaction() as session:
            await session.execute(statement)
            await session.execute(delete(ChangeRow).where(ChangeRow.pod_id.not_in(select(PodRow.pod_id))))


def _is(key: Key) -> Any:
    return and_(RemovalRow.kind == key.kind, RemovalRow.resource_id == key.resource_id, RemovalRow.pod_id == key.pod_id)
