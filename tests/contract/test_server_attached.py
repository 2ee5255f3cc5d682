"""Shares, volumes and migrations of one server are those of its pod of two."""

import uuid

import pytest

from .cloud.cloud import Cloud
from .cloud.pod_service import Record
from .conftest import Client
from .refusals import refusal
from .test_server_parts import SERVERS, SHARE, ask, server

__all__ = ["server"]


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/shares",
    "POST /servers/{server_id}/shares",
    "GET /servers/{server_id}/shares/{share_id}",
    "DELETE /servers/{server_id}/shares/{share_id}",
)
async def test_shares_are_attached_where_the_server_is(
    cloud: Cloud, client: Client, admin: Client, server: Record
) -> None:
    path, share_id = f"{SERVERS}/{server['id']}/shares", SHARE["share_id"]
    text = f"Cannot 'create share' instance {server['id']} while it is in vm_state active"
    assert refusal(await ask(client, "POST", path, {"share": SHARE}, "2.97")) == (409, text)
    server["vm_state"] = "stopped"
    # A share is that of the pod's own Manila: what another pod has, this one does not know.
    cloud.pods[0].nova.manila.add(share_id)
    unknown = (404, f"Share {share_id} could not be found.")
    assert refusal(await ask(client, "POST", path, {"share": SHARE}, "2.97")) == unknown
    cloud.pods[1].nova.manila.add(share_id)
    shown = {**SHARE, "status": "attaching"}
    reply = await ask(client, "POST", path, {"share": SHARE}, "2.97")
    assert (reply.status, reply.json) == (201, {"share": shown})
    assert list(server["shares"]) == [share_id]
    assert refusal(await ask(client, "POST", path, {"share": SHARE}))[0] == 409
    assert (await ask(client, "GET", path, version="2.97")).json == {"shares": [shown]}
    assert (await ask(client, "GET", f"{path}/{share_id}")).json == {"share": shown}
    more = (await ask(admin, "GET", f"{path}/{share_id}")).json["share"]
    assert more == {**shown, "uuid": server["shares"][share_id]["uuid"], "export_location": f"192.0.2.50:/{share_id}"}
    assert (await ask(client, "DELETE", f"{path}/{share_id}")).status == 200
    assert server["shares"][share_id]["status"] == "detaching"
    missing = str(uuid.uuid4())
    for method in ("GET", "DELETE"):
        reply = await ask(client, method, f"{path}/{missing}")
        assert refusal(reply) == (404, f"Share {missing} could not be found.")


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/migrations",
    "GET /servers/{server_id}/migrations/{migration_id}",
    "DELETE /servers/{server_id}/migrations/{migration_id}",
    "POST /servers/{server_id}/migrations/{migration_id}/action force_complete",
)
async def test_migrations_are_those_of_the_pod(cloud: Cloud, client: Client, admin: Client, server: Record) -> None:
    path, time = f"{SERVERS}/{server['id']}/migrations", "2026-11-20T00:00:00.000000"
    # Numbers are each pod's own: the other has a migration of the same one.
    (elsewhere,) = cloud.pods[0].nova.servers.values()
    cloud.pods[0].nova.add_migration(time, instance_uuid=elsewhere["id"], status="running", dest_compute="wrong")
    running, queued, done = (
        cloud.pods[1].nova.add_migration(time, instance_uuid=server["id"], status=status, dest_compute="compute-2")
        for status in ("running", "queued", "completed")
    )
    listed = (await ask(admin, "GET", path, version="2.23")).json["migrations"]
    assert [(each["id"], each["dest_compute"], "uuid" in each) for each in listed] == [
        (1, "compute-2", False),
        (2, "compute-2", False),
    ]
    shown = (await ask(admin, "GET", f"{path}/1", version="2.59")).json["migration"]
    assert (shown["server_uuid"], shown["uuid"], "project_id" in shown) == (server["id"], running["uuid"], False)
    assert "project_id" in (await ask(admin, "GET", f"{path}/1", version="2.80")).json["migration"]
    text = f"Live migration 3 for server {server['id']} is not in progress."
    assert refusal(await ask(admin, "GET", f"{path}/3")) == (404, text)
    text = f"In-progress live migration 9 is not found for server {server['id']}."
    assert refusal(await ask(admin, "GET", f"{path}/9")) == (404, text)
    forced = {"force_complete": None}
    text = f"Migration 9 not found for instance {server['id']}"
    assert refusal(await ask(admin, "DELETE", f"{path}/9")) == (404, text)
    assert refusal(await ask(admin, "POST", f"{path}/9/action", forced)) == (400, text)
    assert (await ask(admin, "POST", f"{path}/1/action", forced, "2.22")).status == 202
    assert running["status"] == "post-migrating"
    text = f"Migration 2 state of instance {server['id']} is queued. Cannot abort live migration while the migration"
    status, told = refusal(await ask(admin, "DELETE", f"{path}/2", version="2.64"))
    assert (status, told) == (400, f"{text} is in this state.")
    assert (await ask(admin, "DELETE", f"{path}/2", version="2.65")).status == 202
    assert (queued["status"], done["status"]) == ("cancelled", "completed")
    assert [each["status"] for each in cloud.pods[0].nova.migrations] == ["running"]
    for method, below in (("GET", ""), ("GET", "/1"), ("DELETE", "/1")):
        assert (await ask(client, method, f"{path}{below}")).status == 403


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/os-volume_attachments",
    "POST /servers/{server_id}/os-volume_attachments",
    "GET /servers/{server_id}/os-volume_attachments/{volume_id}",
    "DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",
)
async def test_volumes_are_attached_where_the_server_is(cloud: Cloud, client: Client, server: Record) -> None:
    path, nova = f"{SERVERS}/{server['id']}/os-volume_attachments", cloud.pods[1].nova
    volume, other = (cloud.pods[1].cinder.add("volume", client.token.project_id)["id"] for _ in range(2))
    assert (await client.post(path, {"volumeAttachment": {"volumeId": volume}})).status == 200
    assert nova.attachments == [(server["id"], volume)]
    shown = {"id": volume, "volumeId": volume, "serverId": server["id"], "device": "/dev/vdb"}
    assert (await client.get(path)).json == {"volumeAttachments": [shown]}
    assert (await client.get(f"{path}/{volume}")).json == {"volumeAttachment": shown}
    told = (await ask(client, "GET", f"{path}/{volume}", version="2.79")).json["volumeAttachment"]
    assert told == {**shown, "tag": None, "delete_on_termination": False}
    told = (await ask(client, "GET", f"{path}/{volume}", version="2.89")).json["volumeAttachment"]
    assert ("id" in told, told["volumeId"], {"attachment_id", "bdm_uuid"} <= told.keys()) == (False, volume, True)
    text = f"Instance {server['id']} is not attached to volume {other}"
    for method in ("GET", "DELETE"):
        assert refusal(await ask(client, method, f"{path}/{other}")) == (404, text)
    missing = str(uuid.uuid4())
    assert refusal(await client.delete(f"{path}/{missing}")) == (404, f"Volume {missing} could not be found.")
    reply = await client.delete(f"{path}/{volume}")
    assert (reply.status, reply.body, nova.attachments) == (202, b"", [])
