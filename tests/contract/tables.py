"""The tables of central Neutron that Triune reads, for a fake that keeps its records in memory."""

from collections.abc import Iterator

from sqlalchemy import delete, insert
from sqlalchemy.schema import CreateTable

from triune.db.engine import Database
from triune.db.models import PlacementRow
from triune.network import membership
from triune.network.names import ROUTING_OWNERS

from .cloud.neutron import Neutron, Record

# A table's name, and the values of a row.
Row = tuple[str, str, str]


class Tables:
    """They follow a fake central Neutron whenever `follow` is called."""

    def __init__(self, database: Database, central: Neutron) -> None:
        self._database = database
        self._central = central
        self._rows: frozenset[Row] | None = None

    async def place(self, port: Record, pod_id: str | None) -> None:
        """Place a part of a router, as central Neutron does by itself: in the table alone; None: nowhere."""
        async with self._database.transaction() as session:
            await session.execute(delete(PlacementRow).where(PlacementRow.port_id == port["id"]))
            if pod_id is not None:
                row = {"network_id": port["network_id"], "project_id": port["project_id"], "pod_id": pod_id}
                session.add(PlacementRow(port_id=port["id"], **row))

    async def follow(self) -> None:
        """Bring the tables to what the records are."""
        wanted = frozenset(_rows(self._central))
        if wanted == self._rows:
            return
        async with self._database.transaction() as session:
            for table in membership.TABLES.sorted_tables:
                await session.execute(CreateTable(table, if_not_exists=True))
                await session.execute(delete(table))
                rows = [dict(zip(table.c.keys(), row, strict=True)) for name, *row in wanted if name == table.name]
                if rows:
                    await session.execute(insert(table), rows)
        self._rows = wanted


def _rows(central: Neutron) -> Iterator[Row]:
    for port in central.ports.values():
        for group_id in port["security_groups"]:
            yield membership.GROUPS.name, port["id"], group_id
        for fixed in port["fixed_ips"]:
            yield membership.FIXED_ADDRESSES.name, port["id"], fixed["ip_address"]
        for pair in port.get("allowed_address_pairs") or ():
            yield membership.ALLOWED_ADDRESSES.name, port["id"], pair["ip_address"]
        if port.get("qos_policy_id"):
            yield membership.PORT_POLICIES.name, port["id"], port["qos_policy_id"]
    for network in central.networks.values():
        if network.get("qos_policy_id"):
            yield membership.NETWORK_POLICIES.name, network["id"], network["qos_policy_id"]


def places_itself(port: Record | None) -> bool:
    """Whether central Neutron places a port without a profile: its row is as `Tables.place` has left it."""
    return port is not None and port["device_owner"] in ROUTING_OWNERS
