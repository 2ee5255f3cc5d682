"""Version documents and microversions: what all pods of a service support."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from oslo_log import log as logging

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import ask_all, first_refusal
from triune.gateway.http import Response
from triune.gateway.service import Service, parse_version
from triune.pods.client import Document, PodUnreachable

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Seconds for which the pods' words are believed, and after which a pod that did not answer is asked again.
FRESH = 60.0
RETRY = 5.0


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


@dataclass(slots=True)
class _Seen:
    """What the pods last said at a path, by pod id; a pod that is away keeps its word."""

    documents: dict[str, Document] = field(default_factory=dict)
    looked_at: float = float("-inf")
    refreshing: asyncio.Task[None] | None = None


class Versions:
    """Answers version documents, and checks the microversion that a request asks for.

    What the pods say is kept and refreshed in the background, so that no request waits for a pod that is away.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, bool], _Seen] = {}

    async def document(self, call: Call, path: str) -> Response:
        """The version document at a path from the service's root on, or the native refusal: Cinder wants a token."""
        documents = await self._documents(call, path)
        if isinstance(documents, Response):
            return documents
        decoded = []
        for document in documents:
            translation = call.translation(document.pod, await call.endpoint(document.pod))
            decoded.append(translation.document(document.json()))
        merged = merge(decoded)
        if "versions" in merged:
            merged["versions"] = with_current([e for e in merged["versions"] if serves(call.service, e["id"])])
        response = await call.respond(documents[0])
        response.body = Response.json(merged).body
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
            error = ApiError(
                406, f"Version {asked} is not supported by the API. Minimum is {lowest} and maximum is {highest}."
            )
            service.microversions.mark(error.headers, asked)
            raise error
        call.microversion = asked

    async def _range(self, call: Call, service: Service) -> tuple[str, str]:
        # At the root, where every service tells its versions to everybody.
        documents = await self._documents(call, "/")
        if isinstance(documents, Response):
            raise ApiError(503, f"No pod tells its versions of {service.name}.")
        versions = merge([document.json() for document in documents])["versions"]
        entry = next((entry for entry in versions if serves(service, entry["id"])), None)
        if entry is None:
            raise ApiError(503, f"Not all pods have {service.name} {service.version}.")
        return entry["min_version"], entry["version"]

    async def _documents(self, call: Call, path: str) -> list[Document] | Response:
        """What the pods say at a path, or a pod's refusal. Raises `ApiError` 503 when none answers."""
        # With and without a token apart: what is told to one is not told to the other.
        seen = self._seen.setdefault((call.service.name, path, "X-Auth-Token" in call.request.headers), _Seen())
        pods = await call.pods()
        if not any(pod.id in seen.documents for pod in pods):
            refusal = await self._refresh(call, path, seen)
            if refusal is not None and not seen.documents:
                return await call.respond(refusal)
        known = [seen.documents[pod.id] for pod in pods if pod.id in seen.documents]
        age = time.monotonic() - seen.looked_at
        is_idle = seen.refreshing is None or seen.refreshing.done()
        if is_idle and age > (FRESH if len(known) == len(pods) else RETRY):
            seen.refreshing = asyncio.create_task(self._refresh_quietly(replace(call, missing={}), path, seen))
        if not known:
            raise ApiError(503, f"No pod tells its versions of {call.service.name}.")
        return known

    async def _refresh_quietly(self, call: Call, path: str, seen: _Seen) -> None:
        try:
            await self._refresh(call, path, seen)
        except ApiError as error:
            LOG.warning("The versions of %s cannot be asked for: %s", call.service.name, error)

    async def _refresh(self, call: Call, path: str, seen: _Seen) -> Document | None:
        """Ask all pods; the first refusal, if there is one."""
        deadline = call.gateway.conf.pods.list_deadline
        targets = [
            replace(call.target(pod, "GET", path, deadline=deadline), project=None, project_id=None)
            for pod in await call.pods()
        ]
        headers = call.headers(with_body=False)
        if call.service.microversions is not None:
            # A microversion that is refused must not hide which ones there are.
            call.service.microversions.clear(headers)
        documents = await ask_all(call, targets, headers=headers)
        seen.documents.update({document.pod.id: document for document in documents if tells_versions(document)})
        seen.looked_at = time.monotonic()
        # Whether pods are away says nothing about the request that happens to ask.
        call.missing.clear()
        return first_refusal(documents, but=())


def tells_versions(document: Document) -> bool:
    """Whether a pod's answer is a version document."""
    try:
        body = document.json()
    except PodUnreachable:
        return False
    return document.ok and isinstance(body, dict) and not body.keys().isdisjoint({"version", "versions", "choices"})


def serves(service: Service, version_id: str) -> bool:
    """Whether the gateway speaks a version of a version document, such as `v3.0` under `/v3`."""
    return version_id == service.version or version_id.startswith(f"{service.version}.")


def with_current(entries: list[JSON]) -> list[JSON]:
    """Version entries of which one is the current: the first, where the pods do not have the same current one."""
    if entries and not any(entry.get("status") == "CURRENT" for entry in entries):
        entries[0] = {**entries[0], "status": "CURRENT"}
    return entries


def _is_version(text: str) -> bool:
    major, _, minor = text.partition(".")
    return major.isdecimal() and minor.isdecimal()
