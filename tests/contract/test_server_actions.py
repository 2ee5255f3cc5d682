"""Actions on servers: what they name has to be in the pod of the server."""

from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client, Reply

pytestmark = pytest.mark.usefixtures("flavors")


async def act(client: Client, server: dict[str, Any], action: str, value: Any) -> Reply:
    return await client.post(f"/compute/v2.1/servers/{server['id']}/action", {action: value})


@pytest.mark.proves("compute", "POST /servers/{server_id}/action resize")
async def test_a_flavor_comes_to_the_pod_of_a_server_that_is_resized(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_flavor("big", ram=4096, extra_specs={"hw:numa_nodes": "1"})
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await act(client, server, "resize", {"flavorRef": "big"})).status == 202
    assert cloud.pods[1].nova.flavors["big"] == cloud.pods[0].nova.flavors["big"]
    assert cloud.pods[1].nova.servers[server["id"]]["flavor"] == "big"


@pytest.mark.parametrize("value", [{"flavorRef": "none"}, {"flavorRef": None}, {}, None, "big"])
async def test_what_no_flavor_is_is_the_pods_own_refusal(cloud: Cloud, client: Client, value: Any) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    cloud.pods[1].nova.asked.clear()
    reply = await act(client, server, "resize", value)
    assert reply.status == 400
    (asked,) = (each for each in cloud.pods[1].nova.asked if each.path.endswith("/action"))
    assert asked.method == "POST"


@pytest.mark.proves("compute", "POST /servers/{server_id}/action rebuild")
async def test_a_keypair_comes_to_the_pod_of_a_server_that_is_rebuilt(cloud: Cloud, client: Client) -> None:
    user = client.token.user_id
    assert (await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})).status == 200
    lost = cloud.pods[1].nova.keypairs.pop((user, "key"))
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    image = cloud.pods[1].glance.add(client.token.project_id, b"data")["id"]
    reply = await act(client.at("compute 2.54"), server, "rebuild", {"imageRef": image, "key_name": "key"})
    assert reply.status == 202
    assert cloud.pods[1].nova.keypairs[user, "key"]["public_key"] == lost["public_key"]
    refused = await act(client.at("compute 2.54"), server, "rebuild", {"imageRef": image, "key_name": "none"})
    assert (refused.status, refused.json["badRequest"]["message"]) == (400, "Invalid key_name provided.")


@pytest.mark.proves("compute", "PUT /servers/{server_id}/os-volume_attachments/{volume_id}")
async def test_a_volume_is_swapped_for_one_of_the_same_pod(cloud: Cloud, client: Client) -> None:
    here, there = cloud.pods[1], cloud.pods[0]
    project = client.token.project_id
    server = here.nova.add_server(project)
    old, new, far = (pod.cinder.add("volume", project)["id"] for pod in (here, here, there))
    here.nova.attachments.append((server["id"], old))
    path = f"/compute/v2.1/servers/{server['id']}/os-volume_attachments/{old}"
    refused = await client.put(path, json={"volumeAttachment": {"volumeId": far}})
    assert refused.status == 400
    assert all(zone in refused.json["badRequest"]["message"] for zone in ("az1", "az2"))
    assert here.nova.attachments == [(server["id"], old)]
    assert (await client.put(path, json={"volumeAttachment": {"volumeId": new}})).status == 202
    assert here.nova.attachments == [(server["id"], new)]
