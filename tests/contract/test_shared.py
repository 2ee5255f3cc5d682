"""What all pods hold: flavors and keypairs are created, changed and removed everywhere."""

import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running

three_pods = pytest.mark.parametrize("cloud", [3], indirect=True)

FLAVOR = {"name": "small", "ram": 512, "disk": 1, "vcpus": 1}


def public_keys(cloud: Cloud, client: Client, name: str) -> list[str | None]:
    keys = [pod.nova.keypairs.get((client.token.user_id, name)) for pod in cloud.pods]
    return [key["public_key"] if key is not None else None for key in keys]


@three_pods
@pytest.mark.proves("compute", "POST /flavors")
async def test_a_flavor_has_one_id_in_all_pods(cloud: Cloud, admin: Client) -> None:
    reply = await admin.post("/compute/v2.1/flavors", {"flavor": FLAVOR})
    assert reply.status == 200
    flavor_id = reply.json["flavor"]["id"]
    assert uuid.UUID(flavor_id)
    assert reply.json["flavor"]["links"][0]["href"] == f"{admin.root}/compute/v2.1/flavors/{flavor_id}"
    assert [list(pod.nova.flavors) for pod in cloud.pods] == [[flavor_id]] * 3


@pytest.mark.parametrize("flavor_id", [None, "auto", "42", "m1.tiny", "with space"])
async def test_an_id_may_be_chosen(cloud: Cloud, admin: Client, flavor_id: str | None) -> None:
    reply = await admin.post("/compute/v2.1/flavors", {"flavor": {**FLAVOR, "id": flavor_id}})
    assert reply.status == 200
    told = reply.json["flavor"]["id"]
    assert told == flavor_id or flavor_id in (None, "auto")
    assert [list(pod.nova.flavors) for pod in cloud.pods] == [[told]] * 2


async def test_a_tenant_may_not(cloud: Cloud, client: Client) -> None:
    reply = await client.post("/compute/v2.1/flavors", {"flavor": FLAVOR})
    assert reply.status == 403
    assert "os-flavor-manage:create" in reply.json["forbidden"]["message"]
    assert all(not pod.nova.flavors for pod in cloud.pods)


@pytest.mark.parametrize("body", [{}, {"flavor": {**FLAVOR, "ram": 0}}])
async def test_a_bad_flavor_is_the_pods_own_400(cloud: Cloud, admin: Client, body: Any) -> None:
    reply = await admin.post("/compute/v2.1/flavors", body)
    assert reply.status == 400
    assert all(not pod.nova.flavors for pod in cloud.pods)


@three_pods
async def test_a_refusal_in_a_follower_takes_it_back(cloud: Cloud, admin: Client) -> None:
    cloud.pods[2].nova.fails(service.status(403, "no"), "POST .*/flavors")
    reply = await admin.post("/compute/v2.1/flavors", {"flavor": FLAVOR})
    assert reply.status == 403
    assert all(not pod.nova.flavors for pod in cloud.pods)


async def test_another_flavor_of_that_name_in_a_follower_is_a_conflict(cloud: Cloud, admin: Client) -> None:
    cloud.pods[1].nova.add_flavor("other", name="small", ram=4096)
    reply = await admin.post("/compute/v2.1/flavors", {"flavor": FLAVOR})
    assert reply.status == 409
    assert not cloud.pods[0].nova.flavors
    assert list(cloud.pods[1].nova.flavors) == ["other"]


async def test_the_same_flavor_in_a_follower_is_no_conflict(cloud: Cloud, admin: Client) -> None:
    cloud.pods[1].nova.add_flavor("42", **FLAVOR)
    reply = await admin.post("/compute/v2.1/flavors", {"flavor": {**FLAVOR, "id": "42"}})
    assert reply.status == 200


async def test_a_flavor_is_created_while_a_pod_is_away(cloud: Cloud, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    reply = await admin.post("/compute/v2.1/flavors", {"flavor": FLAVOR})
    assert reply.status == 200
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"


@pytest.mark.proves("compute", "POST /flavors/{flavor_id}/os-extra_specs")
async def test_a_flavor_is_changed_everywhere(cloud: Cloud, admin: Client) -> None:
    for pod in cloud.pods:
        pod.nova.add_flavor("1")
    reply = await admin.post("/compute/v2.1/flavors/1/os-extra_specs", {"extra_specs": {"a": "b"}})
    assert reply.status == 200
    assert [pod.nova.flavors["1"]["extra_specs"] for pod in cloud.pods] == [{"a": "b"}] * 2


@pytest.mark.proves("compute", "DELETE /flavors/{flavor_id}")
async def test_a_flavor_is_removed_everywhere_also_where_only_one_pod_has_it(cloud: Cloud, admin: Client) -> None:
    cloud.pods[1].nova.add_flavor("1")
    assert (await admin.delete("/compute/v2.1/flavors/1")).status == 202
    assert all(not pod.nova.flavors for pod in cloud.pods)
    reply = await admin.delete("/compute/v2.1/flavors/1")
    assert (reply.status, reply.json["itemNotFound"]["message"]) == (404, "Flavor 1 could not be found.")


async def test_removing_while_a_pod_is_away_names_it(cloud: Cloud, admin: Client) -> None:
    for pod in cloud.pods:
        pod.nova.add_flavor("1")
    await cloud.pods[1].nova.stop()
    reply = await admin.delete("/compute/v2.1/flavors/1")
    assert reply.status == 202
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert not cloud.pods[0].nova.flavors


@three_pods
async def test_a_generated_key_is_the_same_in_all_pods(cloud: Cloud, client: Client) -> None:
    reply = await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})
    assert reply.status == 200
    keypair = reply.json["keypair"]
    assert keypair["private_key"]
    assert public_keys(cloud, client, "key") == [keypair["public_key"]] * 3


@pytest.mark.proves(
    "compute",
    "GET /os-keypairs",
    "POST /os-keypairs",
    "GET /os-keypairs/{keypair_name}",
    "DELETE /os-keypairs/{keypair_name}",
)
async def test_an_imported_key_is_told_as_nova_tells_it(cloud: Cloud, client: Client) -> None:
    body = {"keypair": {"name": "key", "public_key": "ssh-ed25519 AAAA a@b"}}
    reply = await client.at("compute 2.2").post("/compute/v2.1/os-keypairs", body)
    assert reply.status == 201
    assert set(reply.json["keypair"]) == {"type", "name", "public_key", "fingerprint", "user_id"}
    assert public_keys(cloud, client, "key") == ["ssh-ed25519 AAAA a@b"] * 2
    reply = await client.get("/compute/v2.1/os-keypairs")
    assert [told["keypair"]["name"] for told in reply.json["keypairs"]] == ["key"]
    assert (await client.get("/compute/v2.1/os-keypairs/key")).json["keypair"]["public_key"] == "ssh-ed25519 AAAA a@b"
    assert (await client.at("compute 2.2").delete("/compute/v2.1/os-keypairs/key")).status == 204
    assert public_keys(cloud, client, "key") == [None, None]


async def test_a_key_twice_is_novas_409(cloud: Cloud, client: Client) -> None:
    for status in (200, 409):
        reply = await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})
        assert reply.status == status
    assert reply.json["conflictingRequest"]["message"] == "Key pair 'key' already exists."
    assert None not in public_keys(cloud, client, "key")


async def test_another_key_of_that_name_in_a_follower_is_a_conflict(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    await client.post(f"{cloud.pods[1].nova.root}/v2.1/os-keypairs", {"keypair": {"name": "key", "public_key": "old"}})
    reply = await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})
    assert reply.status == 409
    assert public_keys(cloud, client, "key") == [None, "old"]


@pytest.mark.impatient
async def test_a_key_that_may_have_been_made_is_not_made_elsewhere(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.fails(service.hang, "POST .*/os-keypairs")
    reply = await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})
    assert reply.status == 504
    assert cloud.pods[1].nova.count("POST") == 0


@pytest.mark.parametrize("name", ["a/b", "ü", "a%b", "a%2Fb", "", "x" * 300])
async def test_names_that_nova_refuses_are_refused_by_nova(cloud: Cloud, client: Client, name: str) -> None:
    reply = await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": name}})
    assert reply.status == 400 or len(name) == 300
    for encoded in ("a%2Fb", "%C3%BC", "a%252Fb", "a%25b"):
        reply = await client.get(f"/compute/v2.1/os-keypairs/{encoded}")
        assert reply.status == 404
        assert cloud.pods[0].nova.asked[-1].raw_path == f"/v2.1/os-keypairs/{encoded}"


@pytest.mark.parametrize("name", ["a@b.c", "with space", "ü/ö%2F"])
async def test_names_that_newer_novas_take(cloud: Cloud, client: Client, name: str) -> None:
    from urllib.parse import quote

    body = {"keypair": {"name": name, "public_key": "ssh-ed25519 AAAA a@b"}}
    reply = await client.at("compute 2.92").post("/compute/v2.1/os-keypairs", body)
    assert reply.status == 201
    assert public_keys(cloud, client, name) == ["ssh-ed25519 AAAA a@b"] * 2
    if "/" not in name:
        assert (
            await client.at("compute 2.92").delete(f"/compute/v2.1/os-keypairs/{quote(name, safe='')}")
        ).status == 204
        assert public_keys(cloud, client, name) == [None, None]


async def test_keypairs_are_paged_by_name(cloud: Cloud, client: Client) -> None:
    for name in ("c", "a", "b"):
        await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": name}})
    new = client.at("compute 2.35")
    reply = await new.get("/compute/v2.1/os-keypairs?limit=2")
    assert [told["keypair"]["name"] for told in reply.json["keypairs"]] == ["a", "b"]
    (link,) = reply.json["keypairs_links"]
    reply = await new.get(link["href"])
    assert [told["keypair"]["name"] for told in reply.json["keypairs"]] == ["c"]
    assert "keypairs_links" not in reply.json


@pytest.mark.proves("compute", "GET /os-availability-zone")
@pytest.mark.proves("volume", "GET /os-availability-zone")
async def test_zones_are_those_of_the_pods(cloud: Cloud, gateway: Running, client: Client, admin: Client) -> None:
    reply = await client.get("/compute/v2.1/os-availability-zone")
    assert reply.json == {
        "availabilityZoneInfo": [
            {"zoneName": "az1", "zoneState": {"available": True}, "hosts": None},
            {"zoneName": "az2", "zoneState": {"available": True}, "hosts": None},
        ]
    }
    reply = await client.get(f"/volume/v3/{client.token.project_id}/os-availability-zone")
    assert reply.json["availabilityZoneInfo"][1] == {"zoneName": "az2", "zoneState": {"available": True}}
    pods = (await admin.get("/v1.0/pods")).json["pods"]
    await admin.request("PATCH", f"/v1.0/pods/{pods[1]['pod_id']}", json={"pod": {"enabled": False}})
    reply = await client.get("/compute/v2.1/os-availability-zone")
    assert [zone["zoneState"]["available"] for zone in reply.json["availabilityZoneInfo"]] == [True, False]
