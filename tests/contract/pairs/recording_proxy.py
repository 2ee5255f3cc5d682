"""Proxies that note what is said: before the services of a region, and before Keystone, whose catalog leads to them."""

import json
from collections.abc import Callable, Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from chaos.proxy import Answer, Proxy, abort

from .blank import blank
from .operations import operation_of
from .pair import Caller, Headers, Pair

# Of a question: what belongs to a client, a connection, or a login. Of an answer: what the next proxy makes itself.
_NOT_ASKED = frozenset(
    {
        "accept-encoding", "connection", "content-length", "host", "user-agent", "x-auth-token", "x-service-token",
        "x-openstack-request-id",
    }
)  # fmt: skip


class KeystoneProxy(Proxy):
    """Before Keystone: notes whose each token is, and puts other addresses into the catalog that comes with it."""

    def __init__(self, target: str, addresses: Mapping[str, str]) -> None:
        super().__init__("keystone", target)
        self.callers: dict[str, Caller] = {}
        self._addresses = addresses

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await self._forward(request, await request.content.read())
        except (aiohttp.ClientError, TimeoutError):
            return abort(request)
        body = answer.body
        if request.method == "POST" and request.path.endswith("/auth/tokens") and answer.status == 201:
            body = self._issued(answer)
        return web.Response(status=answer.status, headers=answer.headers, body=body)

    def _issued(self, answer: Answer) -> bytes:
        document = json.loads(answer.body)
        token = document["token"]
        if "project" in token:
            roles = tuple(sorted(role["name"] for role in token.get("roles", ())))
            caller = Caller(token["project"]["id"], token["user"]["id"], roles)
            self.callers[answer.headers["X-Subject-Token"]] = caller
        for service in token.get("catalog", ()):
            for endpoint in service["endpoints"]:
                endpoint["url"] = self._moved(endpoint["url"])
        return json.dumps(document).encode()

    def _moved(self, url: str) -> str:
        for root, ours in self._addresses.items():
            if url == root or url.startswith(f"{root}/"):
                return ours + url[len(root) :]
        return url


class RecordingProxy(Proxy):
    """Before a service of a region: tells `note` each pair of somebody whom Keystone's proxy knows.

    `words` has the words for addresses (see `Pair`), and for whatever else is not to be written down as it is.
    """

    def __init__(
        self,
        service: str,
        target: str,
        callers: Mapping[str, Caller],
        words: Mapping[str, str],
        note: Callable[[Pair], None],
    ) -> None:
        super().__init__(service, target)
        self._callers = callers
        self._words = words
        self._note = note

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        try:
            answer = await self._forward(request, body)
        except (aiohttp.ClientError, TimeoutError):
            return abort(request)
        caller = self._callers.get(request.headers.get("X-Auth-Token", ""))
        if caller is not None and (pair := self.pair(request, body, answer, caller)) is not None:
            self._note(pair)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def pair(self, request: web.BaseRequest, body: bytes, answer: Answer, caller: Caller) -> Pair | None:
        """What was said, without secrets; None where it is no text, or no operation that is known."""
        operation = operation_of(self.name, request.method, request.raw_path, body, caller.project_id)
        if operation is None:
            return None
        try:
            asked, told = self._text(body.decode()), self._text(answer.body.decode())
        except UnicodeDecodeError:
            return None
        return Pair(
            self.name,
            operation,
            caller,
            request.method,
            self._text(request.raw_path),
            self._headers(request.headers.items(), _NOT_ASKED),
            asked,
            answer.status,
            self._headers(CIMultiDict(answer.headers).items(), frozenset()),
            told,
        )

    def _headers(self, headers: object, but: frozenset[str]) -> Headers:
        pairs = list(headers)  # type: ignore[call-overload]
        return [(name, self._text(value)) for name, value in pairs if name.lower() not in but]

    def _text(self, text: str) -> str:
        return blank(text, self._words)
