"""Asking the work engine to look at something, in a transaction of its own."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import JournalRow
from triune.work.journal import Journal
from triune.work.requests import WAITS, Key


async def ask_for(
    database: Database,
    journal: Journal,
    keys: Iterable[Key],
    project_id: str | None,
    request_id: str | None,
    delay: float = 0.0,
) -> None:
    """Say that keys may differ; they are due in `delay` seconds. Raises `DatabaseUnavailable`."""
    wanted = list(keys)

    async def work(session: AsyncSession) -> None:
        await journal.request(session, wanted, project_id, request_id, delay)

    await database.repeat(work)


async def waiting(database: Database, kind: str, resource_id: str) -> list[Key]:
    """The keys of a resource, in whatever pods, that are asked for and not done. Raises `DatabaseUnavailable`."""
    query = select(JournalRow.pod_id).where(JournalRow.kind == kind, JournalRow.resource_id == resource_id, WAITS)
    async with database.transaction() as session:
        return [Key(kind, resource_id, pod_id) for pod_id in await session.scalars(query)]
