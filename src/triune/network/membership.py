"""Who is a member of which security group, and who has which QoS policy: in a pod, and elsewhere.

Read from the database that central Neutron and Triune share, and not from the API: there the members of a group are
listed with all that ports have, and it is asked whenever one comes or goes.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, cast

from sqlalchemy import Column, MetaData, Select, String, Table, select, union_all

from triune.db.engine import Database
from triune.db.models import PlacementRow
from triune.network import forms
from triune.network.model import Members
from triune.portions import portions

# Values of one condition in one statement.
AT_ONCE: Final = 500

# What is read of central Neutron's own tables: `neutron.db.models_v2`, `neutron.db.models.securitygroup`,
# `neutron.db.models.allowed_address_pair`, `neutron.db.qos.models`. These columns have not changed since they exist.
TABLES: Final = MetaData()


def _table(name: str, *columns: str) -> Table:
    return Table(name, TABLES, *(Column(column, String(64), primary_key=True) for column in columns))


GROUPS: Final = _table("securitygroupportbindings", "port_id", "security_group_id")
FIXED_ADDRESSES: Final = _table("ipallocations", "port_id", "ip_address")
ALLOWED_ADDRESSES: Final = _table("allowedaddresspairs", "port_id", "ip_address")
PORT_POLICIES: Final = _table("qos_port_policy_bindings", "port_id", "policy_id")
NETWORK_POLICIES: Final = _table("qos_network_policy_bindings", "network_id", "policy_id")

# Joins go from Neutron's tables to Triune's: ids are compared as another collation there, so only this way has an
# index.
_PLACEMENTS: Final = cast(Table, PlacementRow.__table__)


class Membership:
    """All methods raise `DatabaseUnavailable`. Ids are those of central Neutron."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def here(self, group_ids: Iterable[str], pod_id: str) -> frozenset[str]:
        """Those of some groups that have members in a pod."""
        found: set[str] = set()
        for some in portions(group_ids, AT_ONCE):
            wanted = GROUPS.c.security_group_id.in_(some), _PLACEMENTS.c.pod_id == pod_id
            rows = await self._rows(_of_members(GROUPS.c.security_group_id).where(*wanted).distinct())
            found.update(row[0] for row in rows)
        return frozenset(found)

    async def members(self, group_ids: Iterable[str], pod_id: str) -> dict[str, Members]:
        """Of each group, whether it has members in a pod, and the addresses of its members in other pods."""
        wanted = set(group_ids)
        elsewhere: defaultdict[str, set[str]] = defaultdict(set)
        for some in portions(wanted, AT_ONCE):
            for group_id, address in await self._rows(_addresses_elsewhere(some, pod_id)):
                elsewhere[group_id].add(address)
        here = await self.here(wanted, pod_id)
        return {each: Members(each in here, forms.networks(elsewhere[each])) for each in wanted}

    async def has_policy(self, policy_id: str, pod_id: str) -> bool:
        """Whether a QoS policy is that of a port in a pod, or of the network of one."""
        for table, column in ((PORT_POLICIES, "port_id"), (NETWORK_POLICIES, "network_id")):
            placed = table.join(_PLACEMENTS, _PLACEMENTS.c[column] == table.c[column])
            limited = table.c.policy_id == policy_id, _PLACEMENTS.c.pod_id == pod_id
            if await self._rows(select(table.c.policy_id).select_from(placed).where(*limited).limit(1)):
                return True
        return False

    async def _rows(self, query: Select[Any]) -> list[Any]:
        async with self._database.transaction() as session:
            return list((await session.execute(query)).all())


def _of_members(*columns: Any) -> Select[Any]:
    """What is asked of the members of groups and where they are."""
    placed = GROUPS.join(_PLACEMENTS, _PLACEMENTS.c.port_id == GROUPS.c.port_id)
    return select(*columns).select_from(placed)


def _addresses_elsewhere(group_ids: list[str], pod_id: str) -> Any:
    """Groups, and the addresses that members of them have in other pods, or may use there."""
    return union_all(
        *(
            _of_members(GROUPS.c.security_group_id, table.c.ip_address)
            .join(table, table.c.port_id == GROUPS.c.port_id)
            .where(GROUPS.c.security_group_id.in_(group_ids), _PLACEMENTS.c.pod_id != pod_id)
            for table in (FIXED_ADDRESSES, ALLOWED_ADDRESSES)
        )
    )
