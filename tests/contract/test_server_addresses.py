"""Addresses of servers: where a pod knows an address between pods, the public one is told."""

import uuid
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.schema import CreateTable

from triune.network.names import FLOATING_DEVICE
from triune.network.public_addresses import ADDRESSES, FLOATING_IPS, PORTS, TABLES

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


async def lead(gateway: Running, server_id: str, inner: str = INNER, public: str = PUBLIC) -> None:
    """A floating IP of central Neutron leads to a server, by way of an address between pods."""
    floating_id, port_id, standing_id = str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4())
    ports = [
        {"id": port_id, "device_id": server_id},
        {"id": standing_id, "device_id": f"{FLOATING_DEVICE}{floating_id}"},
    ]
    row = {"id": floating_id, "floating_ip_address": public, "fixed_port_id": port_id}
    async with gateway.shared.database.transaction() as session:
        await session.execute(insert(PORTS), ports)
        await session.execute(insert(FLOATING_IPS), [row])
        await session.execute(insert(ADDRESSES), [{"port_id": standing_id, "ip_address": inner}])


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
    # Another project has the same addresses between pods.
    await lead(neutron, near["id"], public="203.0.113.77")
    wanted = {far["id"]: [FIXED, PUBLIC], near["id"]: [FIXED, OWN], none["id"]: ["100.64.9.8"]}
    for server_id, addresses in wanted.items():
        shown = (await client.get(f"/compute/v2.1/servers/{server_id}")).json["server"]
        assert heard(shown) == addresses
    listed = (await client.get("/compute/v2.1/servers/detail")).json["servers"]
    assert {each["id"]: heard(each) for each in listed} == wanted


async def test_each_address_has_its_own_public_one(cloud: Cloud, neutron: Running, client: Client) -> None:
    addresses = {
        "blue": [told(FIXED, "fixed"), told(INNER), told("10.1.0.6", "fixed", OTHER_MAC)],
        "green": [told("10.2.0.5", "fixed", OTHER_MAC), told("100.64.9.9", mac=OTHER_MAC)],
    }
    server = cloud.pods[1].nova.add_server(client.token.project_id, addresses=addresses)
    await lead(neutron, server["id"])
    await lead(neutron, server["id"], "100.64.9.9", OWN)
    shown = (await client.get(f"/compute/v2.1/servers/{server['id']}")).json["server"]
    assert heard(shown) == [FIXED, PUBLIC, "10.1.0.6", "10.2.0.5", OWN]


@pytest.mark.proves("compute", "GET /servers/{server_id}/ips", "GET /servers/{server_id}/ips/{network_label}")
@pytest.mark.parametrize("label", ["blue", "addresses"])
async def test_addresses_alone_are_translated_too(cloud: Cloud, neutron: Running, client: Client, label: str) -> None:
    addresses = {label: [told(FIXED, "fixed"), told(INNER)]}
    server = cloud.pods[1].nova.add_server(client.token.project_id, addresses=addresses)
    await lead(neutron, server["id"])
    wanted = {label: [{"version": 4, "addr": FIXED}, {"version": 4, "addr": PUBLIC}]}
    path = f"/compute/v2.1/servers/{server['id']}/ips"
    assert (await client.get(path)).json == {"addresses": wanted}
    assert (await client.get(f"{path}/{label}")).json == wanted
    assert (await client.get(f"{path}/nowhere")).status == 404
    assert (await client.get(f"/compute/v2.1/servers/{uuid.uuid4()}/ips")).status == 404


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
