"""Images: one id everywhere, data streamed to all pods and read from any that has it."""

import asyncio
import hashlib
import io
import json
import resource
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import eventually, working

OCTETS = {"Content-Type": "application/octet-stream"}
PIECE = b"0123456789abcdef" * 4096


async def pieces(count: int, pause: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE
        if pause:
            await asyncio.sleep(pause)


async def create(client: Client, **fields: Any) -> str:
    body = {"name": "image", "disk_format": "raw", "container_format": "bare", **fields}
    reply = await client.post("/image/v2/images", body)
    assert reply.status == 201, reply.text
    image_id: str = reply.json["id"]
    return image_id


def statuses(cloud: Cloud, image_id: str) -> list[str | None]:
    return [pod.glance.images.get(image_id, {}).get("status") for pod in cloud.pods]


async def upload(client: Client, image_id: str, data: Any) -> Reply:
    return await client.put(f"/image/v2/images/{image_id}/file", data=data, headers=OCTETS)


async def test_an_image_has_one_id_in_all_pods(cloud: Cloud, client: Client) -> None:
    reply = await client.post("/image/v2/images", {"name": "a", "disk_format": "raw", "container_format": "bare"})
    assert reply.status == 201
    image_id = reply.json["id"]
    assert uuid.UUID(image_id)
    assert [list(pod.glance.images) for pod in cloud.pods] == [[image_id]] * 2
    assert reply.headers["Location"] == f"{client.root}/image/v2/images/{image_id}"
    assert reply.headers["OpenStack-image-import-methods"] == "glance-direct,web-download"
    assert reply.json["file"] == f"/v2/images/{image_id}/file"


async def test_an_id_may_be_chosen_once(cloud: Cloud, client: Client) -> None:
    image_id = str(uuid.uuid4())
    assert await create(client, id=image_id) == image_id
    reply = await client.post("/image/v2/images", {"id": image_id, "name": "b"})
    assert reply.status == 409
    assert f"Image ID {image_id} already exists!" in reply.text
    assert statuses(cloud, image_id) == ["queued", "queued"]


@pytest.mark.parametrize("chunked", [True, False])
async def test_data_goes_to_all_pods(cloud: Cloud, client: Client, chunked: bool) -> None:
    image_id = await create(client)
    reply = await upload(client, image_id, pieces(20) if chunked else io.BytesIO(PIECE * 20))
    assert (reply.status, reply.body) == (204, b"")
    assert statuses(cloud, image_id) == ["active", "active"]
    checksums = {pod.glance.images[image_id]["checksum"] for pod in cloud.pods}
    assert checksums == {hashlib.md5(PIECE * 20, usedforsecurity=False).hexdigest()}
    reply = await client.get(f"/image/v2/images/{image_id}/file")
    assert (reply.status, reply.body) == (200, PIECE * 20)
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Content-MD5"] in checksums
    assert reply.headers["Content-Length"] == str(len(PIECE) * 20)


async def test_an_empty_image(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    assert (await upload(client, image_id, b"")).status == 204
    assert statuses(cloud, image_id) == ["active", "active"]


async def test_no_data_yet_is_204(client: Client) -> None:
    image_id = await create(client)
    reply = await client.get(f"/image/v2/images/{image_id}/file")
    assert (reply.status, reply.body) == (204, b"")


async def test_data_that_one_pod_has_is_read_from_there(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    cloud.pods[1].glance._store(cloud.pods[1].glance.images[image_id], b"data")
    assert (await client.get(f"/image/v2/images/{image_id}")).json["status"] == "active"
    reply = await client.get(f"/image/v2/images/{image_id}/file")
    assert (reply.status, reply.body) == (200, b"data")
    (listed,) = (await client.get("/image/v2/images")).json["images"]
    assert listed["status"] == "active"


async def test_an_upload_again_is_glances_409(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    assert (await upload(client, image_id, b"data")).status == 204
    reply = await upload(client, image_id, b"more")
    assert reply.status == 409
    assert "Image status transition from active to saving is not allowed" in reply.text
    assert [pod.glance.data[image_id] for pod in cloud.pods] == [b"data", b"data"]


async def test_an_upload_to_nowhere_is_glances_404(client: Client) -> None:
    reply = await upload(client, str(uuid.uuid4()), PIECE)
    assert reply.status == 404
    assert "No image found with ID" in reply.text


@pytest.mark.parametrize("fault", [service.drop, service.status(503), None])
async def test_a_pod_that_is_away_is_named_and_the_others_store(cloud: Cloud, client: Client, fault: Any) -> None:
    image_id = await create(client)
    if fault is None:
        await cloud.pods[1].glance.stop()
    else:
        cloud.pods[1].glance.fails(fault, "PUT")
    reply = await upload(client, image_id, pieces(30))
    assert reply.status == 204
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert statuses(cloud, image_id) == ["active", "queued"]
    assert len(cloud.pods[0].glance.data[image_id]) == 30 * len(PIECE)


async def test_a_pod_that_dies_half_way(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)

    async def dying() -> AsyncIterator[bytes]:
        async for piece in pieces(5):
            yield piece
        while not cloud.pods[1].glance.received:
            await asyncio.sleep(0.01)
        await cloud.pods[1].glance.stop()
        async for piece in pieces(100):
            yield piece

    reply = await upload(client, image_id, dying())
    assert reply.status == 204
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert statuses(cloud, image_id)[0] == "active"
    assert statuses(cloud, image_id)[1] != "active"


async def test_a_pod_that_refuses_the_data_is_named(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    cloud.pods[1].glance.fails(service.status(413, "full"), "PUT")
    reply = await upload(client, image_id, pieces(30))
    assert reply.status == 204
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert statuses(cloud, image_id) == ["active", "queued"]


async def test_repeating_a_half_upload_completes_it(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    cloud.pods[1].glance.fails(service.drop, "PUT")
    assert (await upload(client, image_id, PIECE)).status == 204
    cloud.pods[1].glance.fails(None)
    reply = await upload(client, image_id, PIECE)
    assert reply.status == 204
    assert statuses(cloud, image_id) == ["active", "active"]


@pytest.mark.impatient
async def test_a_pod_that_stands_still_does_not_take_the_others_along(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    cloud.pods[1].glance.fails(service.hang, "PUT")
    started = time.monotonic()
    reply = await upload(client, image_id, pieces(200))
    assert reply.status == 204
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert time.monotonic() - started < 3
    assert len(cloud.pods[0].glance.data[image_id]) == 200 * len(PIECE)


@pytest.mark.impatient
async def test_a_slow_client_is_no_stall(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    assert (await upload(client, image_id, pieces(5, pause=0.25))).status == 204
    assert statuses(cloud, image_id) == ["active", "active"]


async def test_a_client_that_goes_away_leaves_nothing_half_stored(cloud: Cloud, client: Client) -> None:
    for length in ({}, {"Content-Length": str(100 * len(PIECE))}):
        image_id = await create(client)

        async def leaving() -> AsyncIterator[bytes]:
            async for piece in pieces(10):
                yield piece
            raise asyncio.CancelledError

        with pytest.raises((aiohttp.ClientError, asyncio.CancelledError)):
            await client.put(f"/image/v2/images/{image_id}/file", data=leaving(), headers={**OCTETS, **length})
        for _ in range(50):
            if statuses(cloud, image_id) == ["queued", "queued"]:
                break
            await asyncio.sleep(0.02)
        assert statuses(cloud, image_id) == ["queued", "queued"]
        assert all(image_id not in pod.glance.data for pod in cloud.pods)
    # It says nothing about the pods.
    assert "Triune-Missing-Pods" not in (await client.get("/image/v2/images")).headers


async def test_memory_stays_flat(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        pod.glance.counts_only = True
    warm = await create(client)
    assert (await upload(client, warm, pieces(50))).status == 204
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    image_id = await create(client)
    assert (await upload(client, image_id, pieces(3200))).status == 204
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert cloud.pods[0].glance.received == 3250 * len(PIECE)
    # 200 MiB to two pods, in one process with the fakes and the client.
    assert grown < 30 * 1024


async def test_a_client_that_stops_reading_stops_the_pod(cloud: Cloud, client: Client, session: Any) -> None:
    image = cloud.pods[0].glance.add(client.token.project_id, PIECE * 800)
    headers = {"X-Auth-Token": client.token.id}
    async with session.get(f"{client.root}/image/v2/images/{image['id']}/file", headers=headers) as response:
        assert response.status == 200
        assert await response.content.readexactly(1000)
    # The connection is dropped with most of the data unread; the gateway goes on serving.
    assert (await client.get("/image/v2/images")).status == 200


async def test_a_download_that_breaks_is_seen_to_break(cloud: Cloud, client: Client) -> None:
    image = cloud.pods[0].glance.add(client.token.project_id, PIECE)
    cloud.pods[0].glance.fails(service.cut_data, "GET .*/file")
    cloud.pods[1].glance.fails(service.status(404), "GET")
    with pytest.raises(aiohttp.ClientPayloadError):
        reply = await client.get(f"/image/v2/images/{image['id']}/file")
        raise AssertionError(reply)


async def test_a_change_is_made_everywhere(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    patch = json.dumps([{"op": "replace", "path": "/name", "value": "new"}])
    reply = await client.request(
        "PATCH",
        f"/image/v2/images/{image_id}",
        data=patch,
        headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
    )
    assert (reply.status, reply.json["name"]) == (200, "new")
    assert [pod.glance.images[image_id]["name"] for pod in cloud.pods] == ["new", "new"]
    assert (await client.put(f"/image/v2/images/{image_id}/tags/a%20b")).status == 204
    assert [pod.glance.images[image_id]["tags"] for pod in cloud.pods] == [["a b"], ["a b"]]


async def test_an_image_is_removed_everywhere(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    assert (await upload(client, image_id, b"data")).status == 204
    assert (await client.delete(f"/image/v2/images/{image_id}")).status == 204
    assert statuses(cloud, image_id) == [None, None]
    assert (await client.get(f"/image/v2/images/{image_id}")).status == 404
    reply = await client.delete(f"/image/v2/images/{image_id}")
    assert reply.status == 404
    assert f"No image found with ID {image_id}" in reply.text


async def test_a_protected_image_stays_everywhere(cloud: Cloud, client: Client) -> None:
    image_id = await create(client, protected=True)
    reply = await client.delete(f"/image/v2/images/{image_id}")
    assert reply.status == 403
    assert statuses(cloud, image_id) == ["queued", "queued"]


# -- pods that were away catch up


async def test_a_record_made_while_a_pod_was_away_comes_to_it(cloud: Cloud, gateway: Running, client: Client) -> None:
    await cloud.pods[1].glance.stop()
    image_id = await create(client, tags=["a"], hw_disk_bus="scsi")
    await cloud.pods[1].glance.start()
    async with working(gateway):
        await eventually(lambda: statuses(cloud, image_id) == ["queued", "queued"])
    # Now it takes part in the upload.
    assert (await upload(client, image_id, b"data")).status == 204
    assert statuses(cloud, image_id) == ["active", "active"]
    assert cloud.pods[1].glance.images[image_id]["hw_disk_bus"] == "scsi"


@pytest.mark.parametrize("fault", [service.drop, service.status(413)])
async def test_data_that_a_pod_did_not_store_comes_to_it(
    cloud: Cloud, gateway: Running, client: Client, fault: Any
) -> None:
    image_id = await create(client)
    cloud.pods[1].glance.fails(fault, "PUT")
    assert (await upload(client, image_id, PIECE)).headers["Triune-Missing-Pods"] == "RegionTwo"
    cloud.pods[1].glance.fails(None)
    async with working(gateway):
        await eventually(lambda: statuses(cloud, image_id) == ["active", "active"])
    assert cloud.pods[1].glance.data[image_id] == PIECE


# -- imports


async def start_import(client: Client, image_id: str, **method: str) -> Reply:
    return await client.post(f"/image/v2/images/{image_id}/import", {"method": method})


async def test_staged_data_is_imported_by_every_pod(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    assert (await start_import(client, image_id, name="glance-direct")).status == 409
    reply = await client.put(f"/image/v2/images/{image_id}/stage", data=PIECE, headers=OCTETS)
    assert (reply.status, statuses(cloud, image_id)) == (204, ["uploading", "uploading"])
    assert (await start_import(client, image_id, name="glance-direct")).status == 202
    assert statuses(cloud, image_id) == ["active", "active"]


async def test_a_pod_that_could_not_import_gets_the_data(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = await create(client)
    cloud.pods[0].glance.web["http://there/image"] = b"data"
    assert (await start_import(client, image_id, name="web-download", uri="http://there/image")).status == 202
    assert statuses(cloud, image_id) == ["active", "queued"]
    async with working(gateway):
        await eventually(lambda: statuses(cloud, image_id) == ["active", "active"])


async def test_methods_that_all_pods_have_are_told(cloud: Cloud, client: Client) -> None:
    cloud.pods[1].glance.methods = ["web-download", "copy-image"]
    methods = (await client.get("/image/v2/info/import")).json["import-methods"]
    assert methods == {"description": "Import methods available.", "type": "array", "value": ["web-download"]}
    await cloud.pods[1].glance.stop()
    reply = await client.get("/image/v2/info/import")
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    await cloud.pods[0].glance.stop()
    assert (await client.get("/image/v2/info/import")).status == 503


# -- what is done beside


async def test_an_image_is_deactivated_everywhere(cloud: Cloud, client: Client) -> None:
    image_id = await create(client)
    await upload(client, image_id, b"data")
    assert (await client.post(f"/image/v2/images/{image_id}/actions/deactivate")).status == 204
    assert statuses(cloud, image_id) == ["deactivated", "deactivated"]
    assert (await client.get(f"/image/v2/images/{image_id}/file")).status == 403
    assert (await client.post(f"/image/v2/images/{image_id}/actions/reactivate")).status == 204
    assert (await client.get(f"/image/v2/images/{image_id}/file")).body == b"data"


async def test_an_image_is_shared_everywhere(cloud: Cloud, gateway: Running, client: Client, session: Any) -> None:
    image_id = await create(client, visibility="shared")
    other = Client(session, client.root, cloud.keystone.token())
    path = f"/image/v2/images/{image_id}/members"
    member = {"member": other.token.project_id}
    assert (await other.get(path)).status == 404
    assert (await client.post(path, member)).json["status"] == "pending"
    assert (await client.post(path, member)).status == 409
    assert (await other.get("/image/v2/images")).json["images"] == []
    reply = await other.put(f"{path}/{other.token.project_id}", json={"status": "accepted"})
    assert (reply.status, reply.json["status"]) == (200, "accepted")
    assert [pod.glance.members[image_id] for pod in cloud.pods] == [{other.token.project_id: "accepted"}] * 2
    assert [image["id"] for image in (await other.get("/image/v2/images")).json["images"]] == [image_id]
    assert (await other.delete(f"{path}/nobody")).status == 404
    assert (await client.delete(f"{path}/{other.token.project_id}")).status == 204
    assert (await client.get(path)).json["members"] == []


async def test_a_tag_is_taken_off_everywhere(cloud: Cloud, client: Client) -> None:
    image_id = await create(client, tags=["a", "b"])
    assert (await client.delete(f"/image/v2/images/{image_id}/tags/a")).status == 204
    assert (await client.delete(f"/image/v2/images/{image_id}/tags/a")).status == 404
    assert [pod.glance.images[image_id]["tags"] for pod in cloud.pods] == [["b"], ["b"]]


async def test_metadata_definitions_are_written_everywhere_and_read_anywhere(cloud: Cloud, admin: Client) -> None:
    path = "/image/v2/metadefs/namespaces"
    assert (await admin.post(path, {"namespace": "OS::A b"})).status == 201
    assert (await admin.post(path, {"namespace": "OS::A b"})).status == 409
    assert [list(pod.glance.namespaces) for pod in cloud.pods] == [["OS::A b"]] * 2
    await cloud.pods[0].glance.stop()
    assert [each["namespace"] for each in (await admin.get(path)).json["namespaces"]] == ["OS::A b"]
    await cloud.pods[0].glance.start()
    assert (await admin.delete(f"{path}/OS::A%20b")).status == 204
    assert [pod.glance.namespaces for pod in cloud.pods] == [{}, {}]


async def test_tasks_of_all_pods_stand_in_one_list(cloud: Cloud, admin: Client, client: Client) -> None:
    task = {"type": "import", "input": {"import_from": "http://there", "image_properties": {}}}
    made = []
    for pod in cloud.pods:
        other = next(each for each in cloud.pods if each is not pod)
        await other.glance.stop()
        reply = await admin.post("/image/v2/tasks", task)
        assert (reply.status, reply.headers["Location"]) == (201, f"{admin.root}/image/v2/tasks/{reply.json['id']}")
        made.append(reply.json["id"])
        await other.glance.start()
    assert [len(pod.glance.tasks) for pod in cloud.pods] == [1, 1]
    listed = (await admin.get("/image/v2/tasks?limit=1")).json
    rest = (await admin.get(f"/image{listed['next']}")).json
    assert {each["id"] for page in (listed, rest) for each in page["tasks"]} == set(made)
    for task_id in made:
        assert (await admin.get(f"/image/v2/tasks/{task_id}")).json["id"] == task_id
    assert (await client.get("/image/v2/tasks")).status == 403


@pytest.mark.parametrize("body", ["", "{", "[]", '"a"', "5"])
async def test_a_body_that_is_no_object_is_glances_to_refuse(cloud: Cloud, client: Client, body: str) -> None:
    reply = await client.request("POST", "/image/v2/images", data=body, headers={"Content-Type": "application/json"})
    assert reply.status in (400, 500)
    assert sum(len(pod.glance.images) for pod in cloud.pods) == 0
