"""Whether the security groups of a pod let in what those of central Neutron say: for `agreement`.

A rule with a remote group may stand in a pod as the group itself (its members there) and as addresses (its members
elsewhere), these in an address group or as single prefixes. So not rules are compared, but whom they let through.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any

Match = tuple[Any, ...]
# What a rule lets through, and from where: a prefix, or one address.
Passes = set[tuple[Match, str]]


def differences(central: Any, groups: dict[str, Any], addresses: dict[str, set[str]], pod_id: str) -> Iterator[str]:
    """What lets through more or less than it should.

    `central` is `agreement.Central`; `groups` are the pod's twins, by their ids in central Neutron; `addresses` are
    those of the pod's address groups, by the pod's own ids.
    """
    tops, unplaced = {twin.id: top for top, twin in groups.items()}, _addresses(central, placed=False)
    for top, twin in groups.items():
        wanted = {each for rule in central.groups[top].security_group_rules for each in _wanted(rule, central)}
        has = {each for rule in twin.security_group_rules for each in _has(rule, central, tops, addresses, pod_id)}
        # A port that is in no pod sends nothing; whether its address is let in does not matter.
        for match, source in sorted((each for each in wanted ^ has if each[1] not in unplaced), key=str):
            yield f"security group {top}: {'lacks' if (match, source) in wanted else 'has'} {match} from {source}"


def _match(rule: dict[str, Any]) -> Match:
    names = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max")
    return tuple(rule[name] for name in names)


def _wanted(rule: dict[str, Any], central: Any) -> Passes:
    if (group := rule["remote_group_id"]) is not None:
        return {(_match(rule), each) for each in _members(central, group, rule["ethertype"])}
    if (group := rule.get("remote_address_group_id")) is not None:
        named = map(_single, central.address_groups[group].addresses)
        return {(_match(rule), each) for each in named if _is(each, rule["ethertype"])}
    return {(_match(rule), _prefix(rule))}


def _has(
    rule: dict[str, Any], central: Any, tops: dict[str, str], addresses: dict[str, set[str]], pod_id: str
) -> Passes:
    version = rule["ethertype"]
    if (group := rule["remote_group_id"]) is not None:
        return {(_match(rule), each) for each in _members(central, tops.get(group, "?"), version, pod_id)}
    if (group := rule.get("remote_address_group_id")) is not None:
        return {(_match(rule), each) for each in map(_single, addresses.get(group, ())) if _is(each, version)}
    return {(_match(rule), _prefix(rule))}


def _prefix(rule: dict[str, Any]) -> str:
    return _single(rule.get("remote_ip_prefix") or ("0.0.0.0/0" if rule["ethertype"] == "IPv4" else "::/0"))


def _single(prefix: str) -> str:
    return str(ipaddress.ip_network(prefix, strict=False))


def _is(prefix: str, ethertype: str) -> bool:
    return (":" in prefix) == (ethertype == "IPv6")


def _members(central: Any, group: str, ethertype: str, pod_id: str | None = None) -> set[str]:
    """The addresses of a group's ports that are in a pod, or in this one."""
    members = (port for port in central.ports if group in port.security_group_ids and _pod(port))
    found = {each for port in members if pod_id in (None, _pod(port)) for each in _of_port(port)}
    return {each for each in found if _is(each, ethertype)}


def _addresses(central: Any, placed: bool) -> set[str]:
    return {each for port in central.ports if bool(_pod(port)) == placed for each in _of_port(port)}


def _of_port(port: Any) -> set[str]:
    return {_single(each["ip_address"]) for each in [*port.fixed_ips, *port.allowed_address_pairs]}


def _pod(port: Any) -> str | None:
    return ((port.binding_profile or {}).get("triune") or {}).get("pod")
