"""New servers on networks of central Neutron: the networks that are chosen, and the ports that servers get there."""

import asyncio
from typing import Any

import pytest

from triune.network.names import PROFILE

from .central import place_of
from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client
from .gateway import Running
from .servers_on_networks import boot, given, message, nothing_is_left, settled, tenants_ports, vlan
from .test_convergence import eventually

pytestmark = pytest.mark.usefixtures("wired")


@pytest.mark.parametrize(("zone", "number"), [("az1", 0), ("az2", 1)])
async def test_a_server_on_a_network(cloud: Cloud, client: Client, blue: Record, zone: str, number: int) -> None:
    reply = await boot(client, availability_zone=zone, networks=[{"uuid": blue["id"]}])
    assert reply.status == 202, reply.text
    server_id = reply.json["server"]["id"]
    assert reply.json["server"]["security_groups"] == [{"name": "default"}]
    (port,) = await settled(cloud)
    assert (port["device_id"], port["device_owner"]) == (server_id, f"compute:{zone}")
    assert port["project_id"] == client.token.project_id
    assert port["binding:profile"][PROFILE]["keep"] is False
    pod = cloud.pods[number]
    (twin,) = pod.nova.ports_of(server_id)
    assert (twin["mac_address"], twin["tags"]) == (port["mac_address"], ["triune", f"triune:{port['id']}"])
    assert [each["ip_address"] for each in twin["fixed_ips"]] == [each["ip_address"] for each in port["fixed_ips"]]
    assert not cloud.pods[1 - number].neutron.ports


async def test_the_port_follows_its_server(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])
    server_id = reply.json["server"]["id"]
    (port,) = tenants_ports(cloud)
    await eventually(lambda: (port["status"], port["binding:host_id"]) == ("ACTIVE", "compute1"))
    assert (await client.delete(f"/compute/v2.1/servers/{server_id}")).status == 204
    # Whoever sees that the server is gone finds the network free.
    assert (await client.get(f"/compute/v2.1/servers/{server_id}")).status == 404
    assert not tenants_ports(cloud)
    await eventually(lambda: not cloud.pods[0].neutron.networks)


async def test_a_pod_tells_its_ports_in_pages(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    cloud.pods[0].neutron.max_limit = 1
    await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}] * 3)
    await settled(cloud)
    await eventually(lambda: [port["status"] for port in tenants_ports(cloud)] == ["ACTIVE"] * 3)


@pytest.mark.parametrize("settings", [{"pods": {"request_deadline": 10}}], indirect=True, ids=["patient"])
async def test_a_pod_takes_its_time_to_delete(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    """Who looks meanwhile finds a server that is at rest."""
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}])
    (port,) = await settled(cloud)
    await eventually(lambda: (port["status"], port["binding:host_id"]) == ("ACTIVE", "compute1"))
    nova = cloud.pods[0].nova

    async def slow(_request: Any) -> None:
        looks = nova.count("GET", "/os-instance-actions")
        await eventually(lambda: nova.count("GET", "/os-instance-actions") > looks)
        await asyncio.sleep(0.5)

    nova.fails(slow, "DELETE /v2.1/servers")
    assert (await client.delete(f"/compute/v2.1/servers/{reply.json['server']['id']}")).status == 204
    await eventually(lambda: not tenants_ports(cloud))


async def test_a_port_is_given_and_given_back(cloud: Cloud, client: Client, blue: Record, worker: None) -> None:
    port = given(cloud, client, blue)
    for zone, number in (("az1", 0), ("az2", 1), ("az1", 0)):
        reply = await boot(client, availability_zone=zone, networks=[{"port": port["id"]}])
        assert reply.status == 202, reply.text
        server_id = reply.json["server"]["id"]
        await settled(cloud)
        assert (port["device_id"], place_of(port) is not None) == (server_id, True)
        (twin,) = cloud.pods[number].nova.ports_of(server_id)
        assert twin["mac_address"] == port["mac_address"]
        await client.delete(f"/compute/v2.1/servers/{server_id}")
        assert (await client.get(f"/compute/v2.1/servers/{server_id}")).status == 404
        assert (port["device_id"], port["device_owner"], port["binding:profile"]) == ("", "", {})
    await eventually(lambda: not any(pod.neutron.ports for pod in cloud.pods))


async def test_two_servers_want_one_port(cloud: Cloud, client: Client, blue: Record) -> None:
    port = given(cloud, client, blue)
    replies = await asyncio.gather(
        *(boot(client, availability_zone=zone, networks=[{"port": port["id"]}]) for zone in ("az1", "az2"))
    )
    assert sorted(reply.status for reply in replies) == [202, 409]
    (lost,) = (reply for reply in replies if reply.status == 409)
    assert message(lost) == f"Port {port['id']} is still in use."
    assert sum(len(pod.nova.servers) for pod in cloud.pods) == 1


async def test_several_interfaces_in_their_order(cloud: Cloud, client: Client, blue: Record) -> None:
    red = vlan(cloud, client, 1002, "10.0.1.0/24")
    port = given(cloud, client, blue)
    networks = [{"uuid": red["id"], "tag": "a"}, {"port": port["id"]}, {"uuid": red["id"], "fixed_ip": "10.0.1.77"}]
    reply = await boot(client, "2.42", availability_zone="az2", networks=networks)
    assert reply.status == 202, reply.text
    (server,) = cloud.pods[1].nova.servers.values()
    twins = [cloud.pods[1].neutron.ports[port_id] for port_id in server["ports"]]
    assert twins[1]["mac_address"] == port["mac_address"]
    assert [each["ip_address"] for each in twins[2]["fixed_ips"]] == ["10.0.1.77"]
    assert b'"tag":"a"' in cloud.pods[1].nova.asked[-1].body
    assert len(tenants_ports(cloud)) == 3


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("version", "networks"), [("2.1", None), ("2.37", []), ("2.37", "auto")])
async def test_the_only_network(cloud: Cloud, client: Client, version: str, networks: Any, shared: bool) -> None:
    if shared:
        owner = Client(client.session, client.root, cloud.keystone.token())
        cloud.central.share(vlan(cloud, owner), "network", "*")
    else:
        vlan(cloud, client)
    fields = {} if networks is None else {"networks": networks}
    reply = await boot(client, version, **fields)
    assert reply.status == 202, reply.text
    assert len(tenants_ports(cloud)) == 1


def topology(cloud: Cloud, *, dry_run: int = 200, made: Record | None = None) -> list[str]:
    """Central Neutron may make a network for a project that has none; what it is asked for."""
    asked: list[str] = []

    async def answer(request: Any) -> Any:
        fields = request.query.get("fields", "")
        asked.append(fields)
        status = dry_run if fields or made is None else 200
        if status == 500:
            return service.web.Response(status=500)
        if status == 409:
            fault = {"type": "AutoAllocationFailure", "message": "No default router:external network.", "detail": ""}
            return service.web.json_response({"NeutronError": fault}, status=409)
        network_id = "dry-run=pass" if fields or made is None else made["id"]
        return service.web.json_response({"auto_allocated_topology": {"id": network_id, "tenant_id": ""}})

    cloud.central.fails(answer, "GET /v2.0/auto-allocated-topology")
    return asked


def pods_were_asked(cloud: Cloud) -> bool:
    return any(asked.method != "GET" for pod in cloud.pods for fake in (pod.nova, pod.neutron) for asked in fake.asked)


@pytest.mark.parametrize(("dry_run", "status"), [(409, 400), (500, 503)])
async def test_no_network_can_be_made(
    cloud: Cloud, gateway: Running, client: Client, dry_run: int, status: int
) -> None:
    asked = topology(cloud, dry_run=dry_run)
    reply = await boot(client, networks="auto")
    project_id = client.token.project_id
    text = {
        400: f"Unable to automatically allocate a network for project {project_id}",
        503: "The network service answers HTTP 500.",
    }[status]
    assert (reply.status, message(reply)) == (status, text)
    assert asked == ["dry-run"]
    assert not pods_were_asked(cloud)
    cloud.central.fails(None)
    await nothing_is_left(cloud, gateway)


async def test_a_network_is_made_when_the_pod_is_known(cloud: Cloud, client: Client) -> None:
    asked = topology(cloud)
    reply = await boot(client, availability_zone="nowhere", networks="auto")
    assert (reply.status, message(reply)) == (400, "The requested availability zone is not available")
    assert asked == ["dry-run"]
    owner = Client(client.session, client.root, cloud.keystone.token())
    network = vlan(cloud, owner)
    asked = topology(cloud, made=network)
    # Until it is asked for, it is nobody's.
    network["project_id"] = network["tenant_id"] = client.token.project_id
    hidden = cloud.central.networks.pop(network["id"])

    async def appear(request: Any) -> Any:
        if not request.query.get("fields"):
            cloud.central.networks[hidden["id"]] = hidden
        return await answer(request)

    answer = cloud.central.fault
    assert answer is not None
    cloud.central.fails(appear, "GET /v2.0/auto-allocated-topology")
    reply = await boot(client, availability_zone="az2", networks="auto")
    assert reply.status == 202, reply.text
    assert asked == ["dry-run", ""]
    (port,) = await settled(cloud)
    assert port["network_id"] == network["id"]
    assert set(cloud.pods[1].nova.servers) == {port["device_id"]}


@pytest.mark.parametrize(("version", "networks"), [("2.1", None), ("2.18", []), ("2.37", []), ("2.37", "none")])
async def test_no_network(cloud: Cloud, client: Client, version: str, networks: Any) -> None:
    # One of the pod's own that everybody there sees is not what the tenant sees.
    cloud.pods[0].neutron.add_network(client.token.project_id)
    group = cloud.central.add_group(client.token.project_id or "", name="web")
    fields = {} if networks is None else {"networks": networks}
    groups = [{"name": "web"}, {"name": group["id"]}]
    reply = await boot(client, version, availability_zone="az1", security_groups=groups, **fields)
    assert reply.status == 202, reply.text
    assert reply.json["server"]["security_groups"] == groups
    assert reply.headers["OpenStack-API-Version"] == f"compute {version}"
    sent = cloud.pods[0].nova.asked[-1]
    assert b'"networks":"none"' in sent.body and b"web" not in sent.body
    assert not tenants_ports(cloud)


async def test_security_groups_by_name_and_id(cloud: Cloud, client: Client, blue: Record) -> None:
    default = cloud.central.default_group(client.token.project_id or "")
    web = cloud.central.add_group(client.token.project_id or "", name="web")
    groups = [{"name": web["id"]}, {"name": "default"}]
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": blue["id"]}], security_groups=groups)
    assert reply.status == 202, reply.text
    assert reply.json["server"]["security_groups"] == groups
    (port,) = tenants_ports(cloud)
    assert sorted(port["security_groups"]) == sorted([web["id"], default["id"]])
    for path in (f"/servers/{reply.json['server']['id']}", "/servers/detail"):
        shown = (await client.get(f"/compute/v2.1{path}")).json
        server = shown["server"] if "server" in shown else shown["servers"][0]
        assert sorted(group["name"] for group in server["security_groups"]) == ["default", "web"]


async def test_zones_of_networks(cloud: Cloud, gateway: Running, client: Client) -> None:
    west = vlan(cloud, client, 1001, availability_zone_hints=["az1"])
    east = vlan(cloud, client, 1002, "10.0.1.0/24", availability_zone_hints=["RegionTwo"])
    reply = await boot(client, availability_zone="az2", networks=[{"uuid": west["id"]}])
    assert (reply.status, message(reply)) == (
        400, f"Network {west['id']} can be in availability zone az1, not in az2.",
    )  # fmt: skip
    reply = await boot(client, networks=[{"uuid": west["id"]}, {"uuid": east["id"]}])
    assert reply.status == 400
    assert west["id"] in message(reply) and east["id"] in message(reply)
    assert "az1" in message(reply) and "az2" in message(reply)
    await nothing_is_left(cloud, gateway)
    assert (await boot(client, networks=[{"uuid": east["id"]}])).status == 202
    assert len(cloud.pods[1].nova.servers) == 1


async def test_a_network_of_one_pod_stays_there(cloud: Cloud, client: Client) -> None:
    network = vlan(cloud, client, 7, **{"provider:network_type": "geneve", "provider:physical_network": None})
    assert (await boot(client, availability_zone="az2", networks=[{"uuid": network["id"]}])).status == 202
    assert (await boot(client, networks=[{"uuid": network["id"]}])).status == 202
    assert len(cloud.pods[1].nova.servers) == 2
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": network["id"]}])
    assert reply.status == 400
    assert network["id"] in message(reply) and "az2" in message(reply)


async def test_networks_of_a_pod_work_as_before(cloud: Cloud, client: Client, blue: Record) -> None:
    local = cloud.pods[1].neutron.add_network(client.token.project_id)
    port = cloud.pods[1].neutron.add_port(client.token.project_id)
    assert (await boot(client, networks=[{"uuid": local["id"]}])).status == 202
    assert (await boot(client, networks=[{"port": port["id"]}])).status == 202
    assert not tenants_ports(cloud)
    reply = await boot(client, networks=[{"uuid": local["id"]}, {"uuid": blue["id"]}])
    assert reply.status == 202, reply.text
    assert len(cloud.pods[1].nova.servers) == 3
    assert len(tenants_ports(cloud)) == 1
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": local["id"]}, {"uuid": blue["id"]}])
    assert reply.status == 400
