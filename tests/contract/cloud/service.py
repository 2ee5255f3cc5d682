"""What all fakes have in common: a port, requests kept for the test to look at, and faults on command."""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aiohttp import web

# As long as no test takes; the fault ends when the service stops.
FOREVER = 3600.0


@dataclass
class Answer:
    """What a fake says."""

    status: int = 200
    document: Any = None
    text: str | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def body(self) -> bytes:
        if self.text is not None:
            return self.text.encode() if isinstance(self.text, str) else self.text
        return b"" if self.document is None else json.dumps(self.document).encode()


class Refusal(Exception):
    """An error answer, raised anywhere below a handler."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Asked:
    """One request that a fake got."""

    method: str
    path: str
    raw_path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    parameters: tuple[str, ...] = ()
    user: "Any" = None

    def first(self, name: str) -> str | None:
        """The value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def all(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]


# A fault sees the request before the service does. It may wait, raise `Refusal`, or drop the connection.
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Handler = Callable[[Asked], Answer | Awaitable[Answer]]


@dataclass(frozen=True)
class On:
    """One line of a fake's table: a method and a pattern of the decoded path."""

    methods: str
    pattern: str
    handler: Handler


async def hang(_request: web.Request) -> None:
    """Take the request and say nothing."""
    await asyncio.sleep(FOREVER)


def delay(seconds: float) -> Fault:
    """Answer late."""

    async def fault(_request: web.Request) -> None:
        await asyncio.sleep(seconds)

    return fault


def status(code: int, text: str = "") -> Fault:
    """Answer with a status, as a proxy in front of a broken service does."""

    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, content_type="text/html")

    return fault


def text(body: str | bytes, content_type: str = "application/json") -> Fault:
    """Answer 200 with this body."""

    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type)

    return fault


def huge(size: int) -> Fault:
    """Answer with a JSON document of this many bytes, in pieces and without saying how many."""

    async def fault(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"servers": ["')
        for _ in range(size // 65536):
            await response.write(b"x" * 65536)
        await response.write(b'"]}')
        return response

    return fault


async def cut(request: web.Request, content_type: str = "application/json") -> web.StreamResponse:
    """Begin an answer and drop the connection."""
    response = web.StreamResponse(headers={"Content-Type": content_type, "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"servers": [')
    # Time for what is written to arrive, for an aborted connection forgets it.
    await asyncio.sleep(0.01)
    assert request.transport is not None
    request.transport.abort()
    return response


async def cut_data(request: web.Request) -> web.StreamResponse:
    """The same with data that is no document."""
    return await cut(request, "application/octet-stream")


async def drop(request: web.Request) -> web.StreamResponse:
    """Drop the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class Service:
    """An HTTP service on a loopback port. Its table is searched for the decoded path, as a WSGI server has it."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.fault: Fault | None = None
        # A fault that a request meets when it has had its effect.
        self.late_fault: Fault | None = None
        # Only requests whose "METHOD path" holds this pattern meet the fault.
        self.fault_on = re.compile("")
        self.port = 0
        self._runner: web.ServerRunner | None = None

    def routes(self) -> Iterable[On]:
        """The table."""
        raise NotImplementedError

    def fails(self, fault: Fault | None, on: str = "") -> None:
        """Meet requests with a fault from now on; None: work again."""
        self.fault, self.late_fault, self.fault_on = fault, None, re.compile(on)

    def fails_late(self, fault: Fault, on: str = "") -> None:
        """Do what is asked, then meet the fault instead of answering."""
        self.fault, self.late_fault, self.fault_on = None, fault, re.compile(on)

    @property
    def root(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str, pattern: str = "") -> int:
        """How many requests of a method it got, whose path holds a pattern."""
        return sum(1 for asked in self.asked if asked.method == method and re.search(pattern, asked.path))

    async def start(self) -> None:
        """Listen; on the same port as before when it was stopped."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections, and drop those there are."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(
            request.method,
            # WSGI decodes the path; an encoded slash stays encoded.
            unquote(re.sub("%2f", "%252F", request.rel_url.raw_path, flags=re.IGNORECASE)),
            request.rel_url.raw_path,
            list(request.rel_url.query.items()),
            {name.lower(): value for name, value in request.headers.items()},
            b"",
        )
        if self.fault is not None and self.fault_on.search(f"{asked.method} {asked.path}"):
            self.asked.append(asked)
            response = await self.fault(request)  # type: ignore[arg-type]
            if response is not None:
                return response
        else:
            self.asked.append(asked)
        if not self.streams(asked):
            asked.body = await request.read()
        try:
            answer = await self._answer(asked, request)
        except Refusal as refusal:
            answer = refusal.answer
        if self.late_fault is not None and self.fault_on.search(f"{asked.method} {asked.path}"):
            response = await self.late_fault(request)  # type: ignore[arg-type]
            if response is not None:
                return response
        self.finish(asked, answer)
        headers = dict(answer.headers)
        headers.setdefault("Content-Type", answer.content_type)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def streams(self, _asked: Asked) -> bool:
        """Whether the handler reads the body itself."""
        return False

    async def stream(self, _asked: Asked, _request: web.BaseRequest) -> Answer:
        """Answer a request whose body is read in pieces."""
        raise NotImplementedError

    def before(self, asked: Asked) -> None:
        """What comes before the table: tokens, microversions. Raises `Refusal`."""

    def finish(self, asked: Asked, answer: Answer) -> None:
        """Put the headers that every answer carries."""
        answer.headers.setdefault("x-openstack-request-id", f"req-{uuid.uuid4()}")

    def unknown(self, _asked: Asked) -> Answer:
        """The answer to a path that is not in the table."""
        return webob_error(404, "The resource could not be found.")

    async def _answer(self, asked: Asked, request: web.BaseRequest) -> Answer:
        self.before(asked)
        if self.streams(asked):
            return await self.stream(asked, request)
        for on in self.routes():
            found = re.fullmatch(on.pattern, asked.path)
            if found is not None and asked.method in on.methods.split():
                asked.parameters = found.groups()
                answer = on.handler(asked)
                return answer if isinstance(answer, Answer) else await answer
        return self.unknown(asked)


def webob_error(code: int, message: str, accept: str = "*/*") -> Answer:
    """An error as WebOb tells it: HTML, or JSON for who wants only that."""
    title = HTTPStatus(code).phrase
    if accept == "application/json":
        return Answer(code, {"message": f"{message}<br /><br />\n\n\n", "code": f"{code} {title}", "title": title})
    body = (
        f"<html>\n <head>\n  <title>{code} {title}</title>\n </head>\n <body>\n  <h1>{code} {title}</h1>\n"
        f"  {message}<br /><br />\n\n\n\n </body>\n</html>"
    )
    return Answer(code, text=body, content_type="text/html; charset=UTF-8")


_FAULTS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
    503: "serviceUnavailable",
}


def fault(code: int, message: str) -> Refusal:
    """An error as Nova and Cinder tell it."""
    name = _FAULTS.get(code, "computeFault")
    return Refusal(Answer(code, {name: {"code": code, "message": message}}))
