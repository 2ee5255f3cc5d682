"""Zones to which servers are pinned: named as at the top, meant as in the pod."""

import json
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .one_zone import holders, one_zone, post_server
from .refusals import refusal

pytestmark = pytest.mark.usefixtures("flavors")

ZONES = "/os-availability-zone"
SERVERS = "/compute/v2.1/servers"


async def pin(client: Client, server_id: str, zone: Any, version: str = "2.104") -> Reply:
    body = {"server": {"name": "ü/1", "pinned_availability_zone": zone}}
    return await client.at(f"compute {version}").put(f"{SERVERS}/{server_id}", json=body)


@pytest.mark.proves("compute", "POST /servers", "GET /servers/{server_id}", "GET /servers/detail")
async def test_a_server_is_pinned_to_the_zone_that_was_named(cloud: Cloud, client: Client) -> None:
    client = client.at("compute 2.96")
    for zone in ("az2", None):
        named = {} if zone is None else {"availability_zone": zone}
        reply = await post_server(client, "2.96", **named)
        assert reply.status == 202
        server_id = reply.json["server"]["id"]
        assert cloud.pods[1].nova.servers[server_id]["pinned"] == ("nova" if zone else None)
        shown = (await client.get(f"{SERVERS}/{server_id}")).json["server"]
        assert (shown["pinned_availability_zone"], shown["OS-EXT-AZ:availability_zone"]) == (zone, "az2")
    listed = (await client.get(f"{SERVERS}/detail")).json["servers"]
    assert sorted(str(server["pinned_availability_zone"]) for server in listed) == ["None", "az2"]
    # It hardly ever changes.
    assert cloud.pods[1].nova.count("GET", ZONES) == 1


async def test_the_zone_goes_before_a_host(cloud: Cloud, admin: Client) -> None:
    cloud.pods[0].nova.add_service("h1")
    assert (await post_server(admin, availability_zone="az1:h1")).status == 202
    assert json.loads(cloud.pods[0].nova.asked[-1].body)["server"]["availability_zone"] == "nova:h1"


@pytest.mark.impatient
@pytest.mark.parametrize("fault", [None, service.hang, service.status(503), service.text("{}")])
async def test_which_of_several_zones_is_not_guessed(cloud: Cloud, client: Client, fault: service.Fault | None) -> None:
    nova = cloud.pods[0].nova
    if fault is None:
        nova.zones = {"nova", "gold"}
    else:
        nova.fails(fault, on=ZONES)
    assert (await post_server(client, availability_zone="az1")).status == 202
    (server,) = nova.servers.values()
    assert server["pinned"] is None
    assert "availability_zone" not in json.loads(nova.asked[-1].body)["server"]


async def test_where_no_host_of_a_zone_takes_servers_the_next_pod_does(
    cloud: Cloud, client: Client, admin: Client
) -> None:
    await one_zone(admin)
    assert (await post_server(client, availability_zone="az")).status == 202
    # Nova knows no zone whose hosts are all disabled.
    cloud.pods[0].nova.zones = set()
    assert (await post_server(client, availability_zone="az")).status == 202
    assert holders(cloud) == [1, 1]
    cloud.pods[1].nova.zones = set()
    refused = await post_server(client, availability_zone="az")
    assert refusal(refused) == (400, "The requested availability zone is not available")


@pytest.mark.proves("compute", "PUT /servers/{server_id}")
async def test_a_server_is_pinned_to_its_own_zone_only(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id, zone="gold")
    reply = await pin(client, server["id"], "az2")
    assert (reply.status, reply.json["server"]["pinned_availability_zone"]) == (200, "az2")
    assert (server["pinned"], server["name"]) == ("gold", "ü/1")
    # Pinned, even where it is no longer in that zone.
    server["zone"] = "silver"
    assert (await pin(client, server["id"], "az2")).status == 200
    for other in ("az1", "gold"):
        assert refusal(await pin(client, server["id"], other)) == (
            409,
            "Cannot change pinned availability zone directly. Unpin first by setting pinned_availability_zone to null.",
        )
    reply = await pin(client, server["id"], None)
    assert (reply.json["server"]["pinned_availability_zone"], server["pinned"]) == (None, None)
    for other in ("az1", "silver"):
        assert refusal(await pin(client, server["id"], other)) == (
            409,
            f"Server can only be pinned to its current availability zone 'az2', but '{other}' was requested.",
        )
    assert server["pinned"] is None


@pytest.mark.parametrize("zone", [7, "", " az1", ["az2"], {}])
async def test_what_is_no_zone_is_refused_by_the_pod(cloud: Cloud, client: Client, zone: Any) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    refused = await pin(client, server["id"], zone)
    assert refused.status == 400
    assert "pinned_availability_zone" in refused.json["badRequest"]["message"]
    assert server["pinned"] is None


async def test_older_microversions_do_not_pin(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    status, text = refusal(await pin(client, server["id"], "az2", "2.103"))
    assert (status, "'pinned_availability_zone' was unexpected" in text) == (400, True)


async def test_somebody_elses_server_is_not_there(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server("0" * 32)
    assert (await pin(client, server["id"], "az2")).status == 404
