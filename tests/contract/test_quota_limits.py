"""What is made must fit under the limits of the whole cloud, whichever pod it is made in."""

import asyncio
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import Running
from .test_quotas import message, set_quota

three_pods = pytest.mark.parametrize("cloud", [3], indirect=True)


@pytest.fixture(autouse=True)
def at_once(gateway: Running) -> None:
    """This Nova counts a server as soon as it has taken it."""
    gateway.shared.rooms.servers.settles = 0.0


async def boot(client: Client, zone: str, **fields: Any) -> Reply:
    server = {"name": "vm", "flavorRef": "1", "imageRef": "", "networks": "none", "availability_zone": zone, **fields}
    return await client.at("compute 2.37").post("/compute/v2.1/servers", {"server": server})


async def volume(client: Client, zone: str, size: int = 1, **fields: Any) -> Reply:
    return await client.post("/volume/v3/volumes", {"volume": {"size": size, "availability_zone": zone, **fields}})


def count(cloud: Cloud, client: Client) -> int:
    return sum(
        1 for pod in cloud.pods for each in pod.nova.servers.values() if each["project_id"] == client.token.project_id
    )


@pytest.mark.usefixtures("flavors")
@pytest.mark.proves("compute", "POST /servers")
async def test_servers_of_all_pods_count(cloud: Cloud, admin: Client, client: Client) -> None:
    for pod in cloud.pods:
        pod.nova.flavors["1"] |= {"vcpus": 2, "ram": 1024}
    await set_quota(admin, "compute", client.token.project_id or "", instances=3, cores=20)
    for zone in ("az1", "az2", "az1"):
        assert (await boot(client, zone)).status == 202
    reply = await boot(client, "az2")
    assert (reply.status, message(reply)) == (
        403,
        "Quota exceeded for instances: Requested 1, but already used 3 of 3 instances",
    )
    await set_quota(admin, "compute", client.token.project_id or "", instances=9, cores=7, ram=3500)
    reply = await boot(client, "az2")
    assert (reply.status, message(reply)) == (
        403,
        "Quota exceeded for cores, ram: Requested 2, 1024, but already used 6, 3072 of 7, 3500 cores, ram",
    )
    assert count(cloud, client) == 3
    await set_quota(admin, "compute", client.token.project_id or "", instances=-1, cores=-1, ram=-1)
    assert (await boot(client, "az2")).status == 202


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize(("fewest", "most", "made"), [(1, 5, 2), (2, 2, 2), (2, 9, 2), (3, 3, 0), (3, 9, 0)])
async def test_as_many_servers_as_may_be_had(
    cloud: Cloud, admin: Client, client: Client, fewest: int, most: int, made: int
) -> None:
    cloud.pods[0].nova.add_server(client.token.project_id or "")
    await set_quota(admin, "compute", client.token.project_id or "", instances=3)
    reply = await boot(client, "az2", min_count=fewest, max_count=most)
    assert reply.status == (202 if made else 403), reply.text
    assert len(cloud.pods[1].nova.servers) == made
    if not made:
        asked = str(fewest) if fewest == most else f"{fewest}-{most}"
        assert message(reply) == (f"Quota exceeded for instances: Requested {asked}, but already used 1 of 3 instances")


@pytest.mark.usefixtures("flavors")
async def test_servers_at_once_are_as_many_as_may_be_had(cloud: Cloud, admin: Client, client: Client) -> None:
    await set_quota(admin, "compute", client.token.project_id or "", instances=5)
    replies = await asyncio.gather(*(boot(client, f"az{1 + number % 2}") for number in range(12)))
    assert sorted(reply.status for reply in replies) == [202] * 5 + [403] * 7
    assert count(cloud, client) == 5


@pytest.mark.usefixtures("flavors")
async def test_who_uses_little_costs_the_pods_nothing(cloud: Cloud, admin: Client, client: Client) -> None:
    await set_quota(admin, "compute", client.token.project_id or "", instances=20)
    assert (await boot(client, "az1")).status == 202
    asked = [pod.nova.count("GET", "/(limits|flavors)") for pod in cloud.pods]
    for _ in range(9):
        assert (await boot(client, "az1")).status == 202
    assert cloud.pods[1].nova.count("GET", "/limits") == asked[1] == 1
    # Half of the limit is used: from here on somebody looks.
    assert (await boot(client, "az1")).status == 202
    assert cloud.pods[1].nova.count("GET", "/limits") == 2
    # A limit that was lowered holds at once.
    await set_quota(admin, "compute", client.token.project_id or "", instances=11)
    assert (await boot(client, "az2")).status == 403


@pytest.mark.usefixtures("flavors")
@pytest.mark.impatient
async def test_a_pod_that_does_not_tell_stops_nobody(cloud: Cloud, admin: Client, client: Client) -> None:
    await set_quota(admin, "compute", client.token.project_id or "", instances=2)
    cloud.pods[1].nova.fails(service.hang, "GET .*/limits")
    for status in (202, 202, 403):
        reply = await boot(client, "az1")
        assert reply.status == status and "Triune-Missing-Pods" not in reply.headers
    assert len(cloud.pods[0].nova.servers) == 2


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize("fields", [{"flavorRef": "9"}, {"flavorRef": []}, {"min_count": 3, "max_count": 2}])
async def test_what_cannot_be_counted_the_pods_refuse(cloud: Cloud, client: Client, fields: Any) -> None:
    reply = await boot(client, "az1", **fields)
    assert reply.status == 400, reply.text


@pytest.mark.proves("volume", "POST /volumes")
async def test_volumes_of_all_pods_count(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    await set_quota(admin, "volume", project_id, volumes=2, gigabytes=5)
    assert (await volume(client, "az1", 2)).status == 202
    reply = await volume(client, "az2", 4)
    assert (reply.status, message(reply), reply.headers["Retry-After"]) == (
        413,
        "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 4G, "
        "quota is 5G and 2G has been consumed.",
        "0",
    )
    assert reply.json["overLimit"]["retryAfter"] == "0"
    assert (await volume(client, "az2", 1)).status == 202
    reply = await volume(client, "az2", 1)
    assert (reply.status, message(reply)) == (
        413,
        "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota 'volumes'.",
    )
    reply = await client.post("/compute/v2.1/os-volumes", {"volume": {"size": 1, "availability_zone": "az1"}})
    assert (reply.status, message(reply)) == (
        403,
        "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota 'volumes'.",
    )
    assert sum(len(pod.cinder.records["volume"]) for pod in cloud.pods) == 2


async def test_volumes_of_a_type_count(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    fast = [pod.cinder.add_type("fast") for pod in cloud.pods]
    await set_quota(admin, "volume", project_id, volumes_fast=1)
    assert (await volume(client, "az1", volume_type="fast")).status == 202
    for reference in ("fast", fast[0]["id"], fast[1]["id"]):
        reply = await volume(client, "az2", volume_type=reference)
        text = "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes_fast'."
        assert (reply.status, message(reply)) == (413, text)
    assert (await volume(client, "az2")).status == 202


@pytest.mark.proves("volume", "POST /snapshots", "POST /backups")
@pytest.mark.parametrize(("kind", "limit"), [("snapshot", "snapshots"), ("backup", "backups")])
async def test_copies_in_all_pods_count(cloud: Cloud, admin: Client, client: Client, kind: str, limit: str) -> None:
    project_id = client.token.project_id or ""
    cloud.pods[0].cinder.add(kind, project_id)
    there = cloud.pods[1].cinder.add("volume", project_id, size=4)
    gigabytes = "gigabytes" if kind == "snapshot" else "backup_gigabytes"
    await set_quota(admin, "volume", project_id, **{limit: 1, gigabytes: 100})
    body = {kind: {"volume_id": there["id"]}}
    reply = await client.post(f"/volume/v3/{kind}s", body)
    refusal = f"{kind.capitalize()}LimitExceeded: Maximum number of {kind}s allowed (1) exceeded"
    assert (reply.status, message(reply)) == (413, refusal)
    used = 5 if kind == "snapshot" else 1
    await set_quota(admin, "volume", project_id, **{limit: 9, gigabytes: used + 3})
    reply = await client.post(f"/volume/v3/{kind}s", body)
    assert reply.status == 413
    assert f"Requested 4G, quota is {used + 3}G and {used}G has been consumed." in message(reply)
    if kind == "snapshot":
        # Nova's proxy does not repeat what Cinder says.
        reply = await client.post("/compute/v2.1/os-snapshots", body)
        assert (reply.status, message(reply)) == (403, "Quota exceeded for resources: snapshots")
    assert not cloud.pods[1].cinder.records[kind]
    await set_quota(admin, "volume", project_id, **{gigabytes: used + 4})
    assert (await client.post(f"/volume/v3/{kind}s", body)).status == 202


async def test_a_copy_has_the_size_of_its_source(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    source = cloud.pods[1].cinder.add("volume", project_id, size=4)
    cloud.pods[0].cinder.add("volume", project_id, size=4)
    await set_quota(admin, "volume", project_id, gigabytes=11)
    reply = await client.post("/volume/v3/volumes", {"volume": {"source_volid": source["id"]}})
    assert reply.status == 413 and "Requested 4G, quota is 11G and 8G has been consumed." in message(reply)


@pytest.mark.proves("volume", "POST /volumes/{volume_id}/action os-extend")
async def test_a_volume_grows_within_the_quota(cloud: Cloud, admin: Client, client: Client) -> None:
    project_id = client.token.project_id or ""
    cloud.pods[0].cinder.add("volume", project_id, size=5)
    mine = cloud.pods[1].cinder.add("volume", project_id, size=2)
    await set_quota(admin, "volume", project_id, gigabytes=10)
    path = f"/volume/v3/volumes/{mine['id']}/action"
    reply = await client.post(path, {"os-extend": {"new_size": 6}})
    assert reply.status == 413 and "Requested 4G, quota is 10G and 7G has been consumed." in message(reply)
    assert mine["size"] == 2
    assert (await client.post(path, {"os-extend": {"new_size": 5}})).status == 202
    assert mine["size"] == 5


async def test_volumes_at_once_are_as_many_as_may_be_had(cloud: Cloud, admin: Client, client: Client) -> None:
    await set_quota(admin, "volume", client.token.project_id or "", volumes=5)
    replies = await asyncio.gather(*(volume(client, f"az{1 + number % 2}") for number in range(12)))
    assert sorted(reply.status for reply in replies) == [202] * 5 + [413] * 7
    assert sum(len(pod.cinder.records["volume"]) for pod in cloud.pods) == 5


@pytest.mark.parametrize("cloud", [1], indirect=True)
async def test_one_pod_looks_after_its_limits_itself(cloud: Cloud, admin: Client, client: Client) -> None:
    await set_quota(admin, "volume", client.token.project_id or "", volumes=1)
    asked = cloud.pods[0].cinder.count("GET", "/os-quota-sets")
    assert [(await volume(client, "az1")).status for _ in range(2)] == [202, 413]
    assert cloud.pods[0].cinder.count("GET", "/os-quota-sets") == asked


@pytest.mark.usefixtures("flavors")
async def test_a_server_that_nova_does_not_count_yet_is_counted(
    cloud: Cloud, gateway: Running, admin: Client, client: Client
) -> None:
    """Who asks before the last server is settled waits until it is, and is not refused for what is counted twice."""
    gateway.shared.rooms.servers.settles = 1.0
    project_id = client.token.project_id or ""
    await set_quota(admin, "compute", project_id, instances=2)
    assert (await boot(client, "az1")).status == 202
    (server,) = cloud.pods[0].nova.servers.values()
    server["project_id"] = "not counted yet"
    replies = asyncio.gather(*(boot(client, "az2") for _ in range(2)))
    await asyncio.sleep(0.2)
    server["project_id"] = project_id
    assert sorted(reply.status for reply in await replies) == [202, 403]
    assert count(cloud, client) == 2
