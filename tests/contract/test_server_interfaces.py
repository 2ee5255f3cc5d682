"""Interfaces, security groups and addresses of servers that are on networks of central Neutron."""

import uuid
from typing import Any

import aiohttp
import pytest

from triune.network.asking import ask_for
from triune.work.requests import Key

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client, StartGateway
from .gateway import Running
from .servers_on_networks import attach, boot, given, message, nothing_is_left, settled, tenants_ports, vlan
from .test_convergence import eventually

pytestmark = [pytest.mark.usefixtures("wired")]


async def server_on(client: Client, *networks: Record, zone: str = "az1") -> str:
    """The id of a new server."""
    reply = await boot(client, availability_zone=zone, networks=[{"uuid": network["id"]} for network in networks])
    assert reply.status == 202, reply.text
    return str(reply.json["server"]["id"])


@pytest.mark.proves(
    "compute", "GET /servers/{server_id}/os-interface", "GET /servers/{server_id}/os-interface/{port_id}"
)
async def test_interfaces_are_shown_with_the_ids_of_the_top(cloud: Cloud, client: Client, blue: Record) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    reply = await client.get(f"/compute/v2.1/servers/{server_id}/os-interface")
    (shown,) = reply.json["interfaceAttachments"]
    assert shown == {
        "port_id": port["id"],
        "net_id": blue["id"],
        "mac_addr": port["mac_address"],
        "port_state": "ACTIVE",
        "fixed_ips": port["fixed_ips"],
    }
    reply = await client.get(f"/compute/v2.1/servers/{server_id}/os-interface/{port['id']}")
    assert reply.json == {"interfaceAttachment": shown}
    unknown = str(uuid.uuid4())
    reply = await client.get(f"/compute/v2.1/servers/{server_id}/os-interface/{unknown}")
    assert (reply.status, message(reply)) == (404, f"Port id {unknown} could not be found.")
    other = await server_on(client, blue)
    reply = await client.get(f"/compute/v2.1/servers/{other}/os-interface/{port['id']}")
    assert reply.status == 404
    assert message(reply) == f"Instance {other} does not have a port with id {port['id']}"


async def test_a_lost_routing_is_found_by_the_tag(cloud: Cloud, gateway: Running, client: Client, blue: Record) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    await gateway.shared.routings.drop("port", port["id"])
    reply = await client.get(f"/compute/v2.1/servers/{server_id}/os-interface/{port['id']}")
    assert reply.json["interfaceAttachment"]["port_id"] == port["id"]


@pytest.mark.parametrize("how", ["network", "address", "port", "only"])
@pytest.mark.proves(
    "compute", "POST /servers/{server_id}/os-interface", "DELETE /servers/{server_id}/os-interface/{port_id}"
)
async def test_attach_and_detach(cloud: Cloud, client: Client, blue: Record, worker: None, how: str) -> None:
    server_id = await server_on(client, blue)
    (first,) = await settled(cloud)
    port = given(cloud, client, blue) if how == "port" else None
    attachment: dict[str, Any] = {
        "network": {"net_id": blue["id"]},
        "address": {"net_id": blue["id"], "fixed_ips": [{"ip_address": "10.0.0.99"}]},
        "port": {"port_id": port["id"] if port is not None else ""},
        "only": {},
    }[how]
    reply = await attach(client, server_id, **attachment)
    assert reply.status == 200, reply.text
    shown = reply.json["interfaceAttachment"]
    (top,) = (each for each in tenants_ports(cloud) if each["id"] == shown["port_id"])
    assert (top["device_id"], top["device_owner"]) == (server_id, "compute:az1")
    assert (shown["net_id"], shown["fixed_ips"]) == (blue["id"], top["fixed_ips"])
    assert port is None or top["id"] == port["id"]
    assert how != "address" or top["fixed_ips"][0]["ip_address"] == "10.0.0.99"
    assert len(cloud.pods[0].nova.ports_of(server_id)) == 2
    reply = await client.delete(f"/compute/v2.1/servers/{server_id}/os-interface/{top['id']}")
    assert reply.status == 202
    if port is None:
        await eventually(lambda: tenants_ports(cloud) == [first])
    else:
        await eventually(lambda: port["device_id"] == "" and port["binding:profile"] == {})
    await eventually(lambda: len(cloud.pods[0].neutron.ports) == 1)
    assert first["device_id"] == server_id


@pytest.mark.parametrize("how", ["network", "port", "only"])
async def test_an_administrator_attaches_for_the_servers_project(
    cloud: Cloud, client: Client, admin: Client, blue: Record, how: str
) -> None:
    server_id = await server_on(client, blue)
    await settled(cloud)
    vlan(cloud, admin, 1002, "10.0.1.0/24")
    port = given(cloud, client, blue)
    attachment = {"network": {"net_id": blue["id"]}, "port": {"port_id": port["id"]}, "only": {}}[how]
    reply = await attach(admin, server_id, **attachment)
    assert reply.status == 200, reply.text
    shown = reply.json["interfaceAttachment"]
    top = cloud.central.ports[shown["port_id"]]
    assert (shown["net_id"], top["project_id"], top["device_id"]) == (blue["id"], client.token.project_id, server_id)


async def test_an_administrators_own_port_is_not_for_others_servers(
    cloud: Cloud, client: Client, admin: Client, blue: Record
) -> None:
    server_id = await server_on(client, blue)
    own = given(cloud, admin, vlan(cloud, admin, 1002))
    reply = await attach(admin, server_id, port_id=own["id"])
    assert (reply.status, message(reply)) == (400, f"Port {own['id']} not usable for instance.")


async def test_twins_are_not_known_by_their_own_ids(cloud: Cloud, client: Client, blue: Record) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    (network,), (twin,) = cloud.pods[0].neutron.networks, cloud.pods[0].neutron.ports
    reply = await attach(client, server_id, net_id=network)
    assert (reply.status, message(reply)) == (404, f"Network {network} could not be found.")
    reply = await attach(client, server_id, port_id=twin)
    assert (reply.status, message(reply)) == (404, f"Port id {twin} could not be found.")
    path = f"/compute/v2.1/servers/{server_id}/os-interface/{twin}"
    for reply in (await client.get(path), await client.delete(path)):
        assert (reply.status, message(reply)) == (404, f"Port id {twin} could not be found.")
    assert len(cloud.pods[0].nova.ports_of(server_id)) == 1
    assert tenants_ports(cloud) == [port]


async def test_what_is_detached_is_detached_though_central_neutron_is_away(
    cloud: Cloud, client: Client, blue: Record
) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    await cloud.central.stop()
    reply = await client.delete(f"/compute/v2.1/servers/{server_id}/os-interface/{port['id']}")
    assert (reply.status, reply.body) == (202, b"")
    assert not cloud.pods[0].nova.ports_of(server_id)


async def test_refusals_of_attachments(cloud: Cloud, gateway: Running, client: Client, blue: Record) -> None:
    server_id = await server_on(client, blue)
    (used,) = await settled(cloud)
    east = vlan(cloud, client, 1002, "10.0.1.0/24", availability_zone_hints=["az2"])
    unknown = str(uuid.uuid4())
    address = used["fixed_ips"][0]["ip_address"]
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"port_id": used["id"]}, 409, f"Port {used['id']} is still in use."),
        ({"port_id": unknown}, 404, f"Port id {unknown} could not be found."),
        ({}, 400, "Multiple possible networks found, use a Network ID to be more specific."),
        (
            {"net_id": blue["id"], "fixed_ips": [{"ip_address": address}]},
            409,
            f"Fixed IP address {address} is already in use on instance {server_id}.",
        ),
        (
            {"net_id": east["id"]},
            400,
            f"Network {east['id']} cannot be in availability zone az1, where server {server_id} is.",
        ),
        ({"bogus": 1}, 400, "Additional properties are not allowed ('bogus' was unexpected)"),
    ]
    for attachment, status, text in cases:
        reply = await attach(client, server_id, **attachment)
        assert (reply.status, message(reply)) == (status, text), attachment
    cloud.pods[0].nova.refuses_interfaces = True
    reply = await attach(client, server_id, net_id=blue["id"])
    assert reply.status == 400
    ids = {port["id"] for port in cloud.central.ports.values()}
    assert not any(twin_id in message(reply) for twin_id in cloud.pods[0].neutron.ports), (message(reply), ids)
    assert tenants_ports(cloud) == [used]
    assert (await attach(client, unknown, net_id=blue["id"])).status == 404
    await client.delete(f"/compute/v2.1/servers/{server_id}")
    await nothing_is_left(cloud, gateway)


async def test_a_detachment_that_takes_its_time(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    nova = cloud.pods[0].nova
    server_id = await server_on(client, blue, blue)
    first, second = await settled(cloud)
    nova.holds = True
    assert (await client.delete(f"/compute/v2.1/servers/{server_id}/os-interface/{second['id']}")).status == 202
    await eventually(lambda: nova.count("GET", "os-instance-actions") >= 2)
    assert len(tenants_ports(cloud)) == 2
    (twin,) = (each for each in nova.ports_of(server_id) if each["mac_address"] == second["mac_address"])
    twin |= {"device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN"}
    await eventually(lambda: tenants_ports(cloud) == [first])


def names_there(cloud: Cloud, port: Record) -> set[str]:
    """The names of the security groups that a port's twin has in its pod."""
    found = set()
    for pod in cloud.pods:
        for twin in pod.neutron.ports.values():
            if twin["mac_address"] == port["mac_address"]:
                found |= {pod.neutron.groups[group_id]["name"] for group_id in twin["security_groups"]}
    return found


@pytest.mark.proves(
    "compute",
    "POST /servers/{server_id}/action addSecurityGroup",
    "POST /servers/{server_id}/action removeSecurityGroup",
    "GET /servers/{server_id}/os-security-groups",
)
async def test_security_groups_of_a_server(cloud: Cloud, client: Client, blue: Record) -> None:
    project_id = client.token.project_id or ""
    default, web = cloud.central.default_group(project_id), cloud.central.add_group(project_id, name="web")
    cloud.central.add_rule(
        web, direction="ingress", ethertype="IPv4", protocol="tcp", port_range_min=80, port_range_max=80
    )
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    path = f"/compute/v2.1/servers/{server_id}"
    assert port["security_groups"] == [default["id"]]
    reply = await client.post(f"{path}/action", {"addSecurityGroup": {"name": "web"}})
    assert (reply.status, reply.body) == (202, b"")
    assert sorted(port["security_groups"]) == sorted([default["id"], web["id"]])
    # The pod shows it at once, as one Nova would.
    assert names_there(cloud, port) == {"triune-default", "web"}
    shown = (await client.get(f"{path}/os-security-groups")).json["security_groups"]
    assert [(group["name"], group["id"]) for group in shown] == [("default", default["id"]), ("web", web["id"])]
    (rule,) = shown[1]["rules"]
    assert rule | {"id": ""} == {
        "id": "",
        "parent_group_id": web["id"],
        "ip_protocol": "tcp",
        "from_port": 80,
        "to_port": 80,
        "group": {},
        "ip_range": {"cidr": "0.0.0.0/0"},
    }
    assert {group["group"]["name"] for group in shown[0]["rules"]} == {"default"}
    reply = await client.post(f"{path}/action", {"removeSecurityGroup": {"name": web["id"]}})
    assert reply.status == 202
    assert port["security_groups"] == [default["id"]]
    assert names_there(cloud, port) == {"triune-default"}
    reply = await client.post(f"{path}/action", {"removeSecurityGroup": {"name": "web"}})
    assert (reply.status, message(reply)) == (404, f"Security group web not associated with the instance {server_id}")
    reply = await client.post(f"{path}/action", {"addSecurityGroup": {"name": "nope"}})
    assert (reply.status, message(reply)) == (404, f"Security group nope is not found for project {project_id}")
    others = Client(client.session, client.root, cloud.keystone.token())
    assert (await others.post(f"{path}/action", {"addSecurityGroup": {"name": "web"}})).status == 404
    assert (await others.get(f"{path}/os-security-groups")).status == 404


@pytest.mark.proves(
    "compute", "POST /servers/{server_id}/action addFixedIp", "POST /servers/{server_id}/action removeFixedIp"
)
async def test_fixed_addresses(cloud: Cloud, client: Client, blue: Record) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    path = f"/compute/v2.1/servers/{server_id}/action"
    assert (await client.post(path, {"addFixedIp": {"networkId": blue["id"]}})).status == 202
    assert len(port["fixed_ips"]) == 2
    address = port["fixed_ips"][1]["ip_address"]
    assert (await client.post(path, {"removeFixedIp": {"address": address}})).status == 202
    assert len(port["fixed_ips"]) == 1
    reply = await client.post(path, {"removeFixedIp": {"address": address}})
    assert (reply.status, message(reply)) == (400, f"Instance {server_id} does not have fixed IP '{address}'.")
    unknown = str(uuid.uuid4())
    reply = await client.post(path, {"addFixedIp": {"networkId": unknown}})
    assert (reply.status, message(reply)) == (404, f"Network could not be found for instance {server_id}.")


async def test_what_is_stopped_is_down(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    await eventually(lambda: port["status"] == "ACTIVE")
    (twin,) = cloud.pods[0].nova.ports_of(server_id)
    assert (await client.post(f"/compute/v2.1/servers/{server_id}/action", {"os-stop": None})).status == 202
    twin["status"] = "DOWN"
    await eventually(lambda: port["status"] == "DOWN")


async def test_a_server_that_failed_has_no_ports(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    nova = cloud.pods[0].nova
    nova.holds = True
    port = given(cloud, client, blue)
    networks = [{"uuid": blue["id"]}, {"port": port["id"]}]
    reply = await boot(client, availability_zone="az1", networks=networks)
    assert reply.status == 202
    await settled(cloud)
    await eventually(lambda: nova.count("GET", "/servers/") >= 2)
    assert len(tenants_ports(cloud)) == 2
    nova.fail(nova.servers[reply.json["server"]["id"]])
    await eventually(lambda: tenants_ports(cloud) == [port])
    await eventually(lambda: (port["device_id"], port["binding:profile"]) == ("", {}))


async def test_a_server_deleted_behind_triunes_back(
    cloud: Cloud, gateway: Running, client: Client, blue: Record, worker: None
) -> None:
    server_id = await server_on(client, blue)
    (port,) = await settled(cloud)
    await eventually(lambda: port["status"] == "ACTIVE")
    nova = cloud.pods[0].nova
    nova.remove(nova.servers[server_id])
    (pod, *_) = await gateway.shared.registry.pods()
    # As the comparison of the whole pod asks.
    await ask_for(gateway.shared.database, gateway.shared.journal, [Key("server", server_id, pod.id)], None, None)
    await eventually(lambda: not tenants_ports(cloud))


async def test_who_waits_by_listing_finds_the_network_free(
    cloud: Cloud, client: Client, blue: Record, worker: None
) -> None:
    nova = cloud.pods[0].nova
    server_id = await server_on(client, blue)
    await settled(cloud)
    nova.holds = True
    assert (await client.delete(f"/compute/v2.1/servers/{server_id}")).status == 204
    assert len((await client.get("/compute/v2.1/servers")).json["servers"]) == 1
    assert len(tenants_ports(cloud)) == 1
    nova.remove(nova.servers[server_id])
    assert (await client.get("/compute/v2.1/servers/detail")).json["servers"] == []
    assert not tenants_ports(cloud)


async def test_without_central_neutron_pods_tell_of_their_networks(
    cloud: Cloud, start_gateway: StartGateway, session: aiohttp.ClientSession
) -> None:
    cloud.keystone.endpoints = [each for each in cloud.keystone.endpoints if each["region"] != "CentralRegion"]
    cloud.pods[0].nova.fails(service.text('{"networks": []}'), "os-networks")
    server = cloud.pods[0].nova.add_server("0" * 32)
    async with start_gateway() as gateway:
        client = Client(session, gateway.root, cloud.keystone.token("0" * 32))
        assert (await client.get("/compute/v2.1/os-networks")).json == {"networks": []}
        path = f"/compute/v2.1/servers/{server['id']}/action"
        await client.post(path, {"addFloatingIp": {"address": "192.0.2.7"}})
    assert cloud.pods[0].nova.count("POST", "action") == 1
