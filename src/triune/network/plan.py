"""What a pod must hold of central Neutron's networks: pure functions from the model to twins.

A twin's body names other resources by `Ref`; which ids they have in the pod is found out when it is realized.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from triune.network import forms, names
from triune.network.central.presence import STRETCHED
from triune.network.model import Group, Network, Policy, Port, Rules
from triune.network.names import tag
from triune.network.resources import SUBNET

JSON = Mapping[str, Any]

REMOTE_ADDRESS_GROUPS: Final = "security-groups-remote-address-group"

# Every project has a group of this name in every pod, and cannot have another: its twin's name is another one.
_DEFAULT_GROUP: Final = "default"
DEFAULT_TWIN: Final = "triune-default"

# Neutron takes 50 tags of a resource, and two are Triune's.
MOST_TAGS: Final = 48

# The kinds of rules of QoS policies, with the extension that brings each.
QOS_RULES: Final[Mapping[str, str]] = {
    "bandwidth_limit": "qos",
    "dscp_marking": "qos",
    "minimum_bandwidth": "qos",
    "packet_rate_limit": "qos-pps",
    "minimum_packet_rate": "qos-pps-minimum",
}
_QOS_DIRECTION: Final = "qos-bw-limit-direction"


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the id that a resource of the top has in the pod."""

    kind: str
    top_id: str


@dataclass(frozen=True, slots=True)
class Twin:
    """What a pod must hold of one resource: `body` as a POST would have it, `tags` those that its owner gave it."""

    kind: str
    top_id: str
    project_id: str
    body: JSON
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a security group, by value: two with the same value are one. `description` is no part of it."""

    direction: str
    ethertype: str
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: Ref | str | None = None
    remote_address_group_id: Ref | str | None = None
    description: str = field(default="", compare=False)


def resolved(value: Any, ids: Mapping[Ref, str]) -> Any:
    """A value with ids of the pod in place of references. Raises `KeyError` for one that is not among them."""
    if isinstance(value, Ref):
        return ids[value]
    if isinstance(value, Mapping):
        return {name: resolved(each, ids) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(each, ids) for each in value]
    return value


def references(value: Any) -> frozenset[Ref]:
    """All references in a value."""
    if isinstance(value, Ref):
        return frozenset({value})
    if isinstance(value, Mapping):
        return references(list(value.values()))
    if isinstance(value, list | tuple):
        return frozenset[Ref]().union(*(references(each) for each in value))
    return frozenset()


def network(model: Network) -> Twin:
    """The network. One that spans pods has the same segment in each; of others the pod chooses it."""
    shown = model.shown
    segments = [
        each for each in shown.get("segments") or [shown] if each.get("provider:network_type") in STRETCHED
    ]  # fmt: skip
    provider = {name: segments[0][name] for name in segments[0] if name.startswith("provider:")} if segments else {}
    body = {
        "name": shown["name"],
        "description": shown.get("description"),
        "admin_state_up": shown["admin_state_up"],
        "port_security_enabled": shown.get("port_security_enabled", True),
        "qos_policy_id": _policy(shown),
        "dns_domain": shown.get("dns_domain"),
        "mtu": shown.get("mtu"),
        **({} if is_exit(shown) else {"router:external": bool(shown.get("router:external"))}),
        **{name: value for name, value in provider.items() if value is not None},
    }
    return twin(names.NETWORK, shown, body)


def is_exit(shown: JSON) -> bool:
    """Whether a network may be one by which pod routers reach external networks: those are external by a share."""
    return str(shown["name"]).startswith(names.EXIT_NAME)


def subnets(model: Network) -> list[Twin]:
    """The subnets of a network. They hand out nothing but what is held for the pod."""
    return [
        _subnet(each, model.held.get(each["id"], ()), model.gateways.get(each["id"], each["gateway_ip"]))
        for each in model.subnets
    ]


def _subnet(shown: JSON, held: Iterable[str], gateway: str | None) -> Twin:
    body = {
        "network_id": Ref(names.NETWORK, shown["network_id"]),
        "name": shown["name"],
        "description": shown.get("description"),
        "ip_version": shown["ip_version"],
        "cidr": shown["cidr"],
        "gateway_ip": gateway,
        "enable_dhcp": shown["enable_dhcp"],
        "dns_nameservers": shown["dns_nameservers"],
        "host_routes": shown["host_routes"],
        **{name: shown[name] for name in ("ipv6_ra_mode", "ipv6_address_mode") if shown.get(name)},
    }
    if not is_automatic(shown):
        body["allocation_pools"] = [{"start": each, "end": each} for each in held]
    return twin(SUBNET, shown, body)


def is_automatic(subnet: JSON) -> bool:
    """Whether addresses in a subnet follow from the MACs of ports, so that none can be chosen."""
    return subnet.get("ipv6_address_mode") in ("slaac", "dhcpv6-stateless")


def needs_addresses(subnet: JSON) -> bool:
    """Whether a pod needs addresses of a subnet for itself: for those who answer DHCP."""
    return bool(subnet["enable_dhcp"]) and not is_automatic(subnet)


def port(model: Port) -> Twin:
    """The port: the same addresses, whatever the pod would have given."""
    shown = model.shown
    secured = shown.get("port_security_enabled", True)
    body = {
        "network_id": Ref(names.NETWORK, shown["network_id"]),
        "name": shown["name"],
        "description": shown.get("description"),
        "admin_state_up": shown["admin_state_up"],
        "mac_address": shown["mac_address"],
        "fixed_ips": [_fixed_ip(each, model.automatic) for each in shown["fixed_ips"]],
        "security_groups": [Ref(names.SECURITY_GROUP, each) for each in shown["security_groups"] if secured],
        "port_security_enabled": secured,
        "allowed_address_pairs": shown.get("allowed_address_pairs") or [] if secured else [],
        "extra_dhcp_opts": shown.get("extra_dhcp_opts") or [],
        "qos_policy_id": _policy(shown),
        "binding:vnic_type": shown.get("binding:vnic_type", "normal"),
    }
    if shown.get("dns_name"):
        # Nova gives a port without a name that of its server, and the pod's is as good as ours.
        body["dns_name"] = shown["dns_name"]
    return twin(names.PORT, shown, body)


def _fixed_ip(each: JSON, automatic: frozenset[str]) -> JSON:
    subnet = Ref(SUBNET, each["subnet_id"])
    # Neutron refuses an address that it gives by itself.
    return {"subnet_id": subnet} if each["subnet_id"] in automatic else {**each, "subnet_id": subnet}


def group(model: Group) -> Twin:
    """The bare security group."""
    shown = model.shown
    body = {
        "name": DEFAULT_TWIN if shown["name"] == _DEFAULT_GROUP else shown["name"],
        "description": shown.get("description"),
        "stateful": shown.get("stateful", True),
    }
    return twin(names.SECURITY_GROUP, shown, body)


def rules(model: Rules, features: frozenset[str]) -> frozenset[Rule]:
    """The rules of a group in a pod.

    A remote group is the group itself for members in the pod, and their addresses for those elsewhere.
    """
    return frozenset(each for shown in model.rules for each in _rule(shown, model, features))


def _rule(shown: JSON, model: Rules, features: frozenset[str]) -> Iterable[Rule]:
    by_groups = REMOTE_ADDRESS_GROUPS in features
    remote, addresses = shown.get("remote_group_id"), shown.get("remote_address_group_id")
    if remote:
        members = model.members[remote]
        if members.here:
            yield _like(shown, remote_group_id=Ref(names.SECURITY_GROUP, remote))
        if by_groups:
            yield _like(shown, remote_address_group_id=Ref(names.REMOTE_GROUP, remote))
        else:
            yield from _each(shown, members.elsewhere)
    elif addresses and by_groups:
        yield _like(shown, remote_address_group_id=Ref(names.ADDRESS_GROUP, addresses))
    elif addresses:
        yield from _each(shown, model.addresses[addresses])
    else:
        yield _like(shown, remote_ip_prefix=forms.prefix(shown.get("remote_ip_prefix")))


def _each(shown: JSON, addresses: Iterable[str]) -> Iterable[Rule]:
    """One rule for each address of the rule's own IP version."""
    for each in addresses:
        if (":" in each) == (shown["ethertype"] == "IPv6"):
            yield _like(shown, remote_ip_prefix=each)


def _like(shown: JSON, **remote: Any) -> Rule:
    return Rule(
        direction=shown["direction"],
        ethertype=shown["ethertype"],
        protocol=shown.get("protocol"),
        port_range_min=shown.get("port_range_min"),
        port_range_max=shown.get("port_range_max"),
        description=shown.get("description") or "",
        **remote,
    )


def found_rule(shown: JSON) -> Rule:
    """A rule as a pod shows it."""
    remotes = {name: shown.get(name) for name in ("remote_group_id", "remote_address_group_id")}
    return _like(shown, remote_ip_prefix=forms.prefix(shown.get("remote_ip_prefix")), **remotes)


def addresses_group(kind: str, shown: JSON) -> Twin:
    """An address group of a pod: one of the user's, or the members of a security group elsewhere.

    Address groups have no tags: the name says of what it is the twin.
    """
    return Twin(kind, shown["id"], shown["project_id"], {"name": tag(shown["id"])})


def policy(model: Policy) -> Twin:
    """The QoS policy, without its rules."""
    shown = model.shown
    return twin(names.QOS_POLICY, shown, {"name": shown["name"], "description": shown.get("description")})


def limits(shown: JSON, features: frozenset[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """The rules of a QoS policy, by kind and direction, of which there is one each; such as a pod knows."""
    found = {}
    for rule in shown["rules"]:
        if QOS_RULES.get(rule["type"]) not in features:
            continue
        fields = {name: value for name, value in rule.items() if name not in _NOT_OF_A_LIMIT}
        plain = rule["type"] == "bandwidth_limit" and _QOS_DIRECTION not in features
        if plain and fields.pop("direction", "egress") != "egress":
            continue
        found[rule["type"], rule.get("direction", "")] = fields
    return found


_NOT_OF_A_LIMIT: Final = frozenset({"id", "type", "qos_policy_id", "tags", "description", "project_id", "tenant_id"})


def _policy(shown: JSON) -> Ref | None:
    return Ref(names.QOS_POLICY, shown["qos_policy_id"]) if shown.get("qos_policy_id") else None


def twin(kind: str, shown: JSON, body: JSON) -> Twin:
    # What a user calls like Triune's own tags would tell of the wrong thing that it is the twin of it. Databases of
    # Neutron may take capital letters for small ones.
    own = (each for each in shown.get("tags") or () if not f"{each.casefold()}:".startswith(tag("")))
    tags = frozenset(sorted(own)[:MOST_TAGS])
    return Twin(kind, shown["id"], shown["project_id"], body, tags)
