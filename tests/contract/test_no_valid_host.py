"""A pod whose scheduler finds no host: the next pod of the zone gets the server, and the user sees one."""

import asyncio
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .one_zone import holders, one_zone, post_server
from .servers_on_networks import boot, is_in_order, message, nothing_is_left, settled, tenants_ports
from .test_convergence import eventually, working
from .test_gateway_killed import killed

pytestmark = [pytest.mark.usefixtures("flavors")]
SHORT = pytest.mark.parametrize("settings", [{"gateway": {"scheduling_wait": 0.6}}], indirect=True)


@pytest.mark.proves("compute", "POST /servers")
async def test_the_next_pod_of_the_zone_gets_the_server(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    cloud.pods[0].nova.is_full = True
    reply = await post_server(client, availability_zone="az")
    assert reply.status == 202, reply.text
    assert holders(cloud) == [0, 1]
    (made,) = cloud.pods[1].nova.servers
    assert reply.json["server"]["id"] == made
    assert reply.headers["Location"] == f"{client.root}/compute/v2.1/servers/{made}"
    assert "Triune-Missing-Pods" not in reply.headers
    listed = (await client.get("/compute/v2.1/servers/detail")).json["servers"]
    assert [(server["id"], server["status"]) for server in listed] == [(made, "ACTIVE")]
    # The pod is remembered, and no other is searched.
    assert (await client.get(f"/compute/v2.1/servers/{made}")).status == 200
    assert cloud.pods[0].nova.count("GET", made) == 0


async def test_a_caller_who_may_only_make_servers(cloud: Cloud, client: Client, admin: Client) -> None:
    """His token is asked nothing else (access rules of application credentials)."""
    await one_zone(admin)
    nova = cloud.pods[0].nova
    nova.is_full = True
    assert (await post_server(client, availability_zone="az")).status == 202
    others = [asked for asked in nova.asked if "/servers" in asked.path and asked.method != "POST"]
    assert {asked.method for asked in others} == {"GET", "DELETE"}
    assert all(asked.headers["x-auth-token"] != client.token.id for asked in others)


async def test_where_no_pod_has_a_host_the_last_one_says_so(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    for pod in cloud.pods:
        pod.nova.is_full = True
    reply = await post_server(client, availability_zone="az")
    assert reply.status == 202
    assert holders(cloud) == [0, 1]
    shown = (await client.get(f"/compute/v2.1/servers/{reply.json['server']['id']}")).json["server"]
    assert shown["status"] == "ERROR"
    assert shown["fault"]["message"].startswith("No valid host was found")


async def test_the_only_pod_is_not_waited_for(cloud: Cloud, client: Client) -> None:
    nova = cloud.pods[0].nova
    nova.is_full = True
    reply = await post_server(client, availability_zone="az1")
    assert reply.status == 202
    assert holders(cloud) == [1, 0]
    assert nova.count("GET", "/servers/") == 0


@pytest.mark.parametrize("settings", [{"gateway": {"scheduling_wait": 0}}], indirect=True)
async def test_an_operator_may_choose_not_to_wait(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    cloud.pods[0].nova.is_full = True
    assert (await post_server(client, availability_zone="az")).status == 202
    assert holders(cloud) == [1, 0]
    assert cloud.pods[0].nova.count("GET", "/servers/") == 0


@SHORT
async def test_a_scheduler_that_takes_too_long_keeps_the_server(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    nova = cloud.pods[0].nova
    nova.holds = True
    reply = await post_server(client, availability_zone="az")
    assert reply.status == 202
    assert holders(cloud) == [1, 0]
    # What it finds out later changes nothing.
    (server,) = nova.servers.values()
    nova.bury(server)
    shown = await client.get(f"/compute/v2.1/servers/{reply.json['server']['id']}")
    assert shown.json["server"]["status"] == "ERROR"
    assert holders(cloud) == [1, 0]


@pytest.mark.parametrize(
    ("last", "where"),
    [
        ({"status": "BUILD", "task_state": "networking"}, [1, 0]),
        ({"status": "ERROR", "task_state": None, "fault": {"code": 500, "created": "", "message": "x"}}, [1, 0]),
        ({"status": "ERROR", "task_state": None}, [1, 0]),
        (
            {
                "status": "ERROR", "task_state": None,
                "fault": {"code": 500, "created": "", "message": "Exceeded maximum number of retries. x"},
            },
            [0, 1],
        ),
    ],
)  # fmt: skip
@SHORT
async def test_what_counts_as_no_host(
    cloud: Cloud, client: Client, admin: Client, last: dict[str, Any], where: list[int]
) -> None:
    await one_zone(admin)
    nova = cloud.pods[0].nova
    nova.holds = True
    asking = asyncio.create_task(post_server(client, availability_zone="az"))
    await eventually(lambda: bool(nova.servers))
    next(iter(nova.servers.values())).update(last)
    nova.holds = False
    assert (await asking).status == 202
    assert holders(cloud) == where


async def test_a_server_that_its_owner_removes_meanwhile_is_not_made_again(
    cloud: Cloud, client: Client, admin: Client
) -> None:
    await one_zone(admin)
    nova = cloud.pods[0].nova
    nova.holds = True
    asking = asyncio.create_task(post_server(client, availability_zone="az"))
    await eventually(lambda: bool(nova.servers))
    nova.remove(next(iter(nova.servers.values())))
    assert (await asking).status == 202
    assert holders(cloud) == [0, 0]


@pytest.mark.impatient
@pytest.mark.parametrize(
    ("fault", "late", "status", "where"),
    [
        # Whether it was removed is not known: as for any request without an answer.
        (service.hang, True, 504, [0, 0]),
        (service.drop, False, 504, [1, 0]),
        # It surely stays, and is the one that the user gets.
        (service.status(409), False, 202, [1, 0]),
    ],
)
async def test_a_server_that_cannot_be_removed(
    cloud: Cloud, client: Client, admin: Client, fault: Any, late: bool, status: int, where: list[int]
) -> None:
    await one_zone(admin)
    nova = cloud.pods[0].nova
    nova.is_full = True
    (nova.fails_late if late else nova.fails)(fault, "DELETE")
    reply = await post_server(client, availability_zone="az")
    assert (reply.status, holders(cloud)) == (status, where)


@pytest.mark.impatient
@SHORT
async def test_a_pod_that_goes_away_meanwhile_keeps_the_server(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    cloud.pods[0].nova.is_full = True
    cloud.pods[0].nova.fails(service.hang, "GET .*/servers/")
    reply = await post_server(client, availability_zone="az")
    assert (reply.status, holders(cloud)) == (202, [1, 0])


@pytest.mark.parametrize("cloud", [3], indirect=True)
async def test_a_pod_that_is_away_is_no_host_either(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    # In the order of their names: One, Three, Two.
    cloud.pods[0].nova.is_full = True
    assert (await client.get("/compute/v2.1/servers")).status == 200
    await cloud.pods[2].nova.stop()
    assert (await post_server(client, availability_zone="az")).status == 202
    assert holders(cloud) == [0, 1, 0]


# -- several servers


@pytest.mark.parametrize("fields", [{}, {"return_reservation_id": True}])
async def test_several_servers_go_together(cloud: Cloud, client: Client, admin: Client, fields: dict[str, Any]) -> None:
    await one_zone(admin)
    bystander = cloud.pods[0].nova.add_server(client.token.project_id or "")
    cloud.pods[0].nova.is_full = True
    reply = await post_server(client, availability_zone="az", min_count=3, **fields)
    assert reply.status == 202
    assert holders(cloud) == [1, 3]
    assert list(cloud.pods[0].nova.servers) == [bystander["id"]]
    reservations = {server["reservation"] for server in cloud.pods[1].nova.servers.values()}
    assert not fields or reservations == {reply.json["reservation_id"]}


async def test_several_servers_of_which_one_has_a_host_stay(cloud: Cloud, client: Client, admin: Client) -> None:
    await one_zone(admin)
    nova = cloud.pods[0].nova
    nova.holds = True
    asking = asyncio.create_task(post_server(client, availability_zone="az", min_count=2))
    await eventually(lambda: len(nova.servers) == 2)
    first, second = nova.servers.values()
    nova.bury(first)
    nova.build(second)
    assert (await asking).status == 202
    assert holders(cloud) == [2, 0]


# -- on networks of central Neutron


@pytest.mark.usefixtures("wired")
class TestOnNetworks:
    """The ports go along."""

    @pytest.fixture
    def networks(self, blue: Record) -> list[dict[str, str]]:
        return [{"uuid": blue["id"]}]

    async def test_the_ports_go_to_the_next_pod(
        self, cloud: Cloud, gateway: Running, client: Client, admin: Client, networks: Any
    ) -> None:
        await one_zone(admin)
        cloud.pods[0].nova.is_full = True
        reply = await boot(client, availability_zone="az", networks=networks)
        assert reply.status == 202, reply.text
        assert holders(cloud) == [0, 1]
        (port,) = await settled(cloud)
        assert port["device_id"] == reply.json["server"]["id"]
        async with working(gateway):
            await eventually(lambda: not cloud.pods[0].neutron.ports)
            await eventually(lambda: is_in_order(cloud))

    async def test_several(self, cloud: Cloud, client: Client, admin: Client, networks: Any) -> None:
        await one_zone(admin)
        cloud.pods[0].nova.is_full = True
        reply = await boot(client, availability_zone="az", networks=networks, min_count=3)
        assert reply.status == 202, reply.text
        assert holders(cloud) == [0, 3]
        assert {port["device_id"] for port in await settled(cloud)} == set(cloud.pods[1].nova.servers)

    async def test_a_refusal_of_the_next_pod_leaves_nothing(
        self, cloud: Cloud, gateway: Running, client: Client, admin: Client, networks: Any
    ) -> None:
        await one_zone(admin)
        cloud.pods[0].nova.is_full = True
        cloud.pods[1].nova.quota_instances = 0
        reply = await boot(client, availability_zone="az", networks=networks)
        assert reply.status == 403 and message(reply).startswith("Quota exceeded")
        assert holders(cloud) == [0, 0]
        await nothing_is_left(cloud, gateway)

    @pytest.mark.usefixtures("hasty")
    async def test_a_gateway_that_is_killed_while_it_waits(
        self, cloud: Cloud, gateway: Running, client: Client, admin: Client, networks: Any
    ) -> None:
        """The server stays where it is, as whatever it has become, and its port is its own or nobody's."""
        await one_zone(admin)
        nova = cloud.pods[0].nova
        nova.holds = True
        asking = asyncio.create_task(boot(client, availability_zone="az", networks=networks))
        await eventually(lambda: nova.count("GET", "/servers/") > 0)
        await killed(gateway)
        asking.cancel()
        (server,) = nova.servers.values()
        nova.bury(server)
        async with working(gateway):
            await eventually(lambda: not tenants_ports(cloud), 20)
        assert holders(cloud) == [1, 0]
        (listed,) = (await client.get("/compute/v2.1/servers/detail")).json["servers"]
        assert listed["status"] == "ERROR"
