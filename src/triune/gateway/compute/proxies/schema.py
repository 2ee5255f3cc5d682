"""What Nova's JSON schemas refuse, in the words of jsonschema: as much of that language as its proxies need.

Source: nova/api/validation/validators.py, jsonschema/_keywords.py (release 4.26). The first mistake is told, in the
order in which a schema names its keywords.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from oslo_utils import uuidutils

from triune.gateway.call import Call
from triune.gateway.errors import ApiError

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

_CONTENT_TYPES: Final = frozenset({"", "text/plain", "application/json", "application/vnd.openstack.compute+json"})


class _Mistake(NamedTuple):
    path: Path
    value: Any
    message: str


async def body_of(call: Call, schema: Schema) -> Any:
    """The JSON body of a call, None where there is none. Raises `ApiError` 400, 415 as Nova does, `BodyTooLarge`."""
    content_type = call.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type not in _CONTENT_TYPES:
        raise ApiError(415, "Unsupported Content-Type")
    raw = await call.request.body(call.gateway.conf.gateway.max_request_body)
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "Malformed request body") from error
    check(body, schema, relaxed=call.legacy_pods is not None)
    return body


def check(body: Any, schema: Schema, relaxed: bool = False) -> None:
    """Refuse a body that a schema does not allow. Raises `ApiError` 400.

    `relaxed`, as in `/v2`: what it does not know is dropped from the body (`_soft_validate_additional_properties`).
    """
    if relaxed:
        drop_additional(body, schema)
    mistake = next(_mistakes(body, schema, ()), None)
    if mistake is None:
        return
    if not mistake.path:
        raise ApiError(400, mistake.message)
    where = f"field/attribute {mistake.path[-1]}"
    raise ApiError(400, f"Invalid input for {where}. Value: {mistake.value}. {mistake.message}")


def query_of(call: Call, schema: Schema) -> dict[str, list[str]]:
    """The parameters of a call's query, each with all its values. Raises `ApiError` 400."""
    query: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(call.request.query, keep_blank_values=True, errors="strict"):
            query.setdefault(name, []).append(value)
    except UnicodeDecodeError as error:
        raise ApiError(400, "Query string is not UTF-8 encoded") from error
    mistake = next(_mistakes(query, schema, ()), None)
    if mistake is not None:
        where = f"query parameters {mistake.path[0]}"
        raise ApiError(400, f"Invalid input for {where}. Value: {mistake.value}. {mistake.message}")
    return query


def drop_additional(value: Any, schema: Schema) -> None:
    """Take from a document what a schema does not know; an object of which it knows nothing stays.

    As nova.api.validation.validators._soft_validate_additional_properties, for schemas without patterns.
    """
    if isinstance(value, list):
        for item in value:
            drop_additional(item, schema.get("items", {}))
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        unknown = value.keys() - known.keys()
        if schema.get("additionalProperties") is False and len(unknown) < len(value):
            for name in unknown:
                del value[name]
        for name in value.keys() & known.keys():
            drop_additional(value[name], known[name])


def _mistakes(value: Any, schema: Schema, path: Path) -> Iterator[_Mistake]:
    for keyword, wanted in schema.items():
        if (inner := _INNER.get(keyword)) is not None:
            yield from inner(value, wanted, path)
        elif (message := _KEYWORDS[keyword](value, wanted, schema)) is not None:
            yield _Mistake(path, value, message)


# -- keywords that look at what is inside


def _properties(value: Any, wanted: Mapping[str, Schema], path: Path) -> Iterator[_Mistake]:
    if isinstance(value, dict):
        for name, schema in wanted.items():
            if name in value:
                yield from _mistakes(value[name], schema, (*path, name))


def _items(value: Any, wanted: Schema, path: Path) -> Iterator[_Mistake]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mistakes(item, wanted, (*path, index))


_INNER: Final = {"properties": _properties, "items": _items}


# -- keywords that look at the value itself: what they have against it


def _type(value: Any, wanted: str | list[str], _schema: Schema) -> str | None:
    names = [wanted] if isinstance(wanted, str) else wanted
    if any(isinstance(value, _TYPES[name]) for name in names):
        return None
    return f"{value!r} is not of type {', '.join(repr(name) for name in names)}"


def _required(value: Any, wanted: list[str], _schema: Schema) -> str | None:
    missing = [name for name in wanted if name not in value] if isinstance(value, dict) else []
    return f"{missing[0]!r} is a required property" if missing else None


def _additional(value: Any, wanted: bool, schema: Schema) -> str | None:
    if wanted or not isinstance(value, dict) or not (extras := sorted(value.keys() - schema["properties"].keys())):
        return None
    verb = "was" if len(extras) == 1 else "were"
    return f"Additional properties are not allowed ({', '.join(repr(name) for name in extras)} {verb} unexpected)"


def _shortest(value: Any, wanted: int, _schema: Schema) -> str | None:
    if not isinstance(value, str) or len(value) >= wanted:
        return None
    return f"{value!r} {'should be non-empty' if wanted == 1 else 'is too short'}"


def _longest(value: Any, wanted: int, _schema: Schema) -> str | None:
    return f"{value!r} is too long" if isinstance(value, str) and len(value) > wanted else None


def _pattern(value: Any, wanted: str, _schema: Schema) -> str | None:
    if not isinstance(value, str) or re.search(wanted, value):
        return None
    return f"{value!r} does not match {wanted!r}"


def _format(value: Any, wanted: str, _schema: Schema) -> str | None:
    return f"{value!r} is not a {wanted!r}" if isinstance(value, str) and not _FORMATS[wanted](value) else None


def _one_of(value: Any, wanted: list[Schema], _schema: Schema) -> str | None:
    if sum(next(_mistakes(value, schema, ()), None) is None for schema in wanted) == 1:
        return None
    return f"{value!r} is not valid under any of the given schemas"


_KEYWORDS: Final[Mapping[str, Callable[[Any, Any, Schema], str | None]]] = {
    "type": _type,
    "required": _required,
    "additionalProperties": _additional,
    "minLength": _shortest,
    "maxLength": _longest,
    "pattern": _pattern,
    "format": _format,
    "oneOf": _one_of,
}
_TYPES: Final[Mapping[str, type]] = {"object": dict, "array": list, "string": str, "null": type(None)}


def _is_address(kind: Callable[[str], Any]) -> Callable[[str], bool]:
    def parses(value: str) -> bool:
        try:
            return not getattr(kind(value), "scope_id", None)
        except ValueError:
            return False

    return parses


_FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "uuid": uuidutils.is_uuid_like,
    "ipv4": _is_address(IPv4Address),
    "ipv6": _is_address(IPv6Address),
}
