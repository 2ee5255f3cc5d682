"""Servers on networks of central Neutron: what their tests have in common."""

import asyncio
from typing import Any

from triune.db.models import JournalRow
from triune.network.names import BOOT_DEVICE
from triune.work.entry import STATUSES
from triune.work.jobs import Jobs

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client, Reply
from .gateway import Running
from .test_convergence import eventually, working

# Deadlines for tests of what is away: long enough for a busy machine, short enough to be waited for.
DEADLINES = {"connect_timeout": 1, "list_deadline": 2, "request_deadline": 3}


def vlan(cloud: Cloud, client: Client, number: int = 1001, cidr: str = "10.0.0.0/24", **fields: Any) -> Record:
    """A network of the tenant, which may be everywhere."""
    provider = {
        "provider:network_type": "vlan", "provider:physical_network": "physnet1",
        "provider:segmentation_id": number, "mtu": 1500,
    }  # fmt: skip
    network = cloud.central.add_network(client.token.project_id or "", **{"name": f"net{number}", **provider, **fields})
    if cidr:
        cloud.central.add_subnet(network, cidr)
    return network


def given(cloud: Cloud, client: Client, network: Record, last: int = 50, **fields: Any) -> Record:
    """A port that the tenant has made."""
    (subnet,) = (each for each in cloud.central.subnets.values() if each["network_id"] == network["id"])
    group = cloud.central.default_group(client.token.project_id or "")
    ips = [{"subnet_id": subnet["id"], "ip_address": f"10.0.0.{last}"}]
    fields = {"fixed_ips": ips, "security_groups": [group["id"]], **fields}
    return cloud.central.add_port(client.token.project_id or "", network, **fields)


async def boot(client: Client, version: str = "2.37", **fields: Any) -> Reply:
    server = {"name": "vm", "flavorRef": "1", **fields}
    return await client.at(f"compute {version}").post("/compute/v2.1/servers", {"server": server})


async def settled(cloud: Cloud) -> list[Record]:
    """The tenants' ports, when no attempt is under way any more."""
    await eventually(lambda: not any(port["device_id"].startswith(BOOT_DEVICE) for port in tenants_ports(cloud)))
    return tenants_ports(cloud)


def tenants_ports(cloud: Cloud) -> list[Record]:
    """The ports at the top, those aside that hold addresses for pods."""
    return [port for port in cloud.central.ports.values() if not port["device_owner"].startswith("network:")]


def message(reply: Reply) -> str:
    (fault,) = reply.json.values()
    return str(fault["message"])


async def nothing_is_left(cloud: Cloud, gateway: Running) -> None:
    """No port that was made, and nothing in any pod."""
    async with working(gateway):
        await eventually(lambda: not any(pod.neutron.ports or pod.neutron.networks for pod in cloud.pods))
        await eventually(lambda: not [port for port in cloud.central.ports.values() if port["device_id"]])
        await idle(gateway)


async def idle(gateway: Running, but: str = "") -> None:
    """Wait until the work engine has nothing to do, keys of one kind aside."""
    jobs, others = Jobs(gateway.shared.database), JournalRow.kind != but
    async with asyncio.timeout(12):
        while any([await jobs.page([*STATUSES[status], others]) for status in ("NEW", "RUNNING", "FAIL")]):
            await asyncio.sleep(0.05)


def third(answer: Any) -> Any:
    """A pod that has an answer of its own to the third server of a request."""

    async def fault(request: Any) -> Any:
        if request.method == "POST" and (await request.json())["server"]["name"] == "vm-3":
            return await answer(request)
        return None

    return fault


async def refuse(_request: Any) -> Any:
    return service.web.json_response({"badRequest": {"code": 400, "message": "no"}}, status=400)


async def attach(client: Client, server_id: str, **attachment: Any) -> Reply:
    path = f"/compute/v2.1/servers/{server_id}/os-interface"
    return await client.at("compute 2.49").post(path, {"interfaceAttachment": attachment})


async def new_server(cloud: Cloud, client: Client, network: Record) -> str:
    """The id of a server that has its port."""
    reply = await boot(client, availability_zone="az1", networks=[{"uuid": network["id"]}])
    assert reply.status == 202, reply.text
    await settled(cloud)
    return str(reply.json["server"]["id"])


def servers(cloud: Cloud) -> list[Record]:
    return [server for pod in cloud.pods for server in pod.nova.servers.values()]


def is_in_order(cloud: Cloud, *free: Record) -> bool:
    """Every port is a server's, at the top and in its pod alike; those that were given (`free`) may be nobody's."""
    twins = {name: twin for pod in cloud.pods for twin in pod.neutron.ports.values() for name in twin["tags"]}
    twins.pop("triune", None)
    owned = {f"triune:{port['id']}": port for port in tenants_ports(cloud) if port["device_id"]}
    nobodys = [port for port in tenants_ports(cloud) if not port["device_id"]]
    return (
        twins.keys() == owned.keys()
        and all(twins[name]["device_id"] == port["device_id"] for name, port in owned.items())
        and {port["device_id"] for port in owned.values()} <= {server["id"] for server in servers(cloud)}
        and all(port in free and port["binding:profile"] == {} for port in nobodys)
    )
