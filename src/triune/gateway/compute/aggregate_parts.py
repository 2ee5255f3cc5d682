"""Asking the parts of host aggregates, and what they refuse in the words of the top."""

import re
from typing import Any

import msgspec

from triune.gateway.call import Call
from triune.gateway.compute.aggregates import ZONE, Aggregate, Part
from triune.gateway.http import Response
from triune.gateway.written import written
from triune.pods.client import Document
from triune.pods.registry import Pod

JSON = dict[str, Any]

PATH = "/os-aggregates"


async def tell(
    call: Call, part: Part, body: JSON | None = None, suffix: str = "", method: str | None = None
) -> Document:
    """Ask for something of a part; without a method, what the call asks for. Raises `PodUnreachable`."""
    path = f"/{call.service.version}{PATH}/{part.bottom_id}{suffix}"
    return await call.fetch(call.target(part.pod, method, path), body)


async def refused_by_home(call: Call, aggregate: Aggregate) -> Response:
    """What Nova says to a request that it does not take, in whichever pod."""
    suffix = call.path.rstrip("/").rpartition("/")[2]
    suffix = f"/{suffix}" if suffix in ("action", "images") else ""
    target = call.target(aggregate.home.pod, path=f"/{call.service.version}{PATH}/{aggregate.home.bottom_id}{suffix}")
    body = await call.request.body(call.gateway.conf.gateway.max_request_body)
    document = await call.gateway.client.fetch(target, call.headers(), body or None)
    return await refused(call, aggregate, aggregate.home, document)


async def refused(call: Call, aggregate: Aggregate, part: Part, document: Document) -> Response:
    """A pod's answer; in a refusal the id of the top stands where Nova puts its own."""
    response = await call.respond(document)
    if document.ok:
        return response
    try:
        faults = msgspec.json.decode(document.body, type=dict[str, JSON])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return response
    for fault in faults.values():
        if isinstance(text := fault.get("message"), str):
            fault["message"] = re.sub(rf"\b([Aa]ggregate) {part.bottom_id}\b", rf"\g<1> {aggregate.id}", text)
    response.body = written(faults)
    response.headers.popall("Content-Length", None)
    return response


def in_words_of(pod: Pod, wanted: JSON) -> JSON:
    """The same for a pod, which may call its zone differently."""
    if isinstance(wanted.get(ZONE), str) and wanted[ZONE] == pod.az_name and pod.pod_az_name:
        return {**wanted, ZONE: pod.pod_az_name}
    return wanted
