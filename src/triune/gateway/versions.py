"""Version documents and microversions: what all pods of a service support."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.service import Service, parse_version
from triune.gateway.strategies import ask_all, first_refusal
from triune.pods.client import Document

JSON = dict[str, Any]

# Seconds for which the range of microversions is believed.
RANGE_TIME = 60.0


def intersection(entries: Iterable[JSON]) -> JSON:
    """One version entry that promises only what each of the given entries does: the smallest `version` and the
    greatest `min_version`."""
    entries = list(entries)
    result = dict(entries[0])
    versions = [entry["version"] for entry in entries if entry.get("version")]
    minima = [entry["min_version"] for entry in entries if entry.get("min_version")]
    if versions:
        result["version"] = min(versions, key=parse_version)
    if minima:
        result["min_version"] = max(minima, key=parse_version)
    return result


def merge(documents: list[JSON]) -> JSON:
    """Version documents of several pods as one: entries (by id) that all of them have, each narrowed."""
    result = dict(documents[0])
    if "version" in result:
        result["version"] = intersection([document["version"] for document in documents])
    for key in ("versions", "choices"):
        if key in result:
            tables = [{entry["id"]: entry for entry in document[key]} for document in documents]
            common = [name for name in tables[0] if all(name in table for table in tables)]
            result[key] = [intersection([table[name] for table in tables]) for name in common]
    return result


class Versions:
    """Answers version documents, and checks the microversion that a request asks for."""

    def __init__(self) -> None:
        self._ranges: dict[str, tuple[float, tuple[str, str]]] = {}

    async def document(self, call: Call, path: str) -> Response:
        """The version document at a path from the service's root on; needs no token."""
        documents = await self._ask(call, path)
        if (refusal := first_refusal(documents, but=())) is not None:
            return await call.respond(refusal)
        decoded = []
        for document in documents:
            translation = call.translation(document.pod, await call.endpoint(document.pod))
            decoded.append(translation.document(document.json()))
        response = await call.respond(documents[0])
        body = Response.json(merge(decoded)).body
        response.body = body
        return response

    async def check(self, call: Call) -> None:
        """Settle the call's microversion: `latest` becomes the newest that all pods know.

        Raises `ApiError` 400 for a malformed one and 406 for one out of range, as Nova and Cinder do.
        """
        service = call.service
        if service.microversions is None:
            return
        asked = service.microversions.asked(call.request.headers)
        if asked is None:
            return
        lowest, highest = await self._range(call, service)
        if asked == "latest":
            call.microversion = highest
            return
        if parse_version(asked) == (0, 0) or not _is_version(asked):
            raise ApiError(
                400, f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
            )
        if not parse_version(lowest) <= parse_version(asked) <= parse_version(highest):
            raise ApiError(
                406,
                f"Version {asked} is not supported by the API. Minimum is {lowest} and maximum is {highest}.",
            )
        call.microversion = asked

    async def _range(self, call: Call, service: Service) -> tuple[str, str]:
        now = time.monotonic()
        known = self._ranges.get(service.name)
        if known is not None and now - known[0] < RANGE_TIME:
            return known[1]
        documents = [document.json() for document in await self._ask(call, f"/{service.version}/") if document.ok]
        if not documents:
            if known is not None:
                return known[1]
            raise ApiError(503, f"No pod tells its versions of {service.name}.")
        merged = merge(documents)
        entry = merged.get("version") or merged["versions"][0]
        result = (entry["min_version"], entry["version"])
        # Pods that were away may support less: look again soon, but let the request go on.
        self._ranges[service.name] = (now if not call.missing else now - RANGE_TIME + 5.0, result)
        call.missing.clear()
        return result

    async def _ask(self, call: Call, path: str) -> list[Document]:
        deadline = call.gateway.conf.pods.list_deadline
        targets = [
            replace(call.target(pod, "GET", path, deadline=deadline), project=None, project_id=None)
            for pod in await call.pods()
        ]
        documents = await ask_all(call, targets)
        if not documents:
            raise ApiError(503, f"No pod tells its versions of {call.service.name}.")
        return documents


def _is_version(text: str) -> bool:
    major, _, minor = text.partition(".")
    return major.isdecimal() and minor.isdecimal()
