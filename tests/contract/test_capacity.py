"""Where several pods could take a server, their Placement is asked whether there is room."""

import time
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .one_zone import holders, one_zone, post_server

pytestmark = [pytest.mark.usefixtures("flavors")]


@pytest.fixture(autouse=True)
async def same_zone(admin: Client) -> None:
    await one_zone(admin)


async def test_a_pod_without_room_comes_last(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].placement.left["VCPU"] = 0
    assert (await post_server(client)).status == 202
    assert holders(cloud) == [0, 1]
    # Even where the project has been before.
    cloud.pods[0].placement.left["VCPU"] = 1
    cloud.pods[1].placement.left["VCPU"] = 0
    assert (await post_server(client)).status == 202
    assert holders(cloud) == [1, 1]
    for pod in cloud.pods:
        asked = [asked for asked in pod.placement.asked if asked.path == "/allocation_candidates"]
        assert {asked.first("resources") for asked in asked} == {"DISK_GB:1,MEMORY_MB:512,VCPU:1"}
        assert {asked.first("limit") for asked in asked} == {"1"}
        # With Triune's own rights: Placement is for administrators.
        assert all(each.headers["x-auth-token"] != client.token.id for each in asked)


async def test_where_no_pod_has_room_the_first_says_so(cloud: Cloud, client: Client) -> None:
    for pod in cloud.pods:
        pod.placement.left["MEMORY_MB"] = 0
        pod.nova.is_full = True
    reply = await post_server(client)
    assert reply.status == 202
    shown = (await client.get(f"/compute/v2.1/servers/{reply.json['server']['id']}")).json["server"]
    assert shown["fault"]["message"].startswith("No valid host was found")


@pytest.mark.parametrize("fault", [service.hang, service.drop, service.status(500), service.text("[]"), "no endpoint"])
@pytest.mark.parametrize("settings", [{"gateway": {"capacity_deadline": 0.3}}], indirect=True)
async def test_a_placement_that_does_not_tell_is_neither_good_nor_bad(
    cloud: Cloud, gateway: Running, client: Client, fault: Any
) -> None:
    if fault == "no endpoint":
        keystone = cloud.keystone
        placement = keystone.services["placement"]
        keystone.endpoints = [
            each for each in keystone.endpoints if (each["region"], each["service_id"]) != ("RegionTwo", placement)
        ]
        await gateway.shared.endpoints._refresh()
    else:
        cloud.pods[1].placement.fails(fault)
    started = time.monotonic()
    # The first by name is as good ...
    assert (await post_server(client)).status == 202
    assert time.monotonic() - started < 3
    assert holders(cloud) == [1, 0]
    # ... and the one that does not tell is better than one that is full.
    cloud.pods[0].placement.left["VCPU"] = 0
    assert (await post_server(client)).status == 202
    assert holders(cloud) == [1, 1]


@pytest.mark.parametrize("settings", [{"gateway": {"capacity_deadline": 0}}], indirect=True)
async def test_an_operator_may_choose_not_to_ask(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].placement.left["VCPU"] = 0
    assert (await post_server(client)).status == 202
    assert holders(cloud) == [1, 0]
    assert not cloud.pods[0].placement.asked


async def test_a_pod_that_is_the_only_one_is_not_asked(cloud: Cloud, client: Client) -> None:
    volume = cloud.pods[0].cinder.add("volume", client.token.project_id)
    devices = [{"source_type": "volume", "destination_type": "volume", "uuid": volume["id"], "boot_index": 0}]
    assert (await post_server(client, block_device_mapping_v2=devices)).status == 202
    assert not any(pod.placement.asked for pod in cloud.pods)


async def test_what_a_flavor_asks_for(cloud: Cloud, client: Client) -> None:
    """It is read where it is, and believed for a while."""
    specs = {"hw:cpu_policy": "dedicated", "trait:CUSTOM_GOLD": "required", "trait:CUSTOM_OLD": "forbidden"}
    cloud.pods[0].nova.add_flavor("gold", vcpus=2, ram=1024, disk=0, swap=512, extra_specs=specs)
    for pod in cloud.pods:
        pod.placement.left["PCPU"] = 4
    cloud.pods[1].placement.traits = {"CUSTOM_GOLD"}
    for _ in range(2):
        assert (await post_server(client, flavorRef="gold")).status == 202
    assert holders(cloud) == [0, 2]
    last = cloud.pods[1].placement.asked[-1]
    assert last.first("resources") == "DISK_GB:1,MEMORY_MB:1024,PCPU:2"
    assert last.first("required") == "!CUSTOM_OLD,CUSTOM_GOLD"
    cloud.pods[1].placement.traits = {"CUSTOM_GOLD", "CUSTOM_OLD"}
    cloud.pods[0].placement.traits = {"CUSTOM_GOLD"}
    assert (await post_server(client, flavorRef="gold")).status == 202
    assert holders(cloud) == [1, 2]


async def test_a_flavor_that_nobody_has(cloud: Cloud, client: Client) -> None:
    for reference in ("none", "..", "http://x/flavors/none", "a?b#c"):
        reply = await post_server(client, flavorRef=reference)
        assert (reply.status, "could not be found" in reply.text) == (400, True)
    assert not any(pod.placement.asked for pod in cloud.pods)


CHOSEN = {"enabled_filters": "availability_zone,anchor,limit,enabled,capacity", "enabled_weighers": "project"}


@pytest.mark.parametrize("settings", [{"gateway": CHOSEN}], indirect=True)
async def test_filters_and_weighers_of_the_settings(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].placement.left["VCPU"] = 0
    cloud.pods[1].nova.is_full = True
    reply = await post_server(client)
    assert reply.status == 202
    # Only one is left, so that nobody waits for what becomes of it.
    assert holders(cloud) == [0, 1]
    assert cloud.pods[0].nova.count("POST") == 0
