"""What was removed from all pods: the intent, committed before the first pod is asked."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Delete, delete, exists

from triune.db.engine import Database
from triune.db.models import JournalRow, RemovalRow, now
from triune.work.journal import Journal, Key


class Intents:
    """Writes down that a resource is wanted in all pods, or in none, together with the keys that see to it."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    async def wanted(self, keys: Iterable[Key], project_id: str | None, request_id: str, delay: float) -> None:
        """The resource of these keys (one for each pod) is wanted. The worker looks at them after `delay` seconds."""
        await self._write(list(keys), project_id, request_id, delay, removed=False)

    async def removed(self, keys: Iterable[Key], project_id: str | None, request_id: str, delay: float) -> None:
        """The resource of these keys is wanted no more."""
        await self._write(list(keys), project_id, request_id, delay, removed=True)

    async def _write(
        self, keys: list[Key], project_id: str | None, request_id: str, delay: float, removed: bool
    ) -> None:
        async with self._database.transaction() as session:
            for kind, resource_id in {(key.kind, key.resource_id) for key in keys}:
                await session.execute(_removal(kind, resource_id))
                if removed:
                    session.add(RemovalRow(kind=kind, resource_id=resource_id))
            for key in keys:
                await self._journal.request(session, key, project_id, request_id, delay)

    async def is_removed(self, kind: str, resource_id: str) -> bool:
        """Whether the resource was removed at the top."""
        async with self._database.transaction() as session:
            return await session.get(RemovalRow, (kind, resource_id)) is not None

    async def prune(self, keep: float) -> None:
        """Forget removals older than `keep` seconds that no pod has still to catch up with."""
        waiting = exists().where(
            JournalRow.kind == RemovalRow.kind,
            JournalRow.resource_id == RemovalRow.resource_id,
            JournalRow.generation > JournalRow.done_generation,
        )
        statement = delete(RemovalRow).where(RemovalRow.created_at < now() - timedelta(seconds=keep), ~waiting)
        async with self._database.transaction() as session:
            await session.execute(statement)


def _removal(kind: str, resource_id: str) -> Delete:
    return delete(RemovalRow).where(RemovalRow.kind == kind, RemovalRow.resource_id == resource_id)
