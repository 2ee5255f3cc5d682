"""The table of routings: which resource is in which pod. A cache on disk, shared by all gateways."""

import asyncio
from collections.abc import Iterable
from typing import Any

from oslo_log import log as logging
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute

from triune.db.engine import Database
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

    async def find(self, resource_type: str, top_id: str) -> str | None:
        """The id of the pod that holds a resource, if it is known."""
        query = select(RoutingRow.pod_id).where(RoutingRow.top_id == top_id, RoutingRow.resource_type == resource_type)
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return await session.scalar(query.limit(1))
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return None

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
        except (SQLAlchemyError, OSError):
            LOG.exception("A routing cannot be written")

    async def drop(self, resource_type: str, top_id: str, project_id: str | None = None) -> None:
        """Forget where a resource was; with `project_id`, only where it was that project's."""
        query = delete(RoutingRow).where(RoutingRow.top_id == top_id, RoutingRow.resource_type == resource_type)
        if project_id is not None:
            query = query.where(RoutingRow.project_id == project_id)
        try:
            async with self._database.transaction() as session:
                await session.execute(query)
        except (SQLAlchemyError, OSError):
            LOG.exception("A routing cannot be dropped")

    async def known(
        self, resource_type: str, pod_id: str, project_id: str | None, limit: int, all_projects: bool = False
    ) -> list[str]:
        """Ids of resources known to be in a pod, of one project or of all."""
        query = select(RoutingRow.top_id).where(RoutingRow.pod_id == pod_id, RoutingRow.resource_type == resource_type)
        if not all_projects:
            query = query.where(RoutingRow.project_id == project_id, RoutingRow.project_id.is_not(None))
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return list(await session.scalars(query.order_by(RoutingRow.id.desc()).limit(limit)))
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return []

    async def bottom(self, resource_type: str, top_id: str, pod_id: str) -> str | None:
        """The id that a resource of the top has in a pod, if it is known."""
        return await self._one(RoutingRow.bottom_id, resource_type, top_id, pod_id)

    async def tops(self, resource_type: str, pod_id: str, bottom_ids: Iterable[str]) -> dict[str, str]:
        """The ids at the top of those resources of a pod whose ids there are known to differ."""
        query = select(RoutingRow.bottom_id, RoutingRow.top_id).where(
            RoutingRow.bottom_id.in_(list(bottom_ids)),
            RoutingRow.bottom_id != RoutingRow.top_id,
            RoutingRow.pod_id == pod_id,
            RoutingRow.resource_type == resource_type,
        )
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return dict((await session.execute(query)).all())
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return {}

    async def twins(self, resource_type: str, ids: Iterable[str]) -> set[str]:
        """Those of some ids that are known to be what resources of the top are called in a pod, in whichever."""
        query = select(RoutingRow.bottom_id).where(
            RoutingRow.bottom_id.in_(list(ids)),
            RoutingRow.bottom_id != RoutingRow.top_id,
            RoutingRow.resource_type == resource_type,
        )
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return set(await session.scalars(query))
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return set()

    async def bottoms(self, pod_id: str, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The ids that resources of the top, given by type and id, have in a pod, as far as they are known."""
        asked = set(wanted)
        query = select(RoutingRow.resource_type, RoutingRow.top_id, RoutingRow.bottom_id).where(
            RoutingRow.top_id.in_({top_id for _, top_id in asked}), RoutingRow.pod_id == pod_id
        )
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                rows = (await session.execute(query)).all()
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return {}
        return {(kind, top_id): bottom_id for kind, top_id, bottom_id in rows if (kind, top_id) in asked}

    async def owner(self, resource_type: str, top_id: str, pod_id: str) -> str | None:
        """The project of a resource of the top that is known to be in a pod."""
        return await self._one(RoutingRow.project_id, resource_type, top_id, pod_id)

    async def _one(
        self, column: InstrumentedAttribute[Any], resource_type: str, top_id: str, pod_id: str
    ) -> str | None:
        query = select(column).where(
            RoutingRow.top_id == top_id, RoutingRow.pod_id == pod_id, RoutingRow.resource_type == resource_type
        )
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return await session.scalar(query)
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return None

    async def put(self, resource_type: str, top_id: str, pod_id: str, bottom_id: str, project_id: str | None) -> None:
        """Remember the id that a resource of the top has in a pod, in place of what was known."""
        row = (
            RoutingRow.top_id == top_id,
            RoutingRow.pod_id == pod_id,
            RoutingRow.resource_type == resource_type,
        )
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
        except (SQLAlchemyError, OSError):
            LOG.exception("A routing cannot be written")

    async def forget(self, resource_type: str, top_id: str, pod_id: str) -> None:
        """Forget the id that a resource of the top has in a pod."""
        query = delete(RoutingRow).where(
            RoutingRow.top_id == top_id, RoutingRow.pod_id == pod_id, RoutingRow.resource_type == resource_type
        )
        try:
            async with self._database.transaction() as session:
                await session.execute(query)
        except (SQLAlchemyError, OSError):
            LOG.exception("A routing cannot be dropped")

    async def used_pods(self, project_id: str | None) -> dict[str, int]:
        """How many resources of a project are known to be in each pod."""
        query = (
            select(RoutingRow.pod_id, func.count())
            .where(RoutingRow.project_id == project_id)
            .group_by(RoutingRow.pod_id)
        )
        try:
            async with asyncio.timeout(DEADLINE), self._database.transaction() as session:
                return dict((await session.execute(query)).all())
        except (SQLAlchemyError, OSError):
            LOG.exception("Routings cannot be read")
            return {}
