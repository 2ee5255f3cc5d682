"""What other services tell Nova: events of servers, and snapshots of attached volumes."""

import json
import uuid
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .test_hosts import message

EVENTS = "/compute/v2.1/os-server-external-events"
SNAPSHOTS = "/compute/v2.1/os-assisted-volume-snapshots"


@pytest.fixture
def neutron(cloud: Cloud, gateway: Running, session: aiohttp.ClientSession) -> Client:
    """A service, which may tell events and see no servers."""
    return Client(session, gateway.root, cloud.keystone.token(roles=("service",)))


@pytest.fixture(params=["admin", "neutron"])
def teller(request: pytest.FixtureRequest, admin: Client, neutron: Client) -> Client:
    """Who may tell events."""
    return {"admin": admin, "neutron": neutron}[request.param]


def event(server_id: str, name: str = "network-changed", **more: str) -> dict[str, str]:
    return {"name": name, "server_uuid": server_id, **more}


def results(reply: Any) -> list[tuple[str, int]]:
    return [(each["server_uuid"], each["code"]) for each in reply.json["events"]]


@pytest.mark.proves("compute", "POST /os-server-external-events")
async def test_events_go_to_the_pods_of_their_servers(cloud: Cloud, teller: Client) -> None:
    ids = [pod.nova.add_server("0" * 32)["id"] for _ in range(3) for pod in cloud.pods]
    sent = [event(server_id, tag=f"port-{place}") for place, server_id in enumerate(ids)]
    reply = await teller.post(EVENTS, {"events": sent})
    assert reply.status == 200
    assert reply.json["events"] == [{**each, "status": "completed", "code": 200} for each in sent]
    for place, pod in enumerate(cloud.pods):
        assert [server_id for _, server_id in pod.nova.events] == ids[place::2]
    assert [pod.nova.count("POST") for pod in cloud.pods] == [1, 1]


async def test_what_fails_is_told_beside_what_does_not(cloud: Cloud, teller: Client) -> None:
    one = cloud.pods[0].nova.add_server("0" * 32)["id"]
    lost = cloud.pods[1].nova.add_server("0" * 32, host=None)["id"]
    unknown = str(uuid.uuid4())
    sent = [event(lost), event(unknown), event(one), event(one, "volume-extended")]
    reply = await teller.at("compute 2.51").post(EVENTS, {"events": sent})
    assert reply.status == 207
    assert results(reply) == [(lost, 422), (unknown, 404), (one, 200), (one, 400)]
    assert [each["status"] for each in reply.json["events"]] == ["failed", "failed", "completed", "failed"]
    assert reply.headers["OpenStack-API-Version"] == "compute 2.51"
    reply = await teller.post(EVENTS, {"events": [event(unknown)]})
    assert (reply.status, results(reply)) == (207, [(unknown, 404)])


async def test_events_of_a_pod_that_is_away_fail_and_others_do_not(cloud: Cloud, teller: Client) -> None:
    here, there = (pod.nova.add_server("0" * 32)["id"] for pod in cloud.pods)
    assert (await teller.post(EVENTS, {"events": [event(there)]})).status == 200
    await cloud.pods[1].nova.stop()
    reply = await teller.post(EVENTS, {"events": [event(there), event(here)]})
    assert (reply.status, results(reply)) == (207, [(there, 422), (here, 200)])
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    reply = await teller.post(EVENTS, {"events": [event(there)]})
    assert (reply.status, results(reply)) == (207, [(there, 422)])
    assert reply.headers["OpenStack-API-Version"] == "compute 2.1"


@pytest.mark.parametrize("answer", [service.text('{"events": []}'), service.text("{"), service.status(500)])
async def test_an_answer_that_makes_no_sense_is_a_failure(cloud: Cloud, admin: Client, answer: service.Fault) -> None:
    here, there = (pod.nova.add_server("0" * 32)["id"] for pod in cloud.pods)
    cloud.pods[1].nova.fails(answer, "POST")
    reply = await admin.post(EVENTS, {"events": [event(there), event(here)]})
    assert (reply.status, results(reply)) == (207, [(there, 422), (here, 200)])


@pytest.mark.parametrize("body", [None, {}, {"events": []}, {"events": [7]}, {"events": [event("x")]}])
async def test_malformed_events_are_novas_400(cloud: Cloud, admin: Client, body: Any) -> None:
    assert message(await admin.post(EVENTS, body))[0] == 400


async def test_tenants_tell_no_events(cloud: Cloud, client: Client) -> None:
    server_id = cloud.pods[1].nova.add_server(client.token.project_id)["id"]
    told = "Policy doesn't allow os_compute_api:os-server-external-events:create to be performed."
    for each in (server_id, str(uuid.uuid4())):
        assert message(await client.post(EVENTS, {"events": [event(each)]})) == (403, told)
    assert not cloud.pods[1].nova.events


@pytest.mark.proves(
    "compute",
    "POST /os-assisted-volume-snapshots",
    "DELETE /os-assisted-volume-snapshots/{assisted_volume_snapshot_id}",
)
async def test_a_snapshot_is_made_where_its_volume_is(cloud: Cloud, admin: Client) -> None:
    volume_id = cloud.pods[1].cinder.add("volume", admin.token.project_id)["id"]
    cloud.pods[1].nova.attachments.append(("server", volume_id))
    info = {"snapshot_id": "s", "type": "qcow2", "new_file": "f"}
    reply = await admin.post(SNAPSHOTS, {"snapshot": {"volume_id": volume_id, "create_info": info}})
    assert (reply.status, reply.json) == (200, {"snapshot": {"id": "s", "volumeId": volume_id}})
    query = quote(json.dumps({"volume_id": volume_id}))
    assert (await admin.delete(f"{SNAPSHOTS}/s?delete_info={query}")).status == 204
    assert cloud.pods[1].nova.snapshots == [("POST", volume_id), ("DELETE", volume_id)]
    assert not cloud.pods[0].nova.count("POST")


async def test_snapshots_are_refused_as_nova_does(cloud: Cloud, admin: Client) -> None:
    unknown = str(uuid.uuid4())
    info = {"snapshot_id": "s", "type": "qcow2", "new_file": "f"}
    told = 400, f"No volume Block Device Mapping with id {unknown}."
    assert message(await admin.post(SNAPSHOTS, {"snapshot": {"volume_id": unknown, "create_info": info}})) == told
    query = quote(json.dumps({"volume_id": unknown}))
    assert message(await admin.delete(f"{SNAPSHOTS}/s?delete_info={query}")) == told
    for query in ("", "?delete_info=nonsense", "?delete_info=%7B%7D"):
        assert message(await admin.delete(f"{SNAPSHOTS}/s{query}"))[0] == 400
    assert message(await admin.post(SNAPSHOTS, {"snapshot": {}}))[0] == 400
    await cloud.pods[1].stop()
    reply = await admin.post(SNAPSHOTS, {"snapshot": {"volume_id": unknown, "create_info": info}})
    assert reply.status == 503
