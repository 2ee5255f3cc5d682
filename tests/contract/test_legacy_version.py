"""`/compute/v2`: Nova's version of old, which has no microversions and passes over what it does not know.

Sources: nova.api.openstack.LegacyV2CompatibleWrapper, nova/api/openstack/compute/versions.py, api-paste.ini.
"""

from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

NOBODY = {"X-Auth-Token": ""}
ROOT = "/compute/v2"
FLAVOR = {"flavor": {"name": "big", "ram": 512, "vcpus": 1, "disk": 1, "id": "f1"}}
MICROVERSIONS = ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version", "Vary")


@pytest.fixture(params=["all", "one", "none"])
def offered(request: pytest.FixtureRequest, cloud: Cloud) -> str:
    """How many of the pods have `/v2`, which operators may take out of api-paste.ini."""
    has = {"all": (True, True), "one": (False, True), "none": (False, False)}[request.param]
    for pod, pod_has in zip(cloud.pods, has, strict=True):
        pod.nova.has_v2 = pod_has
    return str(request.param)


def asked_at(pod: Any) -> set[str]:
    """The versions in which a pod was asked for something."""
    return {asked.path.split("/")[1] for asked in pod.nova.asked if "/" in asked.path.strip("/")}


@pytest.mark.parametrize("path", ["/compute", "/compute/"])
@pytest.mark.proves("compute", "GET /")
async def test_each_version_that_is_listed_leads_to_its_document(client: Client, path: str) -> None:
    versions = (await client.get(path, headers=NOBODY)).json["versions"]
    assert [version["id"] for version in versions] == ["v2.0", "v2.1"]
    for version in versions:
        (link,) = [link for link in version["links"] if link["rel"] == "self"]
        for href in (link["href"], link["href"].rstrip("/")):
            reply = await client.get(href, headers=NOBODY)
            assert (reply.status, reply.json["version"]["id"]) == (200, version["id"])
            assert [each for each in reply.json["version"]["links"] if each["rel"] == "self"] == [link]
    assert not {"OpenStack-API-Version", "Vary"} & set((await client.get(f"{ROOT}/", headers=NOBODY)).headers)


async def test_a_list_is_that_of_all_pods(cloud: Cloud, client: Client, offered: str) -> None:
    project_id = client.token.project_id or ""
    for number, pod in enumerate(cloud.pods):
        pod.nova.add_server(project_id, name=f"s{number}")
    for root in (ROOT, f"{ROOT}/{project_id}"):
        told: list[str] = []
        link: str | None = f"{root}/servers/detail?limit=1"
        while link is not None and len(told) < 5:
            reply = await client.at("compute 2.90").get(link)
            assert reply.status == 200, reply.text
            assert "Triune-Missing-Pods" not in reply.headers
            assert not set(MICROVERSIONS) & set(reply.headers)
            if not reply.json["servers"]:
                # Nova links to the next page of every page that is full.
                break
            (server,) = reply.json["servers"]
            # Since 2.73, 2.71, 2.47.
            assert not {"locked", "server_groups"} & server.keys() and "id" in server["flavor"]
            assert server["links"][0]["href"] == f"{client.root}{root}/servers/{server['id']}"
            told.append(server["name"])
            link = next((each["href"] for each in reply.json.get("servers_links", ())), None)
            assert link is None or link.startswith(f"{client.root}{root}/servers/detail?")
        assert sorted(told) == ["s0", "s1"]


async def test_a_server_of_any_pod_is_told_and_removed(cloud: Cloud, client: Client, offered: str) -> None:
    for pod in cloud.pods:
        server = pod.nova.add_server(client.token.project_id or "")
        pod.nova.asked.clear()
        reply = await client.get(f"{ROOT}/servers/{server['id']}")
        assert reply.status == 200, reply.text
        assert reply.json["server"]["links"] == [
            {"rel": "self", "href": f"{client.root}{ROOT}/servers/{server['id']}"},
            {"rel": "bookmark", "href": f"{client.root}/compute/servers/{server['id']}"},
        ]
        assert not set(MICROVERSIONS) & set(reply.headers)
        assert ("v2" in asked_at(pod)) == pod.nova.has_v2
        assert (await client.delete(f"{ROOT}/servers/{server['id']}")).status == 204
    reply = await client.get(f"{ROOT}/servers/{server['id']}")
    assert (reply.status, reply.json["itemNotFound"]["code"]) == (404, 404)
    assert not set(MICROVERSIONS) & set(reply.headers)


async def test_what_it_does_not_know_is_passed_over(cloud: Cloud, client: Client, admin: Client, offered: str) -> None:
    assert (await admin.post(f"{ROOT}/flavors", FLAVOR)).status == 200
    assert ["f1" in pod.nova.flavors for pod in cloud.pods] == [True, True]
    server = {"name": "s", "flavorRef": "f1", "colour": "red"}
    files = [{"path": "/a", "contents": "YQ==", "colour": "red"}]
    reply = await client.post(f"{ROOT}/servers", {"server": {**server, "personality": files}, "colour": "red"})
    assert reply.status == 202, reply.text
    made = reply.json["server"]
    assert reply.headers["Location"] == f"{client.root}{ROOT}/servers/{made['id']}"
    assert not set(MICROVERSIONS) & set(reply.headers)
    strict = await client.post("/compute/v2.1/servers", {"server": server})
    assert strict.status == 400 and "'colour' was unexpected" in strict.text


@pytest.mark.parametrize(("has_v2", "code"), [(True, 202), (False, 400)])
async def test_a_pod_without_it_looks_more_closely(
    cloud: Cloud, client: Client, admin: Client, has_v2: bool, code: int
) -> None:
    cloud.pods[1].nova.has_v2 = has_v2
    await admin.post(f"{ROOT}/flavors", FLAVOR)
    port = cloud.pods[1].neutron.add_port(client.token.project_id)
    server = {"name": "s", "flavorRef": "f1", "networks": [{"port": port["id"]}], "colour": "red"}
    reply = await client.post(f"{ROOT}/servers", {"server": server})
    assert reply.status == code, reply.text


async def test_it_shows_no_version_but_itself(client: Client, offered: str) -> None:
    for id_ in ("v2.0", "v2.1", "v3"):
        reply = await client.get(f"{ROOT}/versions/{id_}")
        assert (reply.status, reply.json["version"]["id"]) == (200, "v2.0")


async def test_what_nobody_knows_is_not_there(client: Client) -> None:
    for method, path in (("GET", "/compute/v2.0/servers"), ("POST", f"{ROOT}/nothing")):
        reply = await client.request(method, path)
        assert reply.status in (404, 501), path
        assert not set(MICROVERSIONS) & set(reply.headers)
    assert (await client.get(f"{ROOT}/servers", headers=NOBODY)).status == 401


async def test_a_pod_that_is_away_is_named(cloud: Cloud, client: Client) -> None:
    assert (await client.get(f"{ROOT}/servers")).status == 200
    await cloud.pods[1].nova.stop()
    reply = await client.get(f"{ROOT}/servers")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
