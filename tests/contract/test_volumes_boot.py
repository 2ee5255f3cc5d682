"""`/os-volumes_boot`: servers under another name, to 2.102."""

import uuid

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/compute/v2.1/os-volumes_boot"
ACTIONS = (
    "POST /os-volumes_boot/{server_id}/action confirmResize",
    "POST /os-volumes_boot/{server_id}/action createImage",
    "POST /os-volumes_boot/{server_id}/action os-start",
    "POST /os-volumes_boot/{server_id}/action os-stop",
    "POST /os-volumes_boot/{server_id}/action reboot",
    "POST /os-volumes_boot/{server_id}/action rebuild",
    "POST /os-volumes_boot/{server_id}/action resize",
    "POST /os-volumes_boot/{server_id}/action revertResize",
    "POST /os-volumes_boot/{server_id}/action trigger_crash_dump",
)
REQUESTS = (
    "GET /os-volumes_boot",
    "GET /os-volumes_boot/detail",
    "POST /os-volumes_boot",
    "GET /os-volumes_boot/{server_id}",
    "PUT /os-volumes_boot/{server_id}",
    "DELETE /os-volumes_boot/{server_id}",
    *ACTIONS,
)


@pytest.mark.proves("compute", "GET /os-volumes_boot", "GET /os-volumes_boot/detail")
async def test_lists_are_those_of_servers(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        pod.nova.add_server(client.token.project_id or "")
    for path in ("", "/detail"):
        reply = await client.get(f"{ROOT}{path}")
        assert reply.json == (await client.get(f"/compute/v2.1/servers{path}")).json
        assert len(reply.json["servers"]) == 2
        told, url = [], f"{client.root}{ROOT}{path}?limit=1"
        for _ in range(3):
            page = (await client.get(url)).json
            told += [server["id"] for server in page["servers"]]
            if "servers_links" not in page:
                break
            url = page["servers_links"][0]["href"]
        assert told == [server["id"] for server in reply.json["servers"]]


@pytest.mark.usefixtures("wired")
@pytest.mark.proves("compute", "POST /os-volumes_boot", "GET /os-volumes_boot/{server_id}")
@pytest.mark.proves("compute", "PUT /os-volumes_boot/{server_id}", "DELETE /os-volumes_boot/{server_id}")
async def test_a_server_is_made_shown_changed_and_deleted(cloud: Cloud, client: Client) -> None:
    old = client.at("compute 2.102")
    server = {"name": "vm", "flavorRef": "1", "imageRef": "", "availability_zone": "az2", "networks": "none"}
    reply = await old.post(ROOT, {"server": server})
    assert reply.status == 202, reply.text
    server_id = reply.json["server"]["id"]
    assert reply.headers["Location"] == f"{client.root}/compute/v2.1/servers/{server_id}"
    assert list(cloud.pods[1].nova.servers) == [server_id]
    assert (await old.get(f"{ROOT}/{server_id}")).json["server"]["OS-EXT-AZ:availability_zone"] == "az2"
    reply = await old.put(f"{ROOT}/{server_id}", json={"server": {"name": "other"}})
    assert (reply.status, cloud.pods[1].nova.servers[server_id]["name"]) == (200, "other")
    assert (await old.delete(f"{ROOT}/{server_id}")).status == 204
    assert (await old.get(f"{ROOT}/{server_id}")).status == 404


@pytest.mark.proves("compute", *ACTIONS)
@pytest.mark.parametrize("operation", ACTIONS)
async def test_its_actions_reach_the_pod_of_the_server(cloud: Cloud, client: Client, operation: str) -> None:
    nova = cloud.pods[1].nova
    nova.add_flavor("1")
    nova.add_flavor("2")
    image = cloud.pods[1].glance.add(str(client.token.project_id), b"data")
    server, action = nova.add_server(client.token.project_id or ""), operation.rpartition(" ")[2]
    value = {"resize": {"flavorRef": "2"}, "createImage": {"name": "i"}, "rebuild": {"imageRef": image["id"]}}.get(
        action
    )
    reply = await client.at("compute 2.102").post(f"{ROOT}/{server['id']}/action", {action: value})
    assert reply.status in (200, 202, 204), reply.text
    assert server["acted"] == [action]


async def test_other_actions_are_none_of_it(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id or "")
    reply = await client.post(f"{ROOT}/{server['id']}/action", {"lock": None})
    assert (reply.status, reply.json["badRequest"]["message"]) == (400, "There is no such action: lock")
    assert "acted" not in server


@pytest.mark.parametrize("operation", REQUESTS)
async def test_from_2103_there_is_none_of_this(cloud: Cloud, client: Client, operation: str) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id or "")
    method, path, *action = operation.replace("{server_id}", server["id"]).split()
    body = {"json": {action[0]: None} if action else {"server": {}}} if method in ("POST", "PUT") else {}
    reply = await client.at("compute 2.103").request(method, f"/compute/v2.1{path}", **body)
    assert reply.status == 404
    assert reply.json["itemNotFound"]["message"] == "API version 2.103 is not supported on this method."
    assert server["id"] in cloud.pods[1].nova.servers and "acted" not in server


async def test_a_server_that_there_is_not(cloud: Cloud, client: Client) -> None:
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"{ROOT}/{uuid.uuid4()}")).status == 404
