"""HTTP to the pods: every call has a deadline and passes the breaker of its pod and service."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from oslo_config import cfg
from yarl import URL

from triune import tls
from triune.identity import IdentityUnavailable
from triune.log import note_asked
from triune.pods.answer import Answer, Document, DocumentTooLarge, PodUnreachable
from triune.pods.endpoints import Endpoint, Endpoints
from triune.pods.health import Attempt, Health
from triune.pods.registry import Pod
from triune.pods.upload import Upload

__all__ = ["Answer", "Body", "Document", "DocumentTooLarge", "PodClient", "PodUnreachable", "Target", "url"]

Body = bytes | AsyncIterator[bytes] | None


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


class PodClient:
    """Sends requests to pods. A narrow interface, so that the HTTP library under it can be exchanged.

    At most `[pods] connections` requests wait for one pod's service to answer. Streams are not among them, neither
    uploads nor answers that have begun: they last as long as their clients let them, and must not starve short calls.
    """

    def __init__(self, conf: cfg.ConfigOpts, session: aiohttp.ClientSession, endpoints: Endpoints, health: Health):
        self._settings = conf.pods
        self._max_document: int = conf.gateway.max_document
        self._session = session
        self._endpoints = endpoints
        self._health = health
        self._tls: ssl.SSLContext = tls.pods(conf)
        self._slots: dict[tuple[str, str], asyncio.Semaphore] = {}

    async def send(self, target: Target, headers: CIMultiDict[str], body: Body = None) -> Answer:
        """Send one request; returns as soon as the pod begins to answer. Raises `PodUnreachable`."""
        endpoint = await self._endpoint(target)
        if isinstance(body, AsyncIterator):
            return await self._send(target, endpoint, self._admit(target), headers, body)
        async with self._slot(target):
            return await self._send(target, endpoint, self._admit(target), headers, body)

    async def fetch(self, target: Target, headers: CIMultiDict[str], body: bytes | None = None) -> Document:
        """Send one request and read its whole answer within the deadline.

        Raises `PodUnreachable`, also where a proxy answers that the pod is away, or with more than fits in memory.
        """
        endpoint = await self._endpoint(target)
        async with self._slot(target):
            attempt = self._admit(target)
            deadline = self._deadline(target)
            try:
                async with asyncio.timeout(deadline) as limit:
                    answer = await self._send(target, endpoint, attempt, headers, body, limit)
                    content = await answer.read(self._max_document)
            except TimeoutError as error:
                attempt.failed("deadline")
                raise PodUnreachable(target.pod, target.service, f"no answer in {deadline:g} s") from error
            except DocumentTooLarge:
                attempt.succeeded()
                raise
            except PodUnreachable as error:
                attempt.failed(error.reason)
                raise
            except BaseException:
                attempt.abandoned()
                raise
            attempt.succeeded()
        return Document(target.pod, target.service, answer.status, answer.headers, content)

    def _deadline(self, target: Target) -> float:
        return float(target.deadline or self._settings.request_deadline)

    async def _endpoint(self, target: Target) -> Endpoint:
        try:
            endpoint = await self._endpoints.get(target.pod.region_name, target.service)
        except IdentityUnavailable as error:
            raise PodUnreachable(target.pod, target.service, f"no catalog: {error}", sent=False) from error
        if endpoint is None:
            raise PodUnreachable(target.pod, target.service, "no such endpoint in the catalog", sent=False)
        return endpoint

    def _admit(self, target: Target) -> Attempt:
        breaker = self._health.breaker(target.pod.id, target.service)
        attempt = breaker.attempt()
        if attempt is None:
            reason = f"left out after failures ({breaker.last_error})"
            raise PodUnreachable(target.pod, target.service, reason, sent=False)
        note_asked(target.pod.region_name)
        return attempt

    @asynccontextmanager
    async def _slot(self, target: Target) -> AsyncIterator[None]:
        """One of the requests that may wait for a pod's service. That there is none is our doing, not the pod's."""
        key = (target.pod.id, target.service)
        slots = self._slots.get(key)
        if slots is None:
            slots = self._slots[key] = asyncio.Semaphore(self._settings.connections)
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await slots.acquire()
        except TimeoutError as error:
            reason = f"{self._settings.connections} requests wait for it already"
            raise PodUnreachable(target.pod, target.service, reason, sent=False) from error
        try:
            yield
        finally:
            slots.release()

    async def _send(
        self,
        target: Target,
        endpoint: Endpoint,
        attempt: Attempt,
        headers: CIMultiDict[str],
        body: Body,
        within: asyncio.Timeout | None = None,
    ) -> Answer:
        """Exchange, and settle what it says about the pod; `within` is a time limit that the caller holds already."""
        pod, service = target.pod, target.service
        try:
            response = await self._exchange(target, endpoint, headers, body)
            answer = Answer(
                pod,
                service,
                response,
                endpoint,
                self._settings.stall_timeout,
                max(self._deadline(target), self._settings.request_deadline),
            )
            if not await answer.is_of_service():
                attempt.failed(f"HTTP {answer.status}")
                raise PodUnreachable(pod, service, f"HTTP {answer.status}")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            attempt.failed(type(error).__name__)
            # Perhaps it has moved; the next request profits from it.
            self._endpoints.refresh_soon()
            raise PodUnreachable(pod, service, "no connection", sent=False) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            attempt.failed(type(error).__name__)
            raise PodUnreachable(pod, service, f"no answer ({type(error).__name__})") from error
        except PodUnreachable as error:
            attempt.failed(error.reason)
            raise
        except BaseException:
            # The client went away or the caller lost interest; only its own time limit tells about the pod.
            if within is None or not within.expired():
                attempt.abandoned()
            raise
        if within is None:
            attempt.succeeded()
        return answer

    async def _exchange(
        self, target: Target, endpoint: Endpoint, headers: CIMultiDict[str], body: Body
    ) -> aiohttp.ClientResponse:
        """One request until its answer begins. Raises what aiohttp, the deadline or the body's source raise."""
        deadline = self._deadline(target)
        upload: Upload | None = None
        try:
            async with asyncio.timeout(deadline) as limit:
                if isinstance(body, AsyncIterator):
                    upload = Upload(body, limit, self._settings.stall_timeout, deadline)
                response = await self._session.request(
                    target.method,
                    URL(url(endpoint, target), encoded=True),
                    headers=headers,
                    data=upload.stream() if upload is not None else body,
                    allow_redirects=False,
                    ssl=self._tls,
                    # Deadlines are ours; a limit on the socket would end a long upload, or undercut them.
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_timeout),
                )
        except (aiohttp.ClientError, TimeoutError):
            if upload is not None and upload.error is not None:
                # Our source broke (the client went away or stalls), which says nothing about the pod.
                raise upload.error from None
            raise
        finally:
            if upload is not None:
                upload.answered()
        return response


def url(endpoint: Endpoint, target: Target) -> str:
    """The address of a request: the project segment goes in where the caller wrote it or the catalog asks for it."""
    project = target.project or (target.project_id if endpoint.wants_project else None)
    path = target.path
    if project is not None:
        version, _, rest = path.lstrip("/").partition("/")
        path = f"/{version}/{project}/{rest}" if rest else f"/{version}/{project}"
    query = f"?{target.query}" if target.query else ""
    return f"{endpoint.root}{path}{query}"
