"""What Cinder tells: messages of all pods, all volumes added up, the encryption of one, and types by default."""

import uuid

import pytest

from .cloud.cloud import Cloud
from .conftest import Client
from .refusals import refusal
from .volume_types import ENCRYPTION

ROOT = "/volume/v3"


@pytest.mark.proves("volume", "GET /messages")
async def test_messages_stand_in_the_order_of_time(cloud: Cloud, client: Client) -> None:
    project = client.token.project_id
    times = [f"2026-11-2{day}T00:00:00.000000" for day in (1, 5, 3, 2, 4, 0)]
    made = [
        cloud.pods[index % 2].cinder.add_message(project, time, event_id=f"E{index}")
        for index, time in enumerate(times)
    ]
    cloud.pods[0].cinder.add_message("0" * 32, times[0])
    newest = [each["id"] for each in sorted(made, key=lambda each: each["created_at"], reverse=True)]
    listed = (await client.at("volume 3.5").get(f"{ROOT}/messages")).json
    assert [each["id"] for each in listed["messages"]] == newest
    assert "messages_links" not in listed
    link = f"{client.root}{ROOT}/{project}/messages/{newest[0]}"
    assert listed["messages"][0]["links"][0] == {"rel": "self", "href": link}
    path, ids = f"{ROOT}/messages?limit=1", list[str]()
    while path:
        page = (await client.at("volume 3.5").get(path)).json
        ids += [each["id"] for each in page["messages"]]
        path = page["messages_links"][0]["href"] if "messages_links" in page else ""
    assert ids == newest
    page = (await client.at("volume 3.5").get(f"{ROOT}/messages?limit=2&marker={newest[2]}")).json
    assert [each["id"] for each in page["messages"]] == newest[3:5]
    # Before it paged them Cinder passed over every parameter.
    for query in ("", "?limit=1", "?sort=event_id:asc"):
        listed = (await client.at("volume 3.3").get(f"{ROOT}/messages{query}")).json
        assert [each["id"] for each in listed["messages"]] == newest
    refused = await client.at("volume 3.2").get(f"{ROOT}/messages")
    assert refusal(refused) == (404, "API version 3.2 is not supported on this method.")


@pytest.mark.impatient
@pytest.mark.parametrize("version", ["3.3", "3.5"])
async def test_messages_name_the_pod_that_is_away(cloud: Cloud, client: Client, version: str) -> None:
    made = [pod.cinder.add_message(client.token.project_id, "2026-11-20T00:00:00.000000") for pod in cloud.pods]
    await cloud.pods[0].cinder.stop()
    reply = await client.at(f"volume {version}").get(f"{ROOT}/messages")
    assert [each["id"] for each in reply.json["messages"]] == [made[1]["id"]]
    assert reply.headers["Triune-Missing-Pods"] == "RegionOne"


@pytest.mark.proves("volume", "GET /messages/{message_id}", "DELETE /messages/{message_id}")
async def test_a_message_is_shown_and_removed_where_it_is(cloud: Cloud, client: Client) -> None:
    client = client.at("volume 3.3")
    kept, message, others = (
        cloud.pods[index].cinder.add_message(project, "2026-11-20T00:00:00.000000")
        for index, project in ((0, client.token.project_id), (1, client.token.project_id), (1, "0" * 32))
    )
    reply = await client.get(f"{ROOT}/messages/{message['id']}")
    shown = reply.json["message"]
    assert (shown["user_message"], shown["resource_uuid"]) == (message["user_message"], message["resource_uuid"])
    assert shown["links"][0]["href"] == f"{client.root}{ROOT}/{client.token.project_id}/messages/{message['id']}"
    reply = await client.delete(f"{ROOT}/messages/{message['id']}")
    assert (reply.status, reply.body) == (204, b"")
    assert [list(pod.cinder.records["message"]) for pod in cloud.pods] == [[kept["id"]], [others["id"]]]
    for method in ("GET", "DELETE"):
        for id_ in (message["id"], others["id"], str(uuid.uuid4())):
            reply = await client.request(method, f"{ROOT}/messages/{id_}")
            assert refusal(reply) == (404, f"Message {id_} could not be found.")
    assert others["id"] in cloud.pods[1].cinder.records["message"]


@pytest.mark.proves("volume", "GET /volumes/summary")
async def test_the_volumes_of_all_pods_are_summed_up(cloud: Cloud, client: Client, admin: Client) -> None:
    for pod, metadata in zip(cloud.pods, ({"a": "1", "b": "ü"}, {"a": "1", "c": "3"}), strict=True):
        pod.cinder.add("volume", client.token.project_id, size=2, metadata=metadata)
        pod.cinder.add("volume", client.token.project_id, size=3, metadata={"a": pod.region})
        pod.cinder.add("volume", "0" * 32, size=100, metadata={"a": "theirs"})
    summary = {"total_count": 4, "total_size": 10}
    path = f"{ROOT}/volumes/summary"
    assert (await client.at("volume 3.12").get(path)).json == {"volume-summary": summary}
    told = (await client.at("volume 3.36").get(path)).json["volume-summary"]
    distinct = {"a": ["1", "RegionOne", "RegionTwo"], "b": ["ü"], "c": ["3"]}
    assert told == {**summary, "metadata": distinct}
    told = (await admin.at("volume 3.12").get(f"{path}?all_tenants=1")).json["volume-summary"]
    assert told == {"total_count": 6, "total_size": 210}
    assert refusal(await client.at("volume 3.11").get(path))[0] == 404
    await cloud.pods[1].cinder.stop()
    reply = await client.at("volume 3.12").get(path)
    assert reply.json == {"volume-summary": {"total_count": 2, "total_size": 5}}
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"


@pytest.mark.proves("volume", "GET /volumes/{volume_id}/encryption", "GET /volumes/{volume_id}/encryption/{key}")
async def test_the_encryption_of_a_volume_is_told_by_its_pod(cloud: Cloud, client: Client) -> None:
    cinder = cloud.pods[1].cinder
    cinder.add_type("luks", encryption=ENCRYPTION)
    key = str(uuid.uuid4())
    volume = cinder.add("volume", client.token.project_id, volume_type="luks", encryption_key_id=key)
    plain = cinder.add("volume", client.token.project_id)
    path = f"{ROOT}/volumes/{volume['id']}/encryption"
    assert (await client.get(path)).json == {**ENCRYPTION, "encryption_key_id": key}
    assert (await client.get(f"{ROOT}/volumes/{plain['id']}/encryption")).json == {"encryption_key_id": None}
    reply = await client.get(f"{path}/cipher")
    # Cinder tells a text and no document.
    assert (reply.status, reply.text) == (200, "aes-xts-plain64")
    assert reply.headers["Content-Type"].startswith("text/html")
    assert (await client.get(f"{path}/encryption_key_id")).text == key
    assert (await client.get(f"{path}/none")).status == 500
    missing, others = str(uuid.uuid4()), cinder.add("volume", "0" * 32)["id"]
    for id_ in (missing, others):
        for below in ("", "/cipher"):
            reply = await client.get(f"{ROOT}/volumes/{id_}/encryption{below}")
            assert refusal(reply) == (404, f"Volume {id_} could not be found.")


@pytest.mark.proves("volume", "GET /types/default", "GET /group_types/default")
async def test_the_default_types_are_those_of_a_pod_that_answers(cloud: Cloud, client: Client) -> None:
    client = client.at("volume 3.11")
    assert refusal(await client.get(f"{ROOT}/group_types/default")) == (404, "Default group type can not be found.")
    # Where one pod has a default and the other has not, that is told.
    second = cloud.pods[1].cinder
    second.default_group_type = "together"
    together = second.add_group_type("together")
    assert (await client.get(f"{ROOT}/group_types/default")).json["group_type"]["id"] == together["id"]
    made = [pod.cinder.add_type("__DEFAULT__")["id"] for pod in cloud.pods]
    mine = [pod.cinder.add_type("fast")["id"] for pod in cloud.pods]
    assert (await client.get(f"{ROOT}/types/default")).json["volume_type"]["id"] in made
    for pod, id_ in zip(cloud.pods, mine, strict=True):
        pod.cinder.default_types[client.token.project_id] = id_
    shown = (await client.get(f"{ROOT}/types/default")).json["volume_type"]
    assert (shown["id"] in mine, shown["name"]) == (True, "fast")
    # Each of these ids is one at the top, whichever pod is asked next.
    for id_ in mine:
        assert (await client.get(f"{ROOT}/types/{id_}")).json["volume_type"]["name"] == "fast"
    await cloud.pods[0].cinder.stop()
    reply = await client.get(f"{ROOT}/types/default")
    assert (reply.status, reply.json["volume_type"]["id"]) == (200, mine[1])
