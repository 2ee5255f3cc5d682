"""New servers: the pod they go to, and what is made ready there."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import IMPATIENT, Running

pytestmark = [pytest.mark.usefixtures("flavors"), pytest.mark.impatient]


def server(**fields: Any) -> dict[str, Any]:
    return {"server": {"name": "vm", "flavorRef": "1", "networks": "none", **fields}}


async def boot(client: Client, **fields: Any) -> Reply:
    return await client.at("compute 2.37").post("/compute/v2.1/servers", server(**fields))


def holders(cloud: Cloud) -> list[int]:
    return [len(pod.nova.servers) for pod in cloud.pods]


@pytest.mark.parametrize(("zone", "where"), [("az1", [1, 0]), ("az2", [0, 1])])
@pytest.mark.proves("compute", "POST /servers")
async def test_a_zone_decides(cloud: Cloud, gateway: Running, client: Client, zone: str, where: list[int]) -> None:
    reply = await boot(client, availability_zone=zone)
    assert reply.status == 202
    assert holders(cloud) == where
    created = reply.json["server"]
    assert created["adminPass"] == "password"
    assert reply.headers["Location"] == f"{client.root}/compute/v2.1/servers/{created['id']}"
    assert created["links"][0]["href"] == reply.headers["Location"]
    shown = (await client.get(f"/compute/v2.1/servers/{created['id']}")).json["server"]
    assert shown["OS-EXT-AZ:availability_zone"] == zone
    # It is remembered: no pod is searched.
    other = cloud.pods[where.index(0)].nova
    assert other.count("GET", created["id"]) == 0


async def test_the_pod_reads_its_own_zone(cloud: Cloud, gateway: Running, client: Client, admin: Client) -> None:
    cloud.pods[1].nova.zones = {"nova", "gold"}
    pods = (await admin.get("/v1.0/pods")).json["pods"]
    pod_id = next(pod["pod_id"] for pod in pods if pod["region_name"] == "RegionTwo")
    reply = await admin.request("PATCH", f"/v1.0/pods/{pod_id}", json={"pod": {"pod_az_name": "gold"}})
    assert reply.status == 200
    assert (await boot(client, availability_zone="az2:host1")).status == 202
    assert [record["zone"] for record in cloud.pods[1].nova.servers.values()] == ["gold"]
    assert b'"availability_zone":"gold:host1"' in cloud.pods[1].nova.asked[-1].body


async def test_fields_that_nobody_here_understands_go_through(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.is_newer = True
    reply = await boot(client, availability_zone="az1", OS_NEW={"a": [1, 2.5, None, "ü"]}, metadata={"k": "v"})
    assert reply.status == 202
    sent = cloud.pods[0].nova.asked[-1]
    assert "OS_NEW" in sent.body.decode()
    assert '"a":[1,2.5,null,"ü"]' in sent.body.decode()
    assert sent.headers["openstack-api-version"] == "compute 2.37"


async def test_an_unknown_zone_is_refused_as_nova_does(cloud: Cloud, client: Client) -> None:
    reply = await boot(client, availability_zone="nowhere")
    assert reply.status == 400
    assert reply.json == {"badRequest": {"code": 400, "message": "The requested availability zone is not available"}}
    assert holders(cloud) == [0, 0]


async def test_a_project_stays_where_it_is(cloud: Cloud, client: Client) -> None:
    assert (await boot(client, availability_zone="az2")).status == 202
    for _ in range(3):
        assert (await boot(client)).status == 202
    assert holders(cloud) == [0, 4]


@pytest.mark.parametrize("settings", [{"gateway": {"default_availability_zone": "az2"}}], indirect=True)
async def test_the_default_zone(cloud: Cloud, client: Client) -> None:
    assert (await boot(client)).status == 202
    assert holders(cloud) == [0, 1]


async def test_a_disabled_pod_gets_nothing_new(cloud: Cloud, client: Client, admin: Client) -> None:
    assert (await boot(client, availability_zone="az2")).status == 202
    pods = (await admin.get("/v1.0/pods")).json["pods"]
    pod_id = next(pod["pod_id"] for pod in pods if pod["region_name"] == "RegionTwo")
    await admin.request("PATCH", f"/v1.0/pods/{pod_id}", json={"pod": {"enabled": False}})
    reply = await boot(client, availability_zone="az2")
    assert reply.status == 400
    assert (await boot(client)).status == 202
    assert holders(cloud) == [1, 1]
    assert len((await client.get("/compute/v2.1/servers")).json["servers"]) == 2


async def test_a_boot_in_az1_while_the_other_pod_is_away(cloud: Cloud, client: Client) -> None:
    await cloud.pods[1].stop()
    assert (await boot(client, availability_zone="az1")).status == 202
    assert holders(cloud) == [1, 0]


async def test_a_boot_in_az1_while_the_other_pod_hangs(cloud: Cloud, client: Client) -> None:
    cloud.pods[1].fails(service.hang)
    network = cloud.pods[0].neutron.add_network(client.token.project_id)
    started = time.monotonic()
    assert (await boot(client, availability_zone="az1", networks=[{"uuid": network["id"]}])).status == 202
    # Versions and networks are asked of all pods, and only of those that answer for the next time.
    assert time.monotonic() - started < 3 * IMPATIENT["list_deadline"]
    started = time.monotonic()
    assert (await boot(client, availability_zone="az1", networks=[{"uuid": network["id"]}])).status == 202
    assert time.monotonic() - started < IMPATIENT["list_deadline"]


@pytest.mark.parametrize("fault", [service.hang, service.drop, service.status(503), None])
async def test_a_boot_where_the_pod_is_away_is_a_clear_error_in_time(cloud: Cloud, client: Client, fault: Any) -> None:
    if fault is None:
        await cloud.pods[1].stop()
    else:
        cloud.pods[1].fails(fault)
    started = time.monotonic()
    reply = await boot(client, availability_zone="az2")
    assert time.monotonic() - started < 2 * IMPATIENT["request_deadline"] + IMPATIENT["list_deadline"]
    assert reply.status == 503
    message = reply.json["serviceUnavailable"]["message"]
    assert "RegionTwo" in message
    assert "az2" in message
    assert holders(cloud) == [0, 0]


@pytest.mark.parametrize("fault", [service.hang, service.drop, service.cut])
async def test_what_may_have_been_made_is_not_made_again(
    cloud: Cloud, gateway: Running, client: Client, admin: Client, fault: Any
) -> None:
    await _same_zone(admin)
    cloud.pods[0].nova.fails(fault, "POST")
    reply = await boot(client, availability_zone="az")
    assert reply.status == 504
    assert "RegionOne" in reply.json["computeFault"]["message"]
    assert cloud.pods[1].nova.count("POST") == 0


async def test_what_was_surely_not_sent_goes_to_the_next_pod_of_the_zone(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    await _same_zone(admin)
    assert (await client.get("/compute/v2.1/servers")).status == 200
    await cloud.pods[0].nova.stop()
    reply = await boot(client, availability_zone="az")
    assert reply.status == 202
    assert holders(cloud) == [0, 1]
    assert "Triune-Missing-Pods" not in reply.headers


async def test_a_pod_that_cannot_be_prepared_gives_way_to_the_next(
    cloud: Cloud, gateway: Running, client: Client, admin: Client
) -> None:
    await _same_zone(admin)
    cloud.pods[0].nova.fails(service.hang, "GET .*/flavors")
    reply = await boot(client, availability_zone="az")
    assert reply.status == 202
    assert holders(cloud) == [0, 1]


async def _same_zone(admin: Client) -> None:
    for pod in (await admin.get("/v1.0/pods")).json["pods"]:
        await admin.request("PATCH", f"/v1.0/pods/{pod['pod_id']}", json={"pod": {"az_name": "az"}})


async def test_a_network_decides(cloud: Cloud, client: Client) -> None:
    network = cloud.pods[1].neutron.add_network(client.token.project_id)
    assert (await boot(client, networks=[{"uuid": network["id"]}])).status == 202
    assert holders(cloud) == [0, 1]


async def test_a_network_elsewhere_names_both_zones(cloud: Cloud, client: Client) -> None:
    network = cloud.pods[1].neutron.add_network(client.token.project_id)
    reply = await boot(client, networks=[{"uuid": network["id"]}], availability_zone="az1")
    assert reply.status == 400
    assert "az1" in reply.json["badRequest"]["message"]
    assert "az2" in reply.json["badRequest"]["message"]
    assert holders(cloud) == [0, 0]


async def test_a_port_and_a_volume_in_two_pods_are_refused(cloud: Cloud, client: Client) -> None:
    port = cloud.pods[0].neutron.add_port(client.token.project_id)
    volume = cloud.pods[1].cinder.add("volume", client.token.project_id)
    devices = [{"source_type": "volume", "destination_type": "volume", "uuid": volume["id"], "boot_index": 0}]
    reply = await boot(client, networks=[{"port": port["id"]}], block_device_mapping_v2=devices)
    assert reply.status == 400
    assert "az1" in reply.json["badRequest"]["message"]
    assert "az2" in reply.json["badRequest"]["message"]


async def test_an_image_is_where_it_is(cloud: Cloud, client: Client) -> None:
    image = cloud.pods[1].glance.add(client.token.project_id, b"data")
    assert (await boot(client, imageRef=image["id"])).status == 202
    assert holders(cloud) == [0, 1]


@pytest.mark.parametrize(
    "fields",
    [
        {"block_device_mapping_v2": 5},
        {"block_device_mapping_v2": "abc"},
        {"block_device_mapping": 7},
        {"networks": 3},
        {"networks": [4]},
        {"availability_zone": 1},
        {"flavorRef": None},
        {"flavorRef": {"a": 1}},
        {"key_name": 5},
        {"imageRef": [1]},
        {"imageRef": "../../os-keypairs"},
        {"flavorRef": "1/../2?x#y"},
    ],
)
async def test_mistyped_fields_are_the_pods_to_judge(cloud: Cloud, client: Client, fields: dict[str, Any]) -> None:
    reply = await boot(client, **fields)
    assert reply.status in (202, 400), reply.text
    assert "computeFault" not in reply.text


async def test_hints_of_any_type_do_no_harm(cloud: Cloud, client: Client) -> None:
    for hints in (None, 5, [], {"group": 5}, {"group": ["a"]}):
        body = {**server(availability_zone="az1"), "os:scheduler_hints": hints}
        assert (await client.at("compute 2.37").post("/compute/v2.1/servers", body)).status == 400


async def test_a_flavor_is_copied_to_the_pod_that_lacks_it(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_flavor(
        "big", ram=4096, disk=7, vcpus=3, swap=64, ephemeral=2, extra_specs={"hw:numa_nodes": "1"}, description="large"
    )
    assert (await boot(client, flavorRef="big", availability_zone="az2")).status == 202
    copied = cloud.pods[1].nova.flavors["big"]
    assert copied == cloud.pods[0].nova.flavors["big"]
    posts = [asked for asked in cloud.pods[1].nova.asked if asked.method == "POST" and "flavors" in asked.path]
    # With Triune's own rights, for a tenant may not do it.
    assert all(asked.headers["x-auth-token"] != client.token.id for asked in posts)


async def test_a_private_flavor_is_copied_with_the_access_to_it(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_flavor("mine", is_public=False, access={client.token.project_id})
    assert (await boot(client, flavorRef="mine", availability_zone="az2")).status == 202
    assert cloud.pods[1].nova.flavors["mine"]["is_public"] is False
    assert cloud.pods[1].nova.flavors["mine"]["access"] == {client.token.project_id}


async def test_a_flavor_that_nobody_has_is_the_pods_own_refusal(cloud: Cloud, client: Client) -> None:
    reply = await boot(client, flavorRef="none", availability_zone="az2")
    assert reply.status == 400
    assert reply.json == {"badRequest": {"code": 400, "message": "Flavor none could not be found."}}


@pytest.mark.parametrize("fault", [service.hang, service.drop, service.status(429), service.status(500)])
async def test_what_only_a_sick_pod_may_have_is_not_said_not_to_exist(
    cloud: Cloud, client: Client, fault: service.Fault
) -> None:
    assert (await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})).status == 200
    cloud.pods[1].nova.keypairs.clear()
    cloud.pods[0].nova.add_flavor("big")
    cloud.pods[0].nova.fails(fault)
    for fields in ({"flavorRef": "big"}, {"key_name": "key"}):
        assert (await boot(client, **fields, availability_zone="az2")).status == 503
    assert holders(cloud) == [0, 0]
    cloud.pods[0].nova.fails(None)
    async with asyncio.timeout(10):
        while "Triune-Missing-Pods" in (await client.get("/compute/v2.1/servers")).headers:
            await asyncio.sleep(0.05)
    for fields in ({"flavorRef": "big"}, {"key_name": "key"}):
        assert (await boot(client, **fields, availability_zone="az2")).status == 202
    assert holders(cloud) == [0, 2]


async def test_a_flavor_that_cannot_be_copied_now_is_not_said_not_to_exist(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_flavor("big")
    cloud.pods[1].nova.fails(service.status(500), "POST .*/flavors$")
    assert (await boot(client, flavorRef="big", availability_zone="az2")).status == 503
    assert holders(cloud) == [0, 0]


async def test_a_flavor_is_copied_while_a_third_pod_hangs(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_flavor("big")
    started = time.monotonic()
    cloud.pods[0].glance.fails(service.hang)
    assert (await boot(client, flavorRef="big", availability_zone="az2")).status == 202
    assert time.monotonic() - started < 2 * IMPATIENT["list_deadline"]


async def test_a_keypair_is_copied_to_the_pod_that_lacks_it(cloud: Cloud, client: Client) -> None:
    await cloud.pods[1].nova.stop()
    reply = await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})
    assert reply.status == 200
    await cloud.pods[1].nova.start()
    for _ in range(20):
        reply = await boot(client, key_name="key", availability_zone="az2")
        if reply.status != 503:
            break
        await asyncio.sleep(0.1)
    assert reply.status == 202
    user = client.token.user_id
    keys = [pod.nova.keypairs[user, "key"]["public_key"] for pod in cloud.pods]
    assert keys[0] == keys[1]


async def test_killed_between_the_pods_answer_and_the_reply(
    cloud: Cloud, gateway: Running, client: Client, start_gateway: Any, session: Any
) -> None:
    assert (await boot(client, availability_zone="az2")).status == 202
    (made,) = cloud.pods[1].nova.servers
    # The gateway dies before it has written what it learned: nothing of it is in the database.
    async with gateway.shared.database.transaction() as database:
        await database.execute(text("DELETE FROM routings"))
    async with start_gateway() as restarted:
        anew = Client(session, restarted.root, client.token)
        assert (await anew.get(f"/compute/v2.1/servers/{made}")).status == 200
        assert [told["id"] for told in (await anew.get("/compute/v2.1/servers")).json["servers"]] == [made]
        assert (await anew.delete(f"/compute/v2.1/servers/{made}")).status == 204
