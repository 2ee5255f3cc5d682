"""What is done to one volume, snapshot or backup is done in its pod, and answered as Cinder does."""

import uuid

import pytest

from .cloud.cinder_actions import OK, STATUS
from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/volume/v3"
VOLUME_ACTIONS = (
    "POST /volumes/{volume_id}/action os-attach",
    "POST /volumes/{volume_id}/action os-begin_detaching",
    "POST /volumes/{volume_id}/action os-detach",
    "POST /volumes/{volume_id}/action os-extend_volume_completion",
    "POST /volumes/{volume_id}/action os-force_delete",
    "POST /volumes/{volume_id}/action os-force_detach",
    "POST /volumes/{volume_id}/action os-initialize_connection",
    "POST /volumes/{volume_id}/action os-migrate_volume",
    "POST /volumes/{volume_id}/action os-migrate_volume_completion",
    "POST /volumes/{volume_id}/action os-reimage",
    "POST /volumes/{volume_id}/action os-reserve",
    "POST /volumes/{volume_id}/action os-reset_status",
    "POST /volumes/{volume_id}/action os-roll_detaching",
    "POST /volumes/{volume_id}/action os-set_bootable",
    "POST /volumes/{volume_id}/action os-set_image_metadata",
    "POST /volumes/{volume_id}/action os-show_image_metadata",
    "POST /volumes/{volume_id}/action os-terminate_connection",
    "POST /volumes/{volume_id}/action os-unmanage",
    "POST /volumes/{volume_id}/action os-unreserve",
    "POST /volumes/{volume_id}/action os-unset_image_metadata",
    "POST /volumes/{volume_id}/action os-update_readonly_flag",
    "POST /volumes/{volume_id}/action revert",
)
OTHER_ACTIONS = (
    "POST /snapshots/{snapshot_id}/action os-force_delete",
    "POST /snapshots/{snapshot_id}/action os-reset_status",
    "POST /snapshots/{snapshot_id}/action os-unmanage",
    "POST /snapshots/{snapshot_id}/action os-update_snapshot_status",
    "POST /backups/{backup_id}/action os-force_delete",
    "POST /backups/{backup_id}/action os-reset_status",
)


@pytest.mark.proves("volume", *VOLUME_ACTIONS)
@pytest.mark.proves("volume", *OTHER_ACTIONS)
@pytest.mark.parametrize("kind", list(STATUS))
async def test_an_action_is_done_in_the_pod_of_what_it_is_done_to(cloud: Cloud, client: Client, kind: str) -> None:
    client = client.at("volume 3.68")
    named = [line.rpartition(" ")[2] for line in (*VOLUME_ACTIONS, *OTHER_ACTIONS) if f"/{kind}s/" in line]
    elsewhere = {"os-retype", "os-volume_upload_image"} if kind == "volume" else set()
    assert {*named, *elsewhere} == STATUS[kind].keys()
    image = cloud.pods[1].glance.add(str(client.token.project_id), b"data")
    record = cloud.pods[1].cinder.add(kind, str(client.token.project_id))
    for action in named:
        wanted = {"status": "error", "new_volume": "n", "metadata": {"a": "b"}, "image_id": image["id"]}
        reply = await client.post(f"{ROOT}/{kind}s/{record['id']}/action", {action: wanted})
        assert reply.status == (200 if action in OK else 202), action
        assert record["done"][-1] == action
        assert record["status"] == (STATUS[kind][action] or record["status"])
        if action in ("os-set_image_metadata", "os-initialize_connection", "os-migrate_volume_completion"):
            answers = ({"metadata": {"a": "b"}}, {"save_volume_id": "n"})
            assert reply.json in answers or reply.json["connection_info"]["driver_volume_type"] == "iscsi"
    assert record["done"] == named
    assert cloud.pods[0].cinder.count("POST") == 0
    missing = str(uuid.uuid4())
    reply = await client.post(f"{ROOT}/{kind}s/{missing}/action", {"os-reset_status": {"status": "error"}})
    message = f"{kind.capitalize()} {missing} could not be found."
    assert (reply.status, reply.json["itemNotFound"]["message"]) == (404, message)


@pytest.mark.proves("volume", "PUT /snapshots/{snapshot_id}", "PUT /backups/{backup_id}", "PUT /volumes/{volume_id}")
@pytest.mark.parametrize("kind", list(STATUS))
async def test_a_change_is_made_in_the_pod_of_what_is_changed(cloud: Cloud, client: Client, kind: str) -> None:
    record = cloud.pods[1].cinder.add(kind, str(client.token.project_id))
    reply = await client.at("volume 3.9").put(f"{ROOT}/{kind}s/{record['id']}", json={kind: {"name": "ü/1"}})
    assert (reply.status, reply.json[kind]["name"], record["name"]) == (200, "ü/1", "ü/1")


@pytest.mark.proves(
    "volume",
    "GET /volumes/{volume_id}/metadata",
    "POST /volumes/{volume_id}/metadata",
    "PUT /volumes/{volume_id}/metadata",
    "GET /volumes/{volume_id}/metadata/{key}",
    "PUT /volumes/{volume_id}/metadata/{key}",
    "DELETE /volumes/{volume_id}/metadata/{key}",
    "GET /snapshots/{snapshot_id}/metadata",
    "POST /snapshots/{snapshot_id}/metadata",
    "PUT /snapshots/{snapshot_id}/metadata",
    "GET /snapshots/{snapshot_id}/metadata/{key}",
    "PUT /snapshots/{snapshot_id}/metadata/{key}",
    "DELETE /snapshots/{snapshot_id}/metadata/{key}",
)
@pytest.mark.parametrize("kind", ["volume", "snapshot"])
async def test_metadata_is_that_of_the_pod(cloud: Cloud, client: Client, kind: str) -> None:
    record = cloud.pods[1].cinder.add(kind, str(client.token.project_id))
    place = f"{ROOT}/{kind}s/{record['id']}/metadata"
    assert (await client.post(place, {"metadata": {"a": "1", "ü": "2"}})).json == {"metadata": {"a": "1", "ü": "2"}}
    assert (await client.put(f"{place}/a", json={"meta": {"a": "3"}})).json == {"meta": {"a": "3"}}
    assert (await client.get(f"{place}/%C3%BC")).json == {"meta": {"ü": "2"}}
    assert (await client.get(place)).json == {"metadata": {"a": "3", "ü": "2"}}
    assert (await client.delete(f"{place}/%C3%BC")).status == 200
    assert record["metadata"] == {"a": "3"}
    assert (await client.put(place, json={"metadata": {"b": "4"}})).json == {"metadata": {"b": "4"}}
    reply = await client.delete(f"{place}/a")
    assert reply.status == 404
    assert record["metadata"] == {"b": "4"}
