"""What needs an image in a pod that lacks it gets the image there, or is told in time that it does not."""

import asyncio
import time
import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.pod_service import Record
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import eventually, jobs, working
from .test_image_copies import DEVICES, act, boot

pytestmark = pytest.mark.usefixtures("flavors")
SHORT = pytest.mark.parametrize("settings", [{"image": {"boot_deadline": 0.3}}], indirect=True)


def held(cloud: Cloud, client: Client, pod: int = 0, data: bytes | None = b"data", **fields: Any) -> str:
    """An image that only one pod has."""
    record: Record = cloud.pods[pod].glance.add(str(client.token.project_id), data, **fields)
    return str(record["id"])


def servers(cloud: Cloud) -> list[int]:
    return [len(pod.nova.servers) for pod in cloud.pods]


async def volume(client: Client, image_id: Any, zone: str | None = "az2") -> Reply:
    body: Record = {"size": 1, "imageRef": image_id}
    return await client.post("/volume/v3/volumes", {"volume": body | ({"availability_zone": zone} if zone else {})})


# -- it comes


async def test_a_server_boots_where_its_image_was_not(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client, tags=["a"], hw_disk_bus="scsi")
    assert (await boot(client, image_id, "az2")).status == 202
    assert servers(cloud) == [0, 1]
    copy = cloud.pods[1].glance.images[image_id]
    assert (copy["status"], copy["tags"], copy["hw_disk_bus"]) == ("active", ["a"], "scsi")
    assert copy["owner"] == client.token.project_id
    # Now it is there, nothing is copied.
    assert (await boot(client, image_id, "az2")).status == 202
    assert cloud.pods[1].glance.count("PUT") == 1


async def test_without_a_zone_a_server_goes_where_its_image_is(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client, 1)
    assert (await boot(client, image_id)).status == 202
    assert (servers(cloud), cloud.pods[0].glance.images) == ([0, 1], {})


async def test_the_images_of_devices_come_too(cloud: Cloud, client: Client) -> None:
    ids = [held(cloud, client), held(cloud, client)]
    devices = [{"source_type": "image", "destination_type": "volume", "uuid": id_, "volume_size": 1} for id_ in ids]
    assert (await boot(client, ids[0], "az2", block_device_mapping_v2=devices)).status == 202
    assert cloud.pods[1].glance.images.keys() == set(ids)


async def test_a_volume_is_made_where_its_image_was_not(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client)
    assert (await volume(client, image_id)).status == 202
    assert len(cloud.pods[1].cinder.records["volume"]) == 1
    assert cloud.pods[1].glance.data[image_id] == b"data"


@pytest.mark.proves("compute", "POST /servers/{server_id}/action rescue")
@pytest.mark.parametrize(("action", "field"), [("rebuild", "imageRef"), ("rescue", "rescue_image_ref")])
async def test_what_is_done_to_a_server_finds_its_image(cloud: Cloud, client: Client, action: str, field: str) -> None:
    server = cloud.pods[1].nova.add_server(str(client.token.project_id))
    image_id = held(cloud, client)
    assert (await act(client, server, action, **{field: image_id})).status in (200, 202)
    assert cloud.pods[1].glance.images[image_id]["status"] == "active"
    missing = str(uuid.uuid4())
    refused = await act(client, server, action, **{field: missing})
    assert (refused.status, refused.json["badRequest"]["message"]) == (400, "Can not find requested image")
    for value in (5, None, [image_id], "../../x"):
        assert (await act(client, server, action, **{field: value})).status in (200, 400)


async def test_a_volume_is_imaged_anew_with_an_image_from_elsewhere(cloud: Cloud, client: Client) -> None:
    record = cloud.pods[1].cinder.add("volume", str(client.token.project_id))
    image_id = held(cloud, client)
    path = f"/volume/v3/volumes/{record['id']}/action"
    reply = await client.at("volume 3.68").post(path, {"os-reimage": {"image_id": image_id}})
    assert (reply.status, cloud.pods[1].glance.data[image_id]) == (202, b"data")


async def test_two_who_need_it_at_once_copy_it_once(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = held(cloud, client)
    cloud.pods[1].glance.fails(service.delay(0.3), "PUT .*/file")
    async with working(gateway):
        replies = await asyncio.gather(*(boot(client, image_id, "az2") for _ in range(4)))
    assert [reply.status for reply in replies] == [202] * 4
    assert cloud.pods[1].glance.count("PUT", "/file") == 1
    assert cloud.pods[0].glance.count("GET", "/file") == 1


async def test_somebody_elses_image_is_not_brought(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client, owner="another", visibility="private")
    reply = await boot(client, image_id, "az2")
    assert (reply.status, reply.json["badRequest"]["message"]) == (400, "Can not find requested image")
    assert cloud.pods[1].glance.images == {}


async def test_a_shared_image_comes_with_those_who_share_it(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client, owner="another", visibility="shared")
    cloud.pods[0].glance.members[image_id] = {str(client.token.project_id): "accepted"}
    assert (await boot(client, image_id, "az2")).status == 202
    assert cloud.pods[1].glance.images[image_id]["owner"] == "another"
    assert cloud.pods[1].glance.members[image_id] == {client.token.project_id: "accepted"}


# -- it does not come


async def test_what_nobody_has_is_the_pods_own_refusal(cloud: Cloud, client: Client) -> None:
    for zone in ("az1", "az2", None):
        reply = await boot(client, str(uuid.uuid4()), zone)
        assert (reply.status, reply.json["badRequest"]["message"]) == (400, "Can not find requested image")
    assert (await volume(client, missing := str(uuid.uuid4()))).json["itemNotFound"]["message"] == (
        f"Image {missing} could not be found."
    )
    assert (await volume(client, {"a": 1})).status in (400, 404)


async def test_an_image_without_data_is_refused_as_nova_does(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client, data=None)
    for zone in ("az1", "az2"):
        reply = await boot(client, image_id, zone)
        assert (reply.status, reply.json["badRequest"]["message"]) == (400, f"Image {image_id} is not active.")
    assert servers(cloud) == [0, 0]


@SHORT
async def test_an_image_that_takes_long_is_told_and_comes_all_the_same(
    cloud: Cloud, client: Client, admin: Client
) -> None:
    image_id = held(cloud, client)
    server = cloud.pods[1].nova.add_server(str(client.token.project_id))
    cloud.pods[1].glance.fails(service.delay(1.5), "PUT .*/file")
    started = time.monotonic()
    replies = await asyncio.gather(
        boot(client, image_id, "az2"), volume(client, image_id), act(client, server, "rebuild", imageRef=image_id)
    )
    assert time.monotonic() - started < 1.4
    for reply in replies:
        message = f"Image {image_id} is still being copied to availability zone az2. Try again in a while."
        assert (reply.status, reply.json["conflictingRequest"]["message"]) == (409, message)
    assert servers(cloud) == [0, 1]
    assert [job["status"] for job in await jobs(admin, "?type=image")] == ["RUNNING"]
    await eventually(lambda: cloud.pods[1].glance.images[image_id]["status"] == "active")
    cloud.pods[1].glance.fails(None)
    assert (await boot(client, image_id, "az2")).status == 202
    assert cloud.pods[1].glance.count("PUT", "/file") == 1


async def test_a_pod_that_does_not_take_the_image_is_a_conflict(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = held(cloud, client)
    cloud.pods[1].glance.fails(service.status(413, "full"), "PUT .*/file")
    reply = await boot(client, image_id, "az2")
    assert reply.status == 409
    assert "could not be copied to availability zone az2 yet" in reply.json["conflictingRequest"]["message"]
    cloud.pods[1].glance.fails(None)
    # The work engine goes on with it.
    async with working(gateway):
        await eventually(lambda: cloud.pods[1].glance.images[image_id]["status"] == "active")


@pytest.mark.impatient
@pytest.mark.parametrize("fault", [service.drop, service.hang, service.status(503)])
async def test_an_image_that_may_be_where_nobody_answers_is_503(cloud: Cloud, client: Client, fault: Any) -> None:
    image_id = held(cloud, client)
    cloud.pods[0].glance.fails(fault)
    reply = await boot(client, image_id, "az2")
    assert reply.status == 503
    assert "RegionOne" in reply.json["serviceUnavailable"]["message"]
    assert servers(cloud) == [0, 0]


@pytest.mark.parametrize("cloud", [3], indirect=True)
async def test_a_third_pod_that_is_away_does_not_matter(cloud: Cloud, client: Client) -> None:
    image_id = held(cloud, client)
    await cloud.pods[2].glance.stop()
    assert (await boot(client, image_id, "az2")).status == 202


async def test_what_was_removed_does_not_come_back(cloud: Cloud, gateway: Running, client: Client) -> None:
    reply = await client.post("/image/v2/images", {"name": "a", "disk_format": "raw", "container_format": "bare"})
    image_id = reply.json["id"]
    path = f"/image/v2/images/{image_id}"
    await client.put(f"{path}/file", data=b"data", headers={"Content-Type": "application/octet-stream"})
    await cloud.pods[0].glance.stop()
    assert (await client.delete(path)).status == 204
    await cloud.pods[0].glance.start()
    async with asyncio.timeout(8):
        while "Triune-Missing-Pods" in (await client.get("/image/v2/images")).headers:
            await asyncio.sleep(0.05)
    # The pod that was away has it still, and nobody else gets it from there.
    assert image_id in cloud.pods[0].glance.images
    reply = await boot(client, image_id, "az2")
    assert (reply.status, reply.json["badRequest"]["message"]) == (400, "Can not find requested image")
    assert image_id not in cloud.pods[1].glance.images


async def test_images_bound_to_two_pods_are_refused(cloud: Cloud, client: Client) -> None:
    ids = []
    for pod in cloud.pods:
        server = pod.nova.add_server(str(client.token.project_id), devices=DEVICES)
        ids.append((await act(client.at("compute 2.45"), server, "createImage", name="s")).json["image_id"])
    devices = [{"source_type": "image", "destination_type": "volume", "uuid": ids[1], "volume_size": 1}]
    reply = await boot(client, ids[0], block_device_mapping_v2=devices)
    assert reply.status == 400
    assert all(zone in reply.json["badRequest"]["message"] for zone in ("az1", "az2"))
