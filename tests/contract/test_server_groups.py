"""Server groups: one id at the top, lists over pods, removing them everywhere."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import text

from triune.shared.server_groups import twin_name

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import eventually, jobs, working
from .test_hosts import message

ROOT = "/compute/v2.1/os-server-groups"
NEW, OLD = "compute 2.64", "compute 2.15"


async def create(client: Client, name: str = "web", policy: str = "anti-affinity", **more: Any) -> dict[str, Any]:
    reply = await client.at(NEW).post(ROOT, {"server_group": {"name": name, "policy": policy, **more}})
    assert reply.status == 200, reply.text
    made: dict[str, Any] = reply.json["server_group"]
    return made


async def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    reply = await client.get(f"{ROOT}{query}")
    assert reply.status == 200, reply.text
    groups: list[dict[str, Any]] = reply.json["server_groups"]
    return groups


def twin(cloud: Cloud, made: dict[str, Any], pod: int = 1) -> dict[str, Any]:
    """A twin in another pod, with a server of its own."""
    nova = cloud.pods[pod].nova
    server = nova.add_server(made["project_id"])
    name = twin_name(made["name"], made["id"])
    return nova.add_group(made["project_id"], name, made["policy"], members=[server["id"]])


def held(cloud: Cloud) -> list[int]:
    return [len(pod.nova.groups) for pod in cloud.pods]


@pytest.mark.proves(
    "compute",
    "POST /os-server-groups",
    "GET /os-server-groups",
    "GET /os-server-groups/{server_group_id}",
    "DELETE /os-server-groups/{server_group_id}",
)
async def test_a_group_has_one_id(cloud: Cloud, client: Client) -> None:
    made = await create(client, "a/b ü", rules={"max_server_per_host": 3})
    assert held(cloud) == [1, 0]
    there = twin(cloud, made)
    home = cloud.pods[0].nova.groups[made["id"]]
    home["members"].append(cloud.pods[0].nova.add_server(made["project_id"])["id"])
    members = [*home["members"], *there["members"]]
    shown = {**made, "members": members}
    assert (made["name"], made["policy"], made["rules"]) == ("a/b ü", "anti-affinity", {"max_server_per_host": 3})
    reply = await client.at(NEW).get(f"{ROOT}/{made['id']}")
    assert (reply.status, reply.json) == (200, {"server_group": shown})
    assert reply.headers["OpenStack-API-Version"] == NEW
    assert await listed(client.at(NEW)) == [shown]
    # A server that is gone is no member.
    del cloud.pods[1].nova.servers[there["members"][0]]
    assert (await listed(client.at(NEW)))[0]["members"] == home["members"]
    assert message(await client.get(f"{ROOT}/{there['id']}")) == _unknown(there["id"])
    assert message(await client.delete(f"{ROOT}/{there['id']}")) == _unknown(there["id"])
    reply = await client.delete(f"{ROOT}/{made['id']}")
    assert (reply.status, reply.body, held(cloud)) == (204, b"", [0, 0])
    for ask in (client.get, client.delete):
        assert message(await ask(f"{ROOT}/{made['id']}")) == _unknown(made["id"])
    assert await listed(client) == []


@pytest.mark.parametrize("version", ["", "compute 2.12", "compute 2.13", "compute 2.63"])
async def test_old_forms(cloud: Cloud, client: Client, version: str) -> None:
    old = client.at(version) if version else client
    wanted = {"name": "web", "policies": ["affinity"]}
    reply = await old.post(ROOT, {"server_group": wanted})
    made = reply.json["server_group"]
    owner = {"project_id", "user_id"} if version in ("compute 2.13", "compute 2.63") else set()
    assert made.keys() == {"id", "name", "policies", "metadata", "members", *owner}
    assert (reply.status, made["policies"], made["metadata"], made["members"]) == (200, ["affinity"], {}, [])
    project = client.token.project_id
    server = cloud.pods[1].nova.add_server(project or "")["id"]
    cloud.pods[1].nova.add_group(project or "", twin_name("web", made["id"]), "affinity", members=[server])
    for told in (await old.get(f"{ROOT}/{made['id']}"), await old.get(ROOT)):
        group = told.json.get("server_group") or told.json["server_groups"][0]
        assert group == {**made, "members": [server]}
        assert told.headers["OpenStack-API-Version"] == (version or "compute 2.1")


async def test_what_nova_refuses(cloud: Cloud, client: Client) -> None:
    old, new = client.at(OLD), client.at(NEW)
    bad: list[tuple[Client, Any]] = [
        (old, None),
        (old, {}),
        (old, []),
        (old, {"server_group": []}),
        (old, {"server_group": {"name": 7, "policies": ["affinity"]}}),
        (old, {"server_group": {"name": " x", "policies": ["affinity"]}}),
        (old, {"server_group": {"name": "x", "policies": ["affinity", "anti-affinity"]}}),
        (old, {"server_group": {"name": "x", "policy": "affinity"}}),
        (client, {"server_group": {"name": "x", "policies": ["soft-affinity"]}}),
        (new, {"server_group": {"name": "x", "policies": ["affinity"]}}),
        (new, {"server_group": {"name": "x" * 256, "policy": "affinity"}}),
    ]
    for who, body in bad:
        assert message(await who.post(ROOT, body))[0] == 400, body
    assert (await client.post(ROOT, data=b"{")).status == 400
    reply = await new.post(
        ROOT, {"server_group": {"name": "x", "policy": "affinity", "rules": {"max_server_per_host": 1}}}
    )
    assert message(reply) == (400, "Only anti-affinity policy supports rules.")
    cloud.pods[0].nova.quota_server_groups = 0
    reply = await new.post(ROOT, {"server_group": {"name": "x", "policy": "affinity"}})
    assert message(reply) == (403, "Quota exceeded, too many server groups.")
    assert held(cloud) == [0, 0]
    for query in ("?limit=x", "?offset=-1", "?limit="):
        assert message(await client.get(f"{ROOT}{query}"))[0] == 400
    assert message(await client.at("compute 2.75").get(f"{ROOT}?color=red"))[0] == 400
    assert await listed(client, "?color=red") == []
    for each in ("web", "a%2Fb", str(uuid.uuid4())):
        assert message(await client.get(f"{ROOT}/{each}"))[0] == 404
        assert message(await client.delete(f"{ROOT}/{each}"))[0] == 404
        assert message(await client.at("compute 2.102").get(f"{ROOT}/{each}?a=b"))[0] == 400


async def test_names_that_look_like_a_twins(cloud: Cloud, client: Client) -> None:
    other = await create(client, "other")
    names = [twin_name("web", other["id"]), "web triune:"]
    for name in names:
        made = await create(client, name)
        assert made["name"] == name
        assert (await client.at(NEW).get(f"{ROOT}/{made['id']}")).json["server_group"] == made
    assert [group["name"] for group in await listed(client)] == ["other", *names]


@pytest.mark.parametrize("cloud", [3], indirect=True)
@pytest.mark.parametrize("longest", [1, 2, 1000])
async def test_pages(cloud: Cloud, client: Client, longest: int) -> None:
    project = client.token.project_id or ""
    made = []
    for number, pod in enumerate(sorted(cloud.pods, key=lambda pod: pod.region)):
        pod.nova.max_limit = longest
        for name in range(3):
            made.append(pod.nova.add_group(project, f"{number}-{name}"))
    # Each has its twin in the next pod, so none stands alone.
    for number, pod in ((0, 1), (4, 0), (8, 0)):
        twin(cloud, made[number], pod)
    ids = [group["id"] for group in made]
    assert [group["id"] for group in await listed(client)] == ids
    assert sum(len(group["members"]) for group in await listed(client, "?limit=0")) == 3
    for size in (1, 2, 4, 100):
        paged = []
        for start in range(0, 12, size):
            paged += [group["id"] for group in await listed(client, f"?limit={size}&offset={start}")]
        assert paged == ids
    assert await listed(client, "?offset=999999999999999999") == []


@pytest.mark.parametrize("settings", [{"gateway": {"max_limit": 2}}], indirect=True)
async def test_the_longest_page(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        for _ in range(2):
            pod.nova.add_group(client.token.project_id or "")
    assert len(await listed(client, "?limit=100")) == len(await listed(client)) == 2


async def test_groups_are_a_projects_own(cloud: Cloud, client: Client, admin: Client) -> None:
    made = await create(client)
    own = await create(admin, "mine")
    there = twin(cloud, made)
    stranger = Client(client.session, client.root, cloud.keystone.token())
    for query in ("", "?all_projects=1"):
        assert await listed(stranger, query) == []
    assert message(await stranger.get(f"{ROOT}/{made['id']}")) == _unknown(made["id"])
    assert message(await stranger.delete(f"{ROOT}/{made['id']}")) == _unknown(made["id"])
    assert [group["id"] for group in await listed(admin)] == [own["id"]]
    everything = {group["id"]: group["members"] for group in await listed(admin, "?all_projects=1")}
    assert everything == {own["id"]: [], made["id"]: there["members"]}
    # Whatever a stranger calls his groups, they are his.
    forged = cloud.pods[1].nova.add_group(stranger.token.project_id or "", twin_name("web", made["id"]), members=["x"])
    assert (await client.get(f"{ROOT}/{made['id']}")).json["server_group"]["members"] == there["members"]
    assert (await admin.get(f"{ROOT}/{made['id']}")).json["server_group"]["members"] == there["members"]
    assert (await admin.delete(f"{ROOT}/{made['id']}")).status == 204
    assert list(cloud.pods[1].nova.groups) == [forged["id"]]


async def test_lost_routings(cloud: Cloud, gateway: Running, client: Client) -> None:
    made = await create(client)
    there = twin(cloud, made)
    async with gateway.shared.database.transaction() as session:
        await session.execute(text("DELETE FROM routings"))
    assert [(group["id"], group["members"]) for group in await listed(client)] == [(made["id"], there["members"])]
    assert (await client.delete(f"{ROOT}/{made['id']}")).status == 204
    assert held(cloud) == [0, 0]


@pytest.mark.impatient
async def test_a_pod_that_is_away(cloud: Cloud, client: Client) -> None:
    made = await create(client, rules={"max_server_per_host": 2})
    there = twin(cloud, made)
    lonely = cloud.pods[0].nova.add_group(made["project_id"], "lonely")
    nobodys = str(uuid.uuid4())
    for fault in (
        service.hang,
        service.drop,
        service.status(503),
        service.text("{"),
        service.text('{"server_groups": 1}'),
    ):
        cloud.pods[1].nova.fails(fault)
        reply = await client.get(f"{ROOT}/{made['id']}")
        assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
        assert reply.json["server_group"]["members"] == []
        reply = await client.get(ROOT)
        assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
        assert [group["id"] for group in reply.json["server_groups"]] == [made["id"], lonely["id"]]
        # It may be there, but a name is nobody's id.
        assert (await client.get(f"{ROOT}/{nobodys}")).status == 503
        assert (await client.delete(f"{ROOT}/{nobodys}")).status == 503
        assert (await client.get(f"{ROOT}/web")).status == 404
    cloud.pods[1].nova.fails(None)
    # Its twin stands for a home that is away.
    await cloud.pods[0].nova.stop()
    await _answers(client, 1)
    (group,) = await listed(client)
    assert (group["id"], group["name"], group["members"]) == (made["id"], "web", there["members"])
    await cloud.pods[1].nova.stop()
    for path in ("", f"/{made['id']}"):
        assert (await client.get(f"{ROOT}{path}")).status == 503


@pytest.mark.parametrize("settings", [{"gateway": {"strict_lists": True}}], indirect=True)
async def test_strict_lists(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    await cloud.pods[1].nova.stop()
    assert (await client.get(ROOT)).status == (await client.get(f"{ROOT}/{made['id']}")).status == 503


@pytest.mark.impatient
async def test_the_next_pod_takes_it(cloud: Cloud, client: Client) -> None:
    await cloud.pods[0].nova.stop()
    made = await create(client)
    assert list(cloud.pods[1].nova.groups) == [made["id"]]
    cloud.pods[1].nova.fails(service.hang, "POST")
    reply = await client.post(ROOT, {"server_group": {"name": "x", "policies": ["affinity"]}})
    assert reply.status == 504


async def test_removing_while_a_pod_is_away(cloud: Cloud, gateway: Running, client: Client, admin: Client) -> None:
    made, kept = await create(client), await create(client, "kept")
    twin(cloud, made)
    other = twin(cloud, kept)
    forged = cloud.pods[1].nova.add_group("somebody-else", twin_name("web", made["id"]))
    await cloud.pods[1].nova.stop()
    reply = await client.delete(f"{ROOT}/{made['id']}")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (204, "RegionTwo")
    (waiting,) = await jobs(admin, "?status=new")
    assert (waiting["type"], waiting["resource"]["server_group_id"]) == ("server_group", made["id"])
    cloud.pods[1].nova.max_limit = 1
    await cloud.pods[1].nova.start()
    async with working(gateway):
        await eventually(lambda: set(cloud.pods[1].nova.groups) == {other["id"], forged["id"]})
        await eventually_settled(admin)
    assert list(cloud.pods[0].nova.groups) == [kept["id"]]


async def test_removing_while_the_home_is_away(cloud: Cloud, gateway: Running, client: Client, admin: Client) -> None:
    made = await create(client)
    twin(cloud, made)
    await cloud.pods[0].nova.stop()
    reply = await client.delete(f"{ROOT}/{made['id']}")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (204, "RegionOne")
    await cloud.pods[0].nova.start()
    async with working(gateway):
        await eventually(lambda: held(cloud) == [0, 0])
        await eventually_settled(admin)


@pytest.mark.impatient
@pytest.mark.parametrize("fault", [service.hang, service.status(403)])
async def test_a_removal_that_is_refused_halfway_is_finished(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, fault: service.Fault
) -> None:
    made = await create(client)
    twin(cloud, made)
    cloud.pods[1].nova.fails(fault, "DELETE")
    assert (await client.delete(f"{ROOT}/{made['id']}")).status == 204
    assert held(cloud) == [0, 1]
    cloud.pods[1].nova.fails(None)
    async with working(gateway):
        await eventually(lambda: held(cloud) == [0, 0])
        await eventually_settled(admin)


async def test_a_refusal_of_the_home_removes_nothing(cloud: Cloud, client: Client) -> None:
    made = await create(client)
    twin(cloud, made)
    cloud.pods[0].nova.fails(service.status(403), "DELETE")
    assert (await client.delete(f"{ROOT}/{made['id']}")).status == 403
    assert held(cloud) == [1, 1]


async def test_two_remove_it_at_once(cloud: Cloud, client: Client, admin: Client) -> None:
    made = await create(client)
    twin(cloud, made)
    replies = await asyncio.gather(*(client.delete(f"{ROOT}/{made['id']}") for _ in range(4)))
    assert sorted(reply.status for reply in replies) == [204, 404, 404, 404]
    assert held(cloud) == [0, 0]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
async def test_nobody_changes_a_group(cloud: Cloud, client: Client, method: str) -> None:
    made = await create(client)
    reply = await client.request(method, f"{ROOT}/{made['id']}", json={"server_group": {"name": "x"}})
    assert reply.status in (404, 405)
    assert cloud.pods[0].nova.groups[made["id"]]["name"] == "web"


async def eventually_settled(admin: Client) -> None:
    async with asyncio.timeout(5):
        while {job["status"] for job in await jobs(admin)} != {"SUCCESS"}:
            await asyncio.sleep(0.05)


async def _answers(client: Client, number: int) -> Reply:
    """Wait for a breaker that is open after the faults."""
    async with asyncio.timeout(10):
        while True:
            reply = await client.get(ROOT)
            if reply.status == 200 and len(reply.json["server_groups"]) == number:
                return reply
            await asyncio.sleep(0.05)


def _unknown(group_id: str) -> tuple[int, str]:
    return 404, f"Instance group {group_id} could not be found."
