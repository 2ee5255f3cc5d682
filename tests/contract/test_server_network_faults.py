"""Servers on networks while pods, central Neutron or the gateway fail: nothing is lost, nothing is left over."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from triune.cli import engine
from triune.db.models import JournalRow
from triune.network.boots import Boots, under_way
from triune.network.names import BOOT, BOOT_DEVICE, SERVER
from triune.network.top import central
from triune.network.top_ports import TopPorts

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client, Reply
from .gateway import Running
from .servers_on_networks import (
    boot,
    given,
    idle,
    message,
    nothing_is_left,
    refuse,
    settled,
    tenants_ports,
    third,
)
from .test_convergence import eventually, working

JSON = dict[str, Any]
DEADLINES = {"connect_timeout": 1, "list_deadline": 2, "request_deadline": 3}

pytestmark = [
    pytest.mark.faults,
    pytest.mark.usefixtures("wired"),
    pytest.mark.parametrize("settings", [{"pods": DEADLINES}], indirect=True, ids=["short"]),
]


@pytest.fixture(autouse=True)
def hasty(gateway: Running) -> None:
    """A port may be on its way for a short time only, so that the tests need not wait."""
    shared = gateway.shared
    ports = TopPorts(shared.service_user, central(shared.conf))
    boots = Boots(shared.registry, shared.routings, shared.service_user, ports, under_way=1.0)
    dict.__setitem__(shared.runner.handlers, BOOT, boots)  # type: ignore[index]


def servers(cloud: Cloud) -> list[Record]:
    return [server for pod in cloud.pods for server in pod.nova.servers.values()]


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
    assert reply.status == 400
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


def is_in_order(cloud: Cloud, *free: Record) -> bool:
    """Every port is a server's, at the top and in its pod alike; those that were given (`free`) may be nobody's."""
    twins = {name: twin for pod in cloud.pods for twin in pod.neutron.ports.values() for name in twin["tags"]}
    twins.pop("triune", None)
    owned = {f"triune:{port['id']}": port for port in tenants_ports(cloud) if port["device_id"]}
    nobodys = [port for port in tenants_ports(cloud) if not port["device_id"]]
    return (
        twins.keys() == owned.keys()
        and all(twins[name]["device_id"] == port["device_id"] for name, port in owned.items())
        and {port["device_id"] for port in owned.values()} <= {server["id"] for server in servers(cloud)}
        and all(port in free and port["binding:profile"] == {} for port in nobodys)
    )


async def attach(client: Client, server_id: str, **attachment: Any) -> Reply:
    path = f"/compute/v2.1/servers/{server_id}/os-interface"
    return await client.at("compute 2.49").post(path, {"interfaceAttachment": attachment})


async def new_server(cloud: Cloud, client: Client, network: Record) -> str:
    """The id of a server that has its port."""
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": network["id"]}])
    assert reply.status == 202, reply.text
    await settled(cloud)
    return str(reply.json["server"]["id"])


STEPS = [
    ("central", "GET /v2.0/networks"),
    ("central", "POST /v2.0/ports"),
    ("central", "PUT /v2.0/ports"),
    ("pod", "POST /v2.0/networks"),
    ("pod", "POST /v2.0/ports"),
    ("pod", "PUT /v2.0/ports/.*/tags"),
    ("nova", "POST .*/(servers|os-interface)$"),
]
# With other requests than for one server the process ends when a server is there already, and the network with it.
LATER_STEPS = [step for step in STEPS if not step[1].endswith("networks")]
KILLED = [
    *(("one", *step) for step in STEPS),
    *(("several", *step) for step in LATER_STEPS),
    *(("attach", *step) for step in LATER_STEPS),
]


@pytest.mark.parametrize(("what", "where", "step"), KILLED)
@pytest.mark.parametrize("late", [False, True])
async def test_a_gateway_killed_at_a_step(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, what: str, where: str, step: str, late: bool
) -> None:
    """Before or after a request has had its effect the process ends: a worker settles what it finds."""
    port = given(cloud, client, blue)
    nova, reached = cloud.pods[0].nova, asyncio.Event()

    async def stop_here(_request: Any) -> None:
        if what == "several" and not nova.servers:
            return
        reached.set()
        await asyncio.sleep(service.FOREVER)

    if what == "attach":
        server_id = await new_server(cloud, client, blue)
    fake: Any = {"central": cloud.central, "pod": cloud.pods[0].neutron, "nova": nova}[where]
    (fake.fails_late if late else fake.fails)(stop_here, step)
    on_blue: JSON = {"uuid": blue["id"]}
    if what == "one":
        asked = boot(client, availability_zone="az1", networks=[on_blue, {"port": port["id"]}])
    elif what == "several":
        asked = boot(client, availability_zone="az1", networks=[on_blue], min_count=3)
    else:
        made = step.startswith("POST /v2.0/ports") and where == "central"
        asked = attach(client, server_id, **({"net_id": blue["id"]} if made else {"port_id": port["id"]}))
    asking = asyncio.create_task(asked)
    async with asyncio.timeout(5):
        await reached.wait()
    await killed(gateway)
    asking.cancel()
    fake.fails(None)
    async with working(gateway):
        await eventually(lambda: is_in_order(cloud, port), 20)
        # A server that was just given an interface is looked at for longer than a test takes.
        await idle(gateway, but=SERVER if what == "attach" else "")
        await eventually(lambda: is_in_order(cloud, port), 20)
    assert is_in_order(cloud, port)
    # Whole servers, and no other.
    interfaces = {"one": {2}, "several": {1}, "attach": {1, 2}}[what]
    assert {len(nova.ports_of(server["id"])) for server in servers(cloud)} <= interfaces
    assert what == "one" or servers(cloud)


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


async def killed(gateway: Running) -> None:
    """End what is under way without letting it clean up, and let its leases be those of a dead process."""
    background = gateway.shared.background
    tasks = list(background._tasks)
    runner = gateway.shared.runner

    async def nothing(*_args: Any) -> bool:
        return True

    succeeded, release = runner.journal.succeeded, runner.journal.release
    runner.journal.succeeded = runner.journal.release = nothing  # type: ignore[method-assign,assignment]
    try:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        runner.journal.succeeded, runner.journal.release = succeeded, release  # type: ignore[method-assign]
    async with gateway.shared.database.transaction() as session:
        await session.execute(update(JournalRow).values(owner=None))


async def test_a_twin_that_the_pod_hides_is_not_taken_for_gone(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    """A Neutron that was just started shows administrators nothing for a moment; the server has its port."""
    nova, reached = cloud.pods[0].nova, asyncio.Event()

    async def stop_here(_request: Any) -> None:
        reached.set()
        await asyncio.sleep(service.FOREVER)

    nova.fails_late(stop_here, r"POST .*/servers$")
    asking = asyncio.create_task(boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}]))
    async with asyncio.timeout(5):
        await reached.wait()
    await killed(gateway)
    asking.cancel()
    nova.fails(None)
    cloud.pods[0].neutron.fails(nothing, r"GET /v2.0/ports$")
    async with working(gateway):
        await asyncio.sleep(2.5)
        assert len(tenants_ports(cloud)) == 1
        cloud.pods[0].neutron.fails(None)
        await eventually(lambda: is_in_order(cloud), 20)
        await idle(gateway)
    assert [port["device_id"] for port in tenants_ports(cloud)] == list(nova.servers)


async def nothing(_request: Any) -> Any:
    return service.web.json_response({"ports": []})


async def test_ports_of_attempts_that_nobody_remembers(
    cloud: Cloud, gateway: Running, client: Client, blue: Record
) -> None:
    """A request that was given up may have its effect later: central Neutron is asked whose ports there are."""
    cloud.central.add_port(client.token.project_id or "", blue, device_id=f"{BOOT_DEVICE}{uuid.uuid4()}")
    chore = next(each for each in engine.chores(gateway.shared) if each.name == "attempts")
    await chore.work()
    async with working(gateway):
        await eventually(lambda: not tenants_ports(cloud), 10)
