"""Groups of volumes and their snapshots: where they go, where they are found, how they are listed."""

import uuid
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/volume/v3"
LATEST = "volume 3.62"
# The path of groups, the key of one, the path of their snapshots, the key of one.
GENERATIONS = [
    ("groups", "group", "group_snapshots", "group_snapshot"),
    ("consistencygroups", "consistencygroup", "cgsnapshots", "cgsnapshot"),
]


def group(cloud: Cloud, client: Client, number: int, kind: str = "group", **fields: Any) -> dict[str, Any]:
    """A group in a pod."""
    record = {"volume_types": [], "group_type": str(uuid.uuid4()), "group_id": str(uuid.uuid4()), **fields}
    return cloud.pods[number].cinder.add(kind, str(client.token.project_id), **record)


@pytest.mark.proves("volume", "POST /groups", "GET /groups/{group_id}")
@pytest.mark.proves("volume", "POST /consistencygroups", "GET /consistencygroups/{consistencygroup_id}")
@pytest.mark.parametrize(("path", "key"), [generation[:2] for generation in GENERATIONS])
async def test_a_group_goes_to_its_zone_with_types_of_any_pod(
    cloud: Cloud, client: Client, path: str, key: str
) -> None:
    client = client.at(LATEST)
    types = [pod.cinder.add_type("fast")["id"] for pod in cloud.pods]
    kinds = [pod.cinder.add_group_type("g")["id"] for pod in cloud.pods]
    for number, zone in enumerate(("az1", "az2")):
        for reference, kind in (("fast", "g"), (types[0], kinds[0]), (types[1], kinds[1])):
            wanted: dict[str, Any] = {"name": "n", "availability_zone": zone}
            if path == "groups":
                wanted |= {"volume_types": [reference], "group_type": kind}
            else:
                wanted["volume_types"] = f"{reference},"
            reply = await client.post(f"{ROOT}/{path}", {key: wanted})
            assert (reply.status, set(reply.json[key])) == (202, {"id", "name"})
            made = cloud.pods[number].cinder.records["group"][reply.json[key]["id"]]
            assert made["volume_types"] == [types[number]]
            shown = (await client.get(f"{ROOT}/{path}/{made['id']}")).json[key]
            assert (shown["id"], shown["availability_zone"]) == (made["id"], zone)


async def test_a_group_goes_where_its_types_are(cloud: Cloud, client: Client) -> None:
    cloud.pods[1].cinder.add_type("only")
    for pod in cloud.pods:
        pod.cinder.add_group_type("g")
    body = {"group": {"volume_types": ["only"], "group_type": "g"}}
    assert (await client.at(LATEST).post(f"{ROOT}/groups", body)).status == 202
    assert len(cloud.pods[1].cinder.records["group"]) == 1
    reply = await client.post(f"{ROOT}/volumes", {"volume": {"size": 1, "volume_type": "only"}})
    assert (reply.status, reply.json["volume"]["availability_zone"]) == (202, "az2")
    body = {"group": {"volume_types": ["nothing"], "group_type": "g"}}
    reply = await client.at(LATEST).post(f"{ROOT}/groups", body)
    assert reply.json["itemNotFound"]["message"] == "Volume type with name nothing could not be found."


@pytest.mark.parametrize("body", [{}, {"group": 5}, {"group": {"volume_types": 5, "group_type": 5}}, {"group": {}}])
async def test_a_bad_group_is_cinders_own_to_judge(cloud: Cloud, client: Client, body: Any) -> None:
    await client.at(LATEST).post(f"{ROOT}/groups", body)
    assert sum(pod.cinder.count("POST", "groups") for pod in cloud.pods) == 1


@pytest.mark.proves("volume", "POST /group_snapshots", "GET /group_snapshots/{group_snapshot_id}")
@pytest.mark.proves("volume", "POST /groups/action create-from-src", "DELETE /group_snapshots/{group_snapshot_id}")
@pytest.mark.proves("volume", "POST /cgsnapshots", "GET /cgsnapshots/{cgsnapshot_id}")
@pytest.mark.proves("volume", "POST /consistencygroups/create_from_src", "DELETE /cgsnapshots/{cgsnapshot_id}")
@pytest.mark.parametrize(("path", "key", "snapshots", "snapshot"), GENERATIONS)
async def test_what_is_made_of_a_group_stays_in_its_pod(
    cloud: Cloud, client: Client, path: str, key: str, snapshots: str, snapshot: str
) -> None:
    client, there = client.at(LATEST), cloud.pods[1].cinder.records
    source = group(cloud, client, 1)
    reply = await client.post(f"{ROOT}/{snapshots}", {snapshot: {f"{key}_id": source["id"], "name": "s"}})
    assert (reply.status, list(there["group_snapshot"])) == (202, [reply.json[snapshot]["id"]])
    place = f"{ROOT}/{snapshots}/{reply.json[snapshot]['id']}"
    assert (await client.get(place)).json[snapshot][f"{key}_id"] == source["id"]
    generic = path == "groups"
    action = "action" if generic else "create_from_src"
    sources = (
        {"source_group_id" if generic else "source_cgid": source["id"]},
        {"group_snapshot_id" if generic else "cgsnapshot_id": reply.json[snapshot]["id"]},
    )
    for wanted in sources:
        body = {"create-from-src" if generic else "consistencygroup-from-src": {"name": "n", **wanted}}
        reply = await client.post(f"{ROOT}/{path}/{action}", body)
        assert (reply.status, reply.json[key]["id"] in there["group"]) == (202, True)
    assert (await client.delete(place)).status == 202
    assert not there["group_snapshot"]
    missing = str(uuid.uuid4())
    reply = await client.post(f"{ROOT}/{snapshots}", {snapshot: {f"{key}_id": missing}})
    assert (reply.status, reply.json["itemNotFound"]["message"]) == (404, f"Group {missing} could not be found.")


@pytest.mark.proves(
    "volume",
    "PUT /groups/{group_id}",
    "PUT /consistencygroups/{consistencygroup_id}",
    "PUT /consistencygroups/{consistencygroup_id}/update",
)
@pytest.mark.parametrize("place", ["groups/{}", "consistencygroups/{}", "consistencygroups/{}/update"])
async def test_a_group_is_changed_in_its_pod_and_takes_no_volume_of_another(
    cloud: Cloud, client: Client, place: str
) -> None:
    key = place.split("s/")[0]
    one = group(cloud, client, 1)
    near, far = (cloud.pods[number].cinder.add("volume", str(client.token.project_id)) for number in (1, 0))
    place = f"{ROOT}/{place.format(one['id'])}"
    reply = await client.at(LATEST).put(place, json={key: {"name": "new", "add_volumes": near["id"]}})
    assert (reply.status, one["name"], near["group_id"]) == (202, "new", one["id"])
    reply = await client.at(LATEST).put(place, json={key: {"add_volumes": f"{near['id']},{far['id']}"}})
    message = reply.json["badRequest"]["message"]
    assert (reply.status, "az1" in message, "az2" in message) == (400, True, True)


@pytest.mark.proves(
    "volume",
    "POST /groups/{group_id}/action delete",
    "POST /groups/{group_id}/action disable_replication",
    "POST /groups/{group_id}/action enable_replication",
    "POST /groups/{group_id}/action failover_replication",
    "POST /groups/{group_id}/action list_replication_targets",
    "POST /groups/{group_id}/action reset_status",
    "POST /group_snapshots/{group_snapshot_id}/action reset_status",
    "POST /consistencygroups/{consistencygroup_id}/delete",
)
async def test_actions_reach_the_pod_of_the_group(cloud: Cloud, client: Client) -> None:
    client, one = client.at(LATEST), group(cloud, client, 1)
    place = f"{ROOT}/groups/{one['id']}/action"
    for action in ("enable_replication", "disable_replication", "failover_replication"):
        assert (await client.post(place, {action: {}})).status == 202
        assert one["replication_status"] == action
    assert (await client.post(place, {"list_replication_targets": {}})).json == {"replication_targets": []}
    assert (await client.post(place, {"reset_status": {"status": "error"}})).status == 202
    snapshot = group(cloud, client, 1, "group_snapshot")
    reply = await client.post(f"{ROOT}/group_snapshots/{snapshot['id']}/action", {"reset_status": {"status": "error"}})
    assert (reply.status, one["status"], snapshot["status"]) == (202, "error", "error")
    assert (await client.post(place, {"delete": {"delete-volumes": False}})).status == 202
    two = group(cloud, client, 1)
    body = {"consistencygroup": {"force": True}}
    assert (await client.post(f"{ROOT}/consistencygroups/{two['id']}/delete", body)).status == 202
    assert not cloud.pods[1].cinder.records["group"]


@pytest.mark.proves(
    "volume", "GET /groups", "GET /groups/detail", "GET /group_snapshots", "GET /group_snapshots/detail"
)
@pytest.mark.proves("volume", "GET /consistencygroups", "GET /consistencygroups/detail")
@pytest.mark.parametrize("detail", ["", "/detail"])
@pytest.mark.parametrize("where", ["groups", "group_snapshots", "consistencygroups"])
async def test_lists_are_merged_and_paged(cloud: Cloud, client: Client, where: str, detail: str) -> None:
    kind = "group_snapshot" if where == "group_snapshots" else "group"
    for name, number in (("b", 0), ("a", 1), ("d", 1), ("c", 0)):
        group(cloud, client, number, kind, name=name)
    group(cloud, Client(client.session, client.root, cloud.keystone.token()), 0, kind)
    told, link = [], f"{ROOT}/{where}{detail}?limit=1&sort=name:asc"
    while link:
        reply = await client.at(LATEST).get(link)
        # As Cinder does, a full page has a link, even if nothing is left for the next.
        assert len(reply.json[where]) == 1 or told == ["a", "b", "c", "d"]
        for item in reply.json[where]:
            assert (set(item) == {"id", "name"}) == (not detail)
            told.append(item["name"])
        link = reply.json[f"{where[:-1]}_links"][0]["href"] if f"{where[:-1]}_links" in reply.json else ""
    assert told == ["a", "b", "c", "d"]


async def test_snapshots_of_groups_were_not_paged_before(cloud: Cloud, client: Client) -> None:
    for number in (0, 1, 1):
        group(cloud, client, number, "group_snapshot")
    reply = await client.at("volume 3.28").get(f"{ROOT}/group_snapshots?limit=1")
    assert (len(reply.json["group_snapshots"]), set(reply.json)) == (3, {"group_snapshots"})


@pytest.mark.proves("volume", "GET /cgsnapshots", "GET /cgsnapshots/detail")
@pytest.mark.parametrize("detail", ["", "/detail"])
async def test_cgsnapshots_are_cut_by_offset_and_limit(cloud: Cloud, client: Client, detail: str) -> None:
    made = {group(cloud, client, number, "group_snapshot")["id"] for number in (0, 1, 1)}
    told = []
    for offset in range(4):
        reply = await client.get(f"{ROOT}/cgsnapshots{detail}?limit=1&offset={offset}")
        told += [item["id"] for item in reply.json["cgsnapshots"]]
    assert (len(told), set(told)) == (3, made)


async def test_lists_without_a_pod_name_it(cloud: Cloud, client: Client) -> None:
    here = group(cloud, client, 0)
    await cloud.pods[1].cinder.stop()
    reply = await client.at(LATEST).get(f"{ROOT}/groups")
    assert (reply.headers["Triune-Missing-Pods"], reply.json["groups"][0]["id"]) == ("RegionTwo", here["id"])
