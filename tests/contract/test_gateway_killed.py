"""The gateway is killed while servers get their ports: a worker settles what it finds."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from triune.db.models import JournalRow
from triune.network.names import SERVER

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .servers_on_networks import DEADLINES, attach, boot, given, idle, is_in_order, new_server, servers, tenants_ports
from .test_convergence import eventually, working

JSON = dict[str, Any]

pytestmark = [
    pytest.mark.faults,
    pytest.mark.usefixtures("wired", "hasty"),
    pytest.mark.parametrize("settings", [{"pods": DEADLINES}], indirect=True, ids=["short"]),
]

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
