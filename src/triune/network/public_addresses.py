"""The addresses under which servers answer outside, read from the database that central Neutron and Triune share.

A pod knows a floating IP of a server elsewhere than the external network by an address between pods only.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Column, MetaData, String, Table, select

from triune.db.engine import Database
from triune.portions import portions

# Servers of one statement.
AT_ONCE: Final = 500

# What is read of central Neutron's own tables: `neutron.db.models.l3`, `neutron.db.models_v2`.
TABLES: Final = MetaData()
FLOATING_IPS: Final = Table(
    "floatingips",
    TABLES,
    Column("floating_ip_address", String(64), primary_key=True),
    Column("fixed_port_id", String(36), primary_key=True),
    Column("fixed_ip_address", String(64)),
)
PORTS: Final = Table("ports", TABLES, Column("id", String(36), primary_key=True), Column("device_id", String(255)))

# A server's id, and one of its fixed addresses.
Place = tuple[str, str]


async def public_addresses(database: Database, server_ids: Iterable[str]) -> dict[Place, str]:
    """The floating IP of each fixed address of some servers. Raises `DatabaseUnavailable`."""
    found: dict[Place, str] = {}
    ports = FLOATING_IPS.join(PORTS, PORTS.c.id == FLOATING_IPS.c.fixed_port_id)
    columns = PORTS.c.device_id, FLOATING_IPS.c.fixed_ip_address, FLOATING_IPS.c.floating_ip_address
    for some in portions(server_ids, AT_ONCE):
        async with database.transaction() as session:
            rows = await session.execute(select(*columns).select_from(ports).where(PORTS.c.device_id.in_(some)))
            found |= {(server_id, fixed): floating for server_id, fixed, floating in rows}
    return found
