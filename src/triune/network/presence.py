"""In which pods networks are, and may be."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from triune.db.engine import Database
from triune.db.models import PlacementRow
from triune.network.central import pods as central
from triune.network.central.presence import refusal
from triune.pods.registry import Pod


def allowed(network: Mapping[str, Any], pods: Iterable[Pod], present: Iterable[str]) -> frozenset[str]:
    """The ids of the pods in which a network, as Triune's own user sees it, may get a port.

    `present` are those in which it has ports. Central Neutron judges the same when a port is placed.
    """
    known = [central.Pod(pod.id, pod.region_name, pod.az_name, pod.enabled) for pod in pods]
    segments = network.get("segments") or [network]
    types = {str(segment.get("provider:network_type")) for segment in segments}
    hints, there = network.get("availability_zone_hints") or (), set(present)
    return frozenset(pod.id for pod in known if refusal(pod.id, known, hints, types, there - {pod.id}) is None)


class Presence:
    """Reads the table of placements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_networks(self, network_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """The ids of the pods in which each of these networks has ports."""
        wanted = list(network_ids)
        if not wanted:
            return {}
        query = (
            select(PlacementRow.network_id, PlacementRow.pod_id).where(PlacementRow.network_id.in_(wanted)).distinct()
        )
        async with self._database.transaction() as session:
            rows = (await session.execute(query)).all()
        return {network_id: frozenset(pod for found, pod in rows if found == network_id) for network_id in wanted}

    async def has_ports(self, pod_id: str) -> bool:
        """Whether any port of central Neutron is in a pod."""
        query = select(PlacementRow.port_id).where(PlacementRow.pod_id == pod_id).limit(1)
        async with self._database.transaction() as session:
            return await session.scalar(query) is not None
