"""What was done to a server is told by its pod, of a deleted one, too."""

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/compute/v2.1/servers"


@pytest.mark.proves("compute", "GET /servers/{server_id}/os-instance-actions")
@pytest.mark.proves("compute", "GET /servers/{server_id}/os-instance-actions/{request_id}")
@pytest.mark.parametrize("number", [0, 1])
async def test_actions_of_a_deleted_server_are_told(cloud: Cloud, client: Client, number: int) -> None:
    nova = cloud.pods[number].nova
    server = nova.add_server(str(client.token.project_id))
    nova.acted(server, "create")
    request_id = server["actions"][0]["request_id"]
    path = f"{ROOT}/{server['id']}/os-instance-actions"
    newer, older = client.at("compute 2.21"), client.at("compute 2.20")
    assert [each["action"] for each in (await older.get(path)).json["instanceActions"]] == ["create"]
    assert (await older.get(f"{path}/{request_id}")).json["instanceAction"]["request_id"] == request_id
    assert (await client.delete(f"{ROOT}/{server['id']}")).status == 204
    assert [each["action"] for each in (await newer.get(path)).json["instanceActions"]] == ["create"]
    assert (await newer.get(f"{path}/{request_id}")).json["instanceAction"]["request_id"] == request_id
    reply = await older.get(path)
    assert (reply.status, reply.json["itemNotFound"]["message"]) == (
        404,
        f"Instance {server['id']} could not be found.",
    )
    # Nor does another project see them.
    other = Client(client.session, client.root, cloud.keystone.token()).at("compute 2.21")
    assert (await other.get(path)).status == 404


async def test_nobody_knows_of_a_deleted_server_while_its_pod_is_away(cloud: Cloud, client: Client) -> None:
    nova = cloud.pods[1].nova
    server = nova.add_server(str(client.token.project_id))
    path = f"{ROOT}/{server['id']}/os-instance-actions"
    nova.remove(server)
    nova.fails(service.status(503))
    reply = await client.at("compute 2.21").get(path)
    assert reply.status == 503
    assert cloud.pods[1].region in reply.json["serviceUnavailable"]["message"]
