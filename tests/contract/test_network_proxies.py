"""Nova's proxies to the network service: when there are any, who answers them, and networks."""

import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .servers_on_networks import DEADLINES, message

SOME = str(uuid.UUID(int=1))
OPERATIONS = (
    "GET /os-floating-ip-pools",
    "GET /os-floating-ips",
    "POST /os-floating-ips",
    f"GET /os-floating-ips/{SOME}",
    f"DELETE /os-floating-ips/{SOME}",
    "GET /os-networks",
    f"GET /os-networks/{SOME}",
    "POST /os-security-group-rules",
    f"DELETE /os-security-group-rules/{SOME}",
    "GET /os-security-groups",
    "POST /os-security-groups",
    f"GET /os-security-groups/{SOME}",
    f"PUT /os-security-groups/{SOME}",
    f"DELETE /os-security-groups/{SOME}",
    "GET /os-tenant-networks",
    f"GET /os-tenant-networks/{SOME}",
)
GROUP = {"security_group": {"name": "web", "description": ""}}
RULE = {"security_group_rule": {"parent_group_id": SOME, "ip_protocol": "tcp", "from_port": 80, "to_port": 80}}
BODIES: dict[str, Any] = {
    "POST /os-floating-ips": {"pool": "public"},
    "POST /os-security-group-rules": RULE,
    "POST /os-security-groups": GROUP,
    f"PUT /os-security-groups/{SOME}": GROUP,
}
EMPTY = (
    "broadcast", "cidr", "cidr_v6", "dns1", "dns2", "gateway", "gateway_v6", "netmask", "netmask_v6",
)  # fmt: skip


async def ask(client: Client, operation: str, project: str = "") -> Any:
    method, path = operation.split()
    kwargs = {"json": BODIES[operation]} if operation in BODIES else {}
    return await client.request(method, f"/compute/v2.1{project}{path}", **kwargs)


def asked_of_pods(cloud: Cloud) -> list[str]:
    """What pods were asked in the paths of the proxies."""
    return [each.path for pod in cloud.pods for each in pod.nova.asked if "/os-" in each.path]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_they_end_with_2_35(cloud: Cloud, client: Client, operation: str) -> None:
    reply = await ask(client.at("compute 2.36"), operation)
    assert (reply.status, message(reply)) == (404, "The resource could not be found.")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.36"
    assert not cloud.central.asked
    assert not asked_of_pods(cloud)


@pytest.mark.parametrize(
    "operation",
    [
        "PUT /os-floating-ips",
        "DELETE /os-security-groups",
        f"GET /os-security-group-rules/{SOME}",
        "GET /os-networks/a/b",
    ],
)
async def test_what_is_no_operation_is_not_found(cloud: Cloud, client: Client, operation: str) -> None:
    assert (await ask(client.at("compute 2.35"), operation)).status == 404
    assert not asked_of_pods(cloud)


@pytest.mark.parametrize("settings", [{"pods": DEADLINES}], indirect=True)
@pytest.mark.parametrize("how", ["away", "hanging", "broken"])
async def test_without_an_answer_of_central_neutron_there_is_none(
    cloud: Cloud, client: Client, settings: dict[str, Any], how: str
) -> None:
    operations = OPERATIONS
    if how == "away":
        await cloud.central.stop()
    elif how == "hanging":
        cloud.central.fails(service.hang)
        operations = OPERATIONS[:1]
    else:
        cloud.central.fails(service.status(500))
    for operation in operations:
        reply = await ask(client.at("compute 2.35"), operation)
        assert reply.status == (504 if how == "hanging" else 503), operation
        assert message(reply).startswith("The network service "), operation
        assert reply.headers["OpenStack-API-Version"] == "compute 2.35"
    assert not asked_of_pods(cloud)


async def test_the_project_of_the_path_has_to_be_that_of_the_token(cloud: Cloud, client: Client) -> None:
    own = client.token.project_id
    assert (await ask(client, "GET /os-networks", f"/{own}")).json == {"networks": []}
    reply = await ask(client, "GET /os-networks", f"/{'0' * 32}")
    assert (reply.status, message(reply)) == (
        400,
        f"Malformed request URL: URL's project_id '{'0' * 32}' doesn't match Context's project_id '{own}'",
    )


@pytest.mark.parametrize("path", ["os-security-groups", "os-security-group-rules", "os-floating-ips"])
async def test_bodies_that_are_none(client: Client, path: str) -> None:
    for content_type, data, status, text in (
        ("application/json", b"{", 400, "Malformed request body"),
        ("application/json", b"\xff", 400, "Malformed request body"),
        ("application/json", b"[" * 100_000, 400, "Malformed request body"),
        ("application/x-www-form-urlencoded", b"{}", 415, "Unsupported Content-Type"),
    ):
        reply = await client.post(f"/compute/v2.1/{path}", data=data, headers={"Content-Type": content_type})
        assert (reply.status, message(reply)) == (status, text)
    expected = "'object', 'null'" if path == "os-floating-ips" else "'object'"
    reply = await client.post(f"/compute/v2.1/{path}", [])
    assert (reply.status, message(reply)) == (400, f"[] is not of type {expected}")


# -- networks


@pytest.mark.proves("compute", "GET /os-networks", "GET /os-networks/{network_id}")
async def test_networks_of_the_top(cloud: Cloud, client: Client, admin: Client, blue: Record) -> None:
    shared = cloud.central.add_network("other", name="shared")
    cloud.central.share(shared, "network", "*")
    hidden = cloud.central.add_network("other", name="hidden")
    listed = (await client.at("compute 2.35").get("/compute/v2.1/os-networks")).json["networks"]
    empty = dict.fromkeys(EMPTY)
    assert sorted(listed, key=lambda each: str(each["label"])) == [
        {"id": blue["id"], "label": "net1001", **empty}, {"id": shared["id"], "label": "shared", **empty}
    ]  # fmt: skip
    reply = await client.get(f"/compute/v2.1/os-networks/{blue['id']}")
    assert (reply.status, reply.json) == (200, {"network": {"id": blue["id"], "label": "net1001", **empty}})
    assert reply.headers["OpenStack-API-Version"] == "compute 2.1"
    for unknown in (hidden["id"], SOME, "no%20id", "a%2Fb"):
        reply = await client.get(f"/compute/v2.1/os-networks/{unknown}")
        assert (reply.status, message(reply)) == (404, "Network not found")
    shown = (await admin.get(f"/compute/v2.1/os-networks/{hidden['id']}")).json["network"]
    assert (shown.pop("id"), shown.pop("label")) == (hidden["id"], "hidden")
    # 9 and 21 attributes of nova-network (nova/api/openstack/compute/networks.py).
    assert len(shown) == 30 and {"project_id", "mtu", *EMPTY} <= shown.keys() and set(shown.values()) == {None}
    assert not asked_of_pods(cloud)


@pytest.mark.proves("compute", "GET /os-tenant-networks", "GET /os-tenant-networks/{tenant_network_id}")
async def test_tenant_networks_of_the_top(cloud: Cloud, client: Client, blue: Record) -> None:
    expected = {"id": blue["id"], "label": "net1001", "cidr": "None"}
    assert (await client.get("/compute/v2.1/os-tenant-networks")).json == {"networks": [expected]}
    assert (await client.get(f"/compute/v2.1/os-tenant-networks/{blue['id']}")).json == {"network": expected}
    reply = await client.get(f"/compute/v2.1/os-tenant-networks/{SOME}")
    assert (reply.status, message(reply)) == (404, "Network not found")
    assert not asked_of_pods(cloud)


async def test_a_list_of_many_pages_is_told_as_one(cloud: Cloud, client: Client) -> None:
    cloud.central.max_limit = 1
    names = {cloud.central.add_network(client.token.project_id or "", name=f"n{number}")["name"] for number in range(3)}
    listed = (await client.get("/compute/v2.1/os-tenant-networks")).json["networks"]
    assert {each["label"] for each in listed} == names and len(listed) == 3
