"""The chosen questions of `record.py`, whose answers are a real region's as well, as pairs."""

from collections.abc import Mapping
from typing import Any, Final

from ..recorded import LARGE
from ..recorded import load as load_exchanges
from .blank import fill
from .operations import operation_of
from .pair import Caller, Pair

_SERVICES: Final = {"compute": "nova", "volume": "cinder", "image": "glance"}
_PROJECT: Final = "9a0c0000000040008000000000000001"
_USER: Final = "9a0c0000000040008000000000000002"
# What the words of those recordings stand for here; any id will do.
_WORDS: Final[Mapping[str, str]] = {
    "{project}": _PROJECT,
    "{user}": _USER,
    "{image}": "9a0c0000-0000-4000-8000-000000000003",
    "{flavor}": "9a0c0000-0000-4000-8000-000000000004",
    "{server}": "9a0c0000-0000-4000-8000-000000000005",
    "{volume}": "9a0c0000-0000-4000-8000-000000000006",
    "{large}": LARGE,
}


def asked(service: str) -> list[Pair]:
    """Those questions that reach a pod: not what the gateway refuses itself, and no documents of versions."""
    words = {**_WORDS, "{root}": f"{{{service}}}"}
    pairs: list[Pair] = []
    for exchange in load_exchanges(_SERVICES[service]):
        request, response = exchange.request, exchange.response
        path, body = fill(request["path"], words), fill(request["body"] or "", words)
        operation = operation_of(service, request["method"], path, body.encode(), _PROJECT)
        if operation is not None and "X-Auth-Token" not in request["headers"] and not _is_ours(response):
            pairs.append(
                Pair(
                    service,
                    operation,
                    Caller(_PROJECT, _USER, ("member",)),
                    request["method"],
                    path,
                    list({"Content-Type": "application/json", **request["headers"]}.items()),
                    body,
                    response["status"],
                    list(response["headers"].items()),
                    fill(response["body"], words),
                )
            )
    return pairs


def _is_ours(response: Mapping[str, Any]) -> bool:
    """Whether the gateway says it without asking a pod: which microversions there are, and how long a body may be."""
    return response["status"] in (406, 413) or "API Version String" in response["body"]
