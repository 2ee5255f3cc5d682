"""Volume types, group types, QoS specs, default types: the same in all pods by name, each pod with ids of its own."""

import asyncio
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .volume_types import ENCRYPTION, NAMES, ROOT, everywhere, fast

# -- created everywhere


@pytest.mark.proves("volume", "POST /types", "GET /types", "GET /types/{type_id}")
async def test_a_type_is_made_in_all_pods_and_known_by_each_id(cloud: Cloud, admin: Client) -> None:
    for name in NAMES:
        wanted = {"name": name, "description": "d", "extra_specs": {"a": "b"}, "os-volume-type-access:is_public": False}
        reply = await admin.post(f"{ROOT}/types", {"volume_type": wanted})
        assert (reply.status, reply.json["volume_type"]["name"]) == (200, name)
        made = everywhere(cloud, name)
        assert [(each["extra_specs"], each["is_public"]) for each in made] == [({"a": "b"}, False)] * 2
        for each in made:
            assert (await admin.get(f"{ROOT}/types/{each['id']}")).json["volume_type"]["name"] == name
    listed = (await admin.get(f"{ROOT}/types?is_public=None")).json["volume_types"]
    assert sorted(each["name"] for each in listed) == sorted(NAMES)


@pytest.mark.parametrize("body", [{}, {"volume_type": {"description": "no name"}}])
async def test_a_bad_type_is_cinders_own_400(cloud: Cloud, admin: Client, body: Any) -> None:
    assert (await admin.post(f"{ROOT}/types", body)).status == 400
    assert not any(pod.cinder.types for pod in cloud.pods)


@pytest.mark.parametrize(("where", "lost"), [("types", "volume_type"), ("qos-specs", "qos_specs")])
async def test_a_tenant_may_not(cloud: Cloud, client: Client, where: str, lost: str) -> None:
    reply = await client.post(f"{ROOT}/{where}", {lost: {"name": "fast"}})
    assert (reply.status, "Policy doesn't allow" in reply.json["forbidden"]["message"]) == (403, True)
    assert everywhere(cloud, "fast", lost) == [None, None]


async def test_a_name_that_is_taken_is_cinders_409_and_nothing_stays(cloud: Cloud, admin: Client) -> None:
    cloud.pods[1].cinder.add_type("fast", extra_specs={"other": "one"})
    reply = await admin.post(f"{ROOT}/types", {"volume_type": {"name": "fast"}})
    assert reply.status == 409
    assert reply.json["conflictingRequest"]["message"] == "Volume Type fast already exists."
    assert everywhere(cloud, "fast")[0] is None
    same = {"volume_type": {"name": "fast", "extra_specs": {"other": "one"}}}
    assert (await admin.post(f"{ROOT}/types", same)).status == 200
    assert None not in everywhere(cloud, "fast")


async def test_a_refusal_in_a_follower_takes_it_back(cloud: Cloud, admin: Client) -> None:
    cloud.pods[1].cinder.fails(service.status(403, "no"), "POST .*/types")
    assert (await admin.post(f"{ROOT}/types", {"volume_type": {"name": "fast"}})).status == 403
    assert everywhere(cloud, "fast") == [None, None]


async def test_two_make_the_same_type_at_once(cloud: Cloud, admin: Client) -> None:
    body = {"volume_type": {"name": "fast"}}
    replies = await asyncio.gather(*(admin.post(f"{ROOT}/types", body) for _ in range(4)))
    assert 200 in {reply.status for reply in replies} <= {200, 409}
    assert [len(pod.cinder.types) for pod in cloud.pods] == [1, 1]


# -- changed everywhere


@pytest.mark.proves(
    "volume",
    "POST /types/{type_id}/extra_specs",
    "PUT /types/{type_id}/extra_specs/{key}",
    "DELETE /types/{type_id}/extra_specs/{key}",
    "GET /types/{type_id}/extra_specs",
    "GET /types/{type_id}/extra_specs/{key}",
)
async def test_extra_specs_are_changed_everywhere(cloud: Cloud, admin: Client) -> None:
    for number, type_id in enumerate(fast(cloud)):
        place = f"{ROOT}/types/{type_id}/extra_specs"
        reply = await admin.post(place, {"extra_specs": {"a": "b", "c:d": "e"}})
        assert (reply.status, reply.json) == (200, {"extra_specs": {"a": "b", "c:d": "e"}})
        assert (await admin.put(f"{place}/a", json={"a": "2"})).json == {"a": "2"}
        assert (await admin.delete(f"{place}/{quote('c:d', safe='')}")).status == 202
        assert [each["extra_specs"] for each in everywhere(cloud, "fast")] == [{"a": "2"}] * 2, number
        assert (await admin.get(place)).json == {"extra_specs": {"a": "2"}}
        assert (await admin.get(f"{place}/a")).json == {"a": "2"}
        reply = await admin.delete(f"{place}/c:d")
        assert reply.status == 404
        assert reply.json["itemNotFound"]["message"] == f"Volume Type {type_id} has no extra specs with key c:d."


@pytest.mark.proves("volume", "PUT /types/{type_id}")
async def test_a_type_is_renamed_everywhere_or_nowhere(cloud: Cloud, admin: Client) -> None:
    ids = fast(cloud)
    body = {"volume_type": {"name": "slow", "description": "d", "is_public": False}}
    reply = await admin.put(f"{ROOT}/types/{ids[1]}", json=body)
    assert (reply.status, reply.json["volume_type"]["id"]) == (200, ids[1])
    assert [(each["id"], each["is_public"]) for each in everywhere(cloud, "slow")] == [(each, False) for each in ids]
    cloud.pods[1].cinder.add_type("taken")
    reply = await admin.put(f"{ROOT}/types/{ids[0]}", json={"volume_type": {"name": "taken"}})
    assert (reply.status, everywhere(cloud, "taken")[0]) == (409, None)
    await cloud.pods[1].cinder.stop()
    reply = await admin.put(f"{ROOT}/types/{ids[0]}", json={"volume_type": {"name": "new"}})
    assert (reply.status, everywhere(cloud, "new")) == (503, [None, None])
    assert "RegionTwo" in reply.json["serviceUnavailable"]["message"]


@pytest.mark.proves(
    "volume",
    "GET /types/{type_id}/encryption",
    "POST /types/{type_id}/encryption",
    "GET /types/{type_id}/encryption/{key}",
    "PUT /types/{type_id}/encryption/{key}",
    "DELETE /types/{type_id}/encryption/{key}",
)
async def test_encryption_is_changed_everywhere(cloud: Cloud, admin: Client) -> None:
    place = f"{ROOT}/types/{fast(cloud)[1]}/encryption"
    reply = await admin.post(place, {"encryption": ENCRYPTION})
    assert (reply.status, reply.json["encryption"]["provider"]) == (200, "luks")
    assert [each["encryption"]["key_size"] for each in everywhere(cloud, "fast")] == [256] * 2
    shown = (await admin.get(place)).json
    assert (await admin.get(f"{place}/cipher")).json == {"cipher": "aes-xts-plain64"}
    place = f"{place}/{shown['encryption_id']}"
    assert (await admin.put(place, json={"encryption": {"key_size": 512}})).status == 200
    assert [each["encryption"]["key_size"] for each in everywhere(cloud, "fast")] == [512] * 2
    assert (await admin.delete(place)).status == 202
    assert [each["encryption"] for each in everywhere(cloud, "fast")] == [{}, {}]


async def test_encryption_twice_is_cinders_400_but_a_try_that_was_half_done_is_finished(
    cloud: Cloud, admin: Client
) -> None:
    ids = fast(cloud)
    await cloud.pods[1].cinder.stop()
    place = f"{ROOT}/types/{ids[0]}/encryption"
    reply = await admin.post(place, {"encryption": ENCRYPTION})
    assert (reply.status, everywhere(cloud, "fast")[1]["encryption"]) == (503, {})
    await cloud.pods[1].cinder.start()
    for _ in range(40):
        reply = await admin.post(place, {"encryption": ENCRYPTION})
        if reply.status not in (400, 503):
            break
        await asyncio.sleep(0.05)
    assert (reply.status, everywhere(cloud, "fast")[1]["encryption"]["provider"]) == (200, "luks")
    reply = await admin.post(place, {"encryption": ENCRYPTION})
    assert reply.status == 400
    assert "already exists" in reply.json["badRequest"]["message"]


@pytest.mark.proves(
    "volume",
    "POST /types/{type_id}/action addProjectAccess",
    "POST /types/{type_id}/action removeProjectAccess",
    "GET /types/{type_id}/os-volume-type-access",
)
async def test_access_is_given_everywhere(cloud: Cloud, admin: Client, client: Client) -> None:
    ids, project = fast(cloud, is_public=False), client.token.project_id
    for pod in cloud.pods:
        pod.cinder.of_name("volume_type", "fast")["projects"] = set()  # type: ignore[index]
    place = f"{ROOT}/types/{ids[0]}"
    for status in (202, 409):
        reply = await admin.post(f"{place}/action", {"addProjectAccess": {"project": project}})
        assert reply.status == status
    assert [each["projects"] for each in everywhere(cloud, "fast")] == [{project}] * 2
    reply = await admin.get(f"{place}/os-volume-type-access")
    assert reply.json == {"volume_type_access": [{"volume_type_id": ids[0], "project_id": project}]}
    assert [each["name"] for each in (await client.get(f"{ROOT}/types")).json["volume_types"]] == ["fast"]
    for status in (202, 404):
        reply = await admin.post(f"{place}/action", {"removeProjectAccess": {"project": project}})
        assert reply.status == status
    assert [each["projects"] for each in everywhere(cloud, "fast")] == [set()] * 2


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("DELETE", "", None),
        ("POST", "/extra_specs", {"extra_specs": {"a": "b"}}),
        ("POST", "/encryption", {"encryption": ENCRYPTION}),
    ],
)
async def test_a_type_in_use_in_any_pod_is_changed_in_none(
    cloud: Cloud, admin: Client, number: int, method: str, rest: str, body: Any
) -> None:
    ids = fast(cloud)
    cloud.pods[number].cinder.add("volume", uuid.uuid4().hex, volume_type="fast")
    for type_id in ids:
        reply = await admin.request(method, f"{ROOT}/types/{type_id}{rest}", **({"json": body} if body else {}))
        assert (reply.status, "in use" in reply.json["badRequest"]["message"]) == (400, True)
    assert [(each["extra_specs"], each["encryption"]) for each in everywhere(cloud, "fast")] == [({}, {})] * 2


async def test_changing_while_a_pod_is_away_names_it_and_can_be_repeated(cloud: Cloud, admin: Client) -> None:
    ids = fast(cloud)
    await cloud.pods[1].cinder.stop()
    reply = await admin.post(f"{ROOT}/types/{ids[0]}/extra_specs", {"extra_specs": {"a": "b"}})
    assert (reply.status, "RegionTwo" in reply.json["serviceUnavailable"]["message"]) == (503, True)
    reply = await admin.get(f"{ROOT}/types")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")


# -- removed everywhere


@pytest.mark.proves("volume", "DELETE /types/{type_id}")
async def test_a_type_is_removed_everywhere_also_where_only_one_pod_has_it(cloud: Cloud, admin: Client) -> None:
    ids = [*fast(cloud), cloud.pods[1].cinder.add_type("only")["id"]]
    for type_id in ids[1:]:
        assert (await admin.delete(f"{ROOT}/types/{type_id}")).status == 202
    assert not any(pod.cinder.types for pod in cloud.pods)
    for type_id in ids:
        reply = await admin.delete(f"{ROOT}/types/{type_id}")
        assert reply.status == 404
        assert reply.json["itemNotFound"]["message"] == f"Volume type {type_id} could not be found."


@pytest.mark.parametrize("number", [0, 1])
async def test_a_default_type_of_any_pod_is_removed_from_none(cloud: Cloud, admin: Client, number: int) -> None:
    ids = [pod.cinder.add_type("usual")["id"] for pod in cloud.pods]
    cloud.pods[number].cinder.default_types[str(admin.token.project_id)] = ids[number]
    reply = await admin.delete(f"{ROOT}/types/{ids[0]}")
    assert (reply.status, "is a default volume type" in reply.json["badRequest"]["message"]) == (400, True)
    assert None not in everywhere(cloud, "usual")


# -- used by volumes


@pytest.mark.proves("volume", "POST /volumes/{volume_id}/action os-retype")
async def test_a_volume_gets_a_type_by_its_name_or_the_id_of_any_pod(cloud: Cloud, client: Client) -> None:
    ids = fast(cloud)
    volume = cloud.pods[1].cinder.add("volume", str(client.token.project_id))
    for reference in ("fast", *ids):
        volume["volume_type"] = "__DEFAULT__"
        body = {"os-retype": {"new_type": reference, "migration_policy": "never"}}
        assert (await client.post(f"{ROOT}/volumes/{volume['id']}/action", body)).status == 202
        assert volume["volume_type"] == "fast"
    unknown = str(uuid.uuid4())
    reply = await client.post(f"{ROOT}/volumes/{volume['id']}/action", {"os-retype": {"new_type": unknown}})
    assert (reply.status, unknown in reply.json["itemNotFound"]["message"]) == (404, True)
