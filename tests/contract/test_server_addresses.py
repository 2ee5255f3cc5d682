"""Addresses of servers: where a pod knows an address between pods, the public one is told."""

from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.schema import CreateTable

from triune.network.public_addresses import FLOATING_IPS, PORTS, TABLES

from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running

FIXED, INNER, PUBLIC, OWN = "10.1.0.5", "100.64.9.7", "203.0.113.9", "203.0.113.50"
MAC, OTHER_MAC = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"


def told(addr: str, kind: str = "floating", mac: str = MAC) -> dict[str, Any]:
    """An address as Nova tells it."""
    return {"version": 4, "addr": addr, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": mac}


@pytest.fixture
async def neutron(gateway: Running) -> Running:
    """A gateway whose database has central Neutron's tables."""
    async with gateway.shared.database.transaction() as session:
        for table in TABLES.sorted_tables:
            await session.execute(CreateTable(table))
    return gateway


async def lead(gateway: Running, server_id: str, public: str = PUBLIC, fixed: str = FIXED) -> None:
    """A floating IP of central Neutron leads to a server."""
    port_id = f"{server_id[:8]}-{fixed}"
    row = {"floating_ip_address": public, "fixed_port_id": port_id, "fixed_ip_address": fixed}
    async with gateway.shared.database.transaction() as session:
        await session.execute(insert(PORTS), [{"id": port_id, "device_id": server_id}])
        await session.execute(insert(FLOATING_IPS), [row])


def heard(server: dict[str, Any]) -> list[str]:
    return [each["addr"] for network in server["addresses"].values() for each in network]


async def test_the_public_address_stands_for_the_one_between_pods(
    cloud: Cloud, neutron: Running, client: Client
) -> None:
    project = client.token.project_id
    far = cloud.pods[1].nova.add_server(project, addresses={"blue": [told(FIXED, "fixed"), told(INNER)]})
    near = cloud.pods[0].nova.add_server(project, addresses={"blue": [told(FIXED, "fixed"), told(OWN)]})
    none = cloud.pods[0].nova.add_server(project, addresses={"blue": [told("100.64.9.8", "fixed")]})
    await lead(neutron, far["id"])
    wanted = {far["id"]: [FIXED, PUBLIC], near["id"]: [FIXED, OWN], none["id"]: ["100.64.9.8"]}
    for server_id, addresses in wanted.items():
        shown = (await client.get(f"/compute/v2.1/servers/{server_id}")).json["server"]
        assert heard(shown) == addresses
    listed = (await client.get("/compute/v2.1/servers/detail")).json["servers"]
    assert {each["id"]: heard(each) for each in listed} == wanted


async def test_each_address_has_its_own_public_one(cloud: Cloud, neutron: Running, client: Client) -> None:
    """Nova tells them per network and MAC; two networks may have the same addresses."""
    addresses = {
        "blue": [told(FIXED, "fixed"), told(INNER), told("10.1.0.6", "fixed", OTHER_MAC)],
        "green": [told("10.2.0.5", "fixed", OTHER_MAC), told("100.64.9.9", mac=OTHER_MAC)],
    }
    server = cloud.pods[1].nova.add_server(client.token.project_id, addresses=addresses)
    await lead(neutron, server["id"])
    await lead(neutron, server["id"], OWN, "10.2.0.5")
    shown = (await client.get(f"/compute/v2.1/servers/{server['id']}")).json["server"]
    assert heard(shown) == [FIXED, PUBLIC, "10.1.0.6", "10.2.0.5", OWN]


async def test_what_nobody_knows_stays(cloud: Cloud, neutron: Running, client: Client) -> None:
    addresses = {"blue": [told(FIXED, "fixed"), told(INNER)]}
    server = cloud.pods[1].nova.add_server(client.token.project_id, addresses=addresses)
    reply = await client.get(f"/compute/v2.1/servers/{server['id']}")
    assert heard(reply.json["server"]) == [FIXED, INNER]


async def test_without_central_neutrons_tables_servers_are_shown(cloud: Cloud, client: Client) -> None:
    addresses = {"blue": [told(FIXED, "fixed"), told(INNER)]}
    cloud.pods[1].nova.add_server(client.token.project_id, addresses=addresses)
    reply = await client.get("/compute/v2.1/servers/detail")
    assert reply.status == 200 and heard(reply.json["servers"][0]) == [FIXED, INNER]
