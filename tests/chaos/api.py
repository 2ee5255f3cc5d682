"""Somebody with a token who speaks HTTP to a cloud: to Triune, or to a pod directly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

# Longer than any deadline of the gateway.
ANSWER_SECONDS = 120.0
MISSING = "Triune-Missing-Pods"


@dataclass(frozen=True)
class Reply:
    """An answer that was read to its end; the status 0: there was none, or it broke off."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def is_partial(self) -> bool:
        """Whether pods are named that have said nothing."""
        return MISSING in self.headers

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    def __str__(self) -> str:
        missing = f" without {self.headers[MISSING]}" if self.is_partial else ""
        return f"{self.status}{missing} {self.body[:300].decode(errors='replace')}"


@dataclass(frozen=True)
class Api:
    """The services of a cloud by their names (compute, volume, image), each with the URL of its version."""

    session: aiohttp.ClientSession
    roots: Mapping[str, str]
    token: str
    project_id: str
    user_id: str

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        document: Any = None,
        data: bytes | None = None,
        version: str = "",
        content_type: str = "application/json",
    ) -> Reply:
        """One request; `version` is a microversion such as `2.96`."""
        headers = {"X-Auth-Token": self.token, "Accept": "application/json"}
        if version:
            headers["OpenStack-API-Version"] = f"{service} {version}"
        if document is not None:
            data = json.dumps(document).encode()
        if data is not None:
            headers["Content-Type"] = content_type
        url = URL(f"{self.roots[service]}{path}", encoded=True)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with self.session.request(method, url, headers=headers, data=data, timeout=timeout) as response:
                return Reply(response.status, response.headers, await response.read())
        except aiohttp.ClientError as error:
            return Reply(0, {}, str(error).encode())
