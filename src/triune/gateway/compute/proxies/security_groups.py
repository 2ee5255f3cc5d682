"""`/os-security-groups`: the security groups that the caller sees in central Neutron."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from oslo_utils import uuidutils

from triune.gateway.call import Call
from triune.gateway.compute.proxies.as_caller import JSON, neutron, told
from triune.gateway.compute.proxies.schema import Schema, body_of, query_of
from triune.gateway.compute.security_groups import view
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.network.neutron import Refused

PATH: Final = "security-groups"

_TEXT: Final[Schema] = {"type": "string", "minLength": 0, "maxLength": 255}
WRITTEN: Final[Schema] = {
    "type": "object",
    "properties": {
        "security_group": {
            "type": "object",
            "properties": {"name": _TEXT, "description": _TEXT},
            "required": ["name", "description"],
        }
    },
    "required": ["security_group"],
}
_NUMBERS: Final[Schema] = {
    "type": "array",
    "items": {"type": "string", "pattern": "^[0-9]*$", "minLength": 1},
}
LISTED: Final[Schema] = {"type": "object", "properties": {"limit": _NUMBERS, "offset": _NUMBERS}}


async def list_groups(call: Call) -> Response:
    """`GET /os-security-groups`: the project's own, or with `all_tenants` for administrators all."""
    query = query_of(call, LISTED)
    everybodys = call.caller.is_admin and "all_tenants" in query
    filters = [] if everybodys else [("tenant_id", call.caller.project_id or "")]
    groups = await neutron(call).list(PATH, filters)
    page = groups[_window(query, call.gateway.conf.gateway.max_limit)]
    shown = await _views(call, page)
    # The page is cut first: it is a page of Neutron's order, as with Nova.
    shown.sort(key=lambda group: (group["tenant_id"], group["name"]))
    return Response.json({"security_groups": shown})


async def show_group(call: Call) -> Response:
    """`GET /os-security-groups/{security_group_id}`."""
    return await _shown(call, await find_group(call, require_id(call)))


async def create_group(call: Call) -> Response:
    """`POST /os-security-groups`."""
    wanted = (await body_of(call, WRITTEN))["security_group"]
    try:
        made = await neutron(call).create(PATH, _written(wanted))
    except Refused as error:
        if error.status == 409:
            # Over quota; the others are told alike.
            raise ApiError(403, told(error)) from error
        raise
    return await _shown(call, made)


async def update_group(call: Call) -> Response:
    """`PUT /os-security-groups/{security_group_id}`."""
    wanted = (await body_of(call, WRITTEN))["security_group"]
    return await _shown(call, await neutron(call).update(PATH, require_id(call), _written(wanted)))


async def delete_group(call: Call) -> Response:
    """`DELETE /os-security-groups/{security_group_id}`."""
    try:
        await neutron(call).remove(PATH, require_id(call))
    except Refused as error:
        if error.status == 409:
            raise ApiError(400, told(error)) from error
        raise
    return Response(202)


def require_id(call: Call) -> str:
    """The id of a group or of a rule in the path. Raises `ApiError` 400 for what is none."""
    (id_,) = call.parameters.values()
    if not uuidutils.is_uuid_like(id_):
        raise ApiError(400, "Security group id should be uuid")
    return id_


async def find_group(call: Call, group_id: str) -> JSON:
    """A group as Neutron shows it. Raises `Refused` 404, `PodUnreachable`."""
    return await neutron(call).get(PATH, group_id)


def _written(wanted: Mapping[str, Any]) -> JSON:
    return {"name": wanted["name"], "description": wanted["description"]}


def _window(query: Mapping[str, list[str]], most: int) -> slice:
    """The part of a list that a query asks for; no limit and 0 are the greatest one."""
    offset, limit = (_number(query.get(name, ["0"])[-1]) for name in ("offset", "limit"))
    return slice(offset, offset + min(limit or most, most))


def _number(digits: str) -> int:
    # No list is so long; and Python refuses to read numbers of thousands of digits.
    return int(digits.strip().lstrip("0")[:18] or "0")


async def _shown(call: Call, group: JSON) -> Response:
    (shown,) = await _views(call, [group])
    return Response.json({"security_group": shown})


async def _views(call: Call, groups: Iterable[JSON]) -> list[JSON]:
    """Groups of Neutron as Nova tells them, the names of those that their rules let in included."""
    own = {group["id"]: group for group in groups}
    remote = {rule["remote_group_id"] for group in own.values() for rule in group["security_group_rules"]}
    fields = ("name", "tenant_id")
    others = await neutron(call).of(PATH, "id", remote - own.keys() - {None}, fields)
    known = own | {group["id"]: group for group in others}
    return [view(group, known) for group in own.values()]
