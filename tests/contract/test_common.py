"""What the APIs tell of themselves, which all pods must have; and what only one pod can tell."""

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply

three_pods = pytest.mark.parametrize("cloud", [3], indirect=True)
ROOTS = {"compute": "/compute/v2.1", "volume": "/volume/v3"}
NODES = "/compute/v2.1/os-baremetal-nodes"


def message(reply: Reply) -> str:
    (inner,) = reply.json.values()
    return str(inner["message"])


@three_pods
@pytest.mark.parametrize("api", ["compute", "volume"])
@pytest.mark.proves("compute", "GET /extensions", "GET /extensions/{alias}")
@pytest.mark.proves("volume", "GET /extensions", "GET /extensions/{alias}")
async def test_extensions_are_those_that_all_pods_have(cloud: Cloud, client: Client, api: str) -> None:
    fakes = [pod.nova if api == "compute" else pod.cinder for pod in cloud.pods]
    everywhere = list(fakes[0].extensions)
    fakes[0].extensions = ["first", *everywhere]
    fakes[1].extensions = [*everywhere[::-1], "second"]
    reply = await client.get(f"{ROOTS[api]}/extensions")
    assert [extension["alias"] for extension in reply.json["extensions"]] == everywhere
    reply = await client.get(f"{ROOTS[api]}/extensions/{everywhere[0]}")
    assert reply.json["extension"]["alias"] == everywhere[0]
    for alias in ("first", "second", "nonsense"):
        reply = await client.get(f"{ROOTS[api]}/extensions/{alias}")
        assert (reply.status, "itemNotFound" in reply.json) == (404, True)
    await fakes[2].stop()
    reply = await client.get(f"{ROOTS[api]}/extensions")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionThree")
    assert [extension["alias"] for extension in reply.json["extensions"]] == everywhere
    reply = await client.get(f"{ROOTS[api]}/extensions/{everywhere[0]}")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionThree")
    for fake in fakes[:2]:
        await fake.stop()
    for path in ("extensions", f"extensions/{everywhere[0]}"):
        assert (await client.get(f"{ROOTS[api]}/{path}")).status == 503


@pytest.mark.parametrize("body", [b"[]", b'{"extensions": 5}', b'{"extensions": [7]}', b'{"extensions": [{}]}'])
async def test_a_pod_that_tells_no_list_is_missing(cloud: Cloud, client: Client, body: bytes) -> None:
    cloud.pods[1].nova.fails(service.text(body), "/extensions")
    reply = await client.get("/compute/v2.1/extensions")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
    assert len(reply.json["extensions"]) == 3


@pytest.mark.proves("volume", "GET /resource_filters")
async def test_filters_are_those_that_all_pods_know(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].cinder.filters = {"volume": ["status", "name", "size"], "group": ["name"]}
    cloud.pods[1].cinder.filters = {"backup": ["name"], "volume": ["name", "status"]}
    new = client.at("volume 3.33")
    assert (await new.get("/volume/v3/resource_filters")).json == {
        "resource_filters": [{"resource": "volume", "filters": ["status", "name"]}]
    }
    assert (await new.get("/volume/v3/resource_filters?resource=group")).json == {"resource_filters": []}
    reply = await client.at("volume 3.32").get("/volume/v3/resource_filters")
    assert reply.status == 404


@pytest.mark.proves("compute", "GET /versions/{api_version}")
async def test_a_version_is_what_all_pods_support(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.highest, cloud.pods[1].nova.lowest = "2.90", "2.10"
    version = (await client.get("/compute/v2.1/versions/v2.1")).json["version"]
    assert (version["id"], version["min_version"], version["version"]) == ("v2.1", "2.10", "2.90")
    assert version["links"] == [{"rel": "self", "href": f"{client.root}/compute/v2.1/"}]
    version = (await client.get("/compute/v2.1/versions/v2.0")).json["version"]
    assert (version["id"], version["links"][0]["href"]) == ("v2.0", f"{client.root}/compute/v2/")
    reply = await client.get("/compute/v2.1/versions/v3")
    assert (reply.status, message(reply)) == (404, "The resource could not be found.")


@pytest.mark.proves("compute", "GET /os-console-auth-tokens/{console_token}")
async def test_a_console_is_told_by_the_pod_that_knows_the_token(cloud: Cloud, admin: Client, client: Client) -> None:
    console = {"instance_uuid": "i", "host": "10.0.0.9", "port": 5900, "internal_access_path": None}
    cloud.pods[1].nova.consoles["secret"] = console
    path, new = "/compute/v2.1/os-console-auth-tokens", admin.at("compute 2.31")
    assert (await new.get(f"{path}/secret")).json == {"console": console}
    reply = await new.get(f"{path}/nonsense")
    assert (reply.status, message(reply)) == (404, "Token not found")
    assert (await client.at("compute 2.31").get(f"{path}/secret")).status == 403
    assert (await admin.at("compute 2.30").get(f"{path}/secret")).status == 400
    await cloud.pods[0].nova.stop()
    assert (await new.get(f"{path}/secret")).status == 200
    assert (await new.get(f"{path}/nonsense")).status == 503


@pytest.mark.proves("compute", "GET /os-baremetal-nodes", "GET /os-baremetal-nodes/{baremetal_node_id}")
async def test_nodes_are_those_of_all_pods(cloud: Cloud, admin: Client, client: Client) -> None:
    node = {"id": "n1", "interfaces": [], "host": "IRONIC MANAGED", "cpus": "1"}
    for number, pod in enumerate(cloud.pods):
        pod.nova.nodes = {f"n{number}": {**node, "id": f"n{number}"}}
    assert [each["id"] for each in (await admin.get(NODES)).json["nodes"]] == ["n0", "n1"]
    assert (await admin.get(f"{NODES}/n1")).json["node"]["id"] == "n1"
    reply = await admin.get(f"{NODES}/n2")
    assert (reply.status, message(reply)) == (404, "Node n2 could not be found.")
    assert (await client.get(NODES)).status == 403
    # Nova without Ironic is at a loss.
    cloud.pods[0].nova.nodes = None
    reply = await admin.get(NODES)
    assert ([each["id"] for each in reply.json["nodes"]], reply.headers["Triune-Missing-Pods"]) == (["n1"], "RegionOne")
    assert (await admin.get(f"{NODES}/n1")).status == 200
    for path in (NODES, f"{NODES}/n1"):
        assert (await admin.at("compute 2.36").get(path)).status == 404


@pytest.mark.proves("compute", "POST /os-baremetal-nodes", "DELETE /os-baremetal-nodes/{baremetal_node_id}")
@pytest.mark.proves("compute", "POST /os-baremetal-nodes/{baremetal_node_id}/action add_interface")
@pytest.mark.proves("compute", "POST /os-baremetal-nodes/{baremetal_node_id}/action remove_interface")
@pytest.mark.parametrize(
    ("method", "path", "body", "command"),
    [
        ("POST", "", {"node": {}}, "node-create"),
        ("DELETE", "/n1", None, "node-delete"),
        ("POST", "/n1/action", {"add_interface": {"address": "a"}}, "port-create"),
        ("POST", "/n1/action", {"remove_interface": {"address": "a"}}, "port-delete"),
    ],
)
async def test_nodes_are_changed_in_ironic(
    cloud: Cloud, admin: Client, method: str, path: str, body: object, command: str
) -> None:
    reply = await admin.request(method, f"{NODES}{path}", **({"json": body} if body else {}))
    assert (reply.status, message(reply)) == (
        400,
        f"Command not supported. Please use Ironic command {command} to perform this action.",
    )
    reply = await admin.at("compute 2.36").request(method, f"{NODES}{path}", **({"json": body} if body else {}))
    assert reply.status == 404
