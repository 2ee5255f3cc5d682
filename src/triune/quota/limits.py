"""The limits that were set at the top: kept here, and brought to the pods by the work engine."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import LimitRow, RemovalRow
from triune.quota.scope import Scope, scope_of
from triune.work.journal import Journal
from triune.work.requests import Key

# Seconds for which the worker leaves pods to the request that is at work on them.
HANDS_OFF = 2.0


class Limits:
    """Reads and writes them. All methods are transactions of their own, and raise `DatabaseUnavailable`."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    async def of(self, scope: Scope) -> dict[str, int]:
        """What was set for this very scope."""
        statement = select(LimitRow.name, LimitRow.value).where(_is(scope))
        async with self._database.transaction() as session:
            return {row.name: row.value for row in await session.execute(statement)}

    async def users(self, project: Scope) -> list[Scope]:
        """The users of a project for whom something was set."""
        async with self._database.transaction() as session:
            return await _users(session, project)

    async def set(
        self, scope: Scope, limits: Mapping[str, int], pod_ids: Iterable[str], project_id: str | None, request_id: str
    ) -> None:
        """Set limits; what else was set for the scope stays. The worker looks at the pods after `HANDS_OFF`."""
        keys = [scope.key(pod_id) for pod_id in pod_ids]

        async def write(session: AsyncSession) -> None:
            # First, for it locks the keys' rows: two that set limits of one scope come one after the other.
            await self._journal.request(session, keys, project_id, request_id, HANDS_OFF)
            await session.execute(delete(LimitRow).where(_is(scope), LimitRow.name.in_(limits)))
            session.add_all(
                LimitRow(kind=scope.kind, resource_id=scope.resource_id, name=name, value=value)
                for name, value in limits.items()
            )

        await self._database.repeat(write)

    async def drop(self, scope: Scope, pod_ids: Iterable[str], project_id: str | None, request_id: str) -> None:
        """Forget what was set for a project, with what was set for its users, or for one user."""
        keys = [scope.key(pod_id) for pod_id in pod_ids]

        async def write(session: AsyncSession) -> None:
            await self._journal.request(session, keys, project_id, request_id, HANDS_OFF)
            for each in [scope, *await _users(session, scope)]:
                await session.execute(delete(LimitRow).where(_is(each)))
            for key in keys:
                await session.execute(delete(RemovalRow).where(_is_removal(key)))
                session.add(RemovalRow(kind=key.kind, resource_id=key.resource_id, pod_id=key.pod_id))

        await self._database.repeat(write)

    async def is_dropped(self, key: Key) -> bool:
        """Whether a pod may still have what was dropped."""
        async with self._database.transaction() as session:
            return await session.get(RemovalRow, (key.kind, key.resource_id, key.pod_id)) is not None

    async def dropped_in_pod(self, key: Key) -> None:
        """Note that a pod has it no more."""
        async with self._database.transaction() as session:
            await session.execute(delete(RemovalRow).where(_is_removal(key)))

    async def wanted_in(self, pod_id: str, request_id: str) -> None:
        """Have the worker bring everything that was set to a pod, behind what users ask for."""

        async def write(session: AsyncSession) -> None:
            scopes = await session.execute(select(LimitRow.kind, LimitRow.resource_id).distinct())
            keys = [Key(kind, resource_id, pod_id) for kind, resource_id in scopes]
            await self._journal.request(session, keys, None, request_id, backlog=True)

        await self._database.repeat(write)


async def _users(session: AsyncSession, project: Scope) -> list[Scope]:
    if project.is_class or project.user_id or project.service != "compute":
        return []
    one = Scope(project.service, project.name, "any")
    statement = (
        select(LimitRow.resource_id)
        .where(LimitRow.kind == one.kind, LimitRow.resource_id.startswith(f"{project.name}/", autoescape=True))
        .distinct()
    )
    found = [scope_of(one.kind, resource_id) for resource_id in await session.scalars(statement)]
    # SQLite does not tell the case of letters here.
    return [scope for scope in found if scope.name == project.name]


def _is(scope: Scope) -> ColumnElement[bool]:
    return and_(LimitRow.kind == scope.kind, LimitRow.resource_id == scope.resource_id)


def _is_removal(key: Key) -> ColumnElement[bool]:
    return and_(RemovalRow.kind == key.kind, RemovalRow.resource_id == key.resource_id, RemovalRow.pod_id == key.pod_id)
