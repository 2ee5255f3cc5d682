"""The registered pods, from the database, with a snapshot in memory for the hot path."""

import asyncio
import time
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass

from oslo_log import log as logging
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from triune.db.engine import Database, DatabaseUnavailable, log_failure
from triune.db.models import PodRow, RoutingRow

LOG = logging.getLogger(__name__)

# Seconds that the database has for the table.
DEADLINE = 10.0

# The ids of pods are made of this and of their regions' names.
_NAMESPACE = uuid.UUID("a7a0f3a2-33f4-4f0a-9c0e-5d8f1f6a1c58")

UPDATABLE = frozenset({"az_name", "pod_az_name", "dc_name", "enabled"})


@dataclass(frozen=True, slots=True)
class Pod:
    """One unmodified OpenStack region.

    `az_name` is the availability zone that tenants name; `pod_az_name` is the zone inside the pod that it stands for
    (empty: the pod's own default). A disabled pod gets no new resources; what it holds stays reachable.
    """

    id: str
    region_name: str
    az_name: str
    pod_az_name: str = ""
    dc_name: str = ""
    enabled: bool = True

    @property
    def is_central(self) -> bool:
        """Whether this entry stands for the central region itself."""
        return not self.az_name


def id_of(region_name: str) -> str:
    """The id of a region's pod: the same whenever it is registered, for ports of central Neutron remember it."""
    return str(uuid.uuid5(_NAMESPACE, region_name))


class DuplicatePod(Exception):
    """The region, or the central region, is registered already."""


class UnknownPod(Exception):
    """No pod has this id."""


class Registry:
    """Reads and writes the table of pods.

    Other processes' changes are seen after `refresh_interval` seconds; one's own at once.
    """

    def __init__(self, database: Database, refresh_interval: float) -> None:
        self._database = database
        self._refresh_interval = refresh_interval
        self._snapshot: tuple[Pod, ...] = ()
        self._loaded_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    async def pods(self) -> tuple[Pod, ...]:
        """All pods but the central entry, by region name.

        A stale snapshot is handed out while a new one is read in the background, so no request waits for the database.
        """
        age = time.monotonic() - self._loaded_at
        if self._loaded_at == float("-inf"):
            await self.refresh()
        elif age > self._refresh_interval and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh_quietly())
        return self._snapshot

    async def refresh(self) -> None:
        """Read the table now. Raises `DatabaseUnavailable`."""
        try:
            async with asyncio.timeout(DEADLINE):
                self._snapshot = tuple(pod for pod in await self.all() if not pod.is_central)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer in {DEADLINE:g} s") from error
        self._loaded_at = time.monotonic()

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except (SQLAlchemyError, OSError) as error:
            log_failure(LOG, "The table of pods cannot be read; going on with what was read before", error)

    async def all(self) -> list[Pod]:
        """Every entry of the table, the central one included, by region name."""
        async with self._database.transaction() as session:
            rows = await session.scalars(select(PodRow).order_by(PodRow.region_name))
            return [_pod(row) for row in rows]

    async def get(self, pod_id: str) -> Pod:
        """One entry. Raises `UnknownPod`."""
        async with self._database.transaction() as session:
            return _pod(await _row(session.get(PodRow, pod_id)))

    async def create(self, region_name: str, az_name: str, pod_az_name: str, dc_name: str) -> Pod:
        """Register a region; an empty `az_name` registers the central region itself.

        Raises `DuplicatePod`.
        """
        row = PodRow(
            pod_id=id_of(region_name),
            region_name=region_name,
            az_name=az_name,
            pod_az_name=pod_az_name if az_name else "",
            dc_name=dc_name,
            enabled=True,
        )
        try:
            async with self._database.transaction() as session:
                if not az_name:
                    centrals = select(func.count()).select_from(PodRow).where(PodRow.az_name == "")
                    if await session.scalar(centrals):
                        raise DuplicatePod("Top region already exists")
                twin = await session.scalar(select(PodRow).where(PodRow.region_name == region_name))
                if twin is not None:
                    same = "Record already exists"
                    raise DuplicatePod(same if twin.az_name else "Pod region name duplicated with the top region name")
                session.add(row)
        except IntegrityError as error:
            raise DuplicatePod("Record already exists") from error
        await self.refresh()
        return _pod(row)

    async def update(self, pod_id: str, values: dict[str, str | bool]) -> Pod:
        """Change some of `UPDATABLE`. Raises `UnknownPod`."""
        async with self._database.transaction() as session:
            row = await _row(session.get(PodRow, pod_id))
            for name in UPDATABLE & values.keys():
                setattr(row, name, values[name])
        await self.refresh()
        return _pod(row)

    async def delete(self, pod_id: str) -> None:
        """Remove an entry and its routings. Nothing in the pod is touched. Raises `UnknownPod`."""
        async with self._database.transaction() as session:
            row = await _row(session.get(PodRow, pod_id))
            await session.execute(delete(RoutingRow).where(RoutingRow.pod_id == pod_id))
            await session.delete(row)
        await self.refresh()


async def _row(query: Awaitable[PodRow | None]) -> PodRow:
    row = await query
    if row is None:
        raise UnknownPod
    return row


def _pod(row: PodRow) -> Pod:
    return Pod(row.pod_id, row.region_name, row.az_name, row.pod_az_name, row.dc_name, row.enabled)
