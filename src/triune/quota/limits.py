"""The limits that were set at the top: kept here, and brought to the pods by the work engine."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.engine import Database
from triune.db.models import JournalRow, LimitRow, RemovalRow
from triune.quota.scope import Scope, scope_of
from triune.work.journal import Journal
from triune.work.requests import Key, is_key

# Seconds for which the worker leaves pods to the request that asks for them itself.
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

    async def drop(
        self, scope: Scope, pod_ids: Collection[str], project_id: str | None, request_id: str
    ) -> list[Scope]:
        """Forget what was set for a project, with what was set for its users, or for one user.

        Returns what that was for, the given scope first.
        """

        async def write(session: AsyncSession) -> list[Scope]:
            await self._journal.request(
                session, [scope.key(pod_id) for pod_id in pod_ids], project_id, request_id, HANDS_OFF
            )
            scopes = [scope, *await _users(session, scope)]
            # Users have keys of their own, by which a limit may be under way that would come after the project's.
            keys = [each.key(pod_id) for each in scopes[1:] for pod_id in pod_ids]
            await self._journal.request(session, keys, project_id, request_id, HANDS_OFF)
            for each in scopes:
                await session.execute(delete(LimitRow).where(_is(each)))
                for pod_id in pod_ids:
                    key = each.key(pod_id)
                    await session.execute(delete(RemovalRow).where(_is_removal(key)))
                    session.add(RemovalRow(kind=key.kind, resource_id=key.resource_id, pod_id=key.pod_id))
            return scopes

        return await self._database.repeat(write)

    async def dropped(self, key: Key) -> int | None:
        """The generation of a key of which the pod may still have what was dropped; None where it has not."""
        statement = select(JournalRow.generation).where(is_key(key), exists().where(_is_removal(key)))
        async with self._database.transaction() as session:
            return await session.scalar(statement)

    async def dropped_in_pod(self, key: Key, generation: int, request_id: str | None) -> None:
        """Note that a pod has it no more, unless it was dropped again since that generation.

        What was set for the project's users went along there: the worker is asked to bring it again.
        """
        unchanged = exists().where(is_key(key), JournalRow.generation == generation)

        async def write(session: AsyncSession) -> None:
            users = await _users(session, scope_of(key.kind, key.resource_id))
            await self._journal.request(session, [user.key(key.pod_id) for user in users], None, request_id)
            await session.execute(delete(RemovalRow).where(_is_removal(key), unchanged))

        await self._database.repeat(write)

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
