"""Flavors that are changed while a pod is away, which gets the change from the work engine."""

import asyncio
import uuid
from typing import Any

import pytest
from aiohttp import web

from triune.cli import engine
from triune.pods.client import PodUnreachable
from triune.work.requests import Key

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .refusals import refusal
from .test_convergence import all_succeed, eventually, jobs, working

ROOT = "/compute/v2.1/flavors/m1.small"
TENANT, OTHER = "5" * 32, "6" * 32
ADD = ("POST", "/action", {"addTenantAccess": {"tenant": TENANT}})
CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("PUT", "", {"flavor": {"description": "ü/1"}}),
    ("PUT", "/os-extra_specs/a", {"a": "1"}),
    ("POST", "/os-extra_specs", {"extra_specs": {"b": "2", "c": "3", "hw:numa_nodes": "2"}}),
    ("DELETE", "/os-extra_specs/gone", None),
    ADD,
    ("POST", "/action", {"removeTenantAccess": {"tenant": OTHER}}),
)


@pytest.fixture(autouse=True)
def small(cloud: Cloud) -> None:
    """A private flavor in all pods."""
    for pod in cloud.pods:
        specs = {"hw:numa_nodes": "1", "gone": "x"}
        pod.nova.add_flavor("m1.small", is_public=False, extra_specs=specs, access={OTHER})


def told(cloud: Cloud, field: str) -> list[Any]:
    return [pod.nova.flavors["m1.small"][field] for pod in cloud.pods]


async def change(admin: Client, method: str, below: str, body: Any) -> Any:
    kwargs = {} if body is None else {"json": body}
    return await admin.at("compute 2.61").request(method, f"{ROOT}{below}", **kwargs)


async def pod_ids(admin: Client) -> list[str]:
    pods = (await admin.get("/v1.0/pods")).json["pods"]
    return [pod["pod_id"] for pod in sorted(pods, key=lambda pod: str(pod["region_name"])) if pod["az_name"]]


@pytest.mark.parametrize("away", [0, 1])
async def test_a_pod_that_was_away_is_changed(cloud: Cloud, gateway: Running, admin: Client, away: int) -> None:
    nova = cloud.pods[away].nova
    # What was set in one pod alone is its operator's own.
    nova.flavors["m1.small"]["extra_specs"]["own"] = "7"
    await nova.stop()
    for method, below, body in CHANGES:
        reply = await change(admin, method, below, body)
        assert reply.status == 200, reply.text
        assert reply.headers["Triune-Missing-Pods"] == ("RegionOne", "RegionTwo")[away]
    (waiting,) = await jobs(admin, "?status=new")
    assert (waiting["type"], waiting["resource"]["flavor_id"]) == ("flavor_change", "m1.small")
    await nova.start()
    async with working(gateway):
        await all_succeed(admin)
    assert told(cloud, "description") == ["ü/1"] * 2
    assert told(cloud, "access") == [{TENANT}] * 2
    specs = {"hw:numa_nodes": "2", "a": "1", "b": "2", "c": "3"}
    assert told(cloud, "extra_specs")[1 - away] == specs
    assert told(cloud, "extra_specs")[away] == {**specs, "own": "7"}


async def test_without_pods_away_nothing_is_left_to_do(cloud: Cloud, gateway: Running, admin: Client) -> None:
    for method, below, body in CHANGES:
        reply = await change(admin, method, below, body)
        assert reply.status == 200 and "Triune-Missing-Pods" not in reply.headers
    assert {job["status"] for job in await jobs(admin)} == {"SUCCESS"}
    assert await gateway.shared.changes.pods_behind("flavor_change", "m1.small") == set()
    assert told(cloud, "access") == [{TENANT}] * 2


async def test_of_one_part_the_last_change_counts(cloud: Cloud, gateway: Running, admin: Client) -> None:
    """Each pod was away once; meanwhile the other one was asked."""
    await cloud.pods[1].nova.stop()
    for key, value in (("a", "1"), ("b", "1")):
        assert (await change(admin, "PUT", f"/os-extra_specs/{key}", {key: value})).status == 200
    await cloud.pods[1].nova.start()
    await cloud.pods[0].nova.stop()
    async with asyncio.timeout(20):
        # Until its breaker lets somebody try again.
        while (reply := await change(admin, "PUT", "/os-extra_specs/b", {"b": "2"})).status != 200:
            await asyncio.sleep(0.05)
    assert reply.headers["Triune-Missing-Pods"] == "RegionOne"
    assert (await change(admin, "DELETE", "/os-extra_specs/gone", None)).status == 200
    await cloud.pods[0].nova.start()
    async with working(gateway):
        await all_succeed(admin)
    assert told(cloud, "extra_specs") == [{"hw:numa_nodes": "1", "a": "1", "b": "2"}] * 2


async def test_an_older_change_that_is_under_way_does_not_stay(cloud: Cloud, gateway: Running, admin: Client) -> None:
    nova = cloud.pods[1].nova
    await nova.stop()
    await change(admin, "PUT", "/os-extra_specs/a", {"a": "old"})
    await nova.start()
    held, release = asyncio.Event(), asyncio.Event()

    async def late(_request: web.Request) -> None:
        if not held.is_set():
            held.set()
            await release.wait()

    nova.fails(late, "POST .*/os-extra_specs")
    async with working(gateway):
        async with asyncio.timeout(20):
            await held.wait()
        newer = asyncio.create_task(change(admin, "PUT", "/os-extra_specs/a", {"a": "new"}))
        await asyncio.wait({newer}, timeout=0.5)
        was_done = newer.done()
        release.set()
        assert (await newer).status == 200
        assert nova.flavors["m1.small"]["extra_specs"]["a"] == "new"
        await all_succeed(admin)
    assert not was_done
    assert [specs["a"] for specs in told(cloud, "extra_specs")] == ["new", "new"]


async def test_another_flavor_of_this_id_is_never_changed(cloud: Cloud, gateway: Running, admin: Client) -> None:
    nova = cloud.pods[1].nova
    nova.flavors["m1.small"]["ram"] += 1
    await nova.stop()
    assert (await change(admin, "PUT", "/os-extra_specs/a", {"a": "1"})).status == 200
    await nova.start()
    async with working(gateway):
        async with asyncio.timeout(20):
            while not (failed := await jobs(admin, "?status=fail")):
                await asyncio.sleep(0.05)
    assert "is another one there" in failed[0]["last_error"]
    assert "a" not in nova.flavors["m1.small"]["extra_specs"]


async def test_a_pod_that_lacks_it_gets_it_as_it_is_to_be(cloud: Cloud, gateway: Running, admin: Client) -> None:
    """Also where the pod that it is copied from lacks a change itself."""
    one, two = (pod.nova for pod in cloud.pods)
    await two.stop()
    assert (await change(admin, "PUT", "/os-extra_specs/a", {"a": "1"})).status == 200
    assert (await change(admin, *ADD)).status == 200
    await two.start()
    del one.flavors["m1.small"]
    shared = gateway.shared
    key = Key("flavor", "m1.small", (await pod_ids(admin))[0])
    await shared.intents.wanted([key], None, f"req-{uuid.uuid4()}", 0.0)
    async with asyncio.timeout(20):
        while True:
            try:
                await engine.handlers(shared)["flavor"](key)
                break
            except PodUnreachable:
                # Until its breaker lets somebody try again.
                await asyncio.sleep(0.05)
    assert one.flavors["m1.small"]["extra_specs"] == {"hw:numa_nodes": "1", "gone": "x", "a": "1"}
    assert one.flavors["m1.small"]["access"] == {TENANT, OTHER}


async def test_what_was_removed_meanwhile_is_not_changed_when_it_is_made_anew(
    cloud: Cloud, gateway: Running, admin: Client
) -> None:
    await cloud.pods[1].nova.stop()
    assert (await change(admin, "PUT", "/os-extra_specs/a", {"a": "1"})).status == 200
    assert (await admin.delete(ROOT)).status == 202
    await cloud.pods[1].nova.start()
    async with working(gateway):
        await eventually(lambda: not any("m1.small" in pod.nova.flavors for pod in cloud.pods))
    flavor = {"name": "small", "ram": 512, "vcpus": 1, "disk": 1, "id": "m1.small"}
    assert (await admin.post("/compute/v2.1/flavors", {"flavor": flavor})).status == 200
    async with working(gateway):
        await all_succeed(admin)
    assert told(cloud, "extra_specs") == [{}, {}]


async def test_what_a_pod_refuses_is_written_down_for_none(
    cloud: Cloud, gateway: Running, admin: Client, client: Client
) -> None:
    await cloud.pods[1].nova.stop()
    for who, method, below, body, code in (
        (client, "PUT", "/os-extra_specs/a", {"a": "1"}, 403),
        (admin, "PUT", "/os-extra_specs/a", {"b": "1"}, 400),
        (admin, "PUT", "/os-extra_specs/a", {"a": None}, 400),
        (admin, "POST", "/action", {"addTenantAccess": {"tenant": OTHER}}, 409),
        (admin, "POST", "/action", {"addTenantAccess": {"tenant": 7}}, 400),
    ):
        assert (await change(who, method, below, body)).status == code
    # It may be in the pod that is away.
    status, text = refusal(await change(admin, "DELETE", "/os-extra_specs/none", None))
    assert (status, "RegionTwo" in text) == (503, True)
    assert await gateway.shared.changes.pods_behind("flavor_change", "m1.small") == set()
    await cloud.pods[0].nova.stop()
    assert (await change(admin, *ADD)).status == 503


async def test_what_one_pod_never_takes_stops_nothing_else(cloud: Cloud, gateway: Running, admin: Client) -> None:
    """As of a project that was deleted since: others took it, so the change is answered as done."""

    async def refuse(request: web.Request) -> web.Response | None:
        text = await request.text()
        if TENANT in text or '"b"' in text:
            return web.json_response({"badRequest": {"code": 400, "message": "Not here."}}, status=400)
        return None

    nova = cloud.pods[1].nova
    nova.fails(refuse, "(POST|PUT) .*")
    reply = await change(admin, *ADD)
    assert reply.status == 200 and "Triune-Missing-Pods" not in reply.headers
    await nova.stop()
    for method, below, body in (ADD, *CHANGES):
        assert (await change(admin, method, below, body)).status in (200, 409)
    await nova.start()
    nova.fails(refuse, "(POST|PUT) .*")
    async with working(gateway):
        await all_succeed(admin)
    assert await gateway.shared.changes.pods_behind("flavor_change", "m1.small") == set()
    assert told(cloud, "description") == ["ü/1"] * 2
    assert told(cloud, "access") == [{TENANT}, set()]
    assert told(cloud, "extra_specs")[1] == {"hw:numa_nodes": "2", "a": "1", "c": "3"}


@pytest.mark.parametrize("code", [401, 403, 409, 429, 500])
async def test_a_pod_that_refuses_for_now_is_named_and_asked_again(
    cloud: Cloud, gateway: Running, admin: Client, code: int
) -> None:
    """409: somebody else changed extra specs at the same time (FlavorExtraSpecUpdateCreateFailed)."""
    nova = cloud.pods[1].nova
    nova.fails(service.status(code), "(POST|PUT|DELETE) .*/os-extra_specs")
    for method, below, body in CHANGES:
        reply = await change(admin, method, below, body)
        assert reply.status == 200, reply.text
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    # What has nothing to do with it is there already.
    assert told(cloud, "access") == [{TENANT}] * 2
    nova.fails(None)
    async with working(gateway):
        await all_succeed(admin)
    assert told(cloud, "extra_specs") == [{"hw:numa_nodes": "2", "a": "1", "b": "2", "c": "3"}] * 2
    assert await gateway.shared.changes.pods_behind("flavor_change", "m1.small") == set()


async def test_a_job_that_is_deleted_takes_its_change_along(cloud: Cloud, gateway: Running, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    assert (await change(admin, "PUT", "/os-extra_specs/a", {"a": "1"})).status == 200
    (waiting,) = await jobs(admin, "?status=new")
    assert len(await gateway.shared.changes.pods_behind(waiting["type"], "m1.small")) == 1
    assert (await admin.delete(f"/v1.0/jobs/{waiting['id']}")).status == 200
    assert await gateway.shared.changes.pods_behind(waiting["type"], "m1.small") == set()
    await cloud.pods[1].nova.start()
    async with asyncio.timeout(20):
        while "Triune-Missing-Pods" in (await change(admin, "PUT", "/os-extra_specs/b", {"b": "2"})).headers:
            await asyncio.sleep(0.05)
    async with working(gateway):
        await all_succeed(admin)
    assert told(cloud, "extra_specs")[1] == {"hw:numa_nodes": "1", "gone": "x", "b": "2"}


async def test_a_number_of_any_length_is_changed_too(cloud: Cloud, gateway: Running, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    assert (await change(admin, "PUT", "/os-extra_specs/a", {"a": 2**70})).status == 200
    await cloud.pods[1].nova.start()
    async with working(gateway):
        await all_succeed(admin)
    assert [specs["a"] for specs in told(cloud, "extra_specs")] == [2**70] * 2


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("lacking", [0, 1])
async def test_a_pod_that_lacks_it_is_passed_over(
    cloud: Cloud, gateway: Running, admin: Client, away: bool, lacking: int
) -> None:
    nova = cloud.pods[lacking].nova
    del nova.flavors["m1.small"]
    if away:
        await nova.stop()
    for method, below, body in CHANGES:
        reply = await change(admin, method, below, body)
        assert reply.status == 200, reply.text
        assert ("Triune-Missing-Pods" in reply.headers) is away
    if away:
        await nova.start()
    async with working(gateway):
        await all_succeed(admin)
    assert "m1.small" not in nova.flavors
    assert cloud.pods[1 - lacking].nova.flavors["m1.small"]["access"] == {TENANT}
    assert await gateway.shared.changes.pods_behind("flavor_change", "m1.small") == set()


class Held:
    """The first request to a pod that matches waits, before it has its effect or after."""

    def __init__(self, fake: Any, on: str, late: bool = False) -> None:
        self.reached, self.release = asyncio.Event(), asyncio.Event()
        (fake.fails_late if late else fake.fails)(self._wait, on)

    async def _wait(self, _request: web.Request) -> None:
        if not self.reached.is_set():
            self.reached.set()
            await self.release.wait()


@pytest.mark.parametrize(("pod", "late"), [(0, True), (0, False), (1, True), (1, False)])
async def test_of_two_changes_at_once_one_is_in_every_pod(
    cloud: Cloud, gateway: Running, admin: Client, pod: int, late: bool
) -> None:
    """Whichever of them is slow, in whichever pod; and that is still so when nothing is under way any more."""
    held = Held(cloud.pods[pod].nova, "(PUT|POST) .*/os-extra_specs", late)
    first = asyncio.create_task(change(admin, "PUT", "/os-extra_specs/a", {"a": "first"}))
    async with asyncio.timeout(20):
        await held.reached.wait()
    second = asyncio.create_task(change(admin, "PUT", "/os-extra_specs/a", {"a": "second"}))
    await asyncio.wait({second}, timeout=0.5)
    held.release.set()
    replies = await asyncio.gather(first, second)
    assert [(reply.status, "Triune-Missing-Pods" in reply.headers) for reply in replies] == [(200, False)] * 2
    one, two = (specs["a"] for specs in told(cloud, "extra_specs"))
    assert one == two
    async with working(gateway):
        await all_succeed(admin)
    assert [specs["a"] for specs in told(cloud, "extra_specs")] == [one, two]


@pytest.mark.parametrize("on", ["POST .*/flavors$", "POST .*/os-extra_specs", "POST .*/action"])
@pytest.mark.parametrize("late", [False, True])
async def test_a_copy_for_a_server_misses_no_change_that_is_made_meanwhile(
    cloud: Cloud, gateway: Running, admin: Client, on: str, late: bool
) -> None:
    nova = cloud.pods[1].nova
    del nova.flavors["m1.small"]
    held = Held(nova, on, late)
    server = {"name": "vm", "flavorRef": "m1.small", "imageRef": "", "networks": "none", "availability_zone": "az2"}
    boot = asyncio.create_task(admin.at("compute 2.37").post("/compute/v2.1/servers", {"server": server}))
    async with asyncio.timeout(20):
        await held.reached.wait()
    changed = asyncio.create_task(change(admin, "PUT", "/os-extra_specs/gone", {"gone": "new"}))
    await asyncio.wait({changed}, timeout=0.5)
    held.release.set()
    reply = await changed
    assert (reply.status, (await boot).status) == (200, 202)
    assert [specs["gone"] for specs in told(cloud, "extra_specs")] == ["new", "new"]
    async with working(gateway):
        await all_succeed(admin)
    assert [specs["gone"] for specs in told(cloud, "extra_specs")] == ["new", "new"]


async def test_a_copy_brings_what_its_source_lacks_itself(cloud: Cloud, gateway: Running, admin: Client) -> None:
    """A server needs the flavor in one pod, and the other one has missed a change of it."""
    one, two = (pod.nova for pod in cloud.pods)
    await two.stop()
    assert (await change(admin, "PUT", "/os-extra_specs/a", {"a": "1"})).status == 200
    await two.start()
    del one.flavors["m1.small"]
    server = {"name": "vm", "flavorRef": "m1.small", "imageRef": "", "networks": "none", "availability_zone": "az1"}
    async with asyncio.timeout(20):
        while (await admin.at("compute 2.37").post("/compute/v2.1/servers", {"server": server})).status != 202:
            await asyncio.sleep(0.05)
    assert one.flavors["m1.small"]["extra_specs"] == {"hw:numa_nodes": "1", "gone": "x", "a": "1"}
