"""New volumes, snapshots and backups: the pod they go to, and what of another pod they cannot use."""

import uuid
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

pytestmark = [pytest.mark.usefixtures("flavors"), pytest.mark.impatient]


def path(client: Client, rest: str) -> str:
    return f"/volume/v3/{client.token.project_id}/{rest}"


@pytest.mark.proves("volume", "POST /volumes", "GET /volumes/{volume_id}")
async def test_a_volume_goes_to_its_zone(cloud: Cloud, client: Client) -> None:
    reply = await client.post(path(client, "volumes"), {"volume": {"size": 1, "availability_zone": "az2"}})
    assert reply.status == 202
    volume = reply.json["volume"]
    assert volume["availability_zone"] == "az2"
    assert volume["links"][0]["href"] == f"{client.root}{path(client, 'volumes')}/{volume['id']}"
    assert list(cloud.pods[1].cinder.records["volume"]) == [volume["id"]]
    shown = (await client.get(path(client, f"volumes/{volume['id']}"))).json["volume"]
    assert shown == volume
    assert (await client.delete(path(client, f"volumes/{volume['id']}"))).status == 202


async def test_an_unknown_zone_of_a_volume_is_refused_as_cinder_does(client: Client) -> None:
    reply = await client.post(path(client, "volumes"), {"volume": {"size": 1, "availability_zone": "nowhere"}})
    assert reply.status == 400
    assert reply.json == {"badRequest": {"code": 400, "message": "Availability zone 'nowhere' is invalid."}}


@pytest.mark.parametrize(
    ("key", "field", "source"),
    [
        ("snapshot", "volume_id", "volume"),
        ("backup", "volume_id", "volume"),
        ("volume", "source_volid", "volume"),
        ("volume", "snapshot_id", "snapshot"),
    ],
)
@pytest.mark.proves(
    "volume", "POST /snapshots", "GET /snapshots/{snapshot_id}", "POST /backups", "GET /backups/{backup_id}"
)
async def test_a_source_decides_the_pod(cloud: Cloud, client: Client, key: str, field: str, source: str) -> None:
    record = cloud.pods[1].cinder.add(source, client.token.project_id)
    reply = await client.post(path(client, f"{key}s"), {key: {"size": 1, field: record["id"]}})
    assert reply.status == 202
    made = reply.json[key]["id"]
    assert made in cloud.pods[1].cinder.records[key]
    assert (await client.get(path(client, f"{key}s/{made}"))).status == 200


async def test_a_source_that_is_nowhere_is_cinders_own_404(client: Client) -> None:
    missing = str(uuid.uuid4())
    reply = await client.post(path(client, "snapshots"), {"snapshot": {"volume_id": missing}})
    assert reply.status == 404
    assert reply.json["itemNotFound"]["message"] == f"Volume {missing} could not be found."


@pytest.mark.proves("volume", "GET /types", "GET /types/{type_id}")
async def test_a_type_is_the_same_by_its_name(cloud: Cloud, client: Client) -> None:
    ids = [pod.cinder.add_type("fast")["id"] for pod in cloud.pods]
    for reference in ("fast", *ids):
        body = {"volume": {"size": 1, "availability_zone": "az2", "volume_type": reference}}
        reply = await client.post(path(client, "volumes"), body)
        assert (reply.status, reply.json["volume"]["volume_type"]) == (202, "fast")
    told = (await client.get(path(client, "types"))).json["volume_types"]
    assert [volume_type["name"] for volume_type in told] == ["fast"]
    for type_id in ids:
        assert (await client.get(path(client, f"types/{type_id}"))).json["volume_type"]["id"] == type_id


@pytest.mark.parametrize("microversion", [None, "compute 2.89"])
@pytest.mark.proves("compute", "POST /servers/{server_id}/os-volume_attachments")
async def test_a_volume_of_another_pod_is_not_attached(cloud: Cloud, client: Client, microversion: str | None) -> None:
    client = client.at(microversion) if microversion else client
    one = cloud.pods[0].nova.add_server(client.token.project_id)
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id)
    target = f"/compute/v2.1/servers/{one['id']}/os-volume_attachments"
    reply = await client.post(target, {"volumeAttachment": {"volumeId": volume["id"]}})
    assert reply.status == 400
    message = reply.json["badRequest"]["message"]
    assert "az1" in message
    assert "az2" in message
    assert cloud.pods[0].nova.count("POST") == 0
    near = cloud.pods[0].cinder.add("volume", client.token.project_id)
    reply = await client.post(target, {"volumeAttachment": {"volumeId": near["id"]}})
    assert (reply.status, cloud.pods[0].nova.attachments) == (200, [(one["id"], near["id"])])


@pytest.mark.parametrize("body", [None, {}, {"volumeAttachment": 5}, {"volumeAttachment": {"volumeId": 5}}])
async def test_a_mistyped_attachment_is_novas_to_judge(cloud: Cloud, client: Client, body: Any) -> None:
    one = cloud.pods[0].nova.add_server(client.token.project_id)
    await client.post(f"/compute/v2.1/servers/{one['id']}/os-volume_attachments", body)
    assert cloud.pods[0].nova.count("POST") == 1


async def test_a_backup_is_not_restored_into_a_volume_of_another_pod(cloud: Cloud, client: Client) -> None:
    backup = cloud.pods[0].cinder.add("backup", client.token.project_id)
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id)
    reply = await client.post(path(client, f"backups/{backup['id']}/restore"), {"restore": {"volume_id": volume["id"]}})
    assert reply.status == 400
    assert "az1" in reply.json["badRequest"]["message"]
    assert cloud.pods[0].cinder.count("POST") == 0
