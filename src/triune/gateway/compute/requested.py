"""What a request for servers asks of networks: pure reading of its body, by the rules of Nova.

Source: nova/api/openstack/compute/schemas/servers.py (schemas) and servers.py (`_get_requested_networks`), release 34.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from triune.gateway.service import parse_version
from triune.pods.locate import is_uuid

JSON = dict[str, Any]

# From this microversion on a request has to say which networks it wants.
EXPLICIT: Final = (2, 37)
# From this one on a server has a description of its own, which before was its name.
DESCRIBED: Final = (2, 19)
_TAGGED = ((2, 32), (2, 36)), ((2, 42), (9999, 0))
_TAG = re.compile(r"[^,/]{1,60}")
# Nova's format `name` (nova/api/validation/parameter_types.py): so long, and of characters before this one.
_LONGEST = 255
_LAST_CHAR = 0xFFFE
# Numbers in texts, as Nova's pattern for them takes them.
_DIGITS = re.compile(r"0*([0-9]{1,10})\n?")
# What Nova takes for a boolean, besides true and false.
_BOOLEANS = frozenset(
    {
        "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
        "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no",
    }
)  # fmt: skip
# A column of Nova's ends there.
_MOST = 0x7FFFFFFF


class Malformed(Exception):
    """The pod refuses this body, and says so in its own words."""


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface: on a network (`fixed_ip`: with this address), or a port that exists. Ids are those at the top."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """The networks of a request: `nics` as listed, or None where Nova chooses; `auto`: and may make one.

    `groups` are names or ids of security groups, each once; `least` and `most` the number of servers.
    """

    nics: tuple[Nic, ...] | None
    auto: bool = False
    groups: tuple[str, ...] = ()
    least: int = 1
    most: int = 1


def requested(server: JSON, microversion: str | None) -> Requested:
    """Read the object `server` of `POST /servers`. Raises `Malformed`."""
    version = parse_version(microversion or "2.1")
    if not _is_name(server.get("name")) or "flavorRef" not in server:
        raise Malformed
    if not _is_boolean(server.get("return_reservation_id", False)):
        raise Malformed
    if version < DESCRIBED and "description" in server:
        raise Malformed
    groups = _groups(server)
    least, most = _counts(server)
    wanted = server.get("networks", [] if version < EXPLICIT else None)
    if wanted in ("auto", "none") and version >= EXPLICIT:
        return Requested(None if wanted == "auto" else (), wanted == "auto", groups, least, most)
    if not isinstance(wanted, list):
        raise Malformed
    nics = tuple(_nic(item, version) for item in wanted)
    ports = [nic.port_id for nic in nics if nic.port_id is not None]
    if len(set(ports)) != len(ports):
        raise Malformed
    if most > 1 and any(nic.port_id or nic.fixed_ip for nic in nics):
        # One port or address cannot be that of several servers.
        raise Malformed
    if most > 1 and server.get("hostname"):
        raise Malformed
    return Requested(nics or None, False, groups, least, most)


def _nic(item: Any, version: tuple[int, int]) -> Nic:
    allowed = {"uuid", "port", "fixed_ip"}
    if any(first <= version <= last for first, last in _TAGGED):
        allowed.add("tag")
    if not isinstance(item, dict) or item.keys() - allowed:
        raise Malformed
    network_id, port_id, fixed_ip, tag = (item.get(name) for name in ("uuid", "port", "fixed_ip", "tag"))
    if ("fixed_ip" in item and not _is_address(fixed_ip)) or ("tag" in item and not _is_tag(tag)):
        raise Malformed
    if "uuid" in item and not (isinstance(network_id, str) and (is_uuid(network_id) or version < EXPLICIT)):
        raise Malformed
    if port_id is not None:
        if not isinstance(port_id, str) or not is_uuid(port_id) or fixed_ip is not None:
            raise Malformed
        return Nic(port_id=port_id, tag=tag)
    if not isinstance(network_id, str) or not is_uuid(network_id):
        raise Malformed
    return Nic(network_id=network_id, fixed_ip=fixed_ip, tag=tag)


def interface(attachment: Any, microversion: str | None) -> Nic | None:
    """Read the object `interfaceAttachment` of `POST /servers/{id}/os-interface`; None where Nova chooses the network.

    Source: nova/api/openstack/compute/attach_interfaces.py and its schema. Raises `Malformed`.
    """
    allowed = {"net_id", "port_id", "fixed_ips"} | ({"tag"} if parse_version(microversion) >= (2, 49) else set())
    if not isinstance(attachment, dict) or attachment.keys() - allowed:
        raise Malformed
    network_id, port_id, tag = attachment.get("net_id"), attachment.get("port_id"), attachment.get("tag")
    for given in ("net_id", "port_id"):
        if given in attachment and not (isinstance(attachment[given], str) and is_uuid(attachment[given])):
            raise Malformed
    if ("tag" in attachment and not _is_tag(tag)) or (network_id and port_id):
        raise Malformed
    fixed_ip = _only_address(attachment["fixed_ips"]) if "fixed_ips" in attachment else None
    if fixed_ip is not None and network_id is None:
        raise Malformed
    if network_id is None and port_id is None:
        return Nic(tag=tag) if tag is not None else None
    return Nic(network_id, port_id, fixed_ip, tag)


def _only_address(fixed_ips: Any) -> str:
    if not isinstance(fixed_ips, list) or len(fixed_ips) != 1 or not isinstance(fixed_ips[0], dict):
        raise Malformed
    if fixed_ips[0].keys() != {"ip_address"} or not _is_address(fixed_ips[0]["ip_address"]):
        raise Malformed
    return str(fixed_ips[0]["ip_address"])


def _groups(server: JSON) -> tuple[str, ...]:
    items = server.get("security_groups", [])
    if not isinstance(items, list):
        raise Malformed
    for item in items:
        if not isinstance(item, dict) or item.keys() - {"name"} or not _is_name(item.get("name", "-")):
            raise Malformed
    return tuple(dict.fromkeys(item["name"] for item in items if "name" in item))


def _counts(server: Mapping[str, Any]) -> tuple[int, int]:
    least = _count(server.get("min_count", 1))
    most = _count(server.get("max_count", least))
    if least > most:
        raise Malformed
    return least, most


def _count(value: Any) -> int:
    number = -1
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer():
        # In JSON Schema that is an integer.
        number = int(value)
    elif isinstance(value, str) and (digits := _DIGITS.fullmatch(value)):
        number = int(digits[1])
    if not 1 <= number <= _MOST:
        raise Malformed
    return number


def _is_name(value: Any) -> bool:
    """Whether Nova takes this for a name (its format `name`): printable, with no blank at either end."""
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        return False
    # Its pattern looks away from one line feed at the end, as patterns in Python do.
    kinds = ["C" if ord(char) > _LAST_CHAR else unicodedata.category(char) for char in value.removesuffix("\n")]
    blank_ends = not kinds or "Zs" in (kinds[0], kinds[-1])
    return not blank_ends and not any(kind[0] in "CZ" and kind != "Zs" for kind in kinds)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value in _BOOLEANS)


def _is_address(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _is_tag(value: Any) -> bool:
    return isinstance(value, str) and _TAG.fullmatch(value) is not None
