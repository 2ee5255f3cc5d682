"""What pods answer."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from triune.pods.endpoints import Endpoint
from triune.pods.registry import Pod

# Answers of a proxy in front of a service that is away; or of the service, about one request or about itself.
UNAVAILABLE = frozenset({502, 503, 504})
# The largest error document that is looked into.
MAX_FAULT = 64 * 1024
_REQUEST_IDS = ("X-Openstack-Request-Id", "X-Compute-Request-Id")
# How WebOb, which tells errors in all OpenStack services, begins a page; no proxy does it so.
_WEBOB_PAGE = b"<html>\n <head>\n  <title>"


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


class Answer:
    """What a pod answers: status and headers at once, the body as it comes. Must be closed (or read to its end)."""

    def __init__(
        self,
        pod: Pod,
        service: str,
        response: aiohttp.ClientResponse,
        endpoint: Endpoint,
        stall_timeout: float,
        read_deadline: float,
    ) -> None:
        self.pod = pod
        self.service = service
        self.status = response.status
        self.headers: CIMultiDictProxy[str] = response.headers
        self.endpoint = endpoint
        self._response = response
        self._stall_timeout = stall_timeout
        self._read_deadline = read_deadline
        self._content: bytes | None = None

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return self._response.content_type.endswith("json")

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises `DocumentTooLarge`, `PodUnreachable` when the stream breaks or takes too long."""
        if self._content is not None:
            return self._content
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._read_deadline):
                async for chunk in self.stream():
                    size += len(chunk)
                    if size > limit:
                        raise DocumentTooLarge(self.pod, self.service, f"an answer of more than {limit} bytes")
                    chunks.append(chunk)
        except TimeoutError as error:
            raise PodUnreachable(self.pod, self.service, f"no whole answer in {self._read_deadline:g} s") from error
        finally:
            self.close()
        return b"".join(chunks)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces. Raises `PodUnreachable` when the stream breaks or stands still."""
        if self._content is not None:
            yield self._content
            return
        try:
            while True:
                async with asyncio.timeout(self._stall_timeout):
                    chunk = await self._response.content.readany()
                if not chunk:
                    break
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PodUnreachable(self.pod, self.service, f"stream broke: {type(error).__name__}") from error
        finally:
            self.close()

    async def is_of_service(self) -> bool:
        """Whether the service itself says this, and not a proxy in front of it.

        A service that is there may answer 503 to one request: Cinder where no backup service runs, Glance where its
        store refuses. It is known by its request id, or by the form of its errors. Raises `PodUnreachable`.
        """
        if self.status not in UNAVAILABLE or any(name in self.headers for name in _REQUEST_IDS):
            return True
        self._content = await self.read(MAX_FAULT)
        return self._content.startswith(_WEBOB_PAGE) or _is_fault(self._content)

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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
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

    @property
    def is_decided(self) -> bool:
        """Whether this says anything of what was asked: a sick service (5xx), or one asked too often, does not."""
        return self.status < 500 and self.status != 429


def _is_fault(body: bytes) -> bool:
    """Whether this is an error document of Nova, Cinder, Neutron or Keystone, or WebOb's."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    if {"code", "title"} <= document.keys():
        return True
    inner = next(iter(document.values()), None)
    return len(document) == 1 and isinstance(inner, dict) and "message" in inner
