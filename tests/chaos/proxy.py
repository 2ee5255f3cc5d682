"""A proxy in front of a service of a pod; what it does to requests and answers is said by those that derive from it."""

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

HOST = "127.0.0.1"
# A real service is waited for as long as this.
SERVICE_SECONDS = 120.0

# What a proxy does not pass on (RFC 9110, 7.6.1), and what is made anew for a body that was read.
_OWN = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "date"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service says, read to its end."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


class Proxy:
    """Stands in front of `target`, a URL without a path, on a port of its own."""

    def __init__(self, name: str, target: str) -> None:
        self.name = name
        self.target = target
        self.port = 0
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.ServerRunner | None = None
        self._listening: asyncio.Server | None = None

    @property
    def root(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen."""
        timeout = aiohttp.ClientTimeout(total=SERVICE_SECONDS)
        self._session = aiohttp.ClientSession(
            timeout=timeout, auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)
        )
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.01)
        await self._runner.setup()
        await self._listen()

    async def stop(self) -> None:
        """Refuse connections, and drop those there are."""
        await self._cease()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _listen(self) -> None:
        assert self._runner is not None and self._runner.server is not None
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._runner.server, HOST, self.port, reuse_address=True)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _cease(self) -> None:
        """Refuse connections."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        raise NotImplementedError

    async def _forward(self, request: web.BaseRequest, body: bytes) -> Answer:
        """What the service says to a request. Raises what aiohttp raises, and `TimeoutError`."""
        assert self._session is not None
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _OWN)
        # As it was asked for, so that the service's links lead here.
        async with self._session.request(
            request.method,
            URL(f"{self.target}{request.raw_path}", encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
        ) as response:
            kept = CIMultiDict((name, value) for name, value in response.headers.items() if name.lower() not in _OWN)
            return Answer(response.status, kept, await response.read())


def abort(request: web.BaseRequest) -> web.StreamResponse:
    """Drop the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
