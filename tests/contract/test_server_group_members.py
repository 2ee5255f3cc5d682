"""Servers of groups: the policy decides the pod, the group gets a part there, and everybody is told one id."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from triune.shared.server_groups import SERVER_GROUP_CHANGE, parsed, twin_name
from triune.work.requests import Key

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply, StartGateway
from .gateway import Running
from .test_convergence import working
from .test_hosts import message
from .test_server_groups import NEW, ROOT, create, eventually_settled, held, listed

pytestmark = pytest.mark.usefixtures("flavors")

SERVERS = "/compute/v2.1/servers"
LATEST = "compute 2.100"


async def boot(client: Client, group_id: Any, zone: str | None = None, hints: str = "os:scheduler_hints") -> Reply:
    server = {"name": "vm", "flavorRef": "1", "networks": "none"} | ({"availability_zone": zone} if zone else {})
    return await client.at(NEW).post(SERVERS, {"server": server, hints: {"group": group_id}})


async def booted(client: Client, group_id: str, zone: str | None = None) -> str:
    reply = await boot(client, group_id, zone)
    assert reply.status == 202, reply.text
    return str(reply.json["server"]["id"])


def servers(cloud: Cloud) -> list[int]:
    return [len(pod.nova.servers) for pod in cloud.pods]


def parts(cloud: Cloud, group_id: str) -> list[list[dict[str, Any]]]:
    """The parts of a group in each pod."""
    return [
        [each for each in pod.nova.groups.values() if group_id in (each["id"], parsed(each["name"])[1])]
        for pod in cloud.pods
    ]


@pytest.mark.parametrize("cloud", [3], indirect=True)
async def test_a_group_gets_a_part_where_its_servers_are(cloud: Cloud, client: Client) -> None:
    made = await create(client, "a/b ü", rules={"max_server_per_host": 2})
    ids = [await booted(client, made["id"], zone) for zone in ("az1", "az2", "az2", "az3")]
    assert servers(cloud) == [1, 2, 1]
    (home,), (second,), (third,) = parts(cloud, made["id"])
    assert home["name"] == made["name"]
    for twin in (second, third):
        assert (twin["policy"], twin["rules"]) == ("anti-affinity", {"max_server_per_host": 2})
        assert twin["name"].startswith("a/b ü")
        assert (twin["project_id"], twin["user_id"]) == (made["project_id"], made["user_id"])
    assert [each["members"] for each in (home, second, third)] == [[ids[0]], ids[1:3], [ids[3]]]
    shown = (await client.at(NEW).get(f"{ROOT}/{made['id']}")).json["server_group"]
    assert shown == {**made, "members": [*ids[:1], *sorted_by_region(cloud, ids[1:])]}
    assert (await client.delete(f"{ROOT}/{made['id']}")).status == 204
    assert held(cloud) == [0, 0, 0]


def sorted_by_region(cloud: Cloud, ids: list[str]) -> list[str]:
    """Servers in the order of the region names of their pods."""
    ordered = sorted(cloud.pods, key=lambda pod: pod.region)
    return [each for pod in ordered for each in ids if each in pod.nova.servers]


@pytest.mark.proves("compute", "PUT /servers/{server_id}", "POST /servers/{server_id}/action rebuild")
async def test_servers_tell_the_id_of_the_top(cloud: Cloud, gateway: Running, client: Client, admin: Client) -> None:
    made = await create(client)
    image = str(uuid.uuid4())
    for pod in cloud.pods:
        pod.glance.add(made["project_id"], b"data", id=image)
    ids = [await booted(client, made["id"], zone) for zone in ("az1", "az2")]
    lonely = (await client.at(NEW).post(SERVERS, {"server": {"name": "x", "flavorRef": "1", "networks": "none"}})).json
    for who in (client, admin):
        for server_id in ids:
            path, latest = f"{SERVERS}/{server_id}", who.at(LATEST)
            for reply in (
                await latest.get(path),
                await latest.put(path, json={"server": {"name": "new"}}),
                await latest.post(f"{path}/action", {"rebuild": {"imageRef": image}}),
            ):
                assert reply.status < 300, reply.text
                told = reply.json["server"]
                assert told["server_groups"] == [made["id"]]
                assert told["scheduler_hints"] == {"group": [made["id"]]}
            assert (await who.at("compute 2.71").get(path)).json["server"]["server_groups"] == [made["id"]]
            assert "server_groups" not in (await who.at("compute 2.70").get(path)).json["server"]
    for query in ("", "?limit=1"):
        reply = await client.at(LATEST).get(f"{SERVERS}/detail{query}")
        told = {each["id"]: each["scheduler_hints"] for each in reply.json["servers"]}
        assert all(told[each] == ({"group": [made["id"]]} if each in ids else {}) for each in told)
        assert told
    told = (await client.at(LATEST).get(f"{SERVERS}/{lonely['server']['id']}")).json["server"]
    assert (told["server_groups"], told["scheduler_hints"]) == ([], {})
    # What the user writes is his.
    cloud.pods[1].nova.servers[ids[1]]["metadata"] = {"group": twin_id(cloud, made["id"])}
    told = (await client.at(LATEST).get(f"{SERVERS}/{ids[1]}")).json["server"]
    assert (told["metadata"], told["server_groups"]) == ({"group": twin_id(cloud, made["id"])}, [made["id"]])


def twin_id(cloud: Cloud, group_id: str) -> str:
    return str(parts(cloud, group_id)[1][0]["id"])


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch, gateway: Running) -> Callable[[], Any]:
    """Drop what this gateway and the database know of groups."""
    from triune.gateway.compute import server_group_ids

    async def forget() -> None:
        server_group_ids._known.clear()
        async with gateway.shared.database.transaction() as session:
            await session.execute(text("DELETE FROM routings WHERE resource_type = 'server_group'"))

    return forget


async def test_lost_routings_are_found_again(cloud: Cloud, client: Client, admin: Client, forgetful: Any) -> None:
    made = await create(client)
    server_id = await booted(client, made["id"], "az2")
    for who in (client, admin):
        await forgetful()
        reply = await who.at(LATEST).get(f"{SERVERS}/{server_id}")
        assert reply.json["server"]["server_groups"] == [made["id"]]
    await forgetful()
    await booted(client, made["id"], "az2")
    assert [len(each) for each in parts(cloud, made["id"])] == [1, 1]


async def test_servers_in_no_group_cost_nothing_more(cloud: Cloud, client: Client, forgetful: Any) -> None:
    await create(client)
    reply = await client.at(NEW).post(SERVERS, {"server": {"name": "x", "flavorRef": "1", "networks": "none"}})
    await forgetful()
    asked = [len(pod.nova.asked) for pod in cloud.pods]
    for _ in range(3):
        await client.at(LATEST).get(f"{SERVERS}/{reply.json['server']['id']}")
    assert sum(len(pod.nova.asked) for pod in cloud.pods) == sum(asked) + 3
    # And those in a group but once.
    group_id = (await listed(client))[0]["id"]
    server_id = await booted(client, group_id, "az2")
    await forgetful()
    await client.at(LATEST).get(f"{SERVERS}/{server_id}")
    asked = [len(pod.nova.asked) for pod in cloud.pods]
    for _ in range(3):
        await client.at(LATEST).get(f"{SERVERS}/{server_id}")
    assert [len(pod.nova.asked) for pod in cloud.pods] == [asked[0], asked[1] + 3]


async def test_a_server_is_told_while_groups_cannot_be(cloud: Cloud, client: Client, forgetful: Any) -> None:
    made = await create(client)
    server_id = await booted(client, made["id"], "az2")
    there = twin_id(cloud, made["id"])
    await forgetful()
    for pod in cloud.pods:
        pod.nova.fails(service.status(500), "os-server-groups")
    reply = await client.at(LATEST).get(f"{SERVERS}/{server_id}")
    assert (reply.status, reply.json["server"]["server_groups"]) == (200, [there])
    assert "Triune-Missing-Pods" not in reply.headers
    for pod in cloud.pods:
        pod.nova.fails(None)
    reply = await client.at(LATEST).get(f"{SERVERS}/{server_id}")
    assert reply.json["server"]["server_groups"] == [made["id"]]


# -- policies


async def test_affinity_keeps_all_in_the_pod_of_the_first(cloud: Cloud, client: Client) -> None:
    made = await create(client, policy="affinity")
    first = await booted(client, made["id"], "az2")
    assert servers(cloud) == [0, 1]
    # The project has more in the other pod.
    for _ in range(3):
        cloud.pods[0].nova.add_server(made["project_id"])
    await booted(client, made["id"])
    assert servers(cloud) == [3, 2]
    reply = await boot(client, made["id"], "az1")
    told = f"server group {made['id']} is in availability zone az2, not in az1."
    assert message(reply) == (400, told)
    # When they are gone, the next one is the first.
    cloud.pods[1].nova.servers.clear()
    assert first not in (await listed(client))[0]["members"]
    await booted(client, made["id"], "az1")
    assert servers(cloud) == [4, 0]


async def test_anti_affinity_lets_servers_be_anywhere(cloud: Cloud, client: Client) -> None:
    made = await create(client, policy="anti-affinity")
    for expected in ([1, 0], [1, 1], [2, 1], [2, 2]):
        await booted(client, made["id"])
        assert servers(cloud) == expected
    for zone in ("az2", "az2"):
        await booted(client, made["id"], zone)
    assert servers(cloud) == [2, 4]


@pytest.mark.parametrize(
    ("policy", "where"), [("soft-affinity", [[0, 1], [0, 2], [1, 2]]), ("soft-anti-affinity", [[0, 1], [1, 1], [2, 1]])]
)
async def test_soft_policies_prefer(cloud: Cloud, client: Client, policy: str, where: list[list[int]]) -> None:
    made = await create(client, policy=policy)
    for zone, expected in zip(("az2", None, "az1"), where, strict=True):
        await booted(client, made["id"], zone)
        assert servers(cloud) == expected


async def test_soft_affinity_does_without_a_pod_that_is_away(cloud: Cloud, client: Client) -> None:
    made = await create(client, policy="soft-affinity")
    await booted(client, made["id"], "az2")
    await cloud.pods[1].nova.stop()
    reply = await boot(client, made["id"])
    assert (reply.status, servers(cloud)) == (202, [1, 1])
    assert "Triune-Missing-Pods" not in reply.headers


async def test_anti_affinity_outlives_its_home(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    await booted(client, made["id"], "az2")
    await cloud.pods[0].nova.stop()
    await booted(client, made["id"], "az2")
    assert servers(cloud) == [0, 2]
    assert len(cloud.pods[1].nova.groups) == 1
    # A group of which nobody tells is not there.
    unknown = str(uuid.uuid4())
    reply = await boot(client, unknown, "az2")
    assert reply.status == 503
    assert unknown in message(reply)[1] and "RegionOne" in message(reply)[1]


async def test_affinity_waits_for_a_pod_that_may_have_members(cloud: Cloud, client: Client) -> None:
    made, other = await create(client, policy="affinity"), await create(client, policy="affinity")
    await booted(client, made["id"], "az2")
    await cloud.pods[1].nova.stop()
    reply = await boot(client, made["id"], "az1")
    assert reply.status == 503
    assert "RegionTwo" in message(reply)[1]
    # This one has never been there.
    await booted(client, other["id"], "az1")
    await cloud.pods[1].nova.start()


# -- at once, interrupted, refused


@pytest.mark.parametrize("cloud", [3], indirect=True)
async def test_many_at_once_make_one_twin(
    cloud: Cloud, gateway: Running, start_gateway: StartGateway, client: Client, admin: Client
) -> None:
    made = await create(client)
    async with start_gateway() as second:
        others = Client(client.session, second.root, client.token)
        zones = ("az2", "az3") * 3
        whom = (client, others)
        await asyncio.gather(*(booted(whom[number // 2 % 2], made["id"], zone) for number, zone in enumerate(zones)))
    assert [len(each) for each in parts(cloud, made["id"])] == [1, 1, 1]
    assert servers(cloud) == [0, 3, 3]
    async with working(gateway):
        await eventually_settled(admin)


async def test_the_first_of_many_chooses_the_pod(
    cloud: Cloud, gateway: Running, start_gateway: StartGateway, client: Client
) -> None:
    made = await create(client, policy="affinity")
    for pod in cloud.pods:
        pod.nova.fails(service.delay(0.1), "POST .*/servers$")
    async with start_gateway() as second:
        others = Client(client.session, second.root, client.token)
        replies = await asyncio.gather(
            *(boot(who, made["id"], zone) for zone in ("az1", "az2") for who in (client, others) for _ in range(2))
        )
    assert sorted(reply.status for reply in replies) == [202] * 4 + [400] * 4
    assert sorted(servers(cloud)) == [0, 4]


async def test_a_twin_whose_answer_was_lost_is_found(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    cloud.pods[1].nova.fails_late(service.drop, "POST .*/os-server-groups")
    reply = await boot(client, made["id"], "az2")
    assert (reply.status, servers(cloud)) == (503, [0, 0])
    cloud.pods[1].nova.fails(None)
    assert [len(each) for each in parts(cloud, made["id"])] == [1, 1]
    assert [group["id"] for group in await listed(client)] == [made["id"]]
    await booted(client, made["id"], "az2")
    assert [len(each) for each in parts(cloud, made["id"])] == [1, 1]


@pytest.mark.parametrize("settings", [{"worker": {"lease_time": 1}}], indirect=True)
async def test_who_died_while_changing_a_group_is_not_waited_for(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    made = await create(client)
    key = Key(SERVER_GROUP_CHANGE, made["id"])
    _, taken = await gateway.shared.journal.demand(key, None, None, "a gateway that died")
    assert taken
    await booted(client, made["id"], "az2")
    assert servers(cloud) == [0, 1]


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.06, 0.12, 0.2])
async def test_a_group_is_not_removed_under_a_twin(cloud: Cloud, client: Client, pause: float) -> None:
    made = await create(client)
    for pod in cloud.pods:
        pod.nova.fails(service.delay(0.03), "os-server-groups")

    async def remove() -> Reply:
        await asyncio.sleep(pause)
        return await client.delete(f"{ROOT}/{made['id']}")

    reply, removed = await asyncio.gather(boot(client, made["id"], "az2"), remove())
    assert removed.status == 204
    if reply.status != 202:
        assert message(reply) == (400, f"Instance group {made['id']} could not be found.")
    assert held(cloud) == [0, 0]


async def test_a_refusal_names_the_id_of_the_top(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    await booted(client, made["id"], "az2")
    # It goes between the look and the request.
    cloud.pods[1].nova.fails(removing(cloud), "POST .*/servers$")
    told = f"Instance group {made['id']} could not be found."
    assert message(await boot(client, made["id"], "az2")) == (400, told)


def removing(cloud: Cloud) -> service.Fault:
    async def remove(_request: Any) -> None:
        cloud.pods[1].nova.groups.clear()

    return remove


async def test_a_pod_that_takes_no_more_groups(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    cloud.pods[1].nova.quota_server_groups = 0
    assert message(await boot(client, made["id"], "az2")) == (403, "Quota exceeded, too many server groups.")
    assert servers(cloud) == [0, 0]


async def test_groups_that_are_not_there(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    await booted(client, made["id"], "az2")
    others = Client(client.session, client.root, cloud.keystone.token())
    for who, group_id in (
        (client, str(uuid.uuid4())),
        (others, made["id"]),
        # What a pod calls it is no id of the top.
        (client, twin_id(cloud, made["id"])),
    ):
        for hints in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
            reply = await boot(who, group_id, "az2", hints)
            assert message(reply) == (400, f"Instance group {group_id} could not be found.")
    for wrong in ("web", 7, {}, [made["id"], made["id"]]):
        assert (await boot(client, wrong, "az2")).status == 400, wrong
    assert (
        await client.at(NEW).post(SERVERS, {"server": [], "os:scheduler_hints": {"group": made["id"]}})
    ).status == 400
    assert servers(cloud) == [0, 1]


async def test_an_administrator_boots_into_anothers_group(cloud: Cloud, client: Client, admin: Client) -> None:
    made = await create(client)
    # A twin would be the administrator's own.
    reply = await boot(admin, made["id"], "az2")
    assert message(reply) == (400, f"Server group {made['id']} can be in availability zone az1 only.")
    await booted(admin, made["id"])
    assert servers(cloud) == [1, 0]
    assert held(cloud) == [1, 0]


async def test_a_removed_home_does_not_take_the_group_along(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    server_id = await booted(client, made["id"], "az2")
    cloud.pods[0].nova.groups.clear()
    (group,) = await listed(client.at(NEW))
    assert (group["id"], group["name"], group["members"]) == (made["id"], "web", [server_id])
    await booted(client, made["id"], "az1")
    (again,) = cloud.pods[0].nova.groups.values()
    assert again["name"] == twin_name("web", made["id"])
    assert len((await listed(client))[0]["members"]) == 2
    assert (await client.delete(f"{ROOT}/{made['id']}")).status == 204
    assert held(cloud) == [0, 0]


# -- with networks


@pytest.mark.usefixtures("wired")
async def test_servers_on_networks_of_the_top(cloud: Cloud, client: Client, blue: dict[str, Any]) -> None:
    made = await create(client, policy="affinity")
    server = {"name": "vm", "flavorRef": "1", "networks": [{"uuid": blue["id"]}], "availability_zone": "az2"}
    for least in (1, 2):
        body = {"server": {**server, "min_count": least}, "os:scheduler_hints": {"group": made["id"]}}
        reply = await client.at(NEW).post(SERVERS, body)
        assert reply.status == 202, reply.text
    assert servers(cloud) == [0, 3]
    (home,), (twin,) = parts(cloud, made["id"])
    assert (home["members"], len(twin["members"])) == ([], 3)
    server["availability_zone"] = "az1"
    ports = set(cloud.central.records["ports"])
    reply = await client.at(NEW).post(SERVERS, {"server": server, "os:scheduler_hints": {"group": made["id"]}})
    assert message(reply) == (400, f"server group {made['id']} is in availability zone az2, not in az1.")
    assert set(cloud.central.records["ports"]) == ports
