"""Members of groups and users of policies, read from central Neutron's tables."""

import pytest
from sqlalchemy import insert
from sqlalchemy.schema import CreateTable

from triune.db.engine import Database
from triune.db.models import PlacementRow
from triune.network import membership
from triune.network.membership import Membership
from triune.network.model import Members


@pytest.fixture
async def neutron(database: Database) -> Database:
    """A database with central Neutron's tables in it."""
    async with database.transaction() as session:
        for table in membership.TABLES.sorted_tables:
            await session.execute(CreateTable(table, if_not_exists=True))
            await session.execute(table.delete())
    return database


async def port(
    database: Database,
    port_id: str,
    pod_id: str = "",
    groups: tuple[str, ...] = (),
    addresses: tuple[str, ...] = (),
    allowed: tuple[str, ...] = (),
    policy: str = "",
) -> None:
    """A port of network `n`, in a pod or in none."""
    rows = {
        membership.GROUPS: [{"security_group_id": each} for each in groups],
        membership.FIXED_ADDRESSES: [{"ip_address": each} for each in addresses],
        membership.ALLOWED_ADDRESSES: [{"ip_address": each} for each in allowed],
        membership.PORT_POLICIES: [{"policy_id": policy}] if policy else [],
    }
    async with database.transaction() as session:
        for table, values in rows.items():
            if values:
                await session.execute(insert(table), [{"port_id": port_id, **each} for each in values])
        if pod_id:
            session.add(PlacementRow(port_id=port_id, network_id="n", pod_id=pod_id, project_id="p"))


async def test_members_are_here_and_elsewhere(neutron: Database) -> None:
    await port(neutron, "1", "p1", groups=("web", "db"), addresses=("10.0.0.1", "fd00::1"))
    await port(neutron, "2", "p2", groups=("web",), addresses=("10.0.0.2", "fd00::2"), allowed=("10.9.0.0/24",))
    await port(neutron, "3", "", groups=("web", "idle"), addresses=("10.0.0.3",))
    known = Membership(neutron)
    assert await known.here(("web", "db", "idle", "none"), "p1") == {"web", "db"}
    assert await known.here(("web", "db"), "p2") == {"web"}
    assert await known.here((), "p1") == frozenset()
    assert await known.members(("web", "db", "none"), "p1") == {
        "web": Members(True, frozenset({"10.0.0.2/32", "fd00::2/128", "10.9.0.0/24"})),
        "db": Members(True),
        "none": Members(),
    }
    assert await known.members(("web", "db"), "p2") == {
        "web": Members(True, frozenset({"10.0.0.1/32", "fd00::1/128"})),
        "db": Members(False, frozenset({"10.0.0.1/32", "fd00::1/128"})),
    }


async def test_many_groups_are_asked_for_in_portions(neutron: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "AT_ONCE", 2)
    groups = [f"g{number}" for number in range(5)]
    for number, group in enumerate(groups):
        await port(neutron, str(number), "p1" if number else "p2", groups=(group,), addresses=(f"10.0.0.{number}",))
    known = Membership(neutron)
    assert await known.here(groups, "p1") == set(groups[1:])
    found = await known.members(groups, "p1")
    assert found.keys() == set(groups)
    assert {group: each.elsewhere for group, each in found.items() if each.elsewhere} == {"g0": {"10.0.0.0/32"}}


async def test_who_has_a_policy(neutron: Database) -> None:
    async with neutron.transaction() as session:
        await session.execute(insert(membership.NETWORK_POLICIES), [{"network_id": "n", "policy_id": "network"}])
    await port(neutron, "1", "p1", policy="gold")
    await port(neutron, "2", "", policy="idle")
    known = Membership(neutron)
    asked = [("gold", "p1"), ("gold", "p2"), ("idle", "p1"), ("network", "p1"), ("network", "p2")]
    assert [await known.has_policy(*each) for each in asked] == [True, False, False, True, False]
