"""Several servers by one request, each with ports of its own: as many as can be had, or none."""

import asyncio
from typing import Any

import pytest

from triune.gateway.compute.boot import AT_ONCE
from triune.network.asking import waiting
from triune.network.names import SERVER
from triune.work.requests import Key

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .servers_on_networks import boot, idle, message, refuse, settled, tenants_ports, third
from .test_convergence import eventually, working

pytestmark = pytest.mark.usefixtures("wired")


async def test_several_servers_at_once(cloud: Cloud, client: Client, blue: Record) -> None:
    networks = [{"uuid": blue["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks, min_count=3, adminPass="secret")
    assert reply.status == 202, reply.text
    servers = cloud.pods[0].nova.servers
    assert sorted(server["name"] for server in servers.values()) == ["vm-1", "vm-2", "vm-3"]
    assert servers[reply.json["server"]["id"]]["name"] == "vm-1"
    assert {port["device_id"] for port in await settled(cloud)} == set(servers)
    reply = await boot(client, availability_zone="az1", networks=networks, return_reservation_id=True)
    assert reply.status == 202
    assert list(reply.json) == ["reservation_id"] and reply.json["reservation_id"].startswith("r-")


@pytest.mark.proves("compute", "GET /servers")
async def test_a_reservation_of_several_servers_finds_them_all(cloud: Cloud, client: Client, blue: Record) -> None:
    networks = [{"uuid": blue["id"]}]
    other = await boot(client, availability_zone="az1", networks=networks)
    reply = await boot(
        client, availability_zone="az1", networks=networks, min_count=2, max_count=3, return_reservation_id=True
    )
    assert reply.status == 202, reply.text
    assert list(reply.json) == ["reservation_id"] and "Location" not in reply.headers
    made = set(cloud.pods[0].nova.servers) - {other.json["server"]["id"]}
    assert len(made) == 3
    for path in ("servers", "servers/detail"):
        listed = await client.get(f"/compute/v2.1/{path}?reservation_id={reply.json['reservation_id']}")
        assert {server["id"] for server in listed.json["servers"]} == made
    # Page by page as well.
    found: set[str] = set()
    url = f"/compute/v2.1/servers?limit=1&reservation_id={reply.json['reservation_id']}"
    for _ in range(3):
        page = (await client.get(url)).json
        found |= {server["id"] for server in page["servers"]}
        url = page["servers_links"][0]["href"]
    assert found == made
    assert (await client.get(url)).json["servers"] == []


@pytest.mark.parametrize("fault", [service.drop, service.status(500), service.text("{}")])
async def test_a_reservation_that_cannot_be_looked_up_does_not_fail_the_server(
    cloud: Cloud, client: Client, blue: Record, fault: Any
) -> None:
    cloud.pods[0].nova.fails(fault, "GET .*/servers/")
    networks = [{"uuid": blue["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks, return_reservation_id=True)
    assert (reply.status, reply.json) == (202, {"reservation_id": ""})


@pytest.mark.parametrize(("least", "status", "left"), [(2, 202, 2), (3, 403, 0)])
async def test_several_servers_and_a_quota(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, least: int, status: int, left: int
) -> None:
    cloud.pods[0].nova.quota_instances = 2
    networks = [{"uuid": blue["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks, min_count=least, max_count=4)
    assert reply.status == status, reply.text
    assert len(cloud.pods[0].nova.servers) == left
    async with working(gateway):
        await eventually(lambda: len(tenants_ports(cloud)) == left)


async def test_what_came_before_a_refusal_goes_with_its_ports(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    """Servers that rest, whose ports nobody is at work on any more, are followed when they are taken back."""
    nova = cloud.pods[0].nova
    made: set[str] = set()

    async def late(request: Any) -> Any:
        async with asyncio.timeout(6):
            while len(nova.servers) < 2 or await at_work():
                await asyncio.sleep(0.05)
        made.update(nova.servers)
        return await refuse(request)

    async def at_work() -> list[Key]:
        found = [await waiting(gateway.shared.database, SERVER, server_id) for server_id in nova.servers]
        return [key for keys in found for key in keys]

    nova.fails(third(late), "POST .*/servers$")
    async with working(gateway):
        reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}], min_count=3)
        assert (reply.status, message(reply)) == (400, "no")
        assert not nova.servers
        await eventually(lambda: not tenants_ports(cloud))
        await idle(gateway)
    assert len(made) == 2
    assert not [server_id for server_id in made if await gateway.shared.routings.find("server", server_id)]


async def test_more_servers_than_anybody_has_names_for(cloud: Cloud, client: Client, blue: Record) -> None:
    """What is asked for costs nothing; what is made ends with the quota."""
    nova = cloud.pods[0].nova
    nova.quota_instances = 3
    networks = [{"uuid": blue["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks, min_count=2, max_count=2**31 - 1)
    assert reply.status == 202, reply.text
    assert len(nova.servers) == 3
    # Who was under way when the first was refused is refused too, and nobody after that.
    assert nova.count("POST", "/servers$") <= 3 + AT_ONCE
