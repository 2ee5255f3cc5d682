"""The table of routings: which resource is in which pod. A cache on disk, shared by all gateways."""

import asyncio
from collections.abc import Iterable
from typing import Any

from oslo_log import log as logging
from sqlalchemy import ColumnElement, Executable, delete, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from triune.db.engine import Database, log_failure
from triune.db.models import RoutingRow

LOG = logging.getLogger(__name__)

# Seconds that the database has for a read; a search of the pods is not slower than that.
DEADLINE = 2.0


class Routings:
    """Reads and writes routings.

    A database that does not answer costs a search of the pods and no request: errors are logged and read as "unknown".
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- where something is

    async def find(self, resource_type: str, top_id: str) -> str | None:
        """The id of the pod that holds a resource, if it is known."""
        return await self._one(select(RoutingRow.pod_id).where(*_is(resource_type, top_id)))

    async def bottom(self, resource_type: str, top_id: str, pod_id: str) -> str | None:
        """The id that a resource of the top has in a pod, if it is known."""
        return await self._one(select(RoutingRow.bottom_id).where(*_is(resource_type, top_id, pod_id)))

    async def owner(self, resource_type: str, top_id: str, pod_id: str) -> str | None:
        """The project of a resource of the top that is known to be in a pod."""
        return await self._one(select(RoutingRow.project_id).where(*_is(resource_type, top_id, pod_id)))

    async def bottoms(self, pod_id: str, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The ids that resources of the top, given by type and id, have in a pod, as far as they are known."""
        asked = set(wanted)
        query = select(RoutingRow.resource_type, RoutingRow.top_id, RoutingRow.bottom_id).where(
            RoutingRow.top_id.in_({top_id for _, top_id in asked}), RoutingRow.pod_id == pod_id
        )
        rows = await self._rows(query)
        return {(kind, top_id): bottom_id for kind, top_id, bottom_id in rows if (kind, top_id) in asked}

    async def tops(self, resource_type: str, pod_id: str, bottom_ids: Iterable[str]) -> dict[str, str]:
        """The ids at the top of those resources of a pod whose ids there are known to differ."""
        query = select(RoutingRow.bottom_id, RoutingRow.top_id).where(
            *_differs(resource_type, bottom_ids), RoutingRow.pod_id == pod_id
        )
        return dict(await self._rows(query))

    async def top_ids(self, resource_type: str, bottom_ids: Iterable[str]) -> dict[str, str]:
        """The ids at the top of resources that have these ids in whichever pod, the same or others; as far as known."""
        query = select(RoutingRow.bottom_id, RoutingRow.top_id).where(
            RoutingRow.bottom_id.in_(list(bottom_ids)), RoutingRow.resource_type == resource_type
        )
        return dict(await self._rows(query))

    async def twins(self, resource_type: str, ids: Iterable[str]) -> set[str]:
        """Those of some ids that are known to be what resources of the top are called in a pod, in whichever."""
        return {row[0] for row in await self._rows(select(RoutingRow.bottom_id).where(*_differs(resource_type, ids)))}

    async def known(
        self, resource_type: str, pod_id: str, project_id: str | None, limit: int, all_projects: bool = False
    ) -> list[str]:
        """Ids of resources known to be in a pod, of one project or of all."""
        query = select(RoutingRow.top_id).where(RoutingRow.pod_id == pod_id, RoutingRow.resource_type == resource_type)
        if not all_projects:
            query = query.where(RoutingRow.project_id == project_id, RoutingRow.project_id.is_not(None))
        return [row[0] for row in await self._rows(query.order_by(RoutingRow.id.desc()).limit(limit))]

    async def pods_of(self, resource_type: str) -> set[str]:
        """The pods in which resources of a type are known to be."""
        query = select(RoutingRow.pod_id).where(RoutingRow.resource_type == resource_type).distinct()
        return {row[0] for row in await self._rows(query)}

    async def used_pods(self, project_id: str | None) -> dict[str, int]:
        """How many resources of a project are known to be in each pod."""
        counted = select(RoutingRow.pod_id, func.count()).where(RoutingRow.project_id == project_id)
        return dict(await self._rows(counted.group_by(RoutingRow.pod_id)))

    # -- remembering and forgetting

    async def add(self, resource_type: str, top_id: str, pod_id: str, project_id: str | None) -> None:
        """Remember that a resource with the same id at the top and in the pod is in this pod."""
        row = RoutingRow(
            top_id=top_id, bottom_id=top_id, pod_id=pod_id, project_id=project_id, resource_type=resource_type
        )
        try:
            async with self._database.transaction() as session:
                session.add(row)
        except IntegrityError:
            LOG.debug("The routing of %s %s is known already, or its pod is gone", resource_type, top_id)
        except (SQLAlchemyError, OSError) as error:
            log_failure(LOG, "A routing cannot be written", error)

    async def put(self, resource_type: str, top_id: str, pod_id: str, bottom_id: str, project_id: str | None) -> None:
        """Remember the id that a resource of the top has in a pod, in place of what was known."""
        row = _is(resource_type, top_id, pod_id)
        try:
            async with self._database.transaction() as session:
                known = await session.scalar(select(RoutingRow.bottom_id).where(*row))
                if known == bottom_id:
                    return
                if known is not None:
                    await session.execute(delete(RoutingRow).where(*row))
                session.add(
                    RoutingRow(
                        top_id=top_id,
                        bottom_id=bottom_id,
                        pod_id=pod_id,
                        project_id=project_id,
                        resource_type=resource_type,
                    )
                )
        except IntegrityError:
            LOG.debug("The routing of %s %s was written by somebody else, or its pod is gone", resource_type, top_id)
        except (SQLAlchemyError, OSError) as error:
            log_failure(LOG, "A routing cannot be written", error)

    async def drop(self, resource_type: str, top_id: str, project_id: str | None = None) -> None:
        """Forget where a resource was; with `project_id`, only where it was that project's."""
        query = delete(RoutingRow).where(*_is(resource_type, top_id))
        await self._remove(query if project_id is None else query.where(RoutingRow.project_id == project_id))

    async def forget(self, resource_type: str, top_id: str, pod_id: str) -> None:
        """Forget the id that a resource of the top has in a pod."""
        await self._remove(delete(RoutingRow).where(*_is(resource_type, top_id, pod_id)))

    # -- the database

    async def _one(self, query: Any) -> str | None:
        found = await self._rows(query.limit(1))
        return found[0][0] if found else None

    async def _rows(self, query: Executable) -> list[Any]:
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return list((await session.execute(query)).all())
        except (SQLAlchemyError, OSError) as error:
            log_failure(LOG, "Routings cannot be read", error)
            return []

    async def _remove(self, query: Executable) -> None:
        try:
            async with self._database.transaction() as session:
                await session.execute(query)
        except (SQLAlchemyError, OSError) as error:
            log_failure(LOG, "A routing cannot be dropped", error)


def _is(resource_type: str, top_id: str, pod_id: str | None = None) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a row is that of a resource of the top, in one pod or in any."""
    resource = RoutingRow.top_id == top_id, RoutingRow.resource_type == resource_type
    return resource if pod_id is None else (*resource, RoutingRow.pod_id == pod_id)


def _differs(resource_type: str, bottom_ids: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a row is that of a resource that has one of these ids in a pod, and another at the top."""
    return (
        RoutingRow.bottom_id.in_(list(bottom_ids)),
        RoutingRow.bottom_id != RoutingRow.top_id,
        RoutingRow.resource_type == resource_type,
    )
