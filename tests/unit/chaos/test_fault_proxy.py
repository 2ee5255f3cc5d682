"""Each fault does what it says: with or without the request having had its effect."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from chaos.fault_proxy import HUGE, FaultProxy
from chaos.faults import Fault, Plan, Planned

BODY = '{"servers": []}'
STATUSES = {
    Fault.DELAY: 200,
    Fault.ERROR_BEFORE: 500,
    Fault.ERROR: 500,
    Fault.BAD_GATEWAY_BEFORE: 502,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE_BEFORE: 503,
    Fault.UNAVAILABLE: 503,
    Fault.TOO_MANY: 429,
    Fault.TRUNCATED: 200,
    Fault.HTML: 200,
    Fault.HUGE_BEFORE: 500,
    Fault.HUGE: 500,
    Fault.GZIP: 200,
}


class Always(Plan):
    """One fault, for ever."""

    def __init__(self, fault: Fault) -> None:
        super().__init__("")
        self._fault = fault

    def next(self) -> Planned | None:
        return Planned(self._fault, 0.3)


@pytest.fixture
async def effects() -> AsyncIterator[tuple[str, list[str]]]:
    """A service, and what it was asked."""
    asked: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(f"{request.method} {request.raw_path} {request.host} {await request.text()}")
        return web.Response(text=BODY, content_type="application/json", headers={"X-Service": "yes"})

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


@pytest.mark.parametrize("fault", Fault)
async def test_a_fault(effects: tuple[str, list[str]], fault: Fault) -> None:
    target, asked = effects
    proxy = FaultProxy("one", target, Always(fault))
    await proxy.start()
    proxy.rage()
    timeout = aiohttp.ClientTimeout(total=1)
    try:
        async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as session:
            request = session.post(f"{proxy.root}/v2.1/a%2Fb?c=d", data=b"body")
            if fault in STATUSES:
                async with request as response:
                    body = await response.read()
                assert response.status == STATUSES[fault]
                assert (body == BODY.encode()) is (fault is Fault.DELAY)
                assert (len(body) == HUGE) is (fault in (Fault.HUGE, Fault.HUGE_BEFORE))
            else:
                with pytest.raises((aiohttp.ClientError, TimeoutError)):
                    async with request as response:
                        await response.read()
        host = proxy.root.removeprefix("http://")
        assert asked == ([] if fault.is_before else [f"POST /v2.1/a%2Fb?c=d {host} body"])
        assert [met.fault for met in proxy.log] == [fault]
    finally:
        await proxy.stop()


async def test_one_that_is_absent_refuses_and_comes_back(effects: tuple[str, list[str]]) -> None:
    proxy = FaultProxy("one", effects[0], Always(Fault.ABSENT))
    await proxy.start()
    proxy.rage()
    try:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(proxy.root)
            await asyncio.sleep(0.1)
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(proxy.root)
            await proxy.calm()
            async with session.get(proxy.root) as response:
                assert (await response.text(), response.headers["X-Service"]) == (BODY, "yes")
    finally:
        await proxy.stop()


def test_the_same_seed_is_the_same_plan() -> None:
    plans = [Plan("1"), Plan("1"), Plan("2")]
    first, again, other = ([plan.next() for _ in range(300)] for plan in plans)
    assert first == again != other
    assert {each.fault for each in first if each} <= set(Fault)
