"""The admin API of pods, as the published client of Tricircle speaks it."""

import asyncio
import json
import uuid
from typing import Any

import aiohttp
import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running


@pytest.fixture
async def nothing(cloud: Cloud, start_gateway: Any) -> Any:
    """A gateway without any pod."""
    async with start_gateway() as running:
        yield running


@pytest.fixture
def operator(cloud: Cloud, nothing: Running, session: aiohttp.ClientSession) -> Client:
    """An administrator of it."""
    return Client(session, nothing.root, cloud.keystone.token(roles=("admin",)))


POD = {"region_name": "RegionOne", "az_name": "az1", "pod_az_name": "nova", "dc_name": "dc1"}


async def create(operator: Client, **fields: Any) -> Any:
    reply = await operator.post("/v1.0/pods", {"pod": {**POD, **fields}})
    assert reply.status == 200, reply.text
    return reply.json["pod"]


async def test_versions(operator: Client) -> None:
    reply = await operator.get("/", headers={"X-Auth-Token": ""})
    assert reply.status == 200
    assert reply.json == {
        "versions": [
            {
                "status": "CURRENT",
                "updated": "2015-09-09T00:00:00Z",
                "id": "v1.0",
                "links": [{"href": f"{operator.root}/v1.0/", "rel": "self"}],
            }
        ]
    }
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD"):
        assert (await operator.request(method, "/")).status == 405


async def test_the_version(operator: Client) -> None:
    for path in ("/v1.0", "/v1.0/"):
        reply = await operator.get(path)
        assert reply.status == 200
        assert reply.json["version"] == "1.0"
        links = {link["rel"]: link["href"] for link in reply.json["links"]}
        assert links["self"] == f"{operator.root}/v1.0/"
        assert links["pods"] == f"{operator.root}/v1.0/pods"


async def test_a_pod_from_birth_to_end(operator: Client) -> None:
    assert (await operator.get("/v1.0/pods")).json == {"pods": []}
    pod = await create(operator)
    assert uuid.UUID(pod["pod_id"])
    assert pod == {**POD, "pod_id": pod["pod_id"], "enabled": True}
    path = f"/v1.0/pods/{pod['pod_id']}"
    assert (await operator.get("/v1.0/pods")).json == {"pods": [pod]}
    assert (await operator.get(path)).json == {"pod": pod}
    reply = await operator.delete(path)
    assert (reply.status, reply.json) == (200, {})
    for method in ("GET", "DELETE"):
        reply = await operator.request(method, path)
        assert reply.status == 404
        assert reply.json == {"itemNotFound": {"code": 404, "message": "Pod not found"}}
    # Ports of networks remember it.
    assert (await create(operator))["pod_id"] == pod["pod_id"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"{", b'{"pod": null}', b'{"pod": []}', b'{"pod": "a"}', b"\xff"])
async def test_without_a_pod_in_the_body(operator: Client, body: bytes) -> None:
    reply = await operator.request("POST", "/v1.0/pods", data=body)
    assert reply.status == 400
    assert reply.json == {"badRequest": {"code": 400, "message": "Request body pod not found"}}


@pytest.mark.parametrize("region", [None, "", "  "])
async def test_without_a_region(operator: Client, region: str | None) -> None:
    reply = await operator.post("/v1.0/pods", {"pod": {"region_name": region, "az_name": "az1"}})
    assert reply.status == 422
    assert list(reply.json) == ["Error"]


@pytest.mark.parametrize(
    "fields", [{"region_name": 5}, {"az_name": {}}, {"dc_name": "x" * 256}, {"region_name": "x" * 999}]
)
async def test_mistyped_fields(operator: Client, fields: Any) -> None:
    reply = await operator.post("/v1.0/pods", {"pod": {**POD, **fields}})
    assert reply.status == 400
    assert next(iter(fields)) in reply.json["badRequest"]["message"]


async def test_conflicts(operator: Client) -> None:
    await create(operator)
    central = {"region_name": "CentralRegion", "az_name": "", "pod_az_name": "x"}
    reply = await operator.post("/v1.0/pods", {"pod": central})
    assert (reply.status, reply.json["pod"]["pod_az_name"]) == (200, "")
    for pod, message in (
        ({**POD, "az_name": "az9"}, "Record already exists"),
        ({"region_name": "Other"}, "Top region already exists"),
        ({**POD, "region_name": "CentralRegion"}, "Pod region name duplicated with the top region name"),
    ):
        reply = await operator.post("/v1.0/pods", {"pod": pod})
        assert reply.status == 409
        assert reply.json == {"conflictingRequest": {"code": 409, "message": message}}
    assert len((await operator.get("/v1.0/pods")).json["pods"]) == 2


async def test_a_duplicate_in_the_same_moment(operator: Client) -> None:
    replies = await asyncio.gather(*(operator.post("/v1.0/pods", {"pod": POD}) for _ in range(10)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 9


async def test_the_central_region_is_no_pod(cloud: Cloud, operator: Client) -> None:
    reply = await operator.post("/v1.0/pods", {"pod": {"region_name": "CentralRegion", "az_name": "az1"}})
    assert reply.status == 409


async def test_a_pod_is_changed(operator: Client) -> None:
    pod = await create(operator)
    path = f"/v1.0/pods/{pod['pod_id']}"
    change = {"az_name": "az2", "pod_az_name": "", "dc_name": "dc2", "enabled": False}
    reply = await operator.request("PATCH", path, json={"pod": change})
    assert reply.status == 200
    assert reply.json["pod"] == {**pod, **change}
    assert (await operator.get(path)).json["pod"] == {**pod, **change}


@pytest.mark.parametrize(
    "change",
    [{}, {"region_name": "x"}, {"pod_id": "x"}, {"enabled": "no"}, {"enabled": 1}, {"az_name": ""}, {"az_name": 5}],
)
async def test_bad_changes(operator: Client, change: Any) -> None:
    pod = await create(operator)
    reply = await operator.request("PATCH", f"/v1.0/pods/{pod['pod_id']}", json={"pod": change})
    assert reply.status == 400
    assert (await operator.get("/v1.0/pods")).json == {"pods": [pod]}


async def test_changing_what_is_not_there(operator: Client) -> None:
    reply = await operator.request("PATCH", f"/v1.0/pods/{uuid.uuid4()}", json={"pod": {"dc_name": "a"}})
    assert reply.status == 404


async def test_who_is_no_administrator_gets_401_as_in_tricircle(
    cloud: Cloud, nothing: Running, operator: Client, session: Any
) -> None:
    pod = await create(operator)
    tenant = Client(session, nothing.root, cloud.keystone.token(roles=("member", "reader")))
    path = f"/v1.0/pods/{pod['pod_id']}"
    for method, where in (
        ("GET", "/v1.0/pods"),
        ("POST", "/v1.0/pods"),
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("GET", f"{path}/health"),
    ):
        reply = await tenant.request(method, where, json={"pod": {}})
        assert reply.status == 401, (method, where)
        assert reply.json["unauthorized"]["code"] == 401
    assert (await operator.get("/v1.0/pods")).json == {"pods": [pod]}


async def test_policy_is_the_operators_own(cloud: Cloud, start_gateway: Any, session: Any, tmp_path: Any) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(json.dumps({"admin_api:pods:list": "role:reader"}))
    async with start_gateway({"oslo_policy": {"policy_file": str(policy)}}) as running:
        reader = Client(session, running.root, cloud.keystone.token(roles=("reader",)))
        assert (await reader.get("/v1.0/pods")).status == 200
        assert (await reader.post("/v1.0/pods", {"pod": POD})).status == 401


async def test_unknown_paths_are_404_and_other_verbs_405(operator: Client) -> None:
    for path in ("/v1.0/nothing", "/v1.0/pods/a/b", "/v2.0", "/nothing"):
        assert (await operator.get(path)).status == 404, path
    for method, path in (("PUT", "/v1.0/pods"), ("POST", "/v1.0"), ("DELETE", "/v1.0/pods"), ("PUT", "/v1.0/pods/a")):
        assert (await operator.request(method, path)).status == 405, (method, path)


async def test_another_gateway_learns_of_it(
    cloud: Cloud, nothing: Running, operator: Client, start_gateway: Any, session: Any
) -> None:
    async with start_gateway({"pods": {"refresh_interval": 0.1}}) as other:
        there = Client(session, other.root, operator.token)
        assert (await there.get("/compute/v2.1/servers")).status == 503
        await create(operator)
        for _ in range(50):
            reply = await there.get("/compute/v2.1/servers")
            if reply.status == 200:
                break
            await asyncio.sleep(0.02)
        assert reply.status == 200


@pytest.mark.impatient
async def test_health_tells_which_services_answer(cloud: Cloud, admin: Client) -> None:
    pods = {pod["region_name"]: pod["pod_id"] for pod in (await admin.get("/v1.0/pods")).json["pods"]}
    cloud.pods[1].nova.fails(service.hang)
    await cloud.pods[1].cinder.stop()
    cloud.pods[1].glance.fails(service.status(503))
    health = {}
    for region, pod_id in pods.items():
        reply = await admin.get(f"/v1.0/pods/{pod_id}/health")
        assert reply.status == 200
        health[region] = reply.json["health"]
        assert (health[region]["pod_id"], health[region]["region_name"]) == (pod_id, region)
    up = {told["service"]: told["status"] for told in health["RegionOne"]["services"]}
    assert {up[name] for name in ("compute", "volume", "image", "network")} == {"up"}
    down = {told["service"]: told for told in health["RegionTwo"]["services"]}
    assert health["RegionTwo"]["healthy"] is False
    for name in ("compute", "volume", "image"):
        assert down[name]["status"] == "down", name
        assert down[name]["error"]
    assert down["network"]["status"] == "up"
    assert (await admin.get(f"/v1.0/pods/{uuid.uuid4()}/health")).status == 404


async def test_deleting_a_pod_leaves_what_runs_in_it(cloud: Cloud, client: Client, admin: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    pod_id = next(
        pod["pod_id"] for pod in (await admin.get("/v1.0/pods")).json["pods"] if pod["region_name"] == "RegionTwo"
    )
    assert (await admin.delete(f"/v1.0/pods/{pod_id}")).status == 200
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 404
    assert list(cloud.pods[1].nova.servers) == [server["id"]]
    reply = await admin.post("/v1.0/pods", {"pod": {"region_name": "RegionTwo", "az_name": "az2"}})
    assert reply.status == 200
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
