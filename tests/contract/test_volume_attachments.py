"""Attachments of volumes are where the volume is; their lists are put together, whose order Cinder does not show."""

import uuid
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client
from .refusals import refusal

ROOT = "/volume/v3/attachments"
CONNECTOR = {"initiator": "iqn.1993-08.org.debian:01:a", "host": "h1", "mode": "ro"}


@pytest.mark.proves(
    "volume",
    "POST /attachments",
    "GET /attachments/{attachment_id}",
    "PUT /attachments/{attachment_id}",
    "DELETE /attachments/{attachment_id}",
    "POST /attachments/{attachment_id}/action os-complete",
)
@pytest.mark.parametrize("home", [0, 1])
async def test_an_attachment_is_where_its_volume_is(cloud: Cloud, client: Client, home: int) -> None:
    client = client.at("volume 3.54")
    cinder, other = cloud.pods[home].cinder, cloud.pods[1 - home].cinder
    volume = cinder.add("volume", client.token.project_id)
    wanted = {"volume_uuid": volume["id"], "instance_uuid": str(uuid.uuid4()), "mode": "ro"}
    reply = await client.post(ROOT, {"attachment": wanted})
    made = reply.json["attachment"]
    assert (reply.status, made["status"], made["attach_mode"]) == (200, "reserved", "ro")
    assert (made["volume_id"], made["instance"]) == (volume["id"], wanted["instance_uuid"])
    assert (list(cinder.records["attachment"]), other.records["attachment"]) == ([made["id"]], {})
    assert volume["status"] == "reserved"
    reply = await client.put(f"{ROOT}/{made['id']}", json={"attachment": {"connector": CONNECTOR}})
    told = reply.json["attachment"]["connection_info"]
    # A driver's words are its own, whatever they are called.
    assert (reply.status, told["host"], told["availability_zone"]) == (200, "h1", "nova")
    assert (await client.get(f"{ROOT}/{made['id']}")).json == reply.json
    reply = await client.post(f"{ROOT}/{made['id']}/action", {"os-complete": None})
    assert (reply.status, reply.body) == (204, b"")
    assert (cinder.records["attachment"][made["id"]]["status"], volume["status"]) == ("attached", "in-use")
    # It is known where it is.
    assert other.count("GET", "/attachments/") == 0
    second = cinder.add_attachment(client.token.project_id, volume["id"])
    reply = await client.delete(f"{ROOT}/{made['id']}")
    assert (reply.status, [each["id"] for each in reply.json["attachments"]]) == (200, [second["id"]])
    assert (await client.delete(f"{ROOT}/{second['id']}")).json == {"attachments": []}
    assert (cinder.records["attachment"], volume["status"]) == ({}, "available")
    gone = f"Volume attachment could not be found with filter: attachment_id = {made['id']}."
    assert refusal(await client.get(f"{ROOT}/{made['id']}")) == (404, gone)


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"attachment": {"connector": CONNECTOR}}),
        ("DELETE", "", None),
        ("POST", "/action", {"os-complete": {}}),
    ],
)
async def test_an_attachment_of_nobody_or_of_others(
    cloud: Cloud, client: Client, method: str, below: str, body: Any
) -> None:
    theirs = cloud.pods[1].cinder.add("volume", "0" * 32)
    others = cloud.pods[1].cinder.add_attachment("0" * 32, theirs["id"])
    was = dict(others)
    for id_ in (str(uuid.uuid4()), others["id"]):
        text = f"Volume attachment could not be found with filter: attachment_id = {id_}."
        more = {} if body is None else {"json": body}
        assert refusal(await client.at("volume 3.44").request(method, f"{ROOT}/{id_}{below}", **more)) == (404, text)
    assert others == was
    text = f"API version {'3.43' if below else '3.26'} is not supported on this method."
    old = client.at("volume 3.43" if below else "volume 3.26")
    mine = cloud.pods[1].cinder.add_attachment(client.token.project_id, theirs["id"])
    reply = await old.request(method, f"{ROOT}/{mine['id']}{below}", **({} if body is None else {"json": body}))
    assert refusal(reply) == (404, text)


async def test_a_volume_that_no_pod_has_is_refused_by_one(cloud: Cloud, client: Client) -> None:
    missing = str(uuid.uuid4())
    reply = await client.at("volume 3.27").post(ROOT, {"attachment": {"volume_uuid": missing}})
    assert refusal(reply) == (404, f"Volume {missing} could not be found.")


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("3.27", {"volume_uuid": 7}),
        ("3.27", {"volume_uuid": None}),
        ("3.27", {}),
        ("3.27", ["volume_uuid"]),
        ("3.53", {"mode": "ro"}),
        ("3.54", {"mode": "none"}),
        ("3.54", {"connector": "h1"}),
        ("3.54", {"instance_uuid": 7}),
    ],
)
async def test_what_is_no_attachment_is_refused_in_cinders_words(
    cloud: Cloud, client: Client, version: str, wanted: Any
) -> None:
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id)
    if isinstance(wanted, dict) and wanted and "volume_uuid" not in wanted:
        wanted = {"volume_uuid": volume["id"], **wanted}
    status, text = refusal(await client.at(f"volume {version}").post(ROOT, {"attachment": wanted}))
    assert (status, text.startswith(("Invalid input for field/attribute", "Additional properties"))) == (400, True)
    assert volume["status"] == "available"
    record = cloud.pods[1].cinder.add_attachment(client.token.project_id, volume["id"])
    for body in ({"attachment": {"connector": 7}}, {"attachment": None}, []):
        reply = await client.at(f"volume {version}").put(f"{ROOT}/{record['id']}", json=body)
        assert (reply.status, record["status"]) == (400, "reserved")


async def listed(client: Client, query: str) -> list[str]:
    """The ids of a list, page after page behind the last item, as the SDK asks."""
    ids: list[str] = []
    for _ in range(20):
        marker = f"&marker={ids[-1]}" if ids else ""
        reply = await client.get(f"{ROOT}?{query}{marker}")
        assert reply.status == 200
        if not reply.json["attachments"]:
            return ids
        ids += [each["id"] for each in reply.json["attachments"]]
    raise AssertionError(ids)


async def followed(client: Client, query: str) -> list[str]:
    """The same by the links to the next page."""
    path, ids = f"{ROOT}?{query}", list[str]()
    for _ in range(20):
        page = (await client.get(path)).json
        ids += [each["id"] for each in page["attachments"]]
        if "attachments_links" not in page:
            return ids
        path = page["attachments_links"][0]["href"]
    raise AssertionError(ids)


@pytest.mark.proves("volume", "GET /attachments", "GET /attachments/detail")
@pytest.mark.parametrize("query", ["limit=1", "limit=2", "limit=1&sort=id:asc", "limit=3&sort=attach_status"])
async def test_lists_tell_each_attachment_once(cloud: Cloud, client: Client, query: str) -> None:
    client = client.at("volume 3.27")
    project, expected = client.token.project_id, list[str]()
    for pod in cloud.pods:
        for number, id_ in enumerate(("9", "1", "5")):
            id_ = f"{id_}{cloud.pods.index(pod)}{uuid.uuid4().hex[2:]}"
            time = f"2026-11-2{number}T00:00:00"
            pod.cinder.add_attachment(project, str(uuid.uuid4()), id=id_, created_at=time)
            expected.append(id_)
        pod.cinder.add_attachment("0" * 32, str(uuid.uuid4()))
    ids = await listed(client, query)
    assert sorted(ids) == sorted(expected)
    assert await followed(client, query) == ids
    if "sort=id" in query:
        assert ids == sorted(expected)
    (first, *_) = (await client.get(f"{ROOT}?limit=1")).json["attachments"]
    assert first.keys() == {"id", "status", "instance", "volume_id"}
    detailed = (await client.get(f"{ROOT}/detail")).json
    assert sorted(each["id"] for each in detailed["attachments"]) == sorted(expected)
    assert "connection_info" in detailed["attachments"][0]
    assert "attachments_links" not in detailed


@pytest.mark.impatient
async def test_lists_name_the_pod_that_is_away(cloud: Cloud, client: Client, admin: Client) -> None:
    volumes = [pod.cinder.add("volume", client.token.project_id)["id"] for pod in cloud.pods]
    for pod, volume in zip(cloud.pods, volumes, strict=True):
        pod.cinder.add_attachment(client.token.project_id, volume)
    reply = await admin.at("volume 3.27").get(f"{ROOT}?all_tenants=1&volume_id={volumes[1]}")
    assert [each["volume_id"] for each in reply.json["attachments"]] == [volumes[1]]
    await cloud.pods[1].cinder.stop()
    reply = await client.at("volume 3.27").get(ROOT)
    assert [each["volume_id"] for each in reply.json["attachments"]] == [volumes[0]]
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert refusal(await client.at("volume 3.26").get(ROOT))[0] == 404
