"""`/os-security-group-rules`: rules of security groups in central Neutron, of which Nova knows those that let in."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any, Final
from urllib.parse import unquote

from triune.gateway.call import Call
from triune.gateway.compute.proxies.as_caller import JSON, neutron, told
from triune.gateway.compute.proxies.schema import Schema, body_of
from triune.gateway.compute.proxies.security_groups import find_group, require_id
from triune.gateway.compute.security_groups import rule_view
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.network.neutron import Refused

PATH: Final = "security-group-rules"
CREATED: Final[Schema] = {
    "type": "object",
    "properties": {
        "security_group_rule": {
            "type": "object",
            "properties": {
                "group_id": {"type": ["string", "null"], "format": "uuid"},
                "parent_group_id": {"type": "string", "format": "uuid"},
            },
            "required": ["parent_group_id"],
        }
    },
    "required": ["security_group_rule"],
}
_ANYBODY: Final = "0.0.0.0/0"
_WITH_PORTS: Final = ("TCP", "UDP")
_LAST_PORT: Final = 65535
_LAST_ICMP: Final = 255


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new rule lets in: from `cidr`, or from the members of `group_id`; of any protocol where none is named.

    `first` and `last` are ports, or type and code of ICMP with -1 for any.
    """

    cidr: str | None
    group_id: str | None
    protocol: str | None = None
    first: int | None = None
    last: int | None = None


async def create_rule(call: Call) -> Response:
    """`POST /os-security-group-rules`."""
    rule = (await body_of(call, CREATED))["security_group_rule"]
    parent = await find_group(call, rule["parent_group_id"])
    group_id = rule.get("group_id")
    known = {parent["id"]: parent}
    if group_id is not None:
        source = await find_group(call, group_id)
        known[source["id"]] = source
    wanted = read(rule)
    if any(is_same(known_rule, wanted) for known_rule in parent["security_group_rules"]):
        raise ApiError(400, f"This rule already exists in group {parent['id']}")
    try:
        made = await neutron(call).create(PATH, body(parent["id"], wanted))
    except Refused as error:
        if error.status == 409:
            # Over quota, or another rule that says the same: Nova makes no difference.
            raise ApiError(403, told(error)) from error
        raise
    return Response.json({"security_group_rule": rule_view(made, known)})


async def delete_rule(call: Call) -> Response:
    """`DELETE /os-security-group-rules/{security_group_rule_id}`."""
    await neutron(call).remove(PATH, require_id(call))
    return Response(202)


# -- what a request wants (nova/network/security_group_api.py)


def read(rule: Mapping[str, Any]) -> Wanted:
    """What the object `security_group_rule` asks for. Raises `ApiError` 400."""
    group_id, protocol = rule.get("group_id"), rule.get("ip_protocol")
    first, last = rule.get("from_port"), rule.get("to_port")
    cidr = None if group_id is not None else _cidr(rule.get("cidr"))
    if group_id is not None and first is None and last is None:
        # Of a group everything is let in that no numbers narrow.
        first, last = _ANY.get(str(protocol or "").upper(), (None, None))
    if not protocol or first is None or last is None:
        if cidr is not None:
            raise ApiError(400, "Not enough parameters to build a valid rule.")
        return Wanted(cidr, group_id)
    wanted = Wanted(cidr, group_id, str(protocol), *_numbers(str(protocol), first, last))
    _require_range(wanted)
    if cidr is not None and (network := ip_interface(cidr)).network.prefixlen == 0 and int(network.ip) != 0:
        raise ApiError(400, f"Bad prefix for network in cidr {cidr}")
    return wanted


_ANY: Final = {"ICMP": (-1, -1), "TCP": (1, _LAST_PORT), "UDP": (1, _LAST_PORT)}


def _cidr(given: Any) -> str:
    if not given:
        return _ANYBODY
    cidr = unquote(given) if isinstance(given, str) else given
    try:
        ip_interface(cidr if isinstance(cidr, str) and "/" in cidr else "")
    except ValueError as error:
        raise ApiError(400, f"{cidr} is not a valid IP network.") from error
    return str(cidr)


def _numbers(protocol: str, first: Any, last: Any) -> tuple[int, int]:
    try:
        return int(first), int(last)
    except (ValueError, TypeError, OverflowError) as error:
        if protocol.upper() == "ICMP":
            reason = "Type and Code must be integers for ICMP protocol type"
        else:
            reason = "To and From ports must be integers"
        raise ApiError(400, f"Invalid input received: {reason}") from error


def _require_range(wanted: Wanted) -> None:
    first, last, protocol = wanted.first or 0, wanted.last or 0, str(wanted.protocol).upper()
    if protocol not in _ANY:
        raise ApiError(400, f"Invalid IP protocol {wanted.protocol}.")
    reason = None
    if protocol in _WITH_PORTS and first > last:
        reason = "Former value cannot be greater than the later"
    elif protocol in _WITH_PORTS and (first < 1 or last > _LAST_PORT):
        reason = f"Valid {protocol} ports should be between 1-{_LAST_PORT}"
    elif protocol == "ICMP" and not (-1 <= first <= _LAST_ICMP and -1 <= last <= _LAST_ICMP):
        reason = "For ICMP, the type:code must be valid"
    if reason is not None:
        raise ApiError(400, f"Invalid port range {first}:{last}. {reason}")


def is_same(rule: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether a rule of Neutron is, in Nova's form, what is wanted."""
    if rule["direction"] != "ingress":
        return False
    shown = rule_view(rule, {})
    has = (rule["remote_group_id"], shown["ip_range"].get("cidr"), shown["ip_protocol"])
    return (*has, shown["from_port"], shown["to_port"]) == (
        wanted.group_id, wanted.cidr, wanted.protocol, wanted.first, wanted.last
    )  # fmt: skip


def body(parent_id: str, wanted: Wanted) -> JSON:
    """A new rule as Neutron takes it. Of IPv6 is only what names a prefix of IPv6."""
    rule: JSON = {
        "direction": "ingress",
        "protocol": wanted.protocol,
        "ethertype": f"IPv{ip_interface(wanted.cidr or _ANYBODY).version}",
        "remote_ip_prefix": wanted.cidr,
        "security_group_id": parent_id,
        "remote_group_id": wanted.group_id,
    }
    if wanted.first not in (None, -1):
        rule["port_range_min"] = wanted.first
    if wanted.last not in (None, -1):
        rule["port_range_max"] = wanted.last
    return rule
