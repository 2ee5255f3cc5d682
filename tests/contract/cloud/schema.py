"""JSON Schema as far as Nova's schemas need it (nova/api/validation/validators.py), without a library for it."""

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
    "number": lambda value: not isinstance(value, bool) and isinstance(value, int | float),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


class Invalid(Exception):
    """A value does not fit; `path` is where it stands."""

    def __init__(self, path: tuple[str | int, ...], value: Any, message: str) -> None:
        super().__init__(message)
        where = f"Invalid input for field/attribute {path[-1]}. Value: {value}. " if path else ""
        self.text = f"{where}{message}"


def validate(schema: Schema, value: Any, path: tuple[str | int, ...] = (), relaxed: bool = False) -> None:
    """Raises `Invalid`. `relaxed`: additional properties are passed over, as in `/v2`."""
    wanted = schema.get("type", [])
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if wanted and not any(_TYPES[name](value) for name in wanted):
        raise Invalid(path, value, f"{value!r} is not of type {', '.join(map(repr, wanted))}")
    if "enum" in schema and not any(type(each) is type(value) and each == value for each in schema["enum"]):
        raise Invalid(path, value, f"{value!r} is not one of {schema['enum']!r}")
    if "oneOf" in schema and sum(_fits(each, value) for each in schema["oneOf"]) != 1:
        raise Invalid(path, value, f"{value!r} is not valid under any of the given schemas")
    _number(schema, value, path)
    if isinstance(value, str):
        _text(schema, value, path)
    elif isinstance(value, list):
        _array(schema, value, path, relaxed)
    elif isinstance(value, dict):
        _object(schema, value, path, relaxed)


def _fits(schema: Schema, value: Any) -> bool:
    try:
        validate(schema, value)
    except Invalid:
        return False
    return True


def _number(schema: Schema, value: Any, path: tuple[str | int, ...]) -> None:
    """Nova reads texts as numbers where there is a minimum or maximum."""
    if "minimum" not in schema and "maximum" not in schema:
        return
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError):
        return
    if number < schema.get("minimum", number):
        raise Invalid(path, value, f"{number} is less than the minimum of {schema['minimum']}")
    if number > schema.get("maximum", number):
        raise Invalid(path, value, f"{number} is greater than the maximum of {schema['maximum']}")


def _text(schema: Schema, value: str, path: tuple[str | int, ...]) -> None:
    if len(value) < schema.get("minLength", 0):
        raise Invalid(path, value, f"{value!r} is too short")
    if len(value) > schema.get("maxLength", len(value)):
        raise Invalid(path, value, f"{value!r} is too long")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise Invalid(path, value, f"{value!r} does not match {schema['pattern']!r}")
    if "format" in schema and not _FORMATS[schema["format"]](value):
        raise Invalid(path, value, f"{value!r} is not a {schema['format']!r}")


def _array(schema: Schema, value: list[Any], path: tuple[str | int, ...], relaxed: bool) -> None:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        raise Invalid(path, value, f"{value!r} is too {'short' if len(value) < schema.get('minItems', 0) else 'long'}")
    if schema.get("uniqueItems") and any(value.count(each) > 1 for each in value):
        raise Invalid(path, value, f"{value!r} has non-unique elements")
    for index, each in enumerate(value):
        validate(schema.get("items", {}), each, (*path, index), relaxed)


def _object(schema: Schema, value: dict[str, Any], path: tuple[str | int, ...], relaxed: bool) -> None:
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise Invalid(path, value, f"{name!r} is a required property")
    for name, each in value.items():
        if name in properties:
            validate(properties[name], each, (*path, name), relaxed)
            continue
        matching = [part for pattern, part in patterns.items() if re.search(pattern, name)]
        if not matching and not relaxed and not schema.get("additionalProperties", True):
            raise Invalid(path, value, f"Additional properties are not allowed ({name!r} was unexpected)")
        for part in matching:
            validate(part, each, (*path, name), relaxed)


def is_uuid_like(value: str) -> bool:
    """Whether this is an id, as oslo_utils.uuidutils has it."""
    try:
        return str(uuid.UUID(value)).replace("-", "") == re.sub("urn:|uuid:|[{}-]", "", value).lower()
    except (ValueError, AttributeError):
        return False


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value.encode())
    except (binascii.Error, ValueError):
        return False
    return True


def _is_address(kind: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            kind(value)
        except ValueError:
            return False
        return "%" not in value

    return check


def _is_name(value: str) -> bool:
    return value.isprintable() and value == value.strip()


_FORMATS: dict[str, Callable[[str], bool]] = {
    "uuid": is_uuid_like,
    "base64": _is_base64,
    "ipv4": _is_address(ipaddress.IPv4Address),
    "ipv6": _is_address(ipaddress.IPv6Address),
    "name": _is_name,
}
