"""What is to be changed in shared resources of pods: kept as soon as the answer of the pod that judged it is there."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import ChangeRow, JournalRow
from triune.work.journal import Journal
from triune.work.requests import Key, is_key

# The parts of a resource with what they are to be; None: a part is to be no more.
Parts = Mapping[str, Any]


def change_of(key: Key) -> Key:
    """The key of what is to be changed in a resource; copying and removing it are another one's."""
    return replace(key, kind=f"{key.kind}_change")


class Changes:
    """Reads and writes them. All methods are transactions of their own, and raise `DatabaseUnavailable`.

    Of what is asked for one part the last counts, so they can be made in any order, and twice. Their keys are those of
    `change_of`, and pods are changed under the leases of these, so that nothing older comes later.
    """

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    async def wanted(
        self, keys: Iterable[Key], parts: Parts, project_id: str | None, request_id: str, delay: float
    ) -> None:
        """Change parts of the resources of these keys; the worker looks after `delay` seconds."""
        keys = sorted(set(keys))

        async def write(session: AsyncSession) -> None:
            # First, for it locks the keys' rows: two that change one resource come one after the other.
            await self._journal.request(session, keys, project_id, request_id, delay)
            for key in keys:
                await session.execute(delete(ChangeRow).where(changes_of(key), ChangeRow.part.in_(parts)))
                session.add_all(
                    ChangeRow(
                        kind=key.kind,
                        resource_id=key.resource_id,
                        pod_id=key.pod_id,
                        part=part,
                        value=json.dumps(value),
                    )
                    for part, value in parts.items()
                )

        await self._database.repeat(write)

    async def pods_behind(self, kind: str, resource_id: str) -> set[str]:
        """The ids of the pods that lack a change of a resource, or may be getting it now."""
        statement = select(ChangeRow.pod_id).where(ChangeRow.kind == kind, ChangeRow.resource_id == resource_id)
        async with self._database.transaction() as session:
            return set(await session.scalars(statement))

    async def of(self, key: Key) -> tuple[int, dict[str, Any]]:
        """The generation of a key, and what is to be changed then."""
        async with self._database.transaction() as session:
            generation = await session.scalar(select(JournalRow.generation).where(is_key(key)))
            rows = await session.execute(select(ChangeRow.part, ChangeRow.value).where(changes_of(key)))
            return generation or 0, {row.part: json.loads(row.value) for row in rows}

    async def made(self, key: Key, generation: int, parts: Iterable[str]) -> None:
        """Forget parts that a pod has now, or never takes, unless more was asked for since that generation."""
        unchanged = exists().where(is_key(key), JournalRow.generation == generation)

        async def write(session: AsyncSession) -> None:
            await session.execute(delete(ChangeRow).where(changes_of(key), ChangeRow.part.in_(parts), unchanged))

        await self._database.repeat(write)


def changes_of(key: Key) -> ColumnElement[bool]:
    """The condition that a row is a change that a key brings."""
    return and_(ChangeRow.kind == key.kind, ChangeRow.resource_id == key.resource_id, ChangeRow.pod_id == key.pod_id)
