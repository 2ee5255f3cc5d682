"""Requests and responses as the gateway handles them: a thin layer over ASGI, without a framework on the hot path."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

from triune.gateway.written import written
from triune.identity import Caller

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BodyTooLarge(Exception):
    """A request body is larger than what the gateway reads into memory."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Request is too large. Larger than max_request_body_size ({limit}).")


class ClientGone(Exception):
    """The client closed the connection, or does not read its answer."""


class ClientStalled(ClientGone):
    """The client does not go on with its request's body."""


class Request:
    """One HTTP request. `path` is as sent, percent-encoded, so that an encoded slash in a name stays in its segment."""

    def __init__(self, scope: Scope, receive: Receive, request_id: str, stall_timeout: float) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1").partition("?")[0]
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: CIMultiDict[str] = CIMultiDict((_text(name), _text(value)) for name, value in scope["headers"])
        self.scheme: str = scope["scheme"]
        self.request_id = request_id
        # Known when the request's token was validated; for the log.
        self.caller: Caller | None = None
        self._receive = receive
        self._stall_timeout = stall_timeout
        self._body: bytes | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive. Raises `ClientGone`, `ClientStalled`."""
        if self._body is not None:
            yield self._body
            return
        more = True
        while more:
            try:
                async with asyncio.timeout(self._stall_timeout):
                    message = await self._receive()
            except TimeoutError as error:
                raise ClientStalled("the request body stalled") from error
            if message["type"] == "http.disconnect":
                raise ClientGone("the client closed the connection")
            if chunk := message.get("body"):
                yield chunk
            more = message.get("more_body", False)

    async def body(self, limit: int) -> bytes:
        """The whole body, at most `limit` bytes. Raises `BodyTooLarge`, `ClientGone`."""
        if self._body is None:
            if self.content_length is not None and self.content_length > limit:
                raise BodyTooLarge(limit)
            chunks: list[bytes] = []
            size = 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge(limit)
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body

    def replace_body(self, body: bytes) -> None:
        """Go on with another body than what was sent."""
        self._body = body
        self.headers["Content-Length"] = str(len(body))

    @property
    def content_length(self) -> int | None:
        """The announced length of the body, or None where it is chunked or there is none."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isdecimal() else None

    @property
    def is_repeatable(self) -> bool:
        """Whether the body, if there is one, is still in memory."""
        return self._body is not None or not self.has_body

    @property
    def has_body(self) -> bool:
        """Whether the request carries a body."""
        return bool(self.content_length) or "Transfer-Encoding" in self.headers


@dataclass(slots=True)
class Response:
    """An answer: a whole body, or a stream of pieces."""

    status: int
    body: bytes | AsyncGenerator[bytes, None] = b""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)

    @classmethod
    def json(cls, document: Any, status: int = 200, ascii_only: bool = True) -> "Response":
        """An answer that carries a JSON document."""
        return cls(status, written(document, ascii_only), CIMultiDict({"Content-Type": "application/json"}))

    async def send(self, send: Send, receive: Receive, stall_timeout: float) -> None:
        """Write the answer to the client, which may take `stall_timeout` seconds for each piece of a stream.

        Raises `ClientGone`, and what the stream raises.
        """
        body = self.body
        if isinstance(body, bytes) and "Content-Length" not in self.headers and self.status not in (204, 304):
            self.headers["Content-Length"] = str(len(body))
        raw = [(_bytes(name), _bytes(value)) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        if isinstance(body, bytes):
            await send({"type": "http.response.body", "body": body})
            return
        # The stream ends as soon as the client is gone, even while it waits for a pod.
        alive = asyncio.timeout(None)
        watching: asyncio.Task[None] | None = None
        try:
            async with alive, aclosing(body):
                watching = asyncio.create_task(_end_when_gone(receive, alive))
                async for chunk in body:
                    async with asyncio.timeout(stall_timeout):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError as error:
            reason = "the client closed the connection" if alive.expired() else "the client does not read the answer"
            raise ClientGone(reason) from error
        finally:
            if watching is not None:
                watching.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _end_when_gone(receive: Receive, alive: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if not alive.expired():
        alive.reschedule(asyncio.get_running_loop().time())


def _text(raw: bytes) -> str:
    """A header's name or value. The HTTP client writes UTF-8, so that is what keeps its bytes as they are."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _bytes(text: str) -> bytes:
    """The reverse, for headers of pods, in which the HTTP client puts undecodable bytes as surrogates."""
    return text.encode(errors="surrogateescape")
