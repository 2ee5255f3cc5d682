"""Pods that were away catch up with what all pods hold, by the work engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from triune.cli import engine
from triune.work.worker import Worker

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running

FLAVOR = {"flavor": {"name": "big", "ram": 512, "vcpus": 1, "disk": 1, "id": "f1"}}


@asynccontextmanager
async def working(gateway: Running) -> AsyncIterator[None]:
    """A worker beside the gateway."""
    shared, stop = gateway.shared, asyncio.Event()
    worker = Worker(shared.runner, engine.periodic(shared), engine.chores(shared))
    task = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def eventually(condition: Callable[[], Any], seconds: float = 12.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def all_succeed(admin: Client) -> None:
    async with asyncio.timeout(20):
        while {job["status"] for job in await jobs(admin)} != {"SUCCESS"}:
            await asyncio.sleep(0.05)


async def jobs(admin: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.get(f"/v1.0/jobs{query}")).json["jobs"]
    return found


async def test_a_flavor_made_while_a_pod_is_away_comes_to_it(cloud: Cloud, gateway: Running, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    reply = await admin.post("/compute/v2.1/flavors", FLAVOR)
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "RegionTwo")
    (waiting,) = await jobs(admin, "?status=new")
    assert (waiting["type"], waiting["resource"]["flavor_id"]) == ("flavor", "f1")
    await cloud.pods[1].nova.start()
    async with working(gateway):
        await eventually(lambda: "f1" in cloud.pods[1].nova.flavors)
    assert cloud.pods[1].nova.flavors["f1"] == cloud.pods[0].nova.flavors["f1"]


async def test_a_keypair_removed_while_a_pod_is_away_does_not_come_back(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "k"}})
    await cloud.pods[1].nova.stop()
    reply = await client.delete("/compute/v2.1/os-keypairs/k")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (202, "RegionTwo")
    await cloud.pods[1].nova.start()
    assert (client.token.user_id, "k") in cloud.pods[1].nova.keypairs
    async with working(gateway):
        await eventually(lambda: not cloud.pods[1].nova.keypairs)
    assert not cloud.pods[0].nova.keypairs


async def test_a_pod_that_is_away_is_waited_for(cloud: Cloud, gateway: Running, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    for number in range(12):
        flavor = {**FLAVOR["flavor"], "id": f"f{number}", "name": f"big{number}"}
        assert (await admin.post("/compute/v2.1/flavors", {"flavor": flavor})).status == 200
    async with working(gateway):
        async with asyncio.timeout(12):
            while not all(
                "waits: " in (job["last_error"] or "") for job in await jobs(admin, "?type=flavor&status=new")
            ):
                await asyncio.sleep(0.05)
        counts = (await admin.get("/v1.0/jobs/counts?type=flavor")).json["counts"]
        assert (counts["FAIL"], counts["SUCCESS"]) == (0, 12)
        assert {job["attempts"] for job in await jobs(admin, "?type=flavor")} == {0}
        await cloud.pods[1].nova.start()
        await eventually(lambda: len(cloud.pods[1].nova.flavors) >= 12)
        await all_succeed(admin)


async def test_a_pod_that_refuses_is_seen_with_its_reason_and_tried_again(
    cloud: Cloud, gateway: Running, admin: Client
) -> None:
    nova = cloud.pods[1].nova
    await nova.stop()
    await admin.post("/compute/v2.1/flavors", FLAVOR)
    await nova.start()
    nova.fails(service.status(500, "{}"))
    async with working(gateway):
        async with asyncio.timeout(12):
            while not (failed := await jobs(admin, "?status=fail")):
                await asyncio.sleep(0.05)
        assert failed[0]["attempts"] >= 1
        assert "RegionTwo answers HTTP 500" in failed[0]["last_error"]
        assert failed[0]["due_at"] is not None
        nova.fails(None)
        await eventually(lambda: "f1" in nova.flavors)
        await all_succeed(admin)


async def test_whoever_may_not_remove_leaves_no_trace(cloud: Cloud, admin: Client, client: Client) -> None:
    await admin.post("/compute/v2.1/flavors", FLAVOR)
    before = await jobs(admin)
    cloud.pods[1].nova.fails(service.hang)
    assert (await client.delete("/compute/v2.1/flavors/f1")).status == 403
    assert await jobs(admin) == before
    assert "f1" in cloud.pods[0].nova.flavors


async def test_nothing_is_removed_where_no_pod_could_judge(cloud: Cloud, admin: Client, client: Client) -> None:
    await admin.post("/compute/v2.1/flavors", FLAVOR)
    before = await jobs(admin)
    for pod in cloud.pods:
        await pod.nova.stop()
    assert (await client.delete("/compute/v2.1/flavors/f1")).status == 503
    assert await jobs(admin) == before


async def test_a_refusal_removes_only_what_was_created(cloud: Cloud, gateway: Running, admin: Client) -> None:
    older = cloud.pods[1].nova.add_flavor("f1", name="another", ram=1, vcpus=7)
    reply = await admin.post("/compute/v2.1/flavors", FLAVOR)
    assert reply.status == 409
    assert "f1" not in cloud.pods[0].nova.flavors
    async with working(gateway):
        await asyncio.sleep(0.5)
    assert cloud.pods[1].nova.flavors["f1"] is older


async def test_the_rollback_of_another_users_keypair_leaves_ones_own(cloud: Cloud, admin: Client) -> None:
    nova = cloud.pods[0].nova
    await admin.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": "ssh-rsa mine"}})
    cloud.pods[1].nova.keypairs["other", "k"] = {"user_id": "other", "name": "k", "public_key": "ssh-rsa differs"}
    body = {"keypair": {"name": "k", "public_key": "ssh-rsa others", "user_id": "other"}}
    assert (await admin.at("compute 2.10").post("/compute/v2.1/os-keypairs", body)).status == 409
    assert (admin.token.user_id, "k") in nova.keypairs
    assert ("other", "k") not in nova.keypairs
