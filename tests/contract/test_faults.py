"""Pods that are away, slow, broken or mad: they hide nothing of the others."""

import asyncio
import time
import uuid

import aiohttp
import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import IMPATIENT, Running

pytestmark = pytest.mark.impatient

FAULTS = {
    "hangs": service.hang,
    "drops": service.drop,
    "cuts its answer": service.cut,
    "says 500": service.status(500),
    "says 503": service.status(503),
    "talks nonsense": service.text("{nonsense"),
    "tells something else": service.text("[]"),
    "tells an empty object": service.text("{}"),
    "says too much": service.huge(2 * 1024 * 1024),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_list_without_a_broken_pod_tells_who_is_missing(cloud: Cloud, client: Client, fault: str) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    cloud.pods[1].nova.add_server(client.token.project_id)
    cloud.pods[1].nova.fails(FAULTS[fault], "GET .*/servers")
    started = time.monotonic()
    for path in ("/compute/v2.1/servers", "/compute/v2.1/servers/detail"):
        reply = await client.get(path)
        assert reply.status == 200
        assert [told["id"] for told in reply.json["servers"]] == [server["id"]]
        assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert time.monotonic() - started < 3


LISTS = {
    "flavors": "/compute/v2.1/flavors",
    "keypairs": "/compute/v2.1/os-keypairs",
    "limits": "/compute/v2.1/limits",
    "server_groups": "/compute/v2.1/os-server-groups",
    "volumes": "/volume/v3/volumes",
    "volume_types": "/volume/v3/types",
    "images": "/image/v2/images",
}


# With a breaker that stays closed, every list meets the fault itself.
@pytest.mark.parametrize("settings", [{"pods": {"breaker_failures": 100}}], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
async def test_so_do_all_lists(cloud: Cloud, client: Client, fault: str, subtests: pytest.Subtests) -> None:
    cloud.pods[1].fails(FAULTS[fault])
    replies = await asyncio.gather(*(client.get(path) for path in LISTS.values()))
    for key, reply in zip(LISTS, replies, strict=True):
        with subtests.test(key):
            assert reply.status == 200, reply.text
            assert key in reply.json
            assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"


async def test_a_stopped_pod_is_missing_at_once_and_back_without_a_restart(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        pod.nova.add_server(client.token.project_id)
    await cloud.pods[1].nova.stop()
    for _ in range(5):
        started = time.monotonic()
        reply = await client.get("/compute/v2.1/servers")
        assert (reply.status, len(reply.json["servers"])) == (200, 1)
        assert time.monotonic() - started < IMPATIENT["list_deadline"]
    await cloud.pods[1].nova.start()
    for _ in range(40):
        reply = await client.get("/compute/v2.1/servers")
        if "Triune-Missing-Pods" not in reply.headers:
            break
        await asyncio.sleep(0.05)
    assert len(reply.json["servers"]) == 2


async def test_a_breaker_leaves_a_hanging_pod_out(cloud: Cloud, client: Client) -> None:
    cloud.pods[1].nova.fails(service.hang)
    times = []
    for _ in range(5):
        started = time.monotonic()
        assert (await client.get("/compute/v2.1/servers")).status == 200
        times.append(time.monotonic() - started)
    deadline = IMPATIENT["list_deadline"]
    assert all(deadline <= seconds < 2 * deadline for seconds in times[:3])
    assert min(times[3:]) < deadline / 2
    # Only the compute service is left out.
    assert "Triune-Missing-Pods" not in (await client.get("/image/v2/images")).headers


async def test_a_client_error_opens_no_breaker(cloud: Cloud, gateway: Running, client: Client) -> None:
    for _ in range(5):
        assert (await client.get(f"/compute/v2.1/servers/{uuid.uuid4()}")).status == 404
        assert (await client.get("/compute/v2.1/servers?limit=-1")).status == 400
    for pod in await gateway.shared.registry.pods():
        assert not gateway.shared.health.breaker(pod.id, "compute").is_open


async def test_without_any_pod_it_is_the_native_503(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        await pod.stop()
    for path in ("/compute/v2.1/servers", "/compute/v2.1/flavors", "/compute/v2.1/flavors/1", "/compute/v2.1/limits"):
        reply = await client.get(path)
        assert reply.status == 503, path
        assert reply.json["serviceUnavailable"]["code"] == 503
        assert reply.headers["Triune-Missing-Pods"] == "RegionOne, RegionTwo"
    for path in ("/image/v2/images", f"/image/v2/images/{uuid.uuid4()}", f"/image/v2/images/{uuid.uuid4()}/file"):
        reply = await client.get(path)
        assert reply.status == 503
        assert reply.text.startswith("<html>")
    body = {"server": {"name": "a", "flavorRef": "1", "networks": "none"}}
    assert (await client.at("compute 2.37").post("/compute/v2.1/servers", body)).status == 503


@pytest.mark.parametrize("settings", [{"gateway": {"strict_lists": True}}], indirect=True)
async def test_strict_lists_are_whole_or_503(cloud: Cloud, client: Client) -> None:
    assert (await client.get("/compute/v2.1/servers")).status == 200
    await cloud.pods[1].nova.stop()
    for path in ("/compute/v2.1/servers", "/compute/v2.1/flavors", "/compute/v2.1/limits"):
        reply = await client.get(path)
        assert reply.status == 503
        assert "RegionTwo" in reply.json["serviceUnavailable"]["message"]


async def test_known_servers_of_a_missing_pod_are_unknown_from_2_69_on(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_server(client.token.project_id)
    hidden = cloud.pods[1].nova.add_server(client.token.project_id)
    cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{hidden['id']}")).status == 200
    new = client.at("compute 2.69")
    assert (await new.get("/compute/v2.1/servers")).status == 200
    await cloud.pods[1].nova.stop()
    for path in ("/compute/v2.1/servers", "/compute/v2.1/servers/detail"):
        told = (await new.get(path)).json["servers"]
        assert told[1:] == [
            {
                "id": hidden["id"],
                "status": "UNKNOWN",
                "links": [{"rel": "self", "href": f"{client.root}/compute/v2.1/servers/{hidden['id']}"}],
            }
        ]
        assert len((await client.get(path)).json["servers"]) == 1
        # As Nova: not where the list is filtered or paged.
        assert len((await new.get(f"{path}?name=vm")).json["servers"]) == 1


async def test_others_do_not_learn_of_them(cloud: Cloud, client: Client, admin: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    # An administrator looked at it first.
    assert (await admin.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    assert (await admin.at("compute 2.69").get("/compute/v2.1/servers")).status == 200
    await cloud.pods[1].nova.stop()
    assert (await admin.at("compute 2.69").get("/compute/v2.1/servers")).json["servers"] == []
    told = (await client.at("compute 2.69").get("/compute/v2.1/servers")).json["servers"]
    assert [shown["id"] for shown in told] == [server["id"]]


async def test_pages_end_while_a_pod_is_missing(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        for _ in range(5):
            pod.nova.add_server(client.token.project_id)
    reply = await client.get("/compute/v2.1/servers?limit=4")
    told = [server["id"] for server in reply.json["servers"]]
    await cloud.pods[1].nova.stop()
    for _ in range(10):
        links = reply.json.get("servers_links", [])
        if not links:
            break
        reply = await client.get(links[0]["href"])
        assert reply.status == 200
        told += [server["id"] for server in reply.json["servers"]]
    assert len(told) == len(set(told))
    assert {server["id"] for server in cloud.pods[0].nova.servers.values()} <= set(told)


async def test_a_plain_marker_is_good_while_another_pod_hangs(cloud: Cloud, client: Client) -> None:
    servers = [
        cloud.pods[0].nova.add_server(client.token.project_id, created=f"2026-01-01T00:00:0{n}Z") for n in range(4)
    ]
    cloud.pods[1].nova.fails(service.hang)
    reply = await client.get(f"/compute/v2.1/servers?marker={servers[2]['id']}")
    assert reply.status == 200
    assert [server["id"] for server in reply.json["servers"]] == [servers[1]["id"], servers[0]["id"]]


@pytest.mark.proves("compute", "GET /flavors/{flavor_id}")
async def test_showing_what_all_pods_hold_passes_a_hanging_pod(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        pod.nova.add_flavor("1")
    cloud.pods[0].nova.fails(service.hang)
    reply = await client.get("/compute/v2.1/flavors/1")
    assert (reply.status, reply.json["flavor"]["id"]) == (200, "1")
    assert "Triune-Missing-Pods" not in reply.headers


async def test_an_image_is_shown_while_a_pod_hangs(cloud: Cloud, client: Client) -> None:
    image = cloud.pods[1].glance.add(client.token.project_id, b"data")
    cloud.pods[0].glance.fails(service.hang)
    started = time.monotonic()
    reply = await client.get(f"/image/v2/images/{image['id']}")
    assert (reply.status, reply.json["status"]) == (200, "active")
    reply = await client.get(f"/image/v2/images/{image['id']}/file")
    assert (reply.status, reply.body) == (200, b"data")
    assert time.monotonic() - started < 2


async def test_no_pods_at_all_is_503(client: Client, admin: Client) -> None:
    for pod in (await admin.get("/v1.0/pods")).json["pods"]:
        assert (await admin.delete(f"/v1.0/pods/{pod['pod_id']}")).status == 200
    reply = await client.get("/compute/v2.1/servers")
    assert reply.status == 503
    assert reply.json == {"serviceUnavailable": {"code": 503, "message": "No pods are registered."}}


async def test_a_pod_without_endpoints_is_missing(cloud: Cloud, gateway: Running, client: Client) -> None:
    await gateway.shared.registry.create("RegionNine", "az9", "", "")
    reply = await client.get("/compute/v2.1/servers")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionNine")


async def test_a_pod_that_moves_is_found_by_the_catalog(cloud: Cloud, gateway: Running, client: Client) -> None:
    nova = cloud.pods[1].nova
    nova.add_server(client.token.project_id)
    assert len((await client.get("/compute/v2.1/servers")).json["servers"]) == 1
    await nova.stop()
    nova.port = 0
    await nova.start()
    for endpoint in cloud.keystone.endpoints:
        if (endpoint["region"], endpoint["service_id"]) == ("RegionTwo", cloud.keystone.services["compute"]):
            endpoint["url"] = f"{nova.root}/v2.1"
    # The catalog is read again after a failure, but not more often than every two seconds.
    for _ in range(60):
        reply = await client.get("/compute/v2.1/servers")
        if "Triune-Missing-Pods" not in reply.headers:
            break
        await asyncio.sleep(0.05)
    assert len(reply.json["servers"]) == 1


@pytest.mark.parametrize("query", ["", "?all_tenants=0", "?all_tenants=False", "?deleted=False"])
async def test_no_query_shows_the_unknown_servers_of_others(
    cloud: Cloud, gateway: Running, client: Client, session: aiohttp.ClientSession, query: str
) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    stranger = Client(session, gateway.root, cloud.keystone.token()).at("compute 2.69")
    assert (await stranger.get("/compute/v2.1/servers")).status == 200
    await cloud.pods[1].nova.stop()
    assert (await stranger.get(f"/compute/v2.1/servers{query}")).json["servers"] == []
    own = (await client.at("compute 2.69").get(f"/compute/v2.1/servers{query}")).json["servers"]
    assert [shown["id"] for shown in own] == [server["id"]]


@pytest.mark.parametrize("code", [401, 403, 404, 406, 429])
async def test_a_pod_that_refuses_for_a_reason_of_its_own_is_missing(cloud: Cloud, client: Client, code: int) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    assert (await client.get("/compute/v2.1/servers")).status == 200
    cloud.pods[1].nova.fails(service.status(code))
    for path, key in (("servers", "servers"), ("flavors", "flavors"), ("limits", "limits")):
        reply = await client.get(f"/compute/v2.1/{path}")
        assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
        assert key in reply.json
    assert [shown["id"] for shown in (await client.get("/compute/v2.1/servers")).json["servers"]] == [server["id"]]
