"""Volume types, group types, QoS specs, default types: the same in all pods by name, each pod with ids of its own."""

import asyncio
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .test_convergence import eventually, working

ROOT = "/volume/v3"
NAMES = ["fast", "a/b", "ü ö%2F", "x" * 255]
ENCRYPTION = {"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64", "key_size": 256}


def everywhere(cloud: Cloud, name: str, kind: str = "volume_type") -> list[Any]:
    """What each pod has under a name."""
    return [pod.cinder.of_name(kind, name) for pod in cloud.pods]


def fast(cloud: Cloud, **fields: Any) -> list[str]:
    """A type in all pods; its ids."""
    return [pod.cinder.add_type("fast", **fields)["id"] for pod in cloud.pods]


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


async def test_a_pod_that_was_away_catches_up(cloud: Cloud, gateway: Running, admin: Client) -> None:
    old = fast(cloud)
    await cloud.pods[1].cinder.stop()
    reply = await admin.delete(f"{ROOT}/types/{old[0]}")
    assert (reply.status, reply.headers.get("Triune-Missing-Pods"), reply.text) == (202, "RegionTwo", "")
    body = {"name": "a/ü", "extra_specs": {"a": "b"}, "os-volume-type-access:is_public": False}
    assert (await admin.post(f"{ROOT}/types", {"volume_type": body})).status == 200
    assert (await admin.post(f"{ROOT}/qos-specs", {"qos_specs": {"name": "q", "consumer": "both"}})).status == 200
    one = cloud.pods[0].cinder
    made, qos = one.of_name("volume_type", "a/ü"), one.of_name("qos_specs", "q")
    assert made is not None
    assert qos is not None
    made |= {"encryption": {**ENCRYPTION, "volume_type_id": made["id"]}, "projects": {"p"}, "qos_specs_id": qos["id"]}
    await cloud.pods[1].cinder.start()
    two = cloud.pods[1].cinder
    async with working(gateway):
        await eventually(lambda: two.of_name("volume_type", "fast") is None and two.of_name("qos_specs", "q"))
        await eventually(lambda: (two.of_name("volume_type", "a/ü") or {}).get("qos_specs_id"))
    copied, specs = two.of_name("volume_type", "a/ü"), two.of_name("qos_specs", "q")
    assert copied is not None
    assert specs is not None
    assert (copied["extra_specs"], copied["is_public"], copied["projects"]) == ({"a": "b"}, False, {"p"})
    assert (copied["encryption"]["key_size"], specs["consumer"]) == (256, "both")
    assert copied["qos_specs_id"] == specs["id"]


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


# -- lists


@pytest.mark.parametrize("where", ["types", "group_types", "qos-specs"])
@pytest.mark.proves("volume", "GET /group_types", "GET /qos-specs")
async def test_lists_are_paged_sorted_and_told_once(cloud: Cloud, admin: Client, where: str) -> None:
    admin = admin.at("volume 3.11")
    for names, pod in zip((["a", "c", "d"], ["d", "b", "a"]), cloud.pods, strict=True):
        for name in names:
            {"types": pod.cinder.add_type, "group_types": pod.cinder.add_group_type}.get(where, pod.cinder.add_qos)(
                name
            )
        pod.cinder.max_limit = 2
    key = where.replace("-", "_") if where != "types" else "volume_types"
    told, link = [], f"{ROOT}/{where}?limit=1&sort=name:asc"
    while link:
        reply = await admin.get(link)
        assert (reply.status, len(reply.json[key])) == (200, 1)
        told.append(reply.json[key][0]["name"])
        links = next((value for name, value in reply.json.items() if name.endswith("links")), None)
        link = links[0]["href"] if links else ""
    assert told == ["a", "b", "c", "d"]
    reply = await admin.get(f"{ROOT}/{where}?offset=1&limit=2&sort=name:desc")
    assert [each["name"] for each in reply.json[key]] == ["c", "b"]
    kind = {"types": "volume_type", "group_types": "group_type"}.get(where, "qos_specs")
    for each in everywhere(cloud, "a", kind):
        reply = await admin.get(f"{ROOT}/{where}?sort=name:asc&marker={each['id']}")
        assert [each["name"] for each in reply.json[key]] == ["b", "c", "d"]
    assert (await admin.get(f"{ROOT}/{where}?marker={uuid.uuid4()}")).status == 404


# -- QoS specs


@pytest.mark.proves(
    "volume",
    "POST /qos-specs",
    "GET /qos-specs/{qos_id}",
    "PUT /qos-specs/{qos_id}",
    "PUT /qos-specs/{qos_id}/delete_keys",
)
async def test_qos_specs_are_the_same_everywhere(cloud: Cloud, admin: Client) -> None:
    for name in NAMES:
        reply = await admin.post(
            f"{ROOT}/qos-specs", {"qos_specs": {"name": f" {name} ", "consumer": "both", "a": "1"}}
        )
        assert (reply.status, reply.json["qos_specs"]["name"]) == (200, name)
        for each in everywhere(cloud, name, "qos_specs"):
            place = f"{ROOT}/qos-specs/{each['id']}"
            assert (await admin.get(place)).json["qos_specs"]["id"] == each["id"]
            reply = await admin.put(place, json={"qos_specs": {"consumer": "front-end", "b": "2", "c": "3"}})
            assert (reply.status, reply.json["qos_specs"]["b"]) == (200, "2")
            assert (await admin.put(f"{place}/delete_keys", json={"keys": ["c"]})).status == 202
        shown = [(each["consumer"], each["specs"]) for each in everywhere(cloud, name, "qos_specs")]
        assert shown == [("front-end", {"a": "1", "b": "2"})] * 2
    reply = await admin.post(f"{ROOT}/qos-specs", {"qos_specs": {"name": "fast"}})
    assert (reply.status, reply.json["conflictingRequest"]["message"]) == (409, "QoS Specs fast already exists.")


@pytest.mark.proves(
    "volume",
    "GET /qos-specs/{qos_id}/associate",
    "GET /qos-specs/{qos_id}/associations",
    "GET /qos-specs/{qos_id}/disassociate",
    "GET /qos-specs/{qos_id}/disassociate_all",
    "DELETE /qos-specs/{qos_id}",
)
async def test_types_are_associated_everywhere(cloud: Cloud, admin: Client) -> None:
    types, specs = fast(cloud), [pod.cinder.add_qos("q")["id"] for pod in cloud.pods]
    for qos_id, type_id in ((specs[0], types[1]), (specs[1], types[0])):
        place = f"{ROOT}/qos-specs/{qos_id}"
        for undo in (f"disassociate?vol_type_id={type_id}", "disassociate_all"):
            assert (await admin.get(f"{place}/associate?vol_type_id={type_id}")).status == 202
            assert [each["qos_specs_id"] for each in everywhere(cloud, "fast")] == specs
            (told,) = (await admin.get(f"{place}/associations")).json["qos_associations"]
            assert (told["name"], told["association_type"]) == ("fast", "volume_type")
            assert (await admin.get(f"{place}/{undo}")).status == 202
            assert [each["qos_specs_id"] for each in everywhere(cloud, "fast")] == [None, None]
    reply = await admin.get(f"{ROOT}/qos-specs/{specs[0]}/associate")
    assert (reply.status, reply.json["badRequest"]["message"]) == (400, "Volume Type id must not be None.")
    unknown = str(uuid.uuid4())
    reply = await admin.get(f"{ROOT}/qos-specs/{specs[0]}/associate?vol_type_id={unknown}")
    assert reply.json["itemNotFound"]["message"] == f"Volume type {unknown} could not be found."
    cloud.pods[1].cinder.types[types[1]]["qos_specs_id"] = specs[1]
    reply = await admin.delete(f"{ROOT}/qos-specs/{specs[0]}")
    assert (reply.status, reply.json["badRequest"]["message"]) == (400, "Qos specs still in use.")
    assert None not in everywhere(cloud, "q", "qos_specs")
    assert (await admin.delete(f"{ROOT}/qos-specs/{specs[0]}?force=True")).status == 202
    assert everywhere(cloud, "q", "qos_specs") == [None, None]
    assert everywhere(cloud, "fast")[1]["qos_specs_id"] is None


async def test_an_association_skips_a_pod_that_lacks_the_type(cloud: Cloud, admin: Client) -> None:
    only = cloud.pods[1].cinder.add_type("only")
    specs = [pod.cinder.add_qos("q")["id"] for pod in cloud.pods]
    assert (await admin.get(f"{ROOT}/qos-specs/{specs[0]}/associate?vol_type_id={only['id']}")).status == 202
    assert only["qos_specs_id"] == specs[1]


# -- group types


@pytest.mark.proves(
    "volume",
    "POST /group_types",
    "GET /group_types/{group_type_id}",
    "PUT /group_types/{group_type_id}",
    "DELETE /group_types/{group_type_id}",
    "GET /group_types/{group_type_id}/group_specs",
    "POST /group_types/{group_type_id}/group_specs",
    "GET /group_types/{group_type_id}/group_specs/{key}",
    "PUT /group_types/{group_type_id}/group_specs/{key}",
    "DELETE /group_types/{group_type_id}/group_specs/{key}",
)
async def test_group_types_are_the_same_everywhere(cloud: Cloud, admin: Client) -> None:
    assert (await admin.post(f"{ROOT}/group_types", {"group_type": {"name": "g"}})).status == 404
    admin = admin.at("volume 3.11")
    for name in NAMES:
        reply = await admin.post(f"{ROOT}/group_types", {"group_type": {"name": name, "group_specs": {"a": "1"}}})
        assert (reply.status, reply.json["group_type"]["name"]) == (202, name)
        one, two = everywhere(cloud, name, "group_type")
        place = f"{ROOT}/group_types/{two['id']}"
        assert (await admin.get(place)).json["group_type"]["name"] == name
        assert (await admin.put(place, json={"group_type": {"description": "d"}})).status == 200
        assert (await admin.post(f"{place}/group_specs", {"group_specs": {"b": "2", "c": "3"}})).status == 202
        assert (await admin.put(f"{place}/group_specs/a", json={"a": "4"})).status == 200
        assert (await admin.delete(f"{place}/group_specs/c")).status == 202
        assert (await admin.get(f"{place}/group_specs")).json == {"group_specs": {"a": "4", "b": "2"}}
        assert (await admin.get(f"{place}/group_specs/a")).json == {"a": "4"}
        assert one["group_specs"] == two["group_specs"] == {"a": "4", "b": "2"}
        assert one["description"] == "d"
        assert (await admin.delete(place)).status == 202
    assert not any(pod.cinder.named["group_type"] for pod in cloud.pods)


# -- default types


@pytest.mark.proves(
    "volume",
    "GET /default-types",
    "GET /default-types/{project_id}",
    "PUT /default-types/{project_id}",
    "DELETE /default-types/{project_id}",
)
async def test_a_default_type_is_that_of_all_pods_that_have_it(cloud: Cloud, admin: Client) -> None:
    admin, project = admin.at("volume 3.62"), uuid.uuid4().hex
    ids, place = fast(cloud), f"{ROOT}/default-types/{project}"
    for reference in ("fast", *ids):
        reply = await admin.put(place, json={"default_type": {"volume_type": reference}})
        assert (reply.status, reply.json["default_type"]["project_id"]) == (200, project)
        assert [pod.cinder.default_types for pod in cloud.pods] == [{project: each} for each in ids]
        told = (await admin.get(f"{ROOT}/default-types")).json["default_types"]
        assert [each["project_id"] for each in told] == [project]
        assert (await admin.get(place)).json["default_type"] in told
        assert (await admin.delete(place)).status == 204
        assert not any(pod.cinder.default_types for pod in cloud.pods)
    reply = await admin.get(place)
    assert reply.json["itemNotFound"]["message"] == f"Default type for project {project} not found."
    reply = await admin.put(place, json={"default_type": {"volume_type": "nothing"}})
    assert (reply.status, reply.json["badRequest"]["message"]) == (
        400,
        "Volume type with name nothing could not be found.",
    )
    only = cloud.pods[1].cinder.add_type("only")
    assert (await admin.put(place, json={"default_type": {"volume_type": "only"}})).status == 200
    assert [pod.cinder.default_types for pod in cloud.pods] == [{}, {project: only["id"]}]
