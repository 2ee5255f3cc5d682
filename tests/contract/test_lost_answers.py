"""What no answer may say when another was lost: that there is nothing, or that it is gone."""

import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .servers_on_networks import boot, message, third
from .test_convergence import FLAVOR, eventually, working
from .test_images import PIECE, create, statuses, upload

SERVERS = "(POST .*/servers$|DELETE .*/servers/)"


def refuses(times: int, how: Any) -> service.Fault:
    """The third server of a request is refused, and removing the others fails so many times."""
    left = {"DELETE": times}

    async def no(_request: Any) -> Any:
        return service.web.json_response({"badRequest": {"code": 400, "message": "no"}}, status=400)

    async def fault(request: Any) -> Any:
        if request.method == "DELETE":
            left["DELETE"] -= 1
            return await how(request) if left["DELETE"] >= 0 else None
        return await third(no)(request)

    return fault


@pytest.mark.usefixtures("wired")
@pytest.mark.parametrize("how", [service.drop, service.status(503), service.status(429), service.status(500)])
async def test_taking_back_servers_is_tried_again(cloud: Cloud, client: Client, blue: Record, how: Any) -> None:
    nova = cloud.pods[0].nova
    nova.fails(refuses(2, how), SERVERS)
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}], min_count=3)
    assert reply.status == 400, reply.text
    assert not nova.servers


@pytest.mark.usefixtures("wired")
async def test_servers_that_stay_are_no_refusal(cloud: Cloud, client: Client, blue: Record) -> None:
    nova = cloud.pods[0].nova
    nova.fails(refuses(100, service.drop), SERVERS)
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}], min_count=3)
    assert reply.status == 504, reply.text
    assert len(nova.servers) == 2
    assert all(server_id in message(reply) for server_id in nova.servers)


async def test_a_marker_of_a_pod_that_is_away_is_not_unknown(cloud: Cloud, client: Client, flavors: None) -> None:
    cloud.pods[1].nova.add_flavor("f2")
    path = "/compute/v2.1/flavors?marker="
    assert (await client.get(f"{path}f2")).status == 200
    await cloud.pods[1].nova.stop()
    reply = await client.get(f"{path}f2")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (503, "RegionTwo")
    assert (await client.get(f"{path}1")).status == 200
    await cloud.pods[1].nova.start()
    assert (await client.get(f"{path}{uuid.uuid4()}")).status in (400, 503)


async def test_what_may_be_in_a_pod_that_is_away_is_not_gone(cloud: Cloud, gateway: Running, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    assert (await admin.post("/compute/v2.1/flavors", FLAVOR)).status == 200
    await cloud.pods[1].nova.start()
    await cloud.pods[0].nova.stop()

    async def gone() -> int:
        return (await admin.delete("/compute/v2.1/flavors/f1")).status

    # The one pod that answers does not have it yet.
    for _ in range(50):
        if cloud.pods[1].nova.count("DELETE"):
            break
        assert await gone() == 503
    assert cloud.pods[1].nova.count("DELETE")
    await cloud.pods[0].nova.start()
    async with working(gateway):
        await eventually(lambda: "f1" in cloud.pods[1].nova.flavors)


async def test_an_image_of_a_pod_that_is_away_is_not_unknown(cloud: Cloud, client: Client) -> None:
    await cloud.pods[1].glance.stop()
    image_id = await create(client)
    await cloud.pods[1].glance.start()
    cloud.pods[0].glance.fails(service.drop, "PUT")
    reply = await upload(client, image_id, PIECE)
    # The breaker may still leave out the pod that has come back.
    assert reply.status in (503, 504), reply.text
    assert "RegionOne" in reply.headers["Triune-Missing-Pods"]


async def test_data_that_is_there_already_comes_to_a_pod_that_is_away(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    """Nobody heard that the first upload was stored, and the second one meets a pod that is away."""
    image_id = await create(client)
    cloud.pods[0].glance.fails_late(service.drop, "PUT")
    cloud.pods[1].glance.fails(service.drop, "PUT")
    assert (await upload(client, image_id, PIECE)).status == 504
    cloud.pods[0].glance.fails(None)
    assert statuses(cloud, image_id) == ["active", "queued"]
    reply = await upload(client, image_id, PIECE)
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (409, "RegionTwo")
    cloud.pods[1].glance.fails(None)
    async with working(gateway):
        await eventually(lambda: statuses(cloud, image_id) == ["active", "active"])


@pytest.mark.parametrize("code", [429, 500])
async def test_a_volume_of_a_pod_that_does_not_say_is_not_unknown(cloud: Cloud, client: Client, code: int) -> None:
    """It is in another pod than the server, which would not find it."""
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id)
    path = f"/compute/v2.1/servers/{server['id']}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": volume["id"]}}
    assert (await client.post(path, body)).status == 400
    cloud.pods[1].cinder.fails(service.status(code))
    reply = await client.post(path, body)
    assert reply.status == 503, reply.text
    assert "RegionTwo" in message(reply)


async def test_nor_is_a_volume_that_may_be_in_a_pod_that_is_away(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id)
    await cloud.pods[1].cinder.stop()
    path = f"/compute/v2.1/servers/{server['id']}/os-volume_attachments"
    reply = await client.post(path, {"volumeAttachment": {"volumeId": volume["id"]}})
    assert reply.status == 503, reply.text
    assert "RegionTwo" in message(reply)
