"""Version documents and microversions: what all pods of a service support."""

import asyncio
import copy
import re
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from multidict import CIMultiDict
from oslo_log import log as logging

from triune.gateway.call import Call, response_headers
from triune.gateway.errors import ApiError
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response
from triune.gateway.service import Service, parse_version
from triune.gateway.written import written
from triune.pods.client import Document, PodUnreachable, Target
from triune.pods.registry import Pod

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Seconds for which the pods' words are believed; after which a pod that did not answer is asked again; and before
# which nobody is asked again where none did.
FRESH = 60.0
RETRY = 5.0
PAUSE = 1.0
# Seconds that a pod has to tell its versions. Only the very first request waits for them.
DEADLINE = 2.0

# nova/api/openstack/api_version_request.py, and Cinder's.
_VERSION = re.compile(r"[1-9][0-9]*\.(0|[1-9][0-9]*)")
_TABLES = ("versions", "choices")


def bounds(entries: Iterable[JSON]) -> tuple[str, str]:
    """The microversions that all of these version entries have: from the greatest minimum to the smallest maximum.

    The first is greater than the second where they have none in common; both are empty where there are none at all.
    """
    ranges = [(entry["min_version"], entry["version"]) for entry in entries if entry.get("version")]
    if not ranges:
        return "", ""
    return max((low for low, _ in ranges), key=parse_version), min((high for _, high in ranges), key=parse_version)


def intersection(entries: Iterable[JSON]) -> JSON:
    """One version entry that promises only what each of the given entries does."""
    entries = list(entries)
    result = dict(entries[0])
    if "version" in result:
        low, high = bounds(entries)
        if parse_version(low) > parse_version(high):
            # As Nova tells that a version has no microversions.
            low = high = ""
        result["min_version"], result["version"] = low, high
    return result


def merge(documents: list[JSON], served: Iterable[str]) -> JSON:
    """Version documents of several pods as one: entries (by id) that all of them have, each narrowed.

    Only what the gateway serves is listed, which are the versions with the path segments `served`.
    """
    served = frozenset(served)
    result = dict(documents[0])
    if "version" in result:
        result["version"] = intersection([document["version"] for document in documents])
    for key in _TABLES:
        if key in result:
            tables = [{entry["id"]: entry for entry in document.get(key, ())} for document in documents]
            common = [name for name in tables[0] if all(name in table for table in tables)]
            entries = [intersection([table[name] for table in tables]) for name in common]
            result[key] = _with_current([entry for entry in entries if _leads_to(entry, served)])
    return result


def _leads_to(entry: JSON, served: Collection[str]) -> bool:
    links = [link["href"] for link in entry.get("links", ()) if link.get("rel") == "self"]
    return not links or any(link.rstrip("/").rpartition("/")[2] in served for link in links)


def _with_current(entries: list[JSON]) -> list[JSON]:
    """The newest of all pods is the current one where a pod's own current one is not common."""
    if entries and not any(entry.get("status") == "CURRENT" for entry in entries):
        newest = max(entries, key=lambda entry: parse_version(entry["id"].removeprefix("v")))
        newest["status"] = "CURRENT"
    return entries


def read(document: Document) -> JSON:
    """A pod's version document. Raises `PodUnreachable` where it is none."""
    shown = document.json() if document.ok else None
    result: JSON = shown if isinstance(shown, dict) else {}
    entries = [result["version"]] if "version" in result else []
    for key in _TABLES:
        entries += result[key] if isinstance(result.get(key), list) else []
    if not entries or not all(isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in entries):
        raise PodUnreachable(document.pod, document.service, "no version document")
    return result


@dataclass(frozen=True, slots=True)
class _Word:
    """What a pod said at a path."""

    pod: Pod
    status: int
    headers: CIMultiDict[str]
    document: JSON


@dataclass(slots=True)
class _Seen:
    """What the pods last said at a path, by pod id; a pod that is away keeps its word."""

    words: dict[str, _Word] = field(default_factory=dict)
    missing: list[Pod] = field(default_factory=list)
    looked_at: float = float("-inf")
    look: asyncio.Task[None] | None = None


class Versions:
    """Answers version documents, and checks the microversion that a request asks for.

    What the pods say is kept and refreshed in the background, with no caller's rights: no request waits for a pod that
    is away, and requests without a token cost the pods nothing.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def document(self, call: Call, path: str, status: int | None = None) -> Response:
        """The version document at a path from the service's root on, perhaps with another status than there.

        Raises `ApiError` 503 when no pod ever told it.
        """
        words, missing = await self._words(call, path)
        for pod in missing:
            call.missing[pod.id] = pod
        # A pod without this version tells of those that it has.
        words = [word for word in words if "version" in word.document] or words
        first = words[0]
        merged = copy.deepcopy(merge([word.document for word in words], call.service.versions))
        translation = call.translation(first.pod, await call.endpoint(first.pod))
        response = Response(status or first.status, headers=first.headers.copy())
        response.body = written(translation.document(merged))
        return response

    async def legacy_pods(self, call: Call) -> frozenset[str]:
        """The ids of the pods that speak the older version of a service, which operators may have taken out."""
        try:
            words, _ = await self._words(call, f"/{call.service.legacy_version}/")
        except ApiError:
            return frozenset()
        return frozenset(word.pod.id for word in words if "version" in word.document)

    async def check(self, call: Call) -> None:
        """Settle the call's microversion: `latest` becomes the newest that all pods know.

        Raises `ApiError` 400 for a malformed one and 406 for one out of range, as Nova and Cinder do.
        """
        service = call.service
        asked = service.microversions.asked(call.request.headers) if service.microversions is not None else None
        if service.microversions is None or asked is None:
            return
        if asked != "latest" and _VERSION.fullmatch(asked) is None:
            raise ApiError(
                400, f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
            )
        lowest, highest = await self._range(call, service)
        wanted = highest if asked == "latest" else asked
        if not parse_version(lowest) <= parse_version(wanted) <= parse_version(highest):
            message = f"Version {asked} is not supported by the API. Minimum is {lowest} and maximum is {highest}."
            if parse_version(lowest) > parse_version(highest):
                message = f"The pods have no microversion in common: one begins with {lowest}, one ends with {highest}."
            error = ApiError(406, message)
            service.microversions.mark(error.headers, wanted)
            raise error
        call.microversion = wanted

    async def _range(self, call: Call, service: Service) -> tuple[str, str]:
        # At the root, where every service tells its versions to everybody.
        words, _ = await self._words(call, "/")
        entries = [
            entry for word in words for entry in word.document.get("versions", ()) if _serves(service, entry["id"])
        ]
        if not entries:
            raise ApiError(503, f"No pod has {service.name} {service.version}.")
        return bounds(entries)

    async def _words(self, call: Call, path: str) -> tuple[list[_Word], list[Pod]]:
        """What the pods said, and those that did not answer the last time. Raises `ApiError` 503 when none did."""
        seen = self._seen.setdefault((call.service.name, path), _Seen())
        pods = await call.pods()
        known = [seen.words[pod.id] for pod in pods if pod.id in seen.words]
        age = time.monotonic() - seen.looked_at
        if (seen.look is None or seen.look.done()) and age > _pause(known, pods, seen.missing):
            seen.look = asyncio.create_task(self._look(call, pods, path, seen))
        if not known and seen.look is not None:
            # Whoever loses interest ends its own waiting, not the look that others wait for.
            await asyncio.shield(seen.look)
            known = [seen.words[pod.id] for pod in pods if pod.id in seen.words]
        missing = [pod for pod in pods if pod in seen.missing]
        if not known:
            raise ApiError(503, f"No pod tells its versions of {call.service.name}.")
        return known, missing

    async def _look(self, call: Call, pods: list[Pod], path: str, seen: _Seen) -> None:
        headers = CIMultiDict({"X-OpenStack-Request-ID": call.request.request_id, "Accept": "application/json"})
        deadline = min(DEADLINE, call.gateway.conf.pods.list_deadline)
        targets = [Target(pod, call.service.name, "GET", path, deadline=deadline) for pod in pods]
        missing: list[Pod] = []
        for question in asyncio.as_completed([call.gateway.client.fetch(target, headers) for target in targets]):
            try:
                document = await question
                word = _Word(document.pod, document.status, _kept(document), read(document))
                seen.words[document.pod.id] = word
            except PodUnreachable as error:
                LOG.info("No versions: %s", error)
                missing.append(error.pod)
        seen.missing = missing
        seen.looked_at = time.monotonic()


def _pause(known: list[_Word], pods: list[Pod], missing: list[Pod]) -> float:
    if not known:
        return PAUSE
    return FRESH if len(known) == len(pods) and not missing else RETRY


def _kept(document: Document) -> CIMultiDict[str]:
    """The headers of a pod's version document that are true of ours."""
    headers = response_headers(document.headers)
    for name in ("Content-Length", "X-Openstack-Request-Id", "X-Compute-Request-Id"):
        headers.popall(name, None)
    return headers


def _serves(service: Service, version_id: str) -> bool:
    """Whether the gateway speaks a version of a version document, such as `v3.0` under `/v3`."""
    return version_id == service.version or version_id.startswith(f"{service.version}.")


async def show_version(call: Call) -> Response:
    """`GET /versions/{api_version}` of Nova: what the pods tell there, as one. There is the version that is served.

    The older version knows but itself. Raises `ApiError` 404 for one that only pods speak.
    """
    if call.legacy_pods is not None:
        call = replace(call, path="/versions/v2.0")
    deadline = call.gateway.conf.pods.list_deadline
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    answers = await read_all(call, [call.target(pod, deadline=deadline) for pod in pods], read)
    if isinstance(answers, Response):
        return answers
    call.settle_missing(answered=bool(answers))
    first = answers[0][0]
    merged = merge([document for _, document in answers], call.service.versions)
    if not _leads_to(merged.get("version", {}), call.service.versions):
        raise ApiError(404, "The resource could not be found.")
    translation = call.translation(first.pod, await call.endpoint(first.pod))
    return compose(first, translation.document(merged))
