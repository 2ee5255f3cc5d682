"""`/os-server-groups`: lists, showing, making and removing server groups.

Texts and status codes: nova/api/openstack/compute/server_groups.py.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from triune.gateway.call import Call
from triune.gateway.compute.server_group_lock import changing
from triune.gateway.compute.server_groups import Part, Refused, ServerGroup, find_group, owned, read_groups
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import HANDS_OFF
from triune.gateway.fanout import ask_all, compose
from triune.gateway.http import Response
from triune.gateway.place import create, ordered_candidates
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere
from triune.gateway.written import written
from triune.pods.client import Document
from triune.pods.locate import SERVER_GROUP
from triune.pods.registry import Pod
from triune.shared.server_groups import own_name, removal_key

JSON = dict[str, Any]

# From here on Nova refuses parameters that it does not know when it shows a group.
_STRICT = (2, 102)
# What tells whose a group is.
_OWNER = ("project_id", "user_id")


async def list_server_groups(call: Call) -> Response:
    """`GET /os-server-groups`: pods are read whole, for what one page tells of a group stands in other pods too."""
    parameters = parse_qsl(call.request.query, keep_blank_values=True)
    asked = {name: value for name, value in parameters if name in ("limit", "offset")}
    # What is no number is passed on, and the pods refuse it in their own words.
    cut = {name: int(value) for name, value in asked.items() if _is_count(value)}
    rest = [(name, value) for name, value in parameters if name not in ("limit", "offset") or not _is_count(value)]
    try:
        groups, documents = await read_groups(call, rest)
    except Refused as refused:
        return await call.respond(refused.document)
    call.settle_missing(answered=True)
    most = call.gateway.conf.gateway.max_limit
    start, limit = cut.get("offset", 0), min(cut.get("limit") or most, most)
    shown = [_view(call, group) for group in groups[start : start + limit]]
    return _composed(call, documents[0], {"server_groups": shown})


async def show_server_group(call: Call) -> Response:
    """`GET /os-server-groups/{group_id}`."""
    if call.request.query and parse_version(call.microversion) >= _STRICT:
        return await Anywhere()(call)
    try:
        group = await find_group(call, call.parameters["group_id"], _not_found)
    except Refused as refused:
        return await call.respond(refused.document)
    call.settle_missing(answered=True)
    return call.marked(Response.json({"server_group": _view(call, group)}))


async def create_server_group(call: Call) -> Response:
    """`POST /os-server-groups`: in one pod, which judges it; others get a twin when a server of it goes there."""
    body = await call.json()
    wanted = (body or {}).get("server_group")
    name = wanted.get("name") if isinstance(wanted, dict) else None
    if body is None or not isinstance(wanted, dict) or not isinstance(name, str):
        return await Anywhere()(call)
    in_pod = {**body, "server_group": {**wanted, "name": own_name(name)}}

    async def prepare(_pod: Pod) -> JSON:
        return in_pod

    response = await create(call, await ordered_candidates(call, None, []), SERVER_GROUP, "server_group", prepare)
    if response.status < 300 and own_name(name) != name and isinstance(response.body, bytes):
        document = msgspec.json.decode(response.body)
        document["server_group"]["name"] = name
        response.body = written(document)
    return response


async def remove_server_group(call: Call) -> Response:
    """`DELETE /os-server-groups/{group_id}`: the home judges, the twins follow; those in pods that are away later."""
    group_id = call.parameters["group_id"]
    try:
        # What is not there is no key either.
        await find_group(call, group_id, _not_found)
        async with changing(call, group_id):
            return await _remove(call, await find_group(call, group_id, _not_found))
    except Refused as refused:
        return await call.respond(refused.document)


async def _remove(call: Call, group: ServerGroup) -> Response:
    gateway = call.gateway
    away = list(call.missing.values())
    judged = await call.fetch(call.target(group.home.pod, "DELETE", group.home.path))
    if not judged.ok and judged.status != 404:
        return await call.respond(judged)
    others = group.parts[1:]
    pods = {pod.id: pod for pod in (*(part.pod for part in others), *away)}
    keys = {pod_id: removal_key(group.home.project_id, group.id, pod) for pod_id, pod in pods.items()}
    await gateway.intents.removed(keys.values(), call.caller.project_id, call.request.request_id, HANDS_OFF)
    documents = await ask_all(call, [call.target(part.pod, "DELETE", part.path) for part in others])
    failed = {pod.id for pod in away} | {part.pod.id for part in _left(others, documents)}
    await gateway.journal.done([key for pod_id, key in keys.items() if pod_id not in failed])
    await gateway.locator.forget(SERVER_GROUP, group.id)
    return await call.respond(judged)


def _left(parts: tuple[Part, ...], documents: list[Document]) -> list[Part]:
    """The parts whose pods did not remove them all."""
    gone = [document.pod.id for document in documents if document.ok or document.status == 404]
    return [part for part in parts if gone.count(part.pod.id) < sum(each.pod.id == part.pod.id for each in parts)]


def _view(call: Call, group: ServerGroup) -> JSON:
    shown = group.view()
    return {name: each for name, each in shown.items() if owned(call) is call or name not in _OWNER}


def _composed(call: Call, document: Document, body: JSON) -> Response:
    response = compose(document, body)
    return response if owned(call) is call else call.marked(response)


def _not_found(text: str) -> ApiError:
    return ApiError(404, text)


def _is_count(value: str) -> bool:
    # Longer ones are no numbers that anybody means, and the pods refuse them.
    return value.isascii() and value.isdecimal() and len(value) < 19
