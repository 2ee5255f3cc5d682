"""The addresses under which servers answer outside, read from the database that central Neutron and Triune share.

A pod knows a floating IP of a server elsewhere than the external network by an address between pods only, which a port
of its own holds at the top (`triune.network.routing.bridges`).
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Column, MetaData, String, Table, literal, select

from triune.db.engine import Database
from triune.network.names import FLOATING_DEVICE
from triune.portions import portions

# Servers of one statement.
AT_ONCE: Final = 500

# What is read of central Neutron's own tables: `neutron.db.models.l3`, `neutron.db.models_v2`.
TABLES: Final = MetaData()
FLOATING_IPS: Final = Table(
    "floatingips",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("floating_ip_address", String(64)),
    Column("fixed_port_id", String(36)),
)
PORTS: Final = Table("ports", TABLES, Column("id", String(36), primary_key=True), Column("device_id", String(255)))
ADDRESSES: Final = Table(
    "ipallocations",
    TABLES,
    Column("port_id", String(36), primary_key=True),
    Column("ip_address", String(64), primary_key=True),
)

# A server's id, and an address between pods.
Inner = tuple[str, str]


async def public_addresses(database: Database, server_ids: Iterable[str]) -> dict[Inner, str]:
    """The floating IP for which each address between pods stands. Raises `DatabaseUnavailable`."""
    found: dict[Inner, str] = {}
    servers, standing = PORTS.alias(), PORTS.alias()
    tables = (
        servers.join(FLOATING_IPS, FLOATING_IPS.c.fixed_port_id == servers.c.id)
        .join(standing, standing.c.device_id == literal(FLOATING_DEVICE) + FLOATING_IPS.c.id)
        .join(ADDRESSES, ADDRESSES.c.port_id == standing.c.id)
    )
    columns = servers.c.device_id, ADDRESSES.c.ip_address, FLOATING_IPS.c.floating_ip_address
    for some in portions(server_ids, AT_ONCE):
        async with database.transaction() as session:
            rows = await session.execute(select(*columns).select_from(tables).where(servers.c.device_id.in_(some)))
            found |= {(server_id, inner): floating for server_id, inner, floating in rows}
    return found
