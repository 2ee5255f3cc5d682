"""What Nova has removed."""

import re

import aiohttp
import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, StartGateway

REMOVED = (
    "GET /os-agents",
    "POST /os-agents",
    "PUT /os-agents/{agent_id}",
    "DELETE /os-agents/{agent_id}",
    "GET /os-cells",
    "POST /os-cells",
    "GET /os-cells/capacities",
    "GET /os-cells/detail",
    "GET /os-cells/info",
    "POST /os-cells/sync_instances",
    "GET /os-cells/{cell_name}",
    "PUT /os-cells/{cell_name}",
    "DELETE /os-cells/{cell_name}",
    "GET /os-cells/{cell_name}/capacities",
    "POST /os-certificates",
    "GET /os-certificates/{certificate_id}",
    "GET /os-cloudpipe",
    "POST /os-cloudpipe",
    "PUT /os-cloudpipe/{cloudpipe_id}",
    "GET /os-fixed-ips/{fixed_ip}",
    "POST /os-fixed-ips/{fixed_ip}/action reserve",
    "POST /os-fixed-ips/{fixed_ip}/action unreserve",
    "GET /os-floating-ip-dns",
    "GET /os-floating-ip-dns/{domain_id}/entries/{name}",
    "PUT /os-floating-ip-dns/{domain_id}/entries/{name}",
    "DELETE /os-floating-ip-dns/{domain_id}/entries/{name}",
    "PUT /os-floating-ip-dns/{domain}",
    "DELETE /os-floating-ip-dns/{domain}",
    "GET /os-floating-ips-bulk",
    "POST /os-floating-ips-bulk",
    "GET /os-floating-ips-bulk/{floating_ips_bulk_id}",
    "PUT /os-floating-ips-bulk/{floating_ips_bulk_id}",
    "GET /os-fping",
    "GET /os-fping/{server_id}",
    "POST /os-networks",
    "POST /os-networks/add",
    "DELETE /os-networks/{network_id}",
    "POST /os-networks/{network_id}/action associate_host",
    "POST /os-networks/{network_id}/action disassociate",
    "POST /os-networks/{network_id}/action disassociate_host",
    "POST /os-networks/{network_id}/action disassociate_project",
    "GET /os-security-group-default-rules",
    "POST /os-security-group-default-rules",
    "GET /os-security-group-default-rules/{security_group_default_rule_id}",
    "DELETE /os-security-group-default-rules/{security_group_default_rule_id}",
    "POST /os-tenant-networks",
    "DELETE /os-tenant-networks/{tenant_network_id}",
)


def request_of(operation: str) -> tuple[str, str, bytes]:
    """A method, a path and a body that ask for an operation."""
    method, path, *action = operation.split()
    body = f'{{"{"".join(action)}": null}}' if action else "{}"
    return method, f"/compute/v2.1{re.sub(r'{[^}]*}', 'a%2Fb', path)}", b"" if method == "GET" else body.encode()


@pytest.mark.parametrize("microversion", ["2.1", "2.104"])
@pytest.mark.proves("compute", *REMOVED)
async def test_what_nova_removed_is_novas_own_410(cloud: Cloud, client: Client, microversion: str) -> None:
    versioned = client.at(f"compute {microversion}")
    for operation in REMOVED:
        method, path, body = request_of(operation)
        reply = await versioned.request(method, path, data=body, headers={"Content-Type": "application/json"})
        assert (reply.status, reply.json) == (
            410,
            {
                "computeFault": {
                    "code": 410,
                    "message": "This resource is no longer available.  No forwarding address is given.",
                }
            },
        ), operation
        assert reply.headers["OpenStack-API-Version"] == f"compute {microversion}"


async def test_without_central_neutron_no_pod_is_chosen_by_chance(
    cloud: Cloud, start_gateway: StartGateway, session: aiohttp.ClientSession
) -> None:
    cloud.keystone.endpoints = [each for each in cloud.keystone.endpoints if each["region"] != "CentralRegion"]
    for pod in cloud.pods:
        pod.nova.fails(service.text("{}"), "os-floating-ips")
    async with start_gateway() as gateway:
        for pod in cloud.pods:
            await gateway.shared.registry.create(pod.region, "az", "", "")
        client = Client(session, gateway.root, cloud.keystone.token("0" * 32))
        assert (await client.post("/compute/v2.1/os-floating-ips", {})).status == 501
        assert (await client.get("/compute/v2.1/os-floating-ips")).json == {}
    assert not any(pod.nova.count("POST") for pod in cloud.pods)
