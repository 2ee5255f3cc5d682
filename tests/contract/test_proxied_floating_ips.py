"""Floating IPs by Nova's old API: they are those of central Neutron."""

import asyncio
import uuid
from typing import Any

import pytest

from triune.network.names import BOOT_DEVICE

from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client, Reply
from .servers_on_networks import message, new_server, settled, tenants_ports
from .test_proxied_security_groups import told

pytestmark = [pytest.mark.usefixtures("wired")]

FLOATING = "/compute/v2.1/os-floating-ips"


@pytest.fixture
def public(cloud: Cloud) -> Record:
    """An external network that everybody sees."""
    network = cloud.central.add_external("operator", name="public")
    cloud.central.add_subnet(network, "203.0.113.0/24", enable_dhcp=False)
    return network


@pytest.fixture
async def routed(cloud: Cloud, client: Client, admin: Client, blue: Record, public: Record) -> Record:
    """The tenant's network behind a router with a gateway."""
    router = cloud.central.add_router(client.token.project_id or "", name="r")
    (subnet,) = (each for each in cloud.central.subnets.values() if each["network_id"] == blue["id"])
    cloud.central.add_interface(router, subnet)
    body = {"router": {"external_gateway_info": {"network_id": public["id"]}}}
    reply = await admin.put(f"{cloud.central.root}/v2.0/routers/{router['id']}", json=body)
    assert reply.status == 200, reply.text
    return blue


async def allocate(client: Client, pool: str = "public") -> Record:
    reply = await client.at("compute 2.35").post(FLOATING, {"pool": pool})
    assert reply.status == 200, reply.text
    floating: Record = reply.json["floating_ip"]
    return floating


async def act(client: Client, server_id: str, action: str, version: str = "2.43", **value: Any) -> Reply:
    path = f"/compute/v2.1/servers/{server_id}/action"
    return await client.at(f"compute {version}").post(path, {action: value})


@pytest.mark.proves("compute", "GET /os-floating-ip-pools")
async def test_pools_are_the_external_networks(cloud: Cloud, client: Client, public: Record, blue: Record) -> None:
    nameless = cloud.central.add_external("operator", name="")
    reply = await client.at("compute 2.35").get("/compute/v2.1/os-floating-ip-pools")
    pools = sorted(reply.json["floating_ip_pools"], key=lambda pool: str(pool["name"]))
    assert pools == sorted([{"name": "public"}, {"name": nameless["id"]}], key=lambda pool: str(pool["name"]))


@pytest.mark.proves(
    "compute",
    "GET /os-floating-ips",
    "POST /os-floating-ips",
    "GET /os-floating-ips/{floating_ip_id}",
    "DELETE /os-floating-ips/{floating_ip_id}",
)
async def test_a_floating_ip_from_its_beginning_to_its_end(
    cloud: Cloud, client: Client, admin: Client, public: Record
) -> None:
    assert (await client.get(FLOATING)).json == {"floating_ips": []}
    floating = await allocate(client)
    kept = cloud.central.records["floatingips"]
    assert floating == {
        "id": floating["id"], "ip": kept[floating["id"]]["floating_ip_address"], "fixed_ip": None,
        "instance_id": None, "pool": "public",
    }  # fmt: skip
    by_id = await allocate(admin, public["id"])
    assert (await client.get(f"{FLOATING}/{floating['id']}")).json == {"floating_ip": floating}
    assert (await client.get(FLOATING)).json == {"floating_ips": [floating]}
    # Of an administrator only those of his project are listed; he may see others.
    assert (await admin.get(FLOATING)).json == {"floating_ips": [by_id]}
    assert (await admin.get(f"{FLOATING}/{floating['id']}")).status == 200
    for id_ in (by_id["id"], "none", "a%2Fb"):
        for reply in (await client.get(f"{FLOATING}/{id_}"), await client.delete(f"{FLOATING}/{id_}")):
            text = f"Floating IP not found for ID {id_.replace('%2F', '/')}"
            assert (reply.status, message(reply)) == (404, text)
    reply = await client.delete(f"{FLOATING}/{floating['id']}")
    assert (reply.status, reply.body) == (202, b"")
    assert floating["id"] not in kept
    assert not any("/os-floating" in asked.path for pod in cloud.pods for asked in pod.nova.asked)


async def test_a_pool_that_is_not_seen_is_told_by_its_id(cloud: Cloud, client: Client, public: Record) -> None:
    floating = await allocate(client)
    public["name"] = ""
    assert (await client.get(FLOATING)).json["floating_ips"] == [{**floating, "pool": public["id"]}]
    # Nobody but administrators sees it any more.
    cloud.central.records["rbac_policies"].clear()
    assert (await client.get(FLOATING)).json["floating_ips"] == [{**floating, "pool": public["id"]}]


async def test_what_cannot_be_allocated(cloud: Cloud, client: Client, public: Record) -> None:
    async def refused(body: Any = None) -> tuple[int, str]:
        reply = await client.post(FLOATING, body) if body is not None else await client.post(
            FLOATING, data=b"", headers={"Content-Type": "application/json"}
        )  # fmt: skip
        return reply.status, told(reply)

    unknown = (404, "Floating IP pool not found.")
    assert [await refused(body) for body in ({"pool": "none"}, {"pool": str(uuid.uuid4())})] == [unknown, unknown]
    # The pool that is meant where none is named.
    assert [await refused(body) for body in ({}, {"pool": None}, {"pool": ""}, None)] == [unknown] * 4
    assert await refused({"pool": 5}) == (
        400, "Invalid input for field/attribute pool. Value: 5. 5 is not of type 'string', 'null'"
    )  # fmt: skip
    dry = cloud.central.add_external("operator", name="dry")
    assert await refused({"pool": "dry"}) == (
        400, f"Bad floatingip request: Network {dry['id']} does not contain any IPv4 subnet."
    )  # fmt: skip
    for _ in range(2):
        small = cloud.central.add_external("operator", name="nova")
    assert await refused({}) == (409, "Multiple floating IP pools matches found for name 'nova'")
    cloud.central.add_subnet(small, "198.51.100.0/30", enable_dhcp=False)
    small["name"] = "small"
    assert (await client.post(FLOATING, {"pool": "small"})).status == 200
    assert await refused({"pool": "small"}) == (404, "No more floating IPs in pool small.")
    cloud.central.quota[client.token.project_id or "", "floatingips"] = 1
    assert await refused({"pool": "public"}) == (403, "IP allocation over quota in pool public.")


@pytest.mark.parametrize("settings", [{"network": {"default_floating_pool": "public"}}], indirect=True)
async def test_a_pool_for_those_who_name_none(cloud: Cloud, client: Client, public: Record) -> None:
    made = [(await client.post(FLOATING, body)).json["floating_ip"] for body in ({}, {"pool": None})]
    assert [each["pool"] for each in made] == ["public", "public"]
    cloud.central.quota[client.token.project_id or "", "floatingips"] = 2
    reply = await client.post(FLOATING, {})
    assert (reply.status, message(reply)) == (403, "IP allocation over quota.")


@pytest.mark.proves(
    "compute", "POST /servers/{server_id}/action addFloatingIp", "POST /servers/{server_id}/action removeFloatingIp"
)
async def test_a_server_gets_a_floating_ip_and_gives_it_to_another(
    cloud: Cloud, client: Client, routed: Record
) -> None:
    first, second = await new_server(cloud, client, routed), await new_server(cloud, client, routed)
    ports = {port["device_id"]: port for port in tenants_ports(cloud)}
    floating = await allocate(client)
    kept, address = cloud.central.records["floatingips"][floating["id"]], floating["ip"]
    for server_id in (first, second):
        reply = await act(client, server_id, "addFloatingIp", address=address)
        assert (reply.status, reply.body) == (202, b"")
        assert reply.headers["OpenStack-API-Version"] == "compute 2.43"
        assert kept["port_id"] == ports[server_id]["id"]
        fixed = ports[server_id]["fixed_ips"][0]["ip_address"]
        shown = (await client.get(f"{FLOATING}/{floating['id']}")).json["floating_ip"]
        assert shown == {**floating, "fixed_ip": fixed, "instance_id": server_id}
    reply = await act(client, first, "removeFloatingIp", address=address)
    text = f"Floating IP {address} is not associated with instance {first}."
    assert (reply.status, message(reply)) == (409, text)
    other = await allocate(client)
    reply = await act(client, second, "addFloatingIp", "2.1", address=other["ip"])
    assert reply.status == 400 and "already has a floating IP on external network" in message(reply)
    assert (await act(client, second, "removeFloatingIp", address=address)).status == 202
    assert kept["port_id"] is None
    reply = await act(client, second, "removeFloatingIp", address=address)
    assert reply.status == 409
    assert not any(pod.nova.count("POST", "action") for pod in cloud.pods)


async def test_two_give_one_floating_ip_at_once(cloud: Cloud, client: Client, routed: Record) -> None:
    first, second = await new_server(cloud, client, routed), await new_server(cloud, client, routed)
    floating = await allocate(client)
    replies = await asyncio.gather(
        *(act(client, server_id, "addFloatingIp", address=floating["ip"]) for server_id in (first, second))
    )
    assert [reply.status for reply in replies] == [202, 202]
    shown = (await client.get(f"{FLOATING}/{floating['id']}")).json["floating_ip"]
    assert shown["instance_id"] in (first, second)


async def test_which_fixed_address_it_is(cloud: Cloud, client: Client, routed: Record) -> None:
    server_id = await new_server(cloud, client, routed)
    (port,) = await settled(cloud)
    (twin,) = cloud.pods[0].nova.ports_of(server_id)
    (subnet,) = (each for each in cloud.central.subnets.values() if each["network_id"] == routed["id"])
    for each in (port, twin):
        each["fixed_ips"].append({"subnet_id": subnet["id"], "ip_address": "10.0.0.77"})
    floating = await allocate(client)
    kept = cloud.central.records["floatingips"][floating["id"]]
    first = port["fixed_ips"][0]["ip_address"]
    for wanted, expected in ((None, first), ("10.0.0.77", "10.0.0.77")):
        value = {"address": floating["ip"]} | ({"fixed_address": wanted} if wanted else {})
        reply = await act(client, server_id, "addFloatingIp", **value)
        assert reply.status == 202, reply.text
        assert kept["fixed_ip_address"] == expected
        assert (await act(client, server_id, "removeFloatingIp", address=floating["ip"])).status == 202
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"], fixed_address="10.0.0.78")
    assert (reply.status, message(reply)) == (400, "Specified fixed address not assigned to instance")
    for each in (port, twin):
        each["fixed_ips"] = [{"subnet_id": subnet["id"], "ip_address": "2001:db8::7"}]
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (
        400,
        f"Unable to associate floating IP {floating['ip']} to any fixed IPs for instance {server_id}. Instance has no "
        "fixed IPv4 addresses to associate.",
    )
    port["fixed_ips"] = []
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (400, "No fixed IPs associated to instance")
    cloud.pods[0].nova.servers[server_id]["addresses"] = {}
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (400, "Instance network is not ready yet")


async def test_what_cannot_be_done_with_floating_ips(
    cloud: Cloud, client: Client, blue: Record, public: Record
) -> None:
    server_id, unknown = await new_server(cloud, client, blue), str(uuid.uuid4())
    (port,) = await settled(cloud)
    floating = await allocate(client)
    reply = await act(client, server_id, "addFloatingIp", address="192.0.2.7")
    assert (reply.status, message(reply)) == (404, "floating IP not found")
    reply = await act(client, server_id, "removeFloatingIp", address="192.0.2.7")
    assert (reply.status, message(reply)) == (404, "Floating IP not found for address 192.0.2.7.")
    # There is no router.
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    fixed = port["fixed_ips"][0]["ip_address"]
    text = f"Unable to associate floating IP {floating['ip']} to fixed IP {fixed} for instance {server_id}. Error: "
    assert reply.status == 400
    assert told(reply).startswith(f"{text}External network {public['id']} is not reachable from subnet ")
    for action in ("addFloatingIp", "removeFloatingIp"):
        assert (await act(client, unknown, action, address=floating["ip"])).status == 404
        reply = await act(client, unknown, action, address="")
        assert (reply.status, message(reply)) == (
            400,
            "Invalid input for field/attribute address. Value: . '' is not valid under any of the given schemas",
        )
        reply = await act(client, server_id, action, "2.44", address=floating["ip"])
        assert (reply.status, message(reply)) == (404, "The resource could not be found.")
        path = f"/compute/v2.1/servers/{server_id}/action"
        reply = await client.post(path, {action: None})
        assert (reply.status, message(reply)) == (
            400, f"Invalid input for field/attribute {action}. Value: None. None is not of type 'object'"
        )  # fmt: skip
    stranger = Client(client.session, client.root, cloud.keystone.token())
    assert (await act(stranger, server_id, "addFloatingIp", address=floating["ip"])).status == 404
    cloud.central.add_floating_ip(public, client.token.project_id or "")["floating_ip_address"] = floating["ip"]
    many = f"Multiple floating IPs are found for address {floating['ip']}."
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (400, f"{text}{many}")
    reply = await act(client, server_id, "removeFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (409, many)
    await cloud.central.stop()
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (503, "The network service does not answer.")
    assert not any(pod.nova.count("POST", "action") for pod in cloud.pods)


async def test_what_is_of_the_pod_alone_is_the_pods_affair(cloud: Cloud, client: Client, public: Record) -> None:
    server_id = cloud.pods[0].nova.add_server(client.token.project_id or "")["id"]
    for number, action in enumerate(("addFloatingIp", "removeFloatingIp"), start=1):
        await act(client, server_id, action, address="192.0.2.7")
        assert cloud.pods[0].nova.count("POST", "action") == number
    # An address of the top is not, even if the pod has a twin of it.
    floating = await allocate(client)
    reply = await act(client, server_id, "addFloatingIp", address=floating["ip"])
    assert (reply.status, message(reply)) == (400, "Instance network is not ready yet")
    assert (await act(client, server_id, "removeFloatingIp", address=floating["ip"])).status == 409
    assert cloud.pods[0].nova.count("POST", "action") == 2


async def test_a_server_on_its_way_is_not_told(cloud: Cloud, client: Client, routed: Record) -> None:
    await new_server(cloud, client, routed)
    (port,) = tenants_ports(cloud)
    floating = await allocate(client)
    cloud.central.records["floatingips"][floating["id"]]["port_id"] = port["id"]
    port["device_id"] = f"{BOOT_DEVICE}{uuid.uuid4()}"
    assert (await client.get(f"{FLOATING}/{floating['id']}")).json["floating_ip"]["instance_id"] is None
