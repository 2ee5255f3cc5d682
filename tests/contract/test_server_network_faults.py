"""Servers on networks while pods or central Neutron fail: nothing is lost, nothing is left over."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from triune.cli import engine
from triune.network.boots import under_way
from triune.network.names import BOOT_DEVICE

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .servers_on_networks import (
    DEADLINES,
    attach,
    boot,
    given,
    idle,
    is_in_order,
    message,
    new_server,
    nothing_is_left,
    refuse,
    servers,
    settled,
    tenants_ports,
    third,
)
from .test_convergence import eventually, working

pytestmark = [
    pytest.mark.faults,
    pytest.mark.usefixtures("wired", "hasty"),
    pytest.mark.parametrize("settings", [{"pods": DEADLINES}], indirect=True, ids=["short"]),
]


@pytest.mark.parametrize("part", ["nova", "neutron", "both"])
async def test_the_next_pod_of_the_zone(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, part: str
) -> None:
    port = given(cloud, client, blue)
    # Both pods are candidates; the first is away.
    first = cloud.pods[0]
    for fake in {"nova": [first.nova], "neutron": [first.neutron], "both": [first.nova, first.neutron]}[part]:
        await fake.stop()
    reply = await boot(client, networks=[{"uuid": blue["id"]}, {"port": port["id"]}])
    assert reply.status == 202, reply.text
    server_id = reply.json["server"]["id"]
    assert set(cloud.pods[1].nova.servers) == {server_id}
    assert {each["device_id"] for each in await settled(cloud)} == {server_id}
    if part == "nova":
        async with working(gateway):
            await eventually(lambda: not first.neutron.ports and not first.neutron.networks)


@pytest.mark.parametrize("fault", [service.hang, service.drop, service.status(503)])
async def test_no_pod_left(cloud: Cloud, gateway: Running, client: Client, blue: Record, fault: Any) -> None:
    port = given(cloud, client, blue)
    cloud.pods[0].nova.fails(fault, "POST .*/servers$")
    networks = [{"uuid": blue["id"]}, {"port": port["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks)
    assert reply.status in (503, 504), reply.text
    assert "RegionOne" in message(reply)
    cloud.pods[0].nova.fails(None)
    async with working(gateway):
        await eventually(lambda: tenants_ports(cloud) == [port])
        await eventually(lambda: (port["device_id"], port["binding:profile"]) == ("", {}))
    await nothing_is_left(cloud, gateway)


async def test_an_answer_that_is_lost(cloud: Cloud, gateway: Running, client: Client, blue: Record) -> None:
    """The pod has made the server, but nobody heard of it: the ports are the server's."""
    nova = cloud.pods[0].nova
    nova.fails_late(service.drop, "POST .*/servers$")
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])
    assert reply.status == 504, reply.text
    (server,) = servers(cloud)
    nova.fails(None)
    nova.fails_late(None)
    async with working(gateway):
        await eventually(lambda: [port["device_id"] for port in tenants_ports(cloud)] == [server["id"]])
        await eventually(lambda: tenants_ports(cloud)[0]["status"] == "ACTIVE")


async def test_a_lost_answer_of_a_slow_pod(cloud: Cloud, gateway: Running, client: Client, blue: Record) -> None:
    nova = cloud.pods[0].nova
    nova.holds = True
    nova.fails_late(service.drop, "POST .*/servers$")
    assert (await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])).status == 504
    nova.fails_late(None)
    async with working(gateway):
        await eventually(lambda: nova.count("GET", "/servers/detail$") > 0)
        assert len(tenants_ports(cloud)) == 1
        (server,) = servers(cloud)
        nova.build(server)
        await eventually(lambda: [port["device_id"] for port in tenants_ports(cloud)] == [server["id"]])


@pytest.mark.parametrize(
    ("status", "mine", "age", "holds"),
    [
        ("BUILD", True, 0, True),
        ("BUILD", True, 7200, False),
        ("BUILD", True, -7200, False),
        ("BUILD", False, 0, False),
        ("ACTIVE", True, 0, False),
    ],
)
async def test_which_servers_may_still_take_a_port(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, status: str, mine: bool, age: int, holds: bool
) -> None:
    """One of the project that is being built for about as long as the port waits; no other keeps it."""
    nova = cloud.pods[0].nova
    created = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    project_id = client.token.project_id if mine else "somebody"
    nova.add_server(project_id or "", status=status, created=created, updated=created)
    nova.fails(service.drop, "POST .*/servers$")
    assert (await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])).status == 504
    nova.fails(None)
    async with working(gateway):
        await eventually(lambda: nova.count("GET", "/servers/detail$") > 0)
        if holds:
            await asyncio.sleep(0.5)
            assert len(tenants_ports(cloud)) == 1
        else:
            await eventually(lambda: not tenants_ports(cloud))


def test_a_port_may_be_on_its_way_for_longer_than_a_gateway_waits(gateway: Running) -> None:
    assert under_way(gateway.conf.pods.request_deadline) > gateway.conf.pods.request_deadline


def slow_to_give(seconds: float) -> Any:
    """Central Neutron takes its time to give a port to a server."""

    async def slow(request: Any) -> None:
        if (await request.json())["port"].get("device_owner", "").startswith("compute:"):
            await asyncio.sleep(seconds)

    return slow


async def test_central_neutron_is_slow_once_the_server_is_there(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    """Who looks at the server before it has its port sees nothing of it; somebody looks afterwards."""
    cloud.central.fails(slow_to_give(2.0), "PUT /v2.0/ports")
    async with working(gateway):
        assert (await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])).status == 202
        (port,) = await settled(cloud)
        await eventually(lambda: (port["status"], port["binding:host_id"]) == ("ACTIVE", "compute1"))


async def test_central_neutron_is_slow_when_the_worker_gives_the_port(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    cloud.central.fails(slow_to_give(1.0), "PUT /v2.0/ports")
    nova = cloud.pods[0].nova
    nova.fails_late(service.drop, "POST .*/servers$")
    assert (await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])).status == 504
    nova.fails(None)
    async with working(gateway):
        (port,) = await settled(cloud)
        await eventually(lambda: (port["status"], port["binding:host_id"]) == ("ACTIVE", "compute1"))


@pytest.mark.parametrize("path", ["POST /v2.0/ports", "PUT /v2.0/ports", "GET /v2.0/networks"])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("fault", [service.drop, service.status(500), service.hang])
async def test_central_neutron_fails(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, path: str, late: bool, fault: Any
) -> None:
    port = given(cloud, client, blue)
    (cloud.central.fails_late if late else cloud.central.fails)(fault, path)
    networks = [{"uuid": blue["id"]}, {"port": port["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks)
    assert reply.status in (202, 503, 504), reply.text
    assert "Central" not in message(reply) if reply.status != 202 else True
    cloud.central.fails(None)
    cloud.central.fails_late(None)
    async with working(gateway):
        if reply.status == 202:
            await eventually(lambda: {each["device_id"] for each in tenants_ports(cloud)} == {servers(cloud)[0]["id"]})
        else:
            await eventually(lambda: tenants_ports(cloud) == [port])
            await eventually(lambda: (port["device_id"], port["binding:profile"]) == ("", {}))
            assert not servers(cloud)
        await idle(gateway)


@pytest.mark.parametrize("path", ["POST /v2.0/ports", "PUT /v2.0/ports", "POST /v2.0/networks"])
async def test_the_pods_neutron_refuses(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, path: str
) -> None:
    cloud.pods[0].neutron.fails(service.status(500), path)
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])
    assert reply.status == 503
    assert "az1" in message(reply)
    assert not servers(cloud)
    cloud.pods[0].neutron.fails(None)
    await nothing_is_left(cloud, gateway)


async def test_what_cannot_be_taken_back_is_told(
    cloud: Cloud, client: Client, blue: Record, caplog: pytest.LogCaptureFixture
) -> None:
    nova = cloud.pods[0].nova

    async def fault(request: Any) -> Any:
        if request.method == "DELETE":
            return service.web.json_response({"conflictingRequest": {"code": 409, "message": "locked"}}, status=409)
        return await third(refuse)(request)

    nova.fails(fault, "(POST .*/servers$|DELETE)")
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}], min_count=3)
    assert reply.status == 504
    told = [record.getMessage() for record in caplog.records if "could not be deleted" in record.getMessage()]
    assert len(told) == 2
    assert all(any(server_id in text and "409" in text for text in told) for server_id in nova.servers)


@pytest.mark.parametrize("fault", [service.drop, service.status(500), service.hang])
@pytest.mark.parametrize("late", [False, True])
async def test_one_of_several_of_which_nobody_heard(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, late: bool, fault: Any
) -> None:
    """The pod may have made it: who asked gets to know of the others, and the worker settles its port."""
    nova = cloud.pods[0].nova
    (nova.fails_late if late else nova.fails)(third(fault), "POST .*/servers$")
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}], min_count=3)
    assert reply.status == 202, reply.text
    nova.fails(None)
    async with working(gateway):
        await eventually(lambda: {port["device_id"] for port in tenants_ports(cloud)} == set(nova.servers))
        await idle(gateway)
    assert sorted(each["name"] for each in servers(cloud)) == ["vm-1", "vm-2", "vm-3"][: 3 if late else 2]


@pytest.mark.parametrize("fault", [service.drop, service.status(500), service.hang])
@pytest.mark.parametrize("late", [False, True])
async def test_an_interface_of_which_nobody_heard(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, late: bool, fault: Any
) -> None:
    server_id = await new_server(cloud, client, blue)
    port, nova = given(cloud, client, blue), cloud.pods[0].nova
    (nova.fails_late if late else nova.fails)(fault, "POST .*os-interface")
    assert (await attach(client, server_id, port_id=port["id"])).status >= 500
    nova.fails(None)
    async with working(gateway):
        await eventually(lambda: is_in_order(cloud, port), 20)
    assert port["device_id"] == (server_id if late else "")


async def test_an_interface_comes_while_its_server_goes(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    async with working(gateway):
        for _ in range(3):
            server_id = await new_server(cloud, client, blue)
            path = f"/compute/v2.1/servers/{server_id}"
            attached, deleted = await asyncio.gather(attach(client, server_id, net_id=blue["id"]), client.delete(path))
            assert deleted.status == 204
            assert attached.status in (200, 404), attached.text
        await eventually(lambda: not servers(cloud) and not tenants_ports(cloud), 20)
        await idle(gateway)
    assert not cloud.pods[0].neutron.ports


async def test_ports_of_attempts_that_nobody_remembers(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    """A request that was given up may have its effect later: central Neutron is asked whose ports there are."""
    cloud.central.add_port(client.token.project_id or "", blue, device_id=f"{BOOT_DEVICE}{uuid.uuid4()}")
    chore = next(each for each in engine.chores(gateway.shared) if each.name == "attempts")
    await chore.work()
    async with working(gateway):
        await eventually(lambda: not tenants_ports(cloud), 10)
