"""HTTP to the pods: every call has a deadline and passes the breaker of its pod and service."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDict, CIMultiDictProxy
from oslo_config import cfg
from oslo_log import log as logging
from yarl import URL

from triune.identity import IdentityUnavailable
from triune.pods.endpoints import Endpoint, Endpoints
from triune.pods.health import Health
from triune.pods.registry import Pod

LOG = logging.getLogger(__name__)

# Answers of a proxy in front of a service that is away, or of a service that says so itself.
UNAVAILABLE = frozenset({502, 503, 504})

Body = bytes | AsyncIterator[bytes] | None


class PodUnreachable(Exception):
    """A pod's service did not answer: refused, too slow, left out by its breaker, or not in the catalog.

    `sent` tells whether the request may have reached the pod, so that it must not be repeated blindly.
    """

    def __init__(self, pod: Pod, service: str, reason: str, sent: bool = True) -> None:
        super().__init__(f"{service} of {pod.region_name}: {reason}")
        self.pod = pod
        self.service = service
        self.reason = reason
        self.sent = sent


class DocumentTooLarge(PodUnreachable):
    """A pod's answer is larger than the gateway reads into memory."""


@dataclass(frozen=True, slots=True)
class Target:
    """One request to one pod: `path` begins with the version and holds no project, e.g. `/v2.1/servers`.

    `project` is the project segment as the caller wrote it, or None. `deadline` is in seconds until the answer begins.
    """

    pod: Pod
    service: str
    method: str
    path: str
    query: str = ""
    project: str | None = None
    project_id: str | None = None
    deadline: float | None = None


class Answer:
    """What a pod answers: status and headers at once, the body as it comes. Must be closed (or read to its end)."""

    def __init__(
        self, pod: Pod, service: str, response: aiohttp.ClientResponse, endpoint: Endpoint, stall_timeout: float
    ) -> None:
        self.pod = pod
        self.service = service
        self.status = response.status
        self.headers: CIMultiDictProxy[str] = response.headers
        self.endpoint = endpoint
        self._response = response
        self._stall_timeout = stall_timeout

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return self._response.content_type.endswith("json")

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises `DocumentTooLarge`, `PodUnreachable` when the stream breaks."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                self.close()
                raise DocumentTooLarge(self.pod, self.service, f"an answer of more than {limit} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces. Raises `PodUnreachable` when the stream breaks or stands still."""
        try:
            while chunk := await asyncio.wait_for(self._response.content.readany(), self._stall_timeout):
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PodUnreachable(self.pod, self.service, f"stream broke: {type(error).__name__}") from error
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""
        self._response.release()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole JSON (or other) answer in memory."""

    pod: Pod
    service: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> Any:
        """The decoded body. Raises `PodUnreachable`: who talks nonsense is as good as away."""
        return self.decode(Any)

    def decode(self, form: Any) -> Any:
        """The body in the form of a type that msgspec knows. Raises `PodUnreachable`."""
        try:
            return msgspec.json.decode(self.body, type=form)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PodUnreachable(self.pod, self.service, "malformed JSON") from error

    def part(self, *path: str) -> Any:
        """What stands at a path of keys in the body. Raises `PodUnreachable`."""
        value = self.json()
        for key in path:
            if not isinstance(value, dict) or key not in value:
                raise PodUnreachable(self.pod, self.service, f"no {key!r} in the answer")
            value = value[key]
        return value

    @property
    def ok(self) -> bool:
        """Whether the pod did what it was asked."""
        return self.status < 400


class Upload:
    """A body that is still being produced while it is sent."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._sent_at = time.monotonic()
        self._finished = asyncio.Event()
        self.error: Exception | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        """The body; keeps the error of its source."""
        try:
            async for chunk in self._source:
                yield chunk
                self._sent_at = time.monotonic()
        except Exception as error:
            self.error = error
            raise
        finally:
            self._finished.set()

    async def flow(self, request: asyncio.Future[aiohttp.ClientResponse], stall_timeout: float) -> None:
        """Wait until the body is sent, or the request has ended. Raises `TimeoutError` when nothing moves."""
        finished = asyncio.ensure_future(self._finished.wait())
        try:
            while not request.done() and not finished.done():
                left = self._sent_at + stall_timeout - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the body stands still")
                waited: set[asyncio.Future[Any]] = {request, finished}
                await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished.cancel()


class PodClient:
    """Sends requests to pods. A narrow interface, so that the HTTP library under it can be exchanged."""

    def __init__(self, conf: cfg.ConfigOpts, session: aiohttp.ClientSession, endpoints: Endpoints, health: Health):
        self._settings = conf.pods
        self._max_document: int = conf.gateway.max_document
        self._session = session
        self._endpoints = endpoints
        self._health = health

    async def send(self, target: Target, headers: CIMultiDict[str], body: Body = None) -> Answer:
        """Send one request; returns as soon as the pod begins to answer. Raises `PodUnreachable`."""
        pod, service = target.pod, target.service
        breaker = self._health.breaker(pod.id, service)
        try:
            endpoint = await self._endpoints.get(pod.region_name, service)
        except IdentityUnavailable as error:
            raise PodUnreachable(pod, service, f"no catalog: {error}", sent=False) from error
        if endpoint is None:
            raise PodUnreachable(pod, service, "no such endpoint in the catalog", sent=False)
        if not breaker.allows():
            raise PodUnreachable(pod, service, f"left out after failures ({breaker.last_error})", sent=False)
        try:
            response = await self._request(target, endpoint, headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            breaker.failed(type(error).__name__)
            await self._refresh_endpoints()
            raise PodUnreachable(pod, service, "no connection", sent=False) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            breaker.failed(type(error).__name__)
            raise PodUnreachable(pod, service, f"no answer ({type(error).__name__})") from error
        if response.status in UNAVAILABLE:
            breaker.failed(f"HTTP {response.status}")
        else:
            breaker.succeeded()
        return Answer(pod, service, response, endpoint, self._settings.stall_timeout)

    async def fetch(self, target: Target, headers: CIMultiDict[str], body: Body = None) -> Document:
        """Send one request and read its whole answer within the deadline.

        Raises `PodUnreachable`, also where the pod answers that it is unavailable, or with more than fits in memory.
        """
        deadline = target.deadline or self._settings.request_deadline
        try:
            async with asyncio.timeout(deadline):
                answer = await self.send(target, headers, body)
                content = await answer.read(self._max_document)
        except TimeoutError as error:
            self._health.breaker(target.pod.id, target.service).failed("deadline")
            raise PodUnreachable(target.pod, target.service, f"no answer in {deadline:g} s") from error
        if answer.status in UNAVAILABLE:
            raise PodUnreachable(target.pod, target.service, f"HTTP {answer.status}")
        return Document(target.pod, target.service, answer.status, answer.headers, content)

    async def _request(
        self, target: Target, endpoint: Endpoint, headers: CIMultiDict[str], body: Body
    ) -> aiohttp.ClientResponse:
        upload = Upload(body) if isinstance(body, AsyncIterator) else None
        request = asyncio.ensure_future(
            self._session.request(
                target.method,
                URL(url(endpoint, target), encoded=True),
                headers=headers,
                data=upload.stream() if upload is not None else body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=self._settings.connect_timeout,
                    sock_read=self._settings.stall_timeout if upload is None else None,
                ),
            )
        )
        try:
            if upload is not None:
                # An upload may take as long as it flows; the deadline begins when all of it is sent.
                await upload.flow(request, self._settings.stall_timeout)
            async with asyncio.timeout(target.deadline or self._settings.request_deadline):
                return await request
        except (aiohttp.ClientError, TimeoutError):
            if upload is not None and upload.error is not None:
                # Our source broke (the client went away), which says nothing about the pod.
                raise upload.error from None
            raise
        finally:
            request.cancel()

    async def _refresh_endpoints(self) -> None:
        try:
            await self._endpoints.refresh()
        except IdentityUnavailable as error:
            LOG.warning("The catalog could not be refreshed: %s", error)


def url(endpoint: Endpoint, target: Target) -> str:
    """The address of a request: the project segment goes in where the caller wrote it or the catalog asks for it."""
    project = target.project or (target.project_id if endpoint.wants_project else None)
    path = target.path
    if project is not None:
        version, _, rest = path.lstrip("/").partition("/")
        path = f"/{version}/{project}/{rest}" if rest else f"/{version}/{project}"
    query = f"?{target.query}" if target.query else ""
    return f"{endpoint.root}{path}{query}"
