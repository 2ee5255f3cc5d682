"""Servers as their pods tell them, with the ids of the top for their groups (2.71; in the hints from 2.100 on)."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from cachetools import LRUCache
from oslo_log import log as logging

from triune.gateway.call import Call
from triune.gateway.compute.server_groups import ALL_PROJECTS, Refused, read_groups
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.service import parse_version
from triune.gateway.written import written
from triune.shared.server_groups import SERVER_GROUP

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Servers tell their groups from here on.
_TOLD: Final = (2, 71)
_GROUPS: Final = "server_groups"
_HINTS: Final = "scheduler_hints"
# A quick look: most servers are in no group.
_NONE: Final = (b'"server_groups": []', b'"server_groups":[]')
# What a group of a pod is called at the top never changes. Ids are nobody else's, so one memory serves all callers.
_known: LRUCache[str, str] = LRUCache(maxsize=50_000)


async def with_top_groups(call: Call, response: Response) -> Response:
    """An answer about servers, with the ids of the top for their groups."""
    body = response.body
    if parse_version(call.microversion) < _TOLD or response.status >= 300 or not isinstance(body, bytes):
        return response
    if not _may_tell(body):
        return response
    document = msgspec.json.decode(body)
    servers = [document["server"]] if "server" in document else document.get("servers") or []
    places = [place for server in servers for place in _places(server)]
    tops = await _top_ids(call, {group_id for place in places for group_id in place})
    if any(tops[group_id] != group_id for place in places for group_id in place):
        for place in places:
            place[:] = [tops[group_id] for group_id in place]
        response.body = written(document)
        response.headers.popall("Content-Length", None)
    return response


def _may_tell(body: bytes) -> bool:
    told = body.count(b'"server_groups"') - sum(body.count(none) for none in _NONE)
    return told > 0 or (b'"scheduler_hints"' in body and b'"group"' in body)


def _places(server: JSON) -> Iterator[list[str]]:
    """The lists of groups' ids in a server."""
    hints = server.get(_HINTS)
    for place in (server.get(_GROUPS), hints.get("group") if isinstance(hints, dict) else None):
        if isinstance(place, list) and all(isinstance(group_id, str) for group_id in place):
            yield place


async def _top_ids(call: Call, group_ids: Iterable[str]) -> dict[str, str]:
    """What groups of pods are called at the top; one that is not known stays what it is."""
    group_ids = set(group_ids)
    if unknown := [group_id for group_id in group_ids if group_id not in _known]:
        _known.update(await call.gateway.routings.top_ids(SERVER_GROUP, unknown))
    if any(group_id not in _known for group_id in unknown):
        await _learn(call)
    return {group_id: _known.get(group_id, group_id) for group_id in group_ids}


async def _learn(call: Call) -> None:
    """Ask the pods: routings that were lost are found again."""
    missing = dict(call.missing)
    try:
        groups, _ = await read_groups(call, [ALL_PROJECTS] if call.caller.is_admin else [])
        _known.update({part.id: group.id for group in groups for part in group.parts})
    except (ApiError, Refused) as error:
        LOG.warning("The groups of servers are told as their pods call them: %s", error)
    finally:
        # Nothing is missing in what is told of the servers.
        call.missing.clear()
        call.missing.update(missing)
