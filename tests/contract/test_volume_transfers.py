"""Transfers of volumes: offered in the pod of their volume, listed over all pods, accepted by whoever has the key."""

import uuid

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/volume/v3"
PATHS = ("volume-transfers", "os-volume-transfer")


async def offer(cloud: Cloud, client: Client, path: str, number: int) -> tuple[str, str, str]:
    """A volume of a pod, and its transfer: their ids and the key."""
    volume = cloud.pods[number].cinder.add("volume", str(client.token.project_id))
    reply = await client.post(f"{ROOT}/{path}", {"transfer": {"volume_id": volume["id"], "name": f"t{number}"}})
    assert reply.status == 202
    return volume["id"], reply.json["transfer"]["id"], reply.json["transfer"]["auth_key"]


@pytest.mark.proves("volume", "POST /volume-transfers", "POST /os-volume-transfer")
@pytest.mark.proves("volume", "POST /volume-transfers/{transfer_id}/accept")
@pytest.mark.proves("volume", "POST /os-volume-transfer/{transfer_id}/accept")
@pytest.mark.proves("volume", "GET /volume-transfers/{transfer_id}", "GET /os-volume-transfer/{transfer_id}")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("number", [0, 1])
async def test_whoever_has_the_key_takes_the_volume(cloud: Cloud, client: Client, path: str, number: int) -> None:
    other = Client(client.session, client.root, cloud.keystone.token(project_id=uuid.uuid4().hex))
    volume_id, transfer_id, key = await offer(cloud, client, path, number)
    shown = (await client.get(f"{ROOT}/{path}/{transfer_id}")).json["transfer"]
    assert (shown["volume_id"], "auth_key" in shown) == (volume_id, False)
    assert (await other.get(f"{ROOT}/{path}/{transfer_id}")).status == 404
    wrong = await other.post(f"{ROOT}/{path}/{transfer_id}/accept", {"accept": {"auth_key": "wrong"}})
    assert (wrong.status, wrong.json["badRequest"]["message"][:16]) == (400, "Invalid auth key")
    reply = await other.post(f"{ROOT}/{path}/{transfer_id}/accept", {"accept": {"auth_key": key}})
    assert (reply.status, reply.json["transfer"]["volume_id"]) == (202, volume_id)
    assert (await other.get(f"{ROOT}/volumes/{volume_id}")).status == 200
    assert [each["id"] for each in (await other.get(f"{ROOT}/volumes")).json["volumes"]] == [volume_id]


@pytest.mark.proves("volume", "GET /os-volume-transfer", "GET /os-volume-transfer/detail")
@pytest.mark.proves("volume", "DELETE /volume-transfers/{transfer_id}", "DELETE /os-volume-transfer/{transfer_id}")
@pytest.mark.parametrize("path", PATHS)
async def test_transfers_of_all_pods_are_listed(cloud: Cloud, client: Client, path: str) -> None:
    made = [(await offer(cloud, client, path, number))[1] for number in (1, 0, 1)]
    for tail, names in (
        ("", {"id", "name", "volume_id", "links"}),
        ("/detail", {"id", "name", "created_at", "volume_id", "links"}),
    ):
        listed = (await client.get(f"{ROOT}/{path}{tail}")).json["transfers"]
        assert sorted(each["id"] for each in listed) == sorted(made)
        assert all(set(each) == names for each in listed)
        assert all(cloud_root(client) in each["links"][0]["href"] for each in listed)
        # What it does not know, Cinder takes for a filter here.
        assert (await client.get(f"{ROOT}/{path}{tail}?limit=1")).json == {"transfers": []}
        (named,) = (await client.get(f"{ROOT}/{path}{tail}?name=t0")).json["transfers"]
        assert named["id"] == made[1]
    assert (await client.delete(f"{ROOT}/{path}/{made[0]}")).status == 202
    left = (await client.get(f"{ROOT}/{path}")).json["transfers"]
    assert sorted(each["id"] for each in left) == sorted(made[1:])


def cloud_root(client: Client) -> str:
    """Where the gateway says that volumes are."""
    return f"{client.root}{ROOT}"


@pytest.mark.proves("volume", "GET /volume-transfers", "GET /volume-transfers/detail")
@pytest.mark.parametrize("tail", ["", "/detail"])
async def test_newer_transfers_are_paged(cloud: Cloud, client: Client, tail: str) -> None:
    newer = client.at("volume 3.59")
    made = [(await offer(cloud, newer, "volume-transfers", number))[1] for number in (1, 0, 1, 0)]
    seen: list[str] = []
    marker = ""
    for _ in range(len(made)):
        reply = await newer.get(f"{ROOT}/volume-transfers{tail}?limit=1{marker}")
        (transfer,) = reply.json["transfers"]
        seen.append(transfer["id"])
        marker = f"&marker={transfer['id']}"
    assert seen == made[::-1]
    assert (await newer.get(f"{ROOT}/volume-transfers{tail}?limit=1{marker}")).json["transfers"] == []
