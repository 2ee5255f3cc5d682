"""Changes of quotas that come close one after the other: the last one holds, in every pod, when it is answered."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from triune.gateway.quotas import USERS_AT_ONCE
from triune.quota.scope import Scope

from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .test_convergence import all_succeed, working
from .test_quotas import APIS, NAMES, PROJECT, QUOTAS, fakes, quota, set_quota


class Slow:
    """A pod in which the first limit that is set takes its time, and what held there after each change."""

    def __init__(self, fake: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held, self.release = asyncio.Event(), asyncio.Event()
        self.limits: list[int] = []
        finish = fake.finish

        def watched(asked: Any, answer: Any) -> None:
            if asked.method in ("PUT", "DELETE"):
                self.limits.append(fake.quota(PROJECT)[name])
            finish(asked, answer)

        monkeypatch.setattr(fake, "finish", watched)
        fake.fails(self._late, "PUT .*/os-quota-sets")

    async def _late(self, _request: web.Request) -> None:
        if not self.held.is_set():
            self.held.set()
            await self.release.wait()


@APIS
@pytest.mark.parametrize("slow_pod", [0, 1])
@pytest.mark.parametrize("dropped", [False, True])
async def test_an_older_limit_that_is_under_way_does_not_come_after_a_newer(
    cloud: Cloud,
    gateway: Running,
    admin: Client,
    monkeypatch: pytest.MonkeyPatch,
    api: str,
    slow_pod: int,
    dropped: bool,
) -> None:
    """What the worker has begun ends before the newer limit is set, or it is not answered before."""
    name, fake = NAMES[api], fakes(cloud, api)[slow_pod]
    newer = (await quota(admin, api, PROJECT))[name] if dropped else 40
    await fake.stop()
    await set_quota(admin, api, PROJECT, **{name: 30})
    await fake.start()
    slow = Slow(fake, name, monkeypatch)
    async with working(gateway):
        async with asyncio.timeout(20):
            await slow.held.wait()
        changing = asyncio.create_task(
            admin.delete(f"{QUOTAS[api]}/{PROJECT}") if dropped else set_quota(admin, api, PROJECT, **{name: 40})
        )
        await asyncio.wait({changing}, timeout=0.5)
        if not changing.done():
            slow.release.set()
        reply = await changing
        assert reply.status in (200, 202), reply.text
        seen = len(slow.limits)
        slow.release.set()
        await all_succeed(admin)
    assert "Triune-Missing-Pods" not in reply.headers
    assert {each.quota(PROJECT)[name] for each in fakes(cloud, api)} == {newer}
    assert set(slow.limits[seen:]) <= {newer}


async def test_a_users_older_limit_does_not_come_after_the_projects_are_dropped(
    cloud: Cloud, gateway: Running, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova, path = cloud.pods[1].nova, f"{QUOTAS['compute']}/{PROJECT}"
    await nova.stop()
    await admin.put(f"{path}?user_id=anna", json={"quota_set": {"cores": 3}})
    await nova.start()
    slow = Slow(nova, "cores", monkeypatch)
    async with working(gateway):
        async with asyncio.timeout(20):
            await slow.held.wait()
        dropping = asyncio.create_task(admin.delete(path))
        await asyncio.wait({dropping}, timeout=0.5)
        was_done = dropping.done()
        slow.release.set()
        assert (await dropping).status == 202
        assert nova.quotas == {}
        await all_succeed(admin)
    assert not was_done
    assert [pod.nova.quotas for pod in cloud.pods] == [{}, {}]


async def test_many_users_limits_are_dropped_some_at_a_time(cloud: Cloud, admin: Client) -> None:
    path, under_way, most = f"{QUOTAS['compute']}/{PROJECT}", 0, 0
    for number in range(12):
        reply = await admin.put(f"{path}?user_id=u{number}", json={"quota_set": {"cores": 3}})
        assert reply.status == 200

    async def slow(_request: web.Request) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1

    cloud.pods[1].nova.fails(slow, "DELETE .*")
    assert (await admin.delete(path)).status == 202
    assert [pod.nova.quotas for pod in cloud.pods] == [{}, {}]
    assert 1 < most <= USERS_AT_ONCE < 12


async def test_what_is_dropped_again_meanwhile_is_dropped_once_more(gateway: Running, admin: Client) -> None:
    pods = [pod["pod_id"] for pod in (await admin.get("/v1.0/pods")).json["pods"]]
    limits, scope = gateway.shared.limits, Scope("compute", PROJECT)
    key = scope.key(pods[0])
    await limits.drop(scope, pods, None, "req-1")
    first = await limits.dropped(key)
    assert first is not None
    await limits.drop(scope, pods, None, "req-2")
    await limits.dropped_in_pod(key, first, "req-1")
    second = await limits.dropped(key)
    assert second is not None and second > first
    await limits.dropped_in_pod(key, second, "req-2")
    assert await limits.dropped(key) is None
