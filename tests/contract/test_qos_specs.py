"""QoS specs, group types and default types: the same in all pods by name, each pod with ids of its own; their lists."""

import uuid

import pytest

from .cloud.cloud import Cloud
from .conftest import Client
from .volume_types import NAMES, ROOT, everywhere, fast

KINDS = {"types": "volume_type", "group_types": "group_type", "qos-specs": "qos_specs"}

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
    for each in everywhere(cloud, "a", KINDS[where]):
        reply = await admin.get(f"{ROOT}/{where}?sort=name:asc&marker={each['id']}")
        assert [each["name"] for each in reply.json[key]] == ["b", "c", "d"]
    assert (await admin.get(f"{ROOT}/{where}?marker={uuid.uuid4()}")).status == 404


@pytest.mark.parametrize("where", ["types", "group_types", "qos-specs"])
async def test_the_newest_comes_first_as_in_cinder(cloud: Cloud, admin: Client, where: str) -> None:
    """What is sorted by is not shown; so it stands as in the pods, also where one lacks some of it."""
    admin = admin.at("volume 3.11")
    one, two = (
        {"types": pod.cinder.add_type, "group_types": pod.cinder.add_group_type}.get(where, pod.cinder.add_qos)
        for pod in cloud.pods
    )
    for name in ("m", "x"):
        one(name)
    for name in ("m", "b", "x", "p", "a"):
        two(name)
    for name in ("p", "k"):
        one(name)
    for pod in cloud.pods:
        pod.cinder.max_limit = 2
    key = where.replace("-", "_") if where != "types" else "volume_types"
    newest = ["k", "a", "p", "x", "b", "m"]

    async def told(query: str) -> list[str]:
        names: list[str] = []
        link: str | None = f"{ROOT}/{where}?{query}"
        while link and len(names) < 20:
            reply = await admin.get(link)
            names += [each["name"] for each in reply.json[key]]
            links = next((value for name, value in reply.json.items() if name.endswith("links")), None)
            link = links[0]["href"] if links else None
        return names

    assert await told("") == newest
    for limit in (1, 2, 4):
        assert await told(f"limit={limit}") == newest
    assert await told("sort=created_at:asc") == ["m", "b", "x", "p", "k", "a"]
    assert await told("limit=2&sort_key=created_at&sort_dir=desc") == newest
    assert await told("limit=1&offset=2") == newest[2:]
    assert await told("sort=name:asc") == sorted(newest)
    assert await told(f"marker={everywhere(cloud, 'x', KINDS[where])[1]['id']}") == ["b", "m"]
    if where != "qos-specs":
        for pod in cloud.pods:
            for record in pod.cinder.named[KINDS[where]].values():
                record["is_public"] = record["name"] not in ("x", "a")
        assert await told("is_public=None&limit=1&sort=is_public:asc") == ["x", "a", "m", "b", "p", "k"]
    await cloud.pods[0].cinder.stop()
    assert await told("is_public=None&limit=2") == ["a", "p", "x", "b", "m"]


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
