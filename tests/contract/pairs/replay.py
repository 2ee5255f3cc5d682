"""A region's service that answers one question as it was recorded."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, unquote

from aiohttp import web
from multidict import CIMultiDict

from triune.pods import locate
from triune.pods.locate import Kind

from ..cloud.service import Service
from .blank import fill
from .pair import Pair

_KINDS = [kind for kind in vars(locate).values() if isinstance(kind, Kind)]
_NAMED = (locate.VOLUME_TYPE, locate.GROUP_TYPE, locate.QOS_SPECS)
# What the gateway puts into a question of its own: how much it reads at once.
_PAGE = frozenset({"limit", "marker"})


@dataclass(frozen=True)
class Got:
    """What arrived at a pod."""

    method: str
    path: str
    query: str
    headers: CIMultiDict[str]
    body: bytes


@dataclass
class Replay:
    """Answers the question of a pair, and keeps how it was put; shows what the gateway looks for, if it `has` that.

    All else is answered by the fake that it stands in front of.
    """

    pair: Pair
    addresses: Mapping[str, str]
    answers: bool = True
    is_paged: bool = False
    got: list[Got] = field(default_factory=list)

    def stand_before(self, services: Iterable[Service]) -> None:
        """Get the requests of fakes from now on."""
        for service in services:
            service.fails(self)

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if not self.answers:
            return None
        body = await request.read()
        path, _, query = request.raw_path.partition("?")
        if self._is_asked(request.method, path, query):
            self.got.append(Got(request.method, unquote(path), query, CIMultiDict(request.headers), body))
            return self._answer()
        return self._shown(request.method, path)

    def _is_asked(self, method: str, path: str, query: str) -> bool:
        asked, _, asked_query = self.pair.path.partition("?")
        if (method, self._bare(path)) != (self.pair.method, self._bare(asked)):
            return False
        if self.is_paged and "marker" in parse_qs(query) and "marker" not in parse_qs(asked_query):
            # What is behind the page, to know that there is no more.
            return False
        return not self.is_paged or _without_page(query) == _without_page(asked_query)

    def _bare(self, path: str) -> str:
        """A path without the project, which may stand there or not."""
        return re.sub(rf"^(/v[\d.]+)/{self.pair.caller.project_id}", r"\1", unquote(path))

    def _answer(self) -> web.StreamResponse:
        pair = self.pair
        headers = CIMultiDict((name, fill(value, self.addresses)) for name, value in pair.answer_headers)
        return _Verbatim(status=pair.status, headers=headers, body=fill(pair.answer, self.addresses).encode())

    def _shown(self, method: str, path: str) -> web.StreamResponse | None:
        """A resource that the gateway looks for, to know whose pod this is."""
        if method != "GET":
            return None
        bare = self._bare(path)
        for kind in _KINDS:
            found = re.fullmatch(kind.path.replace("{id}", "([^/]+)"), bare)
            if found is not None and found[1] in self.pair.path:
                return web.json_response({kind.name: _resource(unquote(found[1]))})
        for kind in _NAMED:
            collection = kind.path.removesuffix("/{id}")
            named = re.search(f"{collection}/([^/?]+)", self._bare(self.pair.path))
            if bare == collection and named is not None:
                # Under its name, it is found in the others.
                return web.json_response({f"{kind.name.removesuffix('s')}s": [_resource(named[1])]})
        return None


class _Verbatim(web.Response):
    """An answer without the type that aiohttp gives to bodies that have none."""

    async def _prepare_headers(self) -> None:
        has_type = "Content-Type" in self.headers
        await super()._prepare_headers()
        if not has_type:
            self.headers.popall("Content-Type", None)


def _resource(resource_id: str) -> dict[str, str | None]:
    return {"id": resource_id, "name": f"name of {resource_id}", "tenant_id": None}


def _without_page(query: str) -> list[tuple[str, str]]:
    return sorted(pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in _PAGE)
