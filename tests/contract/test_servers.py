"""Servers: shown, acted upon and deleted in the pod that holds them."""

import json
import uuid

import pytest
from sqlalchemy import text

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running


async def routings(gateway: Running) -> list[tuple[str, str]]:
    async with gateway.shared.database.transaction() as session:
        rows = await session.execute(text("SELECT resource_type, top_id FROM routings ORDER BY id"))
        return [tuple(row) for row in rows]


@pytest.mark.proves("compute", "GET /servers/{server_id}")
async def test_a_server_is_shown_from_its_pod(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    reply = await client.get(f"/compute/v2.1/servers/{server['id']}")
    assert reply.status == 200
    shown = reply.json["server"]
    assert shown["id"] == server["id"]
    assert shown["OS-EXT-AZ:availability_zone"] == "az2"
    assert shown["links"] == [
        {"rel": "self", "href": f"{client.root}/compute/v2.1/servers/{server['id']}"},
        {"rel": "bookmark", "href": f"{client.root}/compute/servers/{server['id']}"},
    ]


async def test_it_is_searched_once_and_then_remembered(cloud: Cloud, gateway: Running, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    for _ in range(3):
        assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    assert cloud.pods[0].nova.count("GET", "/servers/") == 1
    assert await routings(gateway) == [("server", server["id"])]


async def test_dropped_routings_are_found_again(cloud: Cloud, start_gateway, session, client: Client) -> None:  # type: ignore[no-untyped-def]
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    async with start_gateway() as restarted:
        async with restarted.shared.database.transaction() as database:
            await database.execute(text("DELETE FROM routings"))
        anew = Client(session, restarted.root, client.token)
        assert (await anew.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
        assert (await anew.delete(f"/compute/v2.1/servers/{server['id']}")).status == 204
    assert cloud.pods[1].nova.servers == {}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_stale_routing_does_not_hide_a_server(
    cloud: Cloud, gateway: Running, client: Client, method: str
) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    wrong = next(pod for pod in await gateway.shared.registry.pods() if pod.region_name == "RegionOne")
    async with gateway.shared.database.transaction() as database:
        await database.execute(
            text(
                "INSERT INTO routings (top_id, bottom_id, pod_id, project_id, resource_type, created_at) VALUES "
                f"('{server['id']}', '{server['id']}', '{wrong.id}', '{client.token.project_id}', 'server', "
                "'2026-01-01')"
            )
        )
    path = f"/compute/v2.1/servers/{server['id']}"
    document = {"os-stop": None} if method == "POST" else None
    reply = await client.request(method, path + ("/action" if document else ""), json=document)
    assert reply.status < 300
    assert server["id"] not in cloud.pods[1].nova.servers or method != "DELETE"
    assert cloud.pods[1].nova.count(method, server["id"]) >= 1


@pytest.mark.proves("compute", "POST /servers/{server_id}/action os-stop")
async def test_an_action_reaches_the_pod_as_it_was_said(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    body = b'{"os-stop" : null}  '
    reply = await client.post(
        f"/compute/v2.1/servers/{server['id']}/action", data=body, headers={"Content-Type": "application/json"}
    )
    assert (reply.status, reply.body) == (202, b"")
    assert cloud.pods[1].nova.asked[-1].body == body
    assert server["status"] == "SHUTOFF"


async def test_a_body_in_chunks_reaches_the_pod(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)

    async def pieces():  # type: ignore[no-untyped-def]
        yield b'{"os-stop"'
        yield b": null}"

    reply = await client.post(
        f"/compute/v2.1/servers/{server['id']}/action", data=pieces(), headers={"Content-Type": "application/json"}
    )
    assert reply.status == 202
    assert cloud.pods[1].nova.asked[-1].body == b'{"os-stop": null}'


async def test_what_is_not_there_is_the_pods_own_404(client: Client) -> None:
    missing = str(uuid.uuid4())
    for method in ("GET", "DELETE"):
        reply = await client.request(method, f"/compute/v2.1/servers/{missing}")
        assert reply.status == 404
        assert reply.json == {"itemNotFound": {"code": 404, "message": f"Instance {missing} could not be found."}}


@pytest.mark.proves("compute", "DELETE /servers/{server_id}")
async def test_a_deleted_server_is_forgotten(cloud: Cloud, gateway: Running, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    path = f"/compute/v2.1/servers/{server['id']}"
    assert (await client.get(path)).status == 200
    assert (await client.delete(path)).status == 204
    assert await routings(gateway) == []
    assert (await client.get(path)).status == 404


async def test_a_404_below_a_server_does_not_forget_it(cloud: Cloud, gateway: Running, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    reply = await client.at("compute 2.26").get(f"/compute/v2.1/servers/{server['id']}/tags/none")
    assert reply.status == 404
    assert "has no tag" in reply.json["itemNotFound"]["message"]
    assert await routings(gateway) == [("server", server["id"])]


async def test_somebody_elses_server_is_not_there(cloud: Cloud, gateway: Running, client: Client, session) -> None:  # type: ignore[no-untyped-def]
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    stranger = Client(session, gateway.root, cloud.keystone.token())
    for _ in range(2):
        assert (await stranger.get(f"/compute/v2.1/servers/{server['id']}")).status == 404
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200


async def test_a_search_does_not_wait_for_a_pod_that_hangs(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    cloud.pods[1].nova.fails(service.hang)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200


async def test_not_found_while_a_pod_is_away_is_no_404(cloud: Cloud, client: Client) -> None:
    await cloud.pods[1].nova.stop()
    reply = await client.get(f"/compute/v2.1/servers/{uuid.uuid4()}")
    assert reply.status == 503
    assert "RegionTwo" in reply.json["serviceUnavailable"]["message"]
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"


@pytest.mark.impatient
@pytest.mark.parametrize("body", [b"", b'{"os-stop": null}'])
async def test_an_action_in_a_pod_that_hangs_ends_at_the_deadline(cloud: Cloud, client: Client, body: bytes) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    cloud.pods[1].nova.fails(service.hang)
    reply = await client.post(f"/compute/v2.1/servers/{server['id']}/action", data=body)
    assert reply.status == 504
    assert "RegionTwo" in reply.json["computeFault"]["message"]


async def test_a_pod_that_refuses_connections_is_503(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    await cloud.pods[1].nova.stop()
    reply = await client.get(f"/compute/v2.1/servers/{server['id']}")
    assert reply.status == 503
    assert reply.json["serviceUnavailable"]["code"] == 503


async def test_an_answer_cut_half_way_is_an_error(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    cloud.pods[1].nova.fails(service.cut)
    reply = await client.get(f"/compute/v2.1/servers/{server['id']}")
    assert reply.status == 504


async def test_a_pods_own_500_goes_through(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    cloud.pods[1].nova.fails(service.status(500, "Internal"))
    reply = await client.get(f"/compute/v2.1/servers/{server['id']}")
    assert (reply.status, reply.body) == (500, b"Internal")


async def test_metadata_that_looks_like_a_link_or_a_zone_is_the_users_own(cloud: Cloud, client: Client) -> None:
    nova = cloud.pods[1].nova
    metadata = {"link": f"{nova.root}/v2.1/servers/1", "availability_zone": "nova", "links": "a"}
    server = nova.add_server(client.token.project_id, metadata=metadata, name=f"{nova.root}/v2.1")
    for path in (f"/compute/v2.1/servers/{server['id']}", "/compute/v2.1/servers/detail"):
        document = (await client.get(path)).json
        shown = document["server"] if "server" in document else document["servers"][0]
        assert shown["metadata"] == metadata
        assert shown["name"] == f"{nova.root}/v2.1"
        assert shown["OS-EXT-AZ:availability_zone"] == "az2"


@pytest.mark.proves("compute", "POST /servers/{server_id}/action unshelve")
async def test_a_server_is_unshelved_in_its_own_zone_only(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    action = f"/compute/v2.1/servers/{server['id']}/action"
    reply = await client.at("compute 2.77").post(action, {"unshelve": {"availability_zone": "az2"}})
    assert (reply.status, reply.json["badRequest"]["message"]) == (
        400,
        "The requested availability zone is not available",
    )
    await client.at("compute 2.77").post(action, {"unshelve": {"availability_zone": "az1"}})
    (asked,) = [asked for asked in cloud.pods[0].nova.asked if asked.method == "POST"]
    assert json.loads(asked.body) == {"unshelve": {"availability_zone": "nova"}}
