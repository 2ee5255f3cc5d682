"""What the services of a pod have in common: tokens, microversions, projects in paths, lists."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from .keystone import Keystone, Token
from .service import Answer, Asked, Refusal, Service, fault

MAX_BODY = 114688

Record = dict[str, Any]


class PodService(Service):
    """A service behind keystonemiddleware."""

    def __init__(self, keystone: Keystone) -> None:
        super().__init__()
        self.keystone = keystone
        self.max_limit = 1000

    def authenticate(self, asked: Asked) -> Token:
        """The token of a request. Raises `Refusal` 401."""
        token = self.keystone.tokens.get(asked.headers.get("x-auth-token", ""))
        if token is None or not token.valid:
            raise Refusal(self.unauthorized(asked))
        asked.user = token
        return token

    def unauthorized(self, _asked: Asked) -> Answer:
        """keystonemiddleware's answer to an unknown token."""
        message = "The request you have made requires authentication."
        return Answer(
            401,
            {"error": {"code": 401, "title": "Unauthorized", "message": message}},
            headers={"WWW-Authenticate": f'Keystone uri="{self.keystone.root}/v3"'},
        )

    def body(self, asked: Asked, key: str) -> Record:
        """The object in a JSON body, as Nova and Cinder read it. Raises `Refusal` 400."""
        if not asked.body:
            raise fault(400, "None is not of type 'object'")
        try:
            document = json.loads(asked.body)
        except ValueError:
            raise fault(400, "Malformed request body") from None
        if not isinstance(document, dict):
            raise fault(400, f"{document!r} is not of type 'object'")
        if key not in document:
            raise fault(400, f"'{key}' is a required property")
        value: Record = document[key]
        return value


def numbers(version: str) -> tuple[int, int]:
    """A microversion as numbers."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def microversion(asked: Asked, service: str, legacy: str | None, lowest: str, highest: str) -> str:
    """The microversion of a request. Raises `Refusal` 400, 406."""
    wanted = asked.headers.get(legacy, None) if legacy else None
    for part in asked.headers.get("openstack-api-version", "").split(","):
        name, _, version = part.strip().partition(" ")
        if name == service:
            wanted = version
    if wanted is None:
        return lowest
    if wanted == "latest":
        return highest
    if re.fullmatch(r"[1-9]\d*\.(0|[1-9]\d*)", wanted) is None:
        raise fault(400, f"API Version String {wanted} is of invalid format. Must be of format MajorNum.MinorNum.")
    asked.headers["accepted"] = wanted
    if not numbers(lowest) <= numbers(wanted) <= numbers(highest):
        raise fault(406, f"Version {wanted} is not supported by the API. Minimum is {lowest} and maximum is {highest}.")
    return wanted


class _Ordered:
    """A value in its direction, with nothing before everything, as databases have it."""

    def __init__(self, value: Any, descending: bool) -> None:
        # MariaDB compares letters without their case.
        self.key = (value is not None, value.upper() if isinstance(value, str) else value)
        self.descending = descending

    def __lt__(self, other: "_Ordered") -> bool:
        first, second = (other, self) if self.descending else (self, other)
        return first.key < second.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ordered) and self.key == other.key


def ordered(records: Iterable[Record], keys: list[str], directions: list[str]) -> list[Record]:
    """Records in the order that a database gives; the order of their making decides between equals."""
    numbered = list(enumerate(records))
    places = [*zip(keys, (direction == "desc" for direction in directions), strict=True)]
    last = places[0][1]
    return [
        record
        for _, record in sorted(
            numbered,
            key=lambda pair: [
                *(_Ordered(pair[1].get(key), descending) for key, descending in places),
                _Ordered(pair[0], last),
            ],
        )
    ]


def page(
    records: list[Record], marker: str | None, limit: int, unknown: Callable[[str], Refusal], key: str = "id"
) -> list[Record]:
    """The records behind a marker. Raises what `unknown` makes."""
    start = 0
    if marker is not None:
        places = [index for index, record in enumerate(records) if record[key] == marker]
        if not places:
            raise unknown(marker)
        start = places[0] + 1
    return records[start : start + limit]


def query(asked: Asked, marker: str) -> str:
    """The query of a next link."""
    parameters = dict(sorted(asked.query))
    parameters["marker"] = marker
    return urlencode(parameters)
