"""Nova's proxies to block storage: what they tell and do is what block storage tells and does."""

import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply

ROOT = "/compute/v2.1"
KINDS = pytest.mark.parametrize("kind", ["volume", "snapshot"])


def message(reply: Reply) -> str:
    (inner,) = reply.json.values()
    return str(inner["message"])


def fill(cloud: Cloud, client: Client, kind: str) -> list[str]:
    """Three in each pod, told newest first."""
    made = []
    for number in range(6):
        fields: dict[str, Any] = {"volume_id": "v"} if kind == "snapshot" else {}
        made.append(
            cloud.pods[number % 2].cinder.add(
                kind,
                client.token.project_id or "",
                name=f"n{number}",
                created_at=f"2026-11-2{number}T00:00:00",
                **fields,
            )["id"]
        )
    cloud.pods[0].cinder.add(kind, "5e" * 16, volume_id="v")
    return made[::-1]


@KINDS
@pytest.mark.proves("compute", "GET /os-volumes", "GET /os-volumes/detail")
@pytest.mark.proves("compute", "GET /os-snapshots", "GET /os-snapshots/detail")
async def test_lists_tell_those_of_all_pods(cloud: Cloud, client: Client, kind: str) -> None:
    ids = fill(cloud, client, kind)
    for path in (f"/os-{kind}s", f"/os-{kind}s/detail"):
        reply = await client.get(f"{ROOT}{path}")
        assert [item["id"] for item in reply.json[f"{kind}s"]] == ids
        assert reply.json[f"{kind}s"][0]["displayName"] == "n5"
        pages = [(await client.get(f"{ROOT}{path}?limit=1&offset={place}")).json[f"{kind}s"] for place in range(7)]
        assert [item["id"] for page in pages for item in page] == ids
        assert (await client.get(f"{ROOT}{path}?limit=x")).status == 400
    if kind == "volume":
        zones = [item["availabilityZone"] for item in reply.json["volumes"]]
        assert zones == ["az2", "az1"] * 3


@pytest.mark.impatient
async def test_a_list_without_a_pod_says_so(cloud: Cloud, client: Client) -> None:
    fill(cloud, client, "volume")
    cloud.pods[1].nova.fails(service.hang)
    reply = await client.get(f"{ROOT}/os-volumes")
    assert (reply.status, reply.headers["Triune-Missing-Pods"], len(reply.json["volumes"])) == (200, "RegionTwo", 3)


@KINDS
@pytest.mark.proves("compute", "GET /os-volumes/{volume_id}", "DELETE /os-volumes/{volume_id}")
@pytest.mark.proves("compute", "GET /os-snapshots/{snapshot_id}", "DELETE /os-snapshots/{snapshot_id}")
async def test_one_is_in_its_pod(cloud: Cloud, client: Client, kind: str) -> None:
    newest, *_ = fill(cloud, client, kind)
    reply = await client.get(f"{ROOT}/os-{kind}s/{newest}")
    assert reply.json[kind]["displayName"] == "n5"
    assert kind == "snapshot" or reply.json[kind]["availabilityZone"] == "az2"
    assert (await client.delete(f"{ROOT}/os-{kind}s/{newest}")).status == 202
    assert newest not in cloud.pods[1].cinder.records[kind]
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"{ROOT}/os-{kind}s/{newest}")).status == 404
        reply = await client.request(method, f"{ROOT}/os-{kind}s/{uuid.uuid4()}")
        assert (reply.status, "could not be found" in message(reply)) == (404, True)
    others = next(each for each in cloud.pods[0].cinder.records[kind].values() if each["project_id"] == "5e" * 16)
    assert (await client.delete(f"{ROOT}/os-{kind}s/{others['id']}")).status == 404
    assert others["id"] in cloud.pods[0].cinder.records[kind]


@pytest.mark.proves("compute", "POST /os-volumes")
async def test_a_volume_is_placed_as_block_storage_does(cloud: Cloud, client: Client) -> None:
    volume = {"size": 1, "display_name": "v", "availability_zone": "az2"}
    reply = await client.post(f"{ROOT}/os-volumes", {"volume": volume})
    assert reply.status == 200, reply.text
    created = reply.json["volume"]
    assert created["availabilityZone"] == "az2"
    assert reply.headers["Location"] == f"{client.root}{ROOT}/os-volumes/{created['id']}"
    assert list(cloud.pods[1].cinder.records["volume"]) == [created["id"]]
    assert not cloud.pods[0].cinder.records["volume"]
    assert (await client.get(f"/volume/v3/volumes/{created['id']}")).json["volume"]["name"] == "v"
    reply = await client.post(f"{ROOT}/os-volumes", {"volume": {**volume, "availability_zone": "az9"}})
    assert reply.status == 400
    assert (await client.post(f"{ROOT}/os-volumes", {"volume": None})).status == 400


@pytest.mark.proves("compute", "POST /os-snapshots")
async def test_a_snapshot_is_where_its_volume_is_and_so_is_a_volume_of_it(cloud: Cloud, client: Client) -> None:
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id or "")
    reply = await client.post(f"{ROOT}/os-snapshots", {"snapshot": {"volume_id": volume["id"], "display_name": "s"}})
    assert reply.status == 200, reply.text
    snapshot_id = reply.json["snapshot"]["id"]
    assert list(cloud.pods[1].cinder.records["snapshot"]) == [snapshot_id]
    reply = await client.post(f"{ROOT}/os-volumes", {"volume": {"size": 1, "snapshot_id": snapshot_id}})
    assert reply.json["volume"]["id"] in cloud.pods[1].cinder.records["volume"]
    reply = await client.post(
        f"{ROOT}/os-volumes", {"volume": {"size": 1, "snapshot_id": snapshot_id, "availability_zone": "az1"}}
    )
    assert reply.status == 400 and "az1" in message(reply) and "az2" in message(reply)
    assert not cloud.pods[0].cinder.records["volume"]


async def test_a_type_of_one_pod_decides_and_its_id_is_understood(cloud: Cloud, client: Client) -> None:
    only = cloud.pods[1].cinder.add_type("fast")
    for reference in ("fast", only["id"]):
        reply = await client.post(f"{ROOT}/os-volumes", {"volume": {"size": 1, "volume_type": reference}})
        assert (reply.status, reply.json["volume"]["volumeType"]) == (200, "fast"), reply.text
    assert len(cloud.pods[1].cinder.records["volume"]) == 2
    cloud.pods[0].cinder.add_type("both")
    other = cloud.pods[1].cinder.add_type("both")
    volume = {"size": 1, "volume_type": other["id"], "availability_zone": "az1"}
    reply = await client.post(f"{ROOT}/os-volumes", {"volume": volume})
    assert (reply.status, reply.json["volume"]["volumeType"]) == (200, "both"), reply.text
    assert len(cloud.pods[0].cinder.records["volume"]) == 1


@KINDS
async def test_from_236_there_is_none_of_this(cloud: Cloud, client: Client, kind: str) -> None:
    (newest, *_), new = fill(cloud, client, kind), client.at("compute 2.36")
    for method, path in (
        ("GET", ""), ("GET", "/detail"), ("POST", ""), ("GET", f"/{newest}"), ("DELETE", f"/{newest}"),
    ):  # fmt: skip
        body = {"json": {kind: {"size": 1}}} if method == "POST" else {}
        reply = await new.request(method, f"{ROOT}/os-{kind}s{path}", **body)
        assert (reply.status, message(reply)) == (404, "API version 2.36 is not supported on this method.")
    assert sum(len(pod.cinder.records[kind]) for pod in cloud.pods) == 7
