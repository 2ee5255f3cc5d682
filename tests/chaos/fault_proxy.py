"""A proxy in front of a service of a pod that does to requests and answers what a plan says."""

import asyncio
import gzip
import time
from collections import Counter
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from .faults import Fault, Plan, Planned
from .proxy import Answer, Proxy, abort

# Nobody waits so many seconds for an answer.
HANG_SECONDS = 300.0
# Bytes of a huge answer.
HUGE = 10 * 1024 * 1024
# Time for what is written to arrive, for an aborted connection forgets it.
ARRIVAL_SECONDS = 0.02
# Time for connections that are accepted at this moment.
ACCEPT_SECONDS = 0.02

_PAGE = "<html><head><title>{code}</title></head><body><h1>{code}</h1>The proxy says no.</body></html>"
_CODES = {
    Fault.ERROR_BEFORE: 500,
    Fault.ERROR: 500,
    Fault.BAD_GATEWAY_BEFORE: 502,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE_BEFORE: 503,
    Fault.UNAVAILABLE: 503,
    Fault.TOO_MANY: 429,
}


@dataclass(frozen=True, slots=True)
class Met:
    """What a request met; `status` is what the service said, 0 where it did not get the request."""

    at: float
    method: str
    path: str
    fault: Fault | None
    status: int

    def __str__(self) -> str:
        said = self.status or "not asked"
        return f"{self.at:.3f} {self.method} {self.path}: {said}, {self.fault.value if self.fault else 'passed on'}"


class FaultProxy(Proxy):
    """Stands in front of `target`, a URL without a path; faults happen from `rage` on until `calm`."""

    def __init__(self, name: str, target: str, plan: Plan) -> None:
        super().__init__(name, target)
        self._plan = plan
        self._rages = False
        self.log: list[Met] = []
        self._returns: set[asyncio.Task[None]] = set()

    @property
    def met(self) -> Counter[str]:
        """How often each fault happened."""
        return Counter(each.fault.value for each in self.log if each.fault is not None)

    async def stop(self) -> None:
        """Refuse connections, and drop those there are."""
        for task in self._returns:
            task.cancel()
        await asyncio.gather(*self._returns, return_exceptions=True)
        await super().stop()

    def rage(self) -> None:
        """Let faults happen."""
        self._rages = True

    async def calm(self) -> None:
        """No faults any more; somebody listens."""
        self._rages = False
        await asyncio.gather(*self._returns)

    async def _cease(self) -> None:
        """Refuse connections."""
        if self._listening is None:
            return
        for listener in self._listening.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        # A server that is closed drops those that it has just accepted without closing them.
        await asyncio.sleep(ACCEPT_SECONDS)
        self._listening.close()
        self._listening = None

    # -- one request

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        planned = self._plan.next() if self._rages else None
        fault = planned.fault if planned is not None else None
        began = time.monotonic()
        if planned is not None and fault is not None and fault.is_before:
            self.log.append(Met(began, request.method, request.raw_path, fault, 0))
            return await self._instead(request, planned)
        try:
            answer = await self._forward(request, body)
        except (aiohttp.ClientError, TimeoutError):
            # The service itself is away: so are we.
            self.log.append(Met(began, request.method, request.raw_path, None, 0))
            return abort(request)
        self.log.append(Met(began, request.method, request.raw_path, fault, answer.status))
        if planned is None or fault is None:
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        return await self._spoilt(request, answer, planned)

    async def _instead(self, request: web.BaseRequest, planned: Planned) -> web.StreamResponse:
        """An answer to what the service did not get."""
        fault = planned.fault
        if fault is Fault.ABSENT:
            self._leave(planned.seconds)
            return abort(request)
        if fault is Fault.HANG_BEFORE:
            return await _hang(request)
        if fault is Fault.HUGE_BEFORE:
            return web.Response(status=500, body=b"x" * HUGE, content_type="text/html")
        return _page(_CODES[fault]) if fault in _CODES else abort(request)

    async def _spoilt(self, request: web.BaseRequest, answer: Answer, planned: Planned) -> web.StreamResponse:
        """What becomes of the answer of the service."""
        fault, headers = planned.fault, answer.headers.copy()
        if fault is Fault.HANG:
            return await _hang(request)
        if fault is Fault.CUT and answer.body:
            return await _cut(request, answer)
        if fault in (Fault.RESET, Fault.CUT):
            return abort(request)
        if fault in _CODES:
            return _page(_CODES[fault])
        if fault is Fault.HUGE:
            return web.Response(status=500, body=b"x" * HUGE, content_type="text/html")
        if fault is Fault.DELAY:
            await asyncio.sleep(planned.seconds)
            return web.Response(status=answer.status, headers=headers, body=answer.body)
        if not answer.body:
            # Nothing that could be spoilt.
            return web.Response(status=answer.status, headers=headers)
        if fault is Fault.TRUNCATED:
            return web.Response(status=answer.status, headers=headers, body=answer.body[: len(answer.body) // 2])
        if fault is Fault.GZIP:
            headers["Content-Encoding"] = "gzip"
            return web.Response(status=answer.status, headers=headers, body=gzip.compress(answer.body))
        headers["Content-Type"] = "text/html"
        return web.Response(status=answer.status, headers=headers, body=_PAGE.format(code="Sign in").encode())

    def _leave(self, seconds: float) -> None:
        """Refuse connections for a while, and drop those there are."""
        if self._returns:
            return
        task = asyncio.create_task(self._be_absent(seconds))
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)

    async def _be_absent(self, seconds: float) -> None:
        assert self._runner is not None and self._runner.server is not None
        await self._cease()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(seconds)
        await self._listen()


def _page(code: int) -> web.StreamResponse:
    """What a proxy in front of a service says; some name the seconds after which to come again."""
    headers = {"Retry-After": "1"} if code in (429, 503) else {}
    return web.Response(status=code, text=_PAGE.format(code=code), content_type="text/html", headers=headers)


async def _hang(request: web.BaseRequest) -> web.StreamResponse:
    """Say nothing until the one who asked has gone away."""
    began = time.monotonic()
    while time.monotonic() - began < HANG_SECONDS:
        if request.transport is None or request.transport.is_closing():
            break
        await asyncio.sleep(0.1)
    return abort(request)


async def _cut(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Begin an answer and drop the connection."""
    headers = CIMultiDict(answer.headers)
    headers["Content-Length"] = str(len(answer.body) + 1)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2 + 1])
    await asyncio.sleep(ARRIVAL_SECONDS)
    return abort(request)
