"""Images that are made in one pod come to all others, and leave them with the image."""

import asyncio
import json
import resource
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from triune.shared.images import IMAGE, IMAGES
from triune.work.handler import KeyFailed
from triune.work.requests import Key

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.pod_service import Record
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import all_succeed, eventually, jobs, working

DEVICES = [{"source_type": "snapshot", "destination_type": "volume", "snapshot_id": "s1", "boot_index": 0}]
PIECE = b"0123456789abcdef" * 4096
pytestmark = pytest.mark.usefixtures("flavors")


async def act(client: Client, server: Record, action: str, **value: Any) -> Reply:
    return await client.post(f"/compute/v2.1/servers/{server['id']}/action", {action: value})


async def snapshot(cloud: Cloud, client: Client, pod: int = 0, action: str = "createImage", **value: Any) -> str:
    """The id of an image of a new server in a pod."""
    server = cloud.pods[pod].nova.add_server(str(client.token.project_id))
    reply = await act(client.at("compute 2.45"), server, action, name="snap", **value)
    assert reply.status == 202
    image_id: str = reply.json["image_id"]
    return image_id


def image(cloud: Cloud, pod: int, image_id: str) -> Record:
    return cloud.pods[pod].glance.images.get(image_id, {})


def is_copied(cloud: Cloud, image_id: str) -> bool:
    return all(image(cloud, pod, image_id).get("status") == "active" for pod in range(len(cloud.pods)))


async def job_of(admin: Client, image_id: str) -> dict[str, Any]:
    (found,) = (job for job in await jobs(admin, "?type=image") if job["resource"]["image_id"] == image_id)
    return found


async def become(admin: Client, image_id: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(8):
        while (job := await job_of(admin, image_id))["status"] != status:
            await asyncio.sleep(0.05)
    return job


@pytest.mark.proves("compute", "POST /servers/{server_id}/action createImage")
@pytest.mark.parametrize("microversion", ["2.1", "2.44", "2.45", "2.90"])
async def test_a_snapshot_is_told_as_nova_tells_it(cloud: Cloud, client: Client, microversion: str) -> None:
    server = cloud.pods[1].nova.add_server(str(client.token.project_id))
    reply = await act(client.at(f"compute {microversion}"), server, "createImage", name="snap")
    (image_id,) = cloud.pods[1].glance.images
    assert reply.status == 202
    if microversion in ("2.1", "2.44"):
        assert reply.headers["Location"] == f"{client.root}/image/images/{image_id}"
    else:
        assert (reply.json, "Location" in reply.headers) == ({"image_id": image_id}, False)
    shown = await client.get(f"/image/v2/images/{image_id}")
    assert (shown.status, shown.json["status"], shown.json["name"]) == (200, "active", "snap")


@pytest.mark.parametrize("cloud", [3], indirect=True)
async def test_a_snapshot_comes_to_all_pods_when_it_has_its_data(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    home = cloud.pods[0].glance
    home.slow = True
    image_id = await snapshot(cloud, client)
    async with working(gateway):
        await eventually(lambda: home.count("GET", image_id) >= 4)
        waiting = [job for job in await jobs(admin, "?type=image") if job["last_error"]]
        assert any("waits for its data in RegionOne: queued" in job["last_error"] for job in waiting)
        assert [image(cloud, pod, image_id) for pod in (1, 2)] == [{}, {}]
        home.images[image_id] |= {"tags": ["a b"], "hw_disk_bus": "scsi", "protected": True, "os_glance_x": "1"}
        home.snapshot(home.images[image_id], b"data")
        await eventually(lambda: is_copied(cloud, image_id))
    real, project = home.images[image_id], client.token.project_id
    for pod in (1, 2):
        copy = image(cloud, pod, image_id)
        of_the_pod = ("created_at", "updated_at")
        assert copy == {name: value for name, value in real.items() if name not in (*of_the_pod, "os_glance_x")} | {
            name: copy[name] for name in of_the_pod
        }
        assert (copy["owner"], copy["min_disk"], copy["image_type"]) == (project, 1, "snapshot")
        assert cloud.pods[pod].glance.data[image_id] == b"data"
    assert {job["status"] for job in await jobs(admin, "?type=image")} == {"SUCCESS"}


async def test_who_shares_an_image_shares_its_copies(cloud: Cloud, gateway: Running, client: Client) -> None:
    home = cloud.pods[0].glance
    image_id = await snapshot(cloud, client)
    home.images[image_id]["visibility"] = "shared"
    home.members[image_id] = {"p1": "accepted", "p2": "pending", "p3é": "rejected"}
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id))
    assert cloud.pods[1].glance.members[image_id] == home.members[image_id]


@pytest.mark.proves("volume", "POST /volumes/{volume_id}/action os-volume_upload_image")
async def test_an_image_of_a_volume_comes_to_all_pods(cloud: Cloud, gateway: Running, client: Client) -> None:
    volume = cloud.pods[1].cinder.add("volume", str(client.token.project_id))
    body = {"os-volume_upload_image": {"image_name": "v"}}
    reply = await client.post(f"/volume/v3/volumes/{volume['id']}/action", body)
    image_id = reply.json["os-volume_upload_image"]["image_id"]
    assert (reply.status, image(cloud, 1, image_id)["name"]) == (202, "v")
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id))
    assert cloud.pods[0].glance.data[image_id] == b"volume " + volume["id"].encode()


async def test_a_refused_snapshot_leaves_nothing(cloud: Cloud, client: Client, admin: Client) -> None:
    server = cloud.pods[1].nova.add_server(str(client.token.project_id))
    assert (await act(client, server, "createBackup", name="b")).status == 400
    for body in ([], "a", None, {"createImage": 5, "os-stop": None}):
        path = f"/compute/v2.1/servers/{server['id']}/action"
        assert (await client.request("POST", path, data=json.dumps(body))).status in (202, 400, 404, 500)
    assert await jobs(admin, "?type=image") == []


# -- what goes wrong on the way


@pytest.mark.parametrize("broken", [0, 1])
async def test_a_stream_that_breaks_is_begun_again(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, broken: int
) -> None:
    image_id = await snapshot(cloud, client)
    glance = cloud.pods[broken].glance
    glance.fails(service.drop if broken else service.cut_data, "(GET|PUT) .*/file")
    async with working(gateway):
        await eventually(lambda: glance.count("PUT" if broken else "GET", "/file") >= 2)
        await eventually(lambda: image(cloud, 1, image_id)["status"] == "queued")
        glance.fails(None)
        await eventually(lambda: is_copied(cloud, image_id))
        assert (await become(admin, image_id, "SUCCESS"))["last_error"] is None
    assert cloud.pods[1].glance.data[image_id] == cloud.pods[0].glance.data[image_id]


async def test_data_that_is_not_what_its_hash_says_is_stored_nowhere(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    image_id = await snapshot(cloud, client)
    data = cloud.pods[0].glance.data
    right, data[image_id] = data[image_id], b"X" * len(data[image_id])
    async with working(gateway):
        job = await become(admin, image_id, "FAIL")
        assert "is not what its hash says" in job["last_error"]
        await eventually(lambda: image(cloud, 1, image_id)["status"] == "queued")
        data[image_id] = right
        await eventually(lambda: is_copied(cloud, image_id))
    assert cloud.pods[1].glance.data[image_id] == right


@pytest.mark.parametrize("protected", [False, True])
async def test_data_that_arrives_changed_is_thrown_away(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, protected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = await snapshot(cloud, client)
    image(cloud, 0, image_id)["protected"] = protected
    store = cloud.pods[1].glance._store
    monkeypatch.setattr(cloud.pods[1].glance, "_store", lambda record, data: store(record, b"X" * len(data)))
    async with working(gateway):
        job = await become(admin, image_id, "FAIL")
        assert "another checksum" in job["last_error"]
        async with asyncio.timeout(8):
            while "keeps the id" not in ((await job_of(admin, image_id))["last_error"] or ""):
                await asyncio.sleep(0.05)
    assert image(cloud, 1, image_id) == {}
    assert image(cloud, 0, image_id)["status"] == "active"


async def test_a_pod_that_is_full_is_seen_with_its_reason(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    image_id = await snapshot(cloud, client)
    cloud.pods[1].glance.fails(service.status(413, "full"), "PUT .*/file")
    async with working(gateway):
        job = await become(admin, image_id, "FAIL")
        assert "RegionTwo answers HTTP 413" in job["last_error"]
        # Whoever asks for the image is given the data that is there.
        assert (await client.get(f"/image/v2/images/{image_id}")).json["status"] == "active"
        cloud.pods[1].glance.fails(None)
        await eventually(lambda: is_copied(cloud, image_id))


async def test_a_record_that_was_left_half_is_completed(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = await snapshot(cloud, client)
    project = str(client.token.project_id)
    cloud.pods[1].glance.add(project, None, id=image_id, name="old", disk_format=None, wrong="x", visibility="private")
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id))
    copy = image(cloud, 1, image_id)
    assert (copy["name"], copy["disk_format"], "wrong" in copy) == ("snap", "qcow2", False)


async def test_what_another_stores_is_waited_for(cloud: Cloud, gateway: Running, client: Client, admin: Client) -> None:
    image_id = await snapshot(cloud, client)
    project = str(client.token.project_id)
    copy = cloud.pods[1].glance.add(project, None, id=image_id, status="saving")
    async with working(gateway):
        async with asyncio.timeout(8):
            while "RegionTwo is storing it" not in ((await job_of(admin, image_id))["last_error"] or ""):
                await asyncio.sleep(0.05)
        cloud.pods[1].glance._store(copy, cloud.pods[0].glance.data[image_id])
        await become(admin, image_id, "SUCCESS")
    assert cloud.pods[1].glance.count("PUT", "/file") == 0


async def test_a_snapshot_that_failed_is_not_waited_for(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    cloud.pods[0].glance.slow = True
    image_id = await snapshot(cloud, client)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    image(cloud, 0, image_id)["updated_at"] = long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")
    async with working(gateway):
        await become(admin, image_id, "SUCCESS")
    assert image(cloud, 1, image_id) == {}


async def test_memory_stays_flat_and_the_job_tells_how_far_it_is(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triune.shared.image_copying.TELLING", 0.05)
    image_id = await snapshot(cloud, client)
    source, target = cloud.pods[0].glance, cloud.pods[1].glance
    size = 3200 * len(PIECE)
    source.images[image_id] |= {"size": size, "os_hash_algo": None}
    target.counts_only = True

    async def download(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(size)})
        await response.prepare(request)
        for _ in range(3200):
            await response.write(PIECE)
        return response

    source.fails(download, "GET .*/file")
    said: set[str] = set()

    async def listen() -> None:
        while True:
            said.add((await job_of(admin, image_id))["last_error"] or "")
            await asyncio.sleep(0.01)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    listening = asyncio.create_task(listen())
    async with working(gateway):
        await eventually(lambda: target.received >= size)
    listening.cancel()
    # 200 MiB, in one process with the fakes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024
    assert any(text.startswith("copied ") and "of 200.0 MiB from RegionOne" in text for text in said)


@pytest.mark.parametrize("where", [0, 1])
async def test_a_pod_that_is_away_is_waited_for(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, where: int
) -> None:
    image_id = await snapshot(cloud, client)
    await cloud.pods[where].glance.stop()
    async with working(gateway):
        async with asyncio.timeout(8):
            while "waits: " not in ((await job_of(admin, image_id))["last_error"] or ""):
                await asyncio.sleep(0.05)
        await cloud.pods[where].glance.start()
        await eventually(lambda: is_copied(cloud, image_id))


async def test_a_copy_that_was_cut_off_is_taken_up_by_a_worker(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = await snapshot(cloud, client)
    source = cloud.pods[0].glance
    going_on = asyncio.Event()

    async def download(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(source.data[image_id]))})
        await response.prepare(request)
        for place in range(5):
            await response.write(source.data[image_id][place : place + 1])
            await asyncio.sleep(0.05)
        await going_on.wait()
        return response

    source.fails(download, "GET .*/file")
    pods = {pod.region_name: pod.id for pod in await gateway.shared.registry.pods()}
    key = Key(IMAGE, image_id, pods[cloud.pods[1].region])
    copying = asyncio.create_task(gateway.shared.runner.now(key, 30.0))
    await eventually(lambda: image(cloud, 1, image_id).get("status") == "saving")
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    await eventually(lambda: image(cloud, 1, image_id)["status"] == "queued")
    going_on.set()
    source.fails(None)
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id))


# -- what goes with the image


@pytest.mark.parametrize("deleted_in", ["top", "home"])
async def test_copies_go_with_the_image(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, deleted_in: str
) -> None:
    image_id, kept = await snapshot(cloud, client), await snapshot(cloud, client)
    image(cloud, 0, kept)["os_hidden"] = True
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id) and is_copied(cloud, kept))
        if deleted_in == "top":
            assert (await client.delete(f"/image/v2/images/{image_id}")).status == 204
        else:
            cloud.pods[0].glance.forget(image_id)
            await look_at_home(gateway, cloud)
        await eventually(lambda: not image(cloud, 1, image_id))
        await look_at_home(gateway, cloud)
        await all_succeed(admin)
    assert (image(cloud, 0, image_id), is_copied(cloud, kept)) == ({}, True)
    assert (await client.get(f"/image/v2/images/{image_id}")).status == 404


async def look_at_home(gateway: Running, cloud: Cloud) -> None:
    pods = {pod.region_name: pod.id for pod in await gateway.shared.registry.pods()}
    home = pods[cloud.pods[0].region]
    await gateway.shared.runner.now(Key(IMAGES, home, home), 5.0)


async def test_nothing_is_removed_while_the_home_is_away(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = await snapshot(cloud, client)
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id))
        for fault in (service.drop, service.status(503), service.text("{}"), service.status(403)):
            cloud.pods[0].glance.fails(fault)
            with pytest.raises(KeyFailed):
                await look_at_home(gateway, cloud)
        cloud.pods[0].glance.fails(None)
        # A worker takes it up when the breaker lets it.
        home = (await gateway.shared.routings.pods_of(IMAGE)).pop()
        async with asyncio.timeout(8):
            while await gateway.shared.journal.waiting([Key(IMAGES, home, home)]):
                await asyncio.sleep(0.05)
    assert is_copied(cloud, image_id)


async def test_an_image_that_all_pods_have_of_old_is_nobodys_copy(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    reply = await client.post("/image/v2/images", {"name": "a", "disk_format": "raw", "container_format": "bare"})
    path = f"/image/v2/images/{reply.json['id']}/file"
    await client.put(path, data=b"data", headers={"Content-Type": "application/octet-stream"})
    cloud.pods[0].glance.forget(reply.json["id"])
    await look_at_home(gateway, cloud)
    assert image(cloud, 1, reply.json["id"])["status"] == "active"


async def test_a_protected_copy_is_not_removed_by_itself(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    image_id = await snapshot(cloud, client)
    image(cloud, 0, image_id)["protected"] = True
    async with working(gateway):
        await eventually(lambda: is_copied(cloud, image_id))
        cloud.pods[0].glance.forget(image_id)
        await look_at_home(gateway, cloud)
        assert "RegionTwo answers HTTP 403" in (await become(admin, image_id, "FAIL"))["last_error"]
    assert image(cloud, 1, image_id)["status"] == "active"


@pytest.mark.proves("compute", "POST /servers/{server_id}/action createBackup")
async def test_a_rotation_of_backups_takes_the_copies_along(
    cloud: Cloud, gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triune.shared.image_convergence.ROTATION", 0.1)
    server = cloud.pods[0].nova.add_server(str(client.token.project_id))
    async with working(gateway):
        for number in range(3):
            wanted = {"name": f"b{number}", "backup_type": "daily", "rotation": 2}
            reply = await act(client, server, "createBackup", **wanted)
            image_id = reply.headers["Location"].rpartition("/")[2]
            assert (reply.status, reply.headers["Location"]) == (202, f"{client.root}/image/images/{image_id}")
            await eventually(lambda image_id=image_id: is_copied(cloud, image_id))
        await eventually(lambda: len(cloud.pods[1].glance.images) == 2)
    assert cloud.pods[1].glance.images.keys() == cloud.pods[0].glance.images.keys()
    reply = await act(client, server, "createBackup", name="b", backup_type="daily", rotation=0)
    assert (reply.status, "Location" in reply.headers) == (202, False)


async def test_a_removal_meets_a_copy_on_its_way(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = await snapshot(cloud, client)
    target = cloud.pods[1].glance
    target.fails(service.delay(0.5), "PUT .*/file")
    async with working(gateway):
        await eventually(lambda: target.count("PUT", "/file"))
        assert (await client.delete(f"/image/v2/images/{image_id}")).status == 204
        await asyncio.sleep(1.5)
        await eventually(lambda: not image(cloud, 1, image_id))
    assert image(cloud, 0, image_id) == {}


async def test_what_is_changed_meanwhile_is_changed_in_the_copy(cloud: Cloud, gateway: Running, client: Client) -> None:
    image_id = await snapshot(cloud, client)
    target = cloud.pods[1].glance
    target.fails(service.delay(0.5), "PUT .*/file")
    async with working(gateway):
        await eventually(lambda: target.count("PUT", "/file"))
        cloud.pods[0].glance.images[image_id] |= {"name": "new", "status": "deactivated", "a/b~c": "d"}
        await eventually(lambda: image(cloud, 1, image_id).get("status") == "deactivated")
    copy = image(cloud, 1, image_id)
    assert (copy["name"], copy["a/b~c"], target.data[image_id]) == ("new", "d", cloud.pods[0].glance.data[image_id])


# -- what cannot leave its pod


async def test_a_server_on_volumes_has_snapshots_where_its_volumes_are(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    server = cloud.pods[1].nova.add_server(str(client.token.project_id), devices=DEVICES)
    reply = await act(client.at("compute 2.45"), server, "createImage", name="snap")
    image_id = reply.json["image_id"]
    async with working(gateway):
        await become(admin, image_id, "SUCCESS")
    assert image(cloud, 0, image_id) == {}
    assert (await client.get(f"/image/v2/images/{image_id}")).json["status"] == "active"
    refused = await boot(client, image_id, "az1")
    assert refused.status == 400
    message = refused.json["badRequest"]["message"]
    assert all(word in message for word in ("az1", "az2", image_id, "volume snapshots"))
    assert [len(pod.nova.servers) for pod in cloud.pods] == [0, 1]
    assert (await boot(client, image_id)).status == 202
    assert [len(pod.nova.servers) for pod in cloud.pods] == [0, 2]


async def test_an_encrypted_volumes_image_stays_where_its_key_is(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    volume = cloud.pods[1].cinder.add("volume", str(client.token.project_id), encrypted=True)
    body = {"os-volume_upload_image": {"image_name": "v"}}
    reply = await client.post(f"/volume/v3/volumes/{volume['id']}/action", body)
    image_id = reply.json["os-volume_upload_image"]["image_id"]
    async with working(gateway):
        await become(admin, image_id, "SUCCESS")
    assert image(cloud, 0, image_id) == {}
    volume = {"volume": {"size": 1, "imageRef": image_id, "availability_zone": "az1"}}
    refused = await client.post("/volume/v3/volumes", volume)
    assert refused.status == 400
    assert all(word in refused.json["badRequest"]["message"] for word in ("az1", "az2", "key"))


async def boot(client: Client, image_id: str, zone: str | None = None, **fields: Any) -> Reply:
    wanted = {"name": "vm", "flavorRef": "1", "networks": "none", "imageRef": image_id, **fields}
    wanted |= {"availability_zone": zone} if zone else {}
    return await client.at("compute 2.37").post("/compute/v2.1/servers", {"server": wanted})


async def test_the_key_of_an_image_is_known(gateway: Running, admin: Client) -> None:
    schemas = {schema["type"]: schema["resource"] for schema in (await admin.get("/v1.0/jobs/schemas")).json["schemas"]}
    assert (schemas[IMAGE], schemas[IMAGES]) == (["image_id", "pod_id"], ["pod_id"])
