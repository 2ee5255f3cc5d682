"""Stands for the service user of a world: asks the fakes without a network between, with faults."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from multidict import CIMultiDict, CIMultiDictProxy

from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod

from .cloud.keystone import Keystone
from .cloud.neutron import Neutron
from .cloud.service import Asked, Refusal

FAULTS = ("before", "after", "crash before", "crash after", "500")
# Characters of a request's first line; Apache refuses more.
LONGEST_LINE = 8190


class Crash(BaseException):
    """The process is gone at this request."""


class Wire:
    """Stands for the service user: asks the fakes directly, with faults."""

    def __init__(self, services: dict[str, Neutron], keystone: Keystone) -> None:
        self._services = services
        self._token = keystone.token("service", roles=("admin", "service"))
        self.calls: list[tuple[str, str, str]] = []
        # After so many requests one fails, in this way; None: none does.
        self.fails_in: int | None = None
        self.fault = ""
        # What no region does: the end of a path.
        self.refused: str | None = None
        # Regions that do not answer.
        self.away: set[str] = set()
        # Awaited after a request had its effect, before it is answered: method and path.
        self.on_the_way: Callable[[str, str], Awaitable[None]] | None = None

    async def project(self) -> str:
        """The project of Triune's own user."""
        assert self._token.project_id is not None
        return self._token.project_id

    async def fetch(
        self, pod: Pod, service: str, method: str, path: str, document: Any = None, query: str = "", **_more: Any
    ) -> Document:
        assert service == "network"
        self.calls.append((pod.region_name, method, path))
        await asyncio.sleep(0)
        fault = ""
        if self.fails_in is not None:
            fault, self.fails_in = (self.fault, None) if self.fails_in == 0 else ("", self.fails_in - 1)
        if fault == "crash before":
            raise Crash
        if len(f"{method} /networking{path}?{query} HTTP/1.1") > LONGEST_LINE:
            return Document(pod, service, 414, CIMultiDictProxy(CIMultiDict()), b"URI too long")
        if fault == "before" or pod.region_name in self.away:
            raise PodUnreachable(pod, service, "cut")
        if fault == "500":
            return Document(pod, service, 500, CIMultiDictProxy(CIMultiDict()), b"oops")
        if self.refused is not None and path.endswith(self.refused):
            return Document(pod, service, 400, CIMultiDictProxy(CIMultiDict()), b"no")
        body = b"" if document is None else json.dumps(document).encode()
        asked = Asked(method, path, path, parse_qsl(query), {"x-auth-token": self._token.id}, body)
        try:
            answer = await self._services[pod.region_name]._answer(asked, None)
        except Refusal as refusal:
            answer = refusal.answer
        if self.on_the_way is not None:
            await self.on_the_way(method, path)
        if fault == "after":
            raise PodUnreachable(pod, service, "cut")
        if fault == "crash after":
            raise Crash
        return Document(pod, service, answer.status, CIMultiDictProxy(CIMultiDict()), answer.body)

    def changes(self) -> list[tuple[str, str, str]]:
        """What was asked that changes something."""
        return [call for call in self.calls if call[1] != "GET"]
