"""When a value in a pod is the wanted one: Neutron answers what it was told in other words.

Addresses get one spelling, lists that are sets have no order, "nothing" is None or an empty text.
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any


def plain(wanted: Any, found: Any) -> bool:
    """Equal, where None, an empty text and an empty list are the same."""
    return (wanted or None) == (found or None) if not isinstance(wanted, bool) else wanted is found


def anything(_wanted: Any, _found: Any) -> bool:
    """Whatever is there is right."""
    return True


def address(wanted: Any, found: Any) -> bool:
    """The same IP address, or none in both."""
    return _address(wanted) == _address(found)


def members(wanted: Any, found: Any) -> bool:
    """The same members in any order."""
    return set(wanted or ()) == set(found or ())


def mac(wanted: Any, found: Any) -> bool:
    """The same MAC address."""
    return str(wanted).lower() == str(found).lower()


def servers(wanted: Any, found: Any) -> bool:
    """The same addresses in the same order, which matters for DNS servers."""
    return [_address(each) for each in wanted or ()] == [_address(each) for each in found or ()]


def routes(wanted: Any, found: Any) -> bool:
    """The same routes in any order."""
    return _routes(wanted) == _routes(found)


def fixed_ips(wanted: Any, found: Any) -> bool:
    """The same addresses in the same subnets; a wanted one without address is any one of its subnet."""
    have = {(each["subnet_id"], _address(each["ip_address"])) for each in found or ()}
    exact = {(each["subnet_id"], _address(each["ip_address"])) for each in wanted or () if "ip_address" in each}
    some = {each["subnet_id"] for each in wanted or () if "ip_address" not in each}
    return exact <= have and {subnet for subnet, _ in have - exact} == some


def pairs(wanted: Any, found: Any) -> bool:
    """The same allowed address pairs in any order."""
    return _pairs(wanted) == _pairs(found)


def options(wanted: Any, found: Any) -> bool:
    """The same DHCP options in any order."""
    return _options(wanted) == _options(found)


def pools(wanted: Any, found: Any) -> bool:
    """The same addresses, however they are cut into ranges."""
    return _ranges(wanted) == _ranges(found)


def networks(wanted: Iterable[str]) -> frozenset[str]:
    """Addresses and prefixes in the spelling of address groups: with a length, without bits behind it."""
    return frozenset(str(ip_network(each, strict=False)) for each in wanted)


def prefix(wanted: str | None) -> str | None:
    """A remote prefix of a rule in the spelling of Neutron, which adds a length and keeps bits behind it."""
    return None if wanted is None else str(ip_interface(wanted))


def ports(shown: Mapping[str, Any], name: str) -> str:
    """A port of a port forwarding, or a range of them like `80:90`; Neutron tells a single one as either."""
    first, _, last = str(shown.get(f"{name}_range") or shown.get(name) or "").partition(":")
    return f"{first}:{last}" if last and last != first else first


def _address(value: Any) -> str | None:
    return str(ip_address(value)) if value else None


def _routes(value: Any) -> set[tuple[str, str | None]]:
    return {(str(ip_network(each["destination"], strict=False)), _address(each["nexthop"])) for each in value or ()}


def _pairs(value: Any) -> set[tuple[str, str]]:
    return {
        (str(each.get("mac_address")).lower(), str(ip_network(each["ip_address"], strict=False)))
        for each in value or ()
    }


def _options(value: Iterable[Mapping[str, Any]] | None) -> set[tuple[str, str, int]]:
    return {(each["opt_name"], str(each["opt_value"]), int(each.get("ip_version", 4))) for each in value or ()}


def _ranges(value: Any) -> list[tuple[int, int]]:
    """Ranges of addresses as numbers, in order, neighbours joined."""
    found: list[tuple[int, int]] = []
    for first, last in sorted((int(ip_address(each["start"])), int(ip_address(each["end"]))) for each in value or ()):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
