"""Quotas: one limit for the whole cloud, which every pod has; what is used is that of all pods."""

import asyncio
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import eventually, working

QUOTAS = {"compute": "/compute/v2.1/os-quota-sets", "volume": "/volume/v3/os-quota-sets"}
CLASSES = {"compute": "/compute/v2.1/os-quota-class-sets", "volume": "/volume/v3/os-quota-class-sets"}
NAMES = {"compute": "cores", "volume": "gigabytes"}
APIS = pytest.mark.parametrize("api", ["compute", "volume"])
PROJECT = "4f" * 16


def fakes(cloud: Cloud, api: str) -> list[Any]:
    return [pod.nova if api == "compute" else pod.cinder for pod in cloud.pods]


def message(reply: Reply) -> str:
    (inner,) = reply.json.values()
    return str(inner["message"])


async def set_quota(admin: Client, api: str, project_id: str, **limits: Any) -> Reply:
    return await admin.put(f"{QUOTAS[api]}/{project_id}", json={"quota_set": limits})


async def quota(admin: Client, api: str, project_id: str, query: str = "") -> dict[str, Any]:
    shown: dict[str, Any] = (await admin.get(f"{QUOTAS[api]}/{project_id}{query}")).json["quota_set"]
    return shown


@pytest.mark.proves("compute", "PUT /os-quota-sets/{tenant_id}", "GET /os-quota-sets/{tenant_id}")
@pytest.mark.proves("volume", "PUT /os-quota-sets/{project_id}", "GET /os-quota-sets/{project_id}")
@APIS
async def test_what_is_set_is_shown_and_every_pod_has_it(cloud: Cloud, admin: Client, api: str) -> None:
    name = NAMES[api]
    before = await quota(admin, api, PROJECT)
    reply = await set_quota(admin, api, PROJECT, **{name: 77})
    assert reply.status == 200, reply.text
    assert reply.json["quota_set"] == {key: value for key, value in {**before, name: 77}.items() if key != "id"}
    assert await quota(admin, api, PROJECT) == {**before, name: 77, "id": PROJECT}
    assert [fake.quota(PROJECT)[name] for fake in fakes(cloud, api)] == [77, 77]
    assert (await quota(admin, api, "5e" * 16))[name] == before[name]


@APIS
async def test_the_smallest_limit_counts_where_none_was_set(cloud: Cloud, admin: Client, api: str) -> None:
    """A project may surely have what the least of the pods allows; unlimited is more than any limit."""
    name, (one, two) = NAMES[api], fakes(cloud, api)
    for limits, told in (((30, 20), 20), ((-1, 20), 20), ((30, -1), 30), ((-1, -1), -1)):
        one.quota_classes["default"], two.quota_classes["default"] = ({name: limit} for limit in limits)
        assert (await quota(admin, api, PROJECT))[name] == told


@pytest.mark.proves("compute", "GET /limits")
@pytest.mark.proves("volume", "GET /limits")
async def test_limits_are_the_quotas_and_usage_is_added_up(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    for pod in cloud.pods:
        pod.nova.add_server(project_id)
        pod.cinder.add("volume", project_id, size=3)
    await set_quota(admin, "compute", project_id, cores=40, key_pairs=5)
    await set_quota(admin, "volume", project_id, volumes=20)
    for asking, query in ((client, ""), (admin, f"?tenant_id={project_id}")):
        absolute = (await asking.get(f"/compute/v2.1/limits{query}")).json["limits"]["absolute"]
        assert (absolute["totalInstancesUsed"], absolute["maxTotalCores"], absolute["maxTotalKeypairs"]) == (2, 40, 5)
        assert absolute["maxTotalFloatingIps"] == -1
    for asking, query in ((client, ""), (admin.at("volume 3.39"), f"?project_id={project_id}")):
        limits = (await asking.get(f"/volume/v3/limits{query}")).json["limits"]
        assert limits["rate"] == []
        absolute = limits["absolute"]
        assert (absolute["totalVolumesUsed"], absolute["maxTotalVolumes"], absolute["totalGigabytesUsed"]) == (2, 20, 6)
    # Before 3.39, Cinder does not look at what is asked for.
    absolute = (await admin.get(f"/volume/v3/limits?project_id={project_id}")).json["limits"]["absolute"]
    assert (absolute["totalVolumesUsed"], absolute["maxTotalVolumes"]) == (0, 10)


@pytest.mark.proves("compute", "GET /os-quota-sets/{tenant_id}/detail")
async def test_usage_stands_beside_the_limit(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    for pod in cloud.pods:
        pod.nova.add_server(project_id)
        pod.cinder.add("volume", project_id, size=3)
    await set_quota(admin, "compute", project_id, instances=9)
    detail = (await client.get(f"{QUOTAS['compute']}/{project_id}/detail")).json["quota_set"]
    assert detail["id"] == project_id
    assert detail["instances"] == {"limit": 9, "in_use": 2, "reserved": 0}
    await set_quota(admin, "volume", project_id, gigabytes=9)
    shown = await quota(client, "volume", project_id, "?usage=True")
    assert shown["gigabytes"] == {"limit": 9, "in_use": 6, "reserved": 0}
    assert shown["per_volume_gigabytes"]["limit"] == -1


@pytest.mark.proves("compute", "PUT /os-quota-class-sets/{quota_class}", "GET /os-quota-class-sets/{quota_class}")
@pytest.mark.proves("compute", "GET /os-quota-sets/{tenant_id}/defaults")
@pytest.mark.proves("volume", "PUT /os-quota-class-sets/{quota_class}", "GET /os-quota-class-sets/{quota_class}")
@pytest.mark.proves("volume", "GET /os-quota-sets/{project_id}/defaults")
@APIS
async def test_the_default_class_is_the_limit_of_all(cloud: Cloud, admin: Client, api: str) -> None:
    before = (await admin.get(f"{CLASSES[api]}/default")).json["quota_class_set"]
    assert before.pop("id") == "default"
    wanted = {name: limit + 100 for name, limit in before.items()}
    reply = await admin.put(f"{CLASSES[api]}/default", json={"quota_class_set": wanted})
    assert (reply.status, reply.json) == (200, {"quota_class_set": wanted})
    assert (await admin.get(f"{CLASSES[api]}/default")).json["quota_class_set"] == {**wanted, "id": "default"}
    defaults = (await admin.get(f"{QUOTAS[api]}/{PROJECT}/defaults")).json["quota_set"]
    assert wanted.items() <= defaults.items()
    assert (await quota(admin, api, PROJECT))[NAMES[api]] == wanted[NAMES[api]]
    assert [fake.quota(PROJECT)[NAMES[api]] for fake in fakes(cloud, api)] == [wanted[NAMES[api]]] * 2


@pytest.mark.proves("compute", "DELETE /os-quota-sets/{tenant_id}")
@pytest.mark.proves("volume", "DELETE /os-quota-sets/{project_id}")
@APIS
async def test_what_was_set_is_dropped(cloud: Cloud, admin: Client, api: str) -> None:
    before = await quota(admin, api, PROJECT)
    await set_quota(admin, api, PROJECT, **{NAMES[api]: 77})
    reply = await admin.delete(f"{QUOTAS[api]}/{PROJECT}")
    assert reply.status == (202 if api == "compute" else 200)
    assert await quota(admin, api, PROJECT) == before
    assert [fake.quotas for fake in fakes(cloud, api)] == [{}, {}]


async def test_a_user_has_limits_of_the_own(cloud: Cloud, admin: Client) -> None:
    path = f"{QUOTAS['compute']}/{PROJECT}"
    await set_quota(admin, "compute", PROJECT, ram=5120, cores=8)
    reply = await admin.put(f"{path}?user_id=anna", json={"quota_set": {"ram": 2048}})
    assert (reply.status, reply.json["quota_set"]["ram"], reply.json["quota_set"]["cores"]) == (200, 2048, 8)
    assert [pod.nova.quota(PROJECT, "anna")["ram"] for pod in cloud.pods] == [2048, 2048]
    assert (await quota(admin, "compute", PROJECT, "?user_id=anna"))["ram"] == 2048
    assert (await quota(admin, "compute", PROJECT, "?user_id=berta"))["ram"] == 5120
    assert (await quota(admin, "compute", PROJECT))["ram"] == 5120
    assert (await admin.delete(f"{path}?user_id=anna")).status == 202
    shown = await quota(admin, "compute", PROJECT, "?user_id=anna")
    assert (shown["ram"], shown["cores"]) == (5120, 8)
    reply = await admin.put(f"{path}?user_id=anna", json={"quota_set": {"ram": 9999}})
    assert (reply.status, message(reply)) == (400, "Quota limit 9999 for ram must be less than or equal to 5120.")
    await admin.put(f"{path}?user_id=anna", json={"quota_set": {"ram": 2048}})
    await admin.delete(path)
    assert (await quota(admin, "compute", PROJECT, "?user_id=anna"))["ram"] > 5120


async def test_less_than_is_used_in_all_pods_is_refused(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    for pod in cloud.pods:
        pod.nova.add_server(project_id)
        pod.cinder.add("volume", project_id)
    reply = await set_quota(admin, "compute", project_id, instances="1")
    text = "Quota limit 1 for instances must be greater than or equal to already used and reserved 2."
    assert (reply.status, message(reply)) == (400, text)
    assert not cloud.pods[0].nova.quotas.get((project_id, None))
    reply = await set_quota(client, "compute", project_id, instances=1)
    assert (reply.status, message(reply)) == (
        403,
        "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed.",
    )
    reply = await set_quota(admin, "compute", project_id, instances=1, force=True)
    assert (reply.status, reply.json["quota_set"]["instances"]) == (200, 1)
    assert [pod.nova.quota(project_id)["instances"] for pod in cloud.pods] == [1, 1]
    # Cinder compares only with what was set before.
    assert (await set_quota(admin, "volume", project_id, volumes=1)).status == 200
    reply = await set_quota(admin, "volume", project_id, volumes=1)
    assert (reply.status, message(reply)) == (
        400,
        "Quota volumes limit must be equal or greater than existing resources. Current usage is 2 and the requested "
        "limit is 1.",
    )
    assert (await set_quota(client, "volume", project_id, volumes=1)).status == 403


@APIS
@pytest.mark.parametrize(
    "body", [None, [], {}, {"quota_set": 5}, {"quota_set": {"nonsense": 1}}, {"quota_class_set": {}}]
)
async def test_a_bad_body_is_the_pods_own_400(cloud: Cloud, admin: Client, api: str, body: Any) -> None:
    reply = await admin.put(f"{QUOTAS[api]}/{PROJECT}", json=body)
    assert reply.status == 400 and "badRequest" in reply.json
    assert not any(fake.quotas.get(PROJECT) or fake.quotas.get((PROJECT, None)) for fake in fakes(cloud, api))


@APIS
@pytest.mark.parametrize("limit", ["12", 12, "x", -2, None, True, 1.5, [1]])
async def test_a_limit_is_what_the_pods_take(cloud: Cloud, admin: Client, api: str, limit: Any) -> None:
    before = (await quota(admin, api, PROJECT))[NAMES[api]]
    reply = await set_quota(admin, api, PROJECT, **{NAMES[api]: limit})
    good = limit in ("12", 12)
    assert reply.status == (200 if good else 400)
    assert (await quota(admin, api, PROJECT))[NAMES[api]] == (12 if good else before)


@APIS
async def test_whoever_may_not_sets_nothing(cloud: Cloud, client: Client, api: str) -> None:
    project_id = client.token.project_id or ""
    assert (await set_quota(client, api, project_id, **{NAMES[api]: 5})).status == 403
    assert (await client.delete(f"{QUOTAS[api]}/{project_id}")).status == 403
    assert (await client.put(f"{CLASSES[api]}/default", json={"quota_class_set": {NAMES[api]: 5}})).status == 403
    assert (await client.get(f"{QUOTAS[api]}/{PROJECT}")).status == 403
    assert [fake.quotas for fake in fakes(cloud, api)] == [{}, {}]


async def test_old_microversions_show_more(cloud: Cloud, admin: Client) -> None:
    await set_quota(admin, "compute", PROJECT, floating_ips=7, injected_files=3)
    assert (await quota(admin, "compute", PROJECT))["floating_ips"] == 7
    assert "floating_ips" not in await quota(admin.at("compute 2.36"), "compute", PROJECT)
    assert (await quota(admin.at("compute 2.36"), "compute", PROJECT))["injected_files"] == 3
    assert "injected_files" not in await quota(admin.at("compute 2.57"), "compute", PROJECT)


async def test_limits_of_keystone_are_not_set_here(cloud: Cloud, admin: Client) -> None:
    """With unified limits a pod takes what is set and goes on to show its own."""
    for pod in cloud.pods:
        pod.nova.keystone_limits = True
    assert (await set_quota(admin, "compute", PROJECT, cores=7)).status == 200
    assert (await quota(admin, "compute", PROJECT))["cores"] == cloud.pods[0].nova.quota_cores


@APIS
async def test_a_pod_that_was_away_gets_the_limit(cloud: Cloud, gateway: Running, admin: Client, api: str) -> None:
    name, (_, away) = NAMES[api], fakes(cloud, api)
    await away.stop()
    reply = await set_quota(admin, api, PROJECT, **{name: 77})
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
    await admin.put(f"{CLASSES[api]}/default", json={"quota_class_set": {name: 55}})
    await away.start()
    assert (await quota(admin, api, PROJECT))[name] == 77
    async with working(gateway):
        await eventually(lambda: away.quota(PROJECT)[name] == 77 and away.quota("5e" * 16)[name] == 55)


@APIS
async def test_a_pod_that_was_away_loses_what_was_dropped(
    cloud: Cloud, gateway: Running, admin: Client, api: str
) -> None:
    name, other = ("cores", "instances") if api == "compute" else ("gigabytes", "volumes")
    _, away = fakes(cloud, api)
    await set_quota(admin, api, PROJECT, **{name: 77, other: 3})
    await away.stop()
    reply = await admin.delete(f"{QUOTAS[api]}/{PROJECT}")
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    await set_quota(admin, api, PROJECT, **{other: 4})
    if api == "compute":
        await admin.put(f"{QUOTAS[api]}/{PROJECT}?user_id=anna", json={"quota_set": {"cores": 2}})
    await away.start()
    default = away.quota_class("default")[name] if api == "volume" else away.quota_defaults()[name]
    async with working(gateway):
        await eventually(lambda: away.quota(PROJECT)[name] == default and away.quota(PROJECT)[other] == 4)
        if api == "compute":
            await eventually(lambda: away.quota(PROJECT, "anna")["cores"] == 2)


async def test_a_new_pod_gets_all_limits(cloud: Cloud, gateway: Running, admin: Client) -> None:
    pods = (await admin.get("/v1.0/pods")).json["pods"]
    await admin.delete(f"/v1.0/pods/{pods[1]['pod_id']}")
    for api in ("compute", "volume"):
        await set_quota(admin, api, PROJECT, **{NAMES[api]: 77})
        await admin.put(f"{CLASSES[api]}/default", json={"quota_class_set": {NAMES[api]: 55}})
    await admin.put(f"{QUOTAS['compute']}/{PROJECT}?user_id=anna", json={"quota_set": {"ram": 2048}})
    assert [fake.quotas for fake in (cloud.pods[1].nova, cloud.pods[1].cinder)] == [{}, {}]
    await admin.post("/v1.0/pods", {"pod": {"region_name": "RegionTwo", "az_name": "az2"}})
    nova, cinder = cloud.pods[1].nova, cloud.pods[1].cinder
    async with working(gateway):
        await eventually(lambda: nova.quota(PROJECT)["cores"] == 77 and cinder.quota(PROJECT)["gigabytes"] == 77)
        await eventually(lambda: nova.quota("a")["cores"] == 55 and cinder.quota("a")["gigabytes"] == 55)
        await eventually(lambda: nova.quota(PROJECT, "anna")["ram"] == 2048)


@pytest.mark.impatient
async def test_a_pod_that_hangs_hides_no_limit(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    cloud.pods[0].nova.add_server(project_id)
    await set_quota(admin, "compute", project_id, cores=33)
    cloud.pods[1].nova.fails(service.hang)
    for path in (f"/os-quota-sets/{project_id}", "/limits"):
        reply = await client.get(f"/compute/v2.1{path}")
        assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
        assert 33 in (reply.json.get("quota_set") or reply.json["limits"]["absolute"]).values()


async def test_a_pod_that_refuses_is_named_and_does_not_stop_the_others(
    cloud: Cloud, gateway: Running, admin: Client
) -> None:
    nova = cloud.pods[1].nova
    nova.fails(service.status(500), "PUT .*/os-quota-sets")
    reply = await set_quota(admin, "compute", PROJECT, cores=33)
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
    assert (await quota(admin, "compute", PROJECT))["cores"] == 33
    nova.fails(None)
    async with working(gateway):
        await eventually(lambda: nova.quota(PROJECT)["cores"] == 33)


async def test_limits_of_two_who_ask_at_once_end_alike(cloud: Cloud, gateway: Running, admin: Client) -> None:
    await asyncio.gather(*(set_quota(admin, "compute", PROJECT, cores=limit) for limit in range(30, 38)))
    shown = (await quota(admin, "compute", PROJECT))["cores"]
    async with working(gateway):
        await eventually(lambda: {pod.nova.quota(PROJECT)["cores"] for pod in cloud.pods} == {shown})


@pytest.mark.parametrize("path", ["os-quota-class-sets/default", "os-quota-sets/{project}"])
async def test_limits_of_a_type_that_is_no_more_stop_no_others(
    cloud: Cloud, admin: Client, client: Client, path: str
) -> None:
    assert (await admin.post("/volume/v3/types", {"volume_type": {"name": "gold"}})).status == 200
    url = "/volume/v3/" + path.format(project=client.token.project_id)
    item = "quota_class_set" if "class" in path else "quota_set"
    assert (await admin.put(url, json={item: {"volumes_gold": 3}})).status == 200
    for pod in cloud.pods:
        pod.cinder.types.clear()
    reply = await admin.put(url, json={item: {"volumes": 7}})
    assert (reply.status, reply.headers.get("Triune-Missing-Pods")) == (200, None)
    for pod in cloud.pods:
        there = Client(admin.session, pod.cinder.root, admin.token)
        assert (await there.get(url.removeprefix("/volume"))).json[item]["volumes"] == 7
