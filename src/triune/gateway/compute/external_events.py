"""What other services tell of servers: events, and the snapshots that Cinder has Nova make.

Both name what they are about in the body. Who tells them may have no right to show a server (`service` is the role that
Nova's policy wants), so what cannot be found is told to every pod: Nova drops events of servers that it does not know.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import compose
from triune.gateway.forward import forward
from triune.gateway.http import Response
from triune.gateway.strategies import Anywhere
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SERVER, VOLUME, NotInAnyPod, PodsMissing
from triune.pods.registry import Pod

JSON = dict[str, Any]

# nova.api.openstack.compute.server_external_events: of a server that there is not, and of one that is on no host. The
# second is told for a pod that is away, for the codes of an event are a closed list.
UNKNOWN, NOT_DELIVERED = 404, 422


class ExternalEvents:
    """Events of servers: each goes to the pod of its server, and the answers stand in the order of the request."""

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        events = body.get("events") if body is not None else None
        if body is None or not isinstance(events, list) or not events or not all(map(_is_event, events)):
            return await Anywhere()(call)
        pods = await call.pods()
        servers = list(dict.fromkeys(event["server_uuid"] for event in events))
        owners = dict(zip(servers, await asyncio.gather(*(_owner(call, each) for each in servers)), strict=True))
        parts: dict[str, list[int]] = {}
        for place, event in enumerate(events):
            owner = owners[event["server_uuid"]]
            for pod in pods if owner is None else [owner]:
                parts.setdefault(pod.id, []).append(place)
        everybody = {pod.id: pod for pod in (*pods, *filter(None, owners.values()))}
        asked = [everybody[pod_id] for pod_id in parts]
        told = await asyncio.gather(
            *(_tell(call, pod, {**body, "events": [events[place] for place in parts[pod.id]]}) for pod in asked)
        )
        answered = [document for document in told if document is not None and document.ok]
        refusals = [document for document in told if document is not None and not document.ok and document.status < 500]
        if not answered and refusals:
            return await call.respond(refusals[0])
        answers: dict[int, list[JSON | None]] = {place: [] for place in range(len(events))}
        for pod, document in zip(asked, told, strict=True):
            results = _results(document, len(parts[pod.id]))
            for place, result in zip(parts[pod.id], results, strict=True):
                answers[place].append(result)
        joined = [settled(event, answers[place]) for place, event in enumerate(events)]
        whole = {"events": joined}
        response = compose(answered[0], whole) if answered else call.marked(Response.json(whole))
        response.status = 200 if all(event["code"] == 200 for event in joined) else 207
        return response


def settled(event: JSON, answers: Iterable[JSON | None]) -> JSON:
    """What becomes of one event: what the pod that knows the server says; None is a pod that did not answer."""
    told = list(answers)
    known = [answer for answer in told if answer is not None and answer.get("code") != UNKNOWN]
    if known:
        return known[0]
    unknown = next((answer for answer in told if answer is not None), None)
    if unknown is None or None in told:
        # It may be there.
        return {**event, "status": "failed", "code": NOT_DELIVERED}
    return unknown


def _is_event(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("server_uuid"), str)


async def _owner(call: Call, server_id: str) -> Pod | None:
    """The pod of a server, or None where that cannot be found out."""
    try:
        return await call.locate(SERVER, server_id)
    except (NotInAnyPod, PodsMissing):
        return None


async def _tell(call: Call, pod: Pod, body: JSON) -> Document | None:
    """A pod's answer to its part of the events."""
    try:
        return await call.fetch(call.target(pod), body)
    except PodUnreachable as error:
        call.lost(error)
        return None


def _results(document: Document | None, count: int) -> list[JSON | None]:
    """What a pod says of each of its events; nothing where it does not answer as it should."""
    results: list[JSON | None] = [None] * count
    if document is None or not document.ok:
        return results
    try:
        told = msgspec.json.decode(document.body, type=dict[str, list[JSON]]).get("events", [])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return results
    return list(told) if len(told) == count else results


class AssistedSnapshots:
    """A snapshot of a volume that is attached in one pod: that pod does it; one of an unknown volume, any refuses."""

    async def __call__(self, call: Call) -> Response:
        volume_id = await _volume(call)
        try:
            pod = await call.locate(VOLUME, volume_id) if volume_id else None
        except NotInAnyPod:
            pod = None
        except PodsMissing as error:
            raise ApiError(503, f"{VOLUME.name} {volume_id} cannot be looked up: {error}.") from error
        return await (Anywhere()(call) if pod is None else forward(call, pod))


async def _volume(call: Call) -> str | None:
    """The volume that a request names: in its body, or to delete a snapshot, in its query."""
    if call.request.method == "POST":
        info = (await call.json() or {}).get("snapshot")
    else:
        info = _decoded(dict(parse_qsl(call.request.query)).get("delete_info", ""))
    volume_id = info.get("volume_id") if isinstance(info, Mapping) else None
    return volume_id if isinstance(volume_id, str) else None


def _decoded(text: str) -> Any:
    try:
        # As Nova reads it, with the standard library.
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
