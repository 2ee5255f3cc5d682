"""What belongs to one server is in its pod of two, and told as Nova does in each microversion."""

import uuid
from typing import Any
from urllib.parse import quote

import pytest

from .cloud.cloud import Cloud
from .cloud.pod_service import Record
from .conftest import Client, Reply
from .refusals import refusal
from .test_actions_on_servers import console

SERVERS = "/compute/v2.1/servers"
VOLUME = "3d1f1e04-9c09-4d0c-8a2b-5f5a5f8b0c11"
SHARE = {"share_id": "e8debdc0-447a-4376-a10a-4cd9122d7986", "tag": "ü"}
# Methods and paths below a server, a body that fits, and the microversion that knows them first.
READ = (
    ("GET", "metadata", None, "2.1"),
    ("GET", "metadata/a", None, "2.1"),
    ("GET", "tags", None, "2.26"),
    ("GET", "tags/a", None, "2.26"),
    ("GET", "os-server-password", None, "2.1"),
    ("GET", "diagnostics", None, "2.1"),
    ("GET", "topology", None, "2.78"),
    ("GET", "shares", None, "2.97"),
    ("GET", f"shares/{SHARE['share_id']}", None, "2.97"),
    ("GET", "migrations", None, "2.23"),
    ("GET", "migrations/1", None, "2.23"),
    ("GET", "os-volume_attachments", None, "2.1"),
    ("GET", f"os-volume_attachments/{VOLUME}", None, "2.1"),
)
WRITTEN = (
    ("POST", "metadata", {"metadata": {"a": "1"}}, "2.1"),
    ("PUT", "metadata", {"metadata": {"a": "1"}}, "2.1"),
    ("PUT", "metadata/a", {"meta": {"a": "1"}}, "2.1"),
    ("DELETE", "metadata/a", None, "2.1"),
    ("PUT", "tags", {"tags": ["a"]}, "2.26"),
    ("PUT", "tags/a", None, "2.26"),
    ("DELETE", "tags/a", None, "2.26"),
    ("DELETE", "tags", None, "2.26"),
    ("DELETE", "os-server-password", None, "2.1"),
    ("POST", "shares", {"share": SHARE}, "2.97"),
    ("DELETE", f"shares/{SHARE['share_id']}", None, "2.97"),
    ("DELETE", "migrations/1", None, "2.24"),
    ("POST", "migrations/1/action", {"force_complete": None}, "2.22"),
    ("DELETE", f"os-volume_attachments/{VOLUME}", None, "2.1"),
)


@pytest.fixture
def server(cloud: Cloud, client: Client) -> Record:
    """A server in the second pod; the first has one too."""
    cloud.pods[0].nova.add_server(client.token.project_id)
    return cloud.pods[1].nova.add_server(client.token.project_id)


async def ask(client: Client, method: str, path: str, body: Any = None, version: str = "2.104") -> Reply:
    return await client.at(f"compute {version}").request(method, path, **({} if body is None else {"json": body}))


@pytest.mark.parametrize(("method", "below", "body", "since"), [*READ, *WRITTEN])
async def test_a_server_of_nobody_or_of_others_has_no_parts(
    cloud: Cloud, client: Client, method: str, below: str, body: Any, since: str
) -> None:
    others = cloud.pods[1].nova.add_server("0" * 32, tags=["a"], metadata={"a": "0"})
    was = dict(others)
    for server_id in (str(uuid.uuid4()), others["id"]):
        text = f"Instance {server_id} could not be found."
        assert refusal(await ask(client, method, f"{SERVERS}/{server_id}/{below}", body, since)) == (404, text)
    assert others == was


@pytest.mark.parametrize(("method", "below", "body", "since"), [row for row in (*READ, *WRITTEN) if row[3] != "2.1"])
async def test_older_microversions_lack_a_part(
    server: Record, admin: Client, method: str, below: str, body: Any, since: str
) -> None:
    version = f"2.{int(since.partition('.')[2]) - 1}"
    text = f"API version {version} is not supported on this method."
    assert refusal(await ask(admin, method, f"{SERVERS}/{server['id']}/{below}", body, version)) == (404, text)


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("POST", "metadata", {"metadata": {"a": 1}}),
        ("POST", "metadata", {"metadata": ["a"]}),
        ("PUT", "metadata", {"metadata": None}),
        ("PUT", "metadata", {"meta": {"a": "1"}}),
        ("PUT", "metadata/a", {"meta": {"a": None}}),
        ("PUT", "metadata/a", {"meta": {"b": "1"}}),
        ("PUT", "metadata/a", {"meta": {"a": "1", "b": "2"}}),
        ("PUT", "tags", {"tags": "a"}),
        ("PUT", "tags", {"tags": [7]}),
        ("PUT", "tags", {"tags": ["a,b"]}),
        ("PUT", "tags", {"tags": [str(number) for number in range(51)]}),
        ("PUT", "tags/a%2Cb", None),
        ("POST", "shares", {"share": {"share_id": 7}}),
        ("POST", "shares", {"share": [SHARE]}),
        ("POST", "shares", {"share": {"tag": "a"}}),
        ("POST", "migrations/1/action", {"force": None}),
        ("POST", "migrations/1/action", []),
    ],
)
async def test_what_does_not_fit_is_refused_in_novas_words(
    server: Record, admin: Client, method: str, below: str, body: Any
) -> None:
    was = dict(server)
    reply = await ask(admin, method, f"{SERVERS}/{server['id']}/{below}", body)
    assert refusal(reply)[0] == 400
    assert {**was, "tags": []} == {**server, "tags": server.get("tags", [])}


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/metadata",
    "POST /servers/{server_id}/metadata",
    "PUT /servers/{server_id}/metadata",
    "GET /servers/{server_id}/metadata/{key}",
    "PUT /servers/{server_id}/metadata/{key}",
    "DELETE /servers/{server_id}/metadata/{key}",
)
async def test_metadata_is_that_of_the_pod_and_not_translated(cloud: Cloud, client: Client, server: Record) -> None:
    path, nova = f"{SERVERS}/{server['id']}/metadata", cloud.pods[1].nova
    words = {"availability_zone": "nova", "home": f"{nova.root}/v2.1", "links": "x"}
    assert ((reply := await client.post(path, {"metadata": words})).status, reply.json) == (200, {"metadata": words})
    assert (await client.get(path)).json == {"metadata": words}
    reply = await client.put(f"{path}/availability_zone", json={"meta": {"availability_zone": "mine"}})
    assert reply.json == {"meta": {"availability_zone": "mine"}}
    assert (await client.get(f"{path}/home")).json == {"meta": {"home": f"{nova.root}/v2.1"}}
    reply = await client.delete(f"{path}/home")
    assert (reply.status, reply.body) == (204, b"")
    assert server["metadata"] == {"availability_zone": "mine", "links": "x"}
    for method in ("GET", "DELETE"):
        assert refusal(await ask(client, method, f"{path}/home")) == (404, "Metadata item was not found")
    assert (await client.put(path, json={"metadata": {"b": "4"}})).json == {"metadata": {"b": "4"}}
    assert server["metadata"] == {"b": "4"}
    assert [each["metadata"] for each in cloud.pods[0].nova.servers.values()] == [{}]


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/tags",
    "PUT /servers/{server_id}/tags",
    "DELETE /servers/{server_id}/tags",
    "GET /servers/{server_id}/tags/{tag}",
    "PUT /servers/{server_id}/tags/{tag}",
    "DELETE /servers/{server_id}/tags/{tag}",
)
async def test_tags_are_those_of_the_pod(client: Client, server: Record) -> None:
    client, path = client.at("compute 2.26"), f"{SERVERS}/{server['id']}/tags"
    assert (await client.get(path)).json == {"tags": []}
    tag = "ü %2F"
    named = f"{path}/{quote(tag, safe='')}"
    reply = await client.put(named)
    assert (reply.status, reply.body) == (201, b"")
    assert reply.headers["Location"].startswith(f"{client.root}{path}/")
    assert (await client.put(named)).status == 204
    assert server["tags"] == [tag]
    reply = await client.put(path, json={"tags": ["nova", "az2", "nova"]})
    assert (reply.status, reply.json) == (200, {"tags": ["nova", "az2"]})
    assert refusal(await client.get(named)) == (404, f"Server {server['id']} has no tag '{tag}'")
    assert refusal(await client.delete(named)) == (404, f"Instance {server['id']} has no tag '{tag}'")
    assert ((reply := await client.get(f"{path}/nova")).status, reply.body) == (204, b"")
    assert (await client.delete(f"{path}/nova")).status == 204
    assert server["tags"] == ["az2"]
    assert (await client.delete(path)).status == 204
    assert server["tags"] == []
    server["vm_state"] = "building"
    text = f"Cannot 'update tags' instance {server['id']} while it is in vm_state building"
    assert refusal(await client.put(path, json={"tags": ["a"]})) == (409, text)


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/os-server-password",
    "DELETE /servers/{server_id}/os-server-password",
    "GET /servers/{server_id}/diagnostics",
    "GET /servers/{server_id}/topology",
)
async def test_what_the_host_tells(client: Client, admin: Client, server: Record) -> None:
    path = f"{SERVERS}/{server['id']}"
    assert (await client.get(f"{path}/os-server-password")).json == {"password": ""}
    server["encrypted_password"] = "xlozO3wLCBRWAa2yDjCCVx8vwNPypxnypmRYDa/zErlQ+EzPe1S/Gz6nfmC52mOlOSCRuU=="
    assert (await client.get(f"{path}/os-server-password")).json == {"password": server["encrypted_password"]}
    reply = await client.delete(f"{path}/os-server-password")
    assert (reply.status, reply.body, server["encrypted_password"]) == (204, b"", "")
    server["host"] = "compute-2"
    old = (await ask(admin, "GET", f"{path}/diagnostics", version="2.47")).json
    assert old == {"cpu0_time": 17300000000, "memory": 524288, "vda_read": 262144}
    told = (await ask(admin, "GET", f"{path}/diagnostics", version="2.48")).json
    assert (told["hypervisor_os"], told["memory_details"]) == ("compute-2", {"maximum": 524288, "used": 0})
    assert (await client.get(f"{path}/diagnostics")).status == 403
    server["host"] = None
    assert refusal(await admin.get(f"{path}/diagnostics")) == (409, f"Instance {server['id']} is not ready")
    empty = {"nodes": [], "pagesize_kb": None}
    assert (await ask(client, "GET", f"{path}/topology", version="2.78")).json == empty
    node = {"vcpu_set": [0, 1], "siblings": [], "memory_mb": 1024}
    server["numa"] = [{**node, "host_node": 1, "cpu_pinning": {"0": 2}}]
    assert (await ask(client, "GET", f"{path}/topology")).json == {"nodes": [node], "pagesize_kb": 4}
    assert (await ask(admin, "GET", f"{path}/topology")).json == {"nodes": server["numa"], "pagesize_kb": 4}


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/consoles",
    "POST /servers/{server_id}/consoles",
    "GET /servers/{server_id}/consoles/{console_id}",
    "DELETE /servers/{server_id}/consoles/{console_id}",
    "GET /servers/{server_id}/os-virtual-interfaces",
)
@pytest.mark.parametrize(
    ("method", "below"),
    [("GET", "consoles"), ("POST", "consoles"), ("GET", "consoles/1"), ("DELETE", "consoles/1"),
     ("GET", "os-virtual-interfaces")],
)  # fmt: skip
async def test_what_nova_removed_is_its_own_410(
    cloud: Cloud, client: Client, server: Record, method: str, below: str
) -> None:
    cloud.pods[1].nova.asked.clear()
    reply = await ask(client, method, f"{SERVERS}/{server['id']}/{below}", {} if method == "POST" else None)
    assert refusal(reply) == (410, "This resource is no longer available.  No forwarding address is given.")
    assert cloud.pods[1].nova.count(method, below) == 1


@pytest.mark.proves("compute", "POST /servers/{server_id}/remote-consoles")
@pytest.mark.parametrize(
    ("version", "protocol", "type_", "status"),
    [
        ("2.5", "vnc", "novnc", 404),
        ("2.6", "vnc", "novnc", 200),
        ("2.7", "mks", "webmks", 400),
        ("2.8", "mks", "webmks", 200),
        ("2.98", "spice", "spice-direct", 400),
        ("2.99", "spice", "spice-direct", 200),
        ("2.104", "rdp", "rdp-html5", 400),
        ("2.104", "serial", 7, 400),
    ],
)
async def test_a_console_is_that_of_the_pod(
    cloud: Cloud, client: Client, version: str, protocol: str, type_: Any, status: int
) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    wanted = {"protocol": protocol, "type": type_}
    path = f"{SERVERS}/{server['id']}/remote-consoles"
    reply = await client.at(f"compute {version}").post(path, {"remote_console": wanted})
    assert reply.status == status
    assert cloud.pods[0].nova.count("POST") == 0
    if status == 200:
        assert reply.json == {"remote_console": {**wanted, "url": console(cloud.pods[1].nova.zone, server["id"])}}
    else:
        assert refusal(reply)[1].startswith(("API version 2.5", "Invalid input", "Unavailable console type rdp"))
    missing = str(uuid.uuid4())
    reply = await client.at("compute 2.6").post(f"{SERVERS}/{missing}/remote-consoles", {"remote_console": wanted})
    assert refusal(reply) == (404, f"Instance {missing} could not be found.")
