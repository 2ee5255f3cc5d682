"""Which keys of the journal a change touches.

Pure functions over what the database tells. Where a change may end that a pod needs something, the key is written
whatever else needs it there: whoever is last cannot be told by two transactions that end it at the same time, and a
key too many costs one look.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from triune.network.names import (
    ADDRESS_GROUP,
    NETWORK,
    PORT,
    QOS_POLICY,
    REMOTE_GROUP,
    SECURITY_GROUP,
    SECURITY_GROUP_RULES,
    SERVER,
    has_twin,
    server_of,
)
from triune.work.requests import Key

# What no twin has of a port or a network, or has by itself.
_NO_PART: Final = frozenset(
    {
        "availability_zones",
        "binding:host_id",
        "binding:profile",
        "binding:vif_details",
        "binding:vif_type",
        "created_at",
        "device_id",
        "device_owner",
        "network",
        "resource_request",
        "revision_number",
        "status",
        "subnets",
        "updated_at",
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """A security group and a pod in which one of its members is."""

    group_id: str
    pod_id: str


@dataclass(frozen=True, slots=True)
class Port:
    """A placed port; `body` are all attributes that its twin may have, in a form that can be compared.

    `server_id` is empty where none has it. A port that is a part of a router is placed for its network's sake, and
    `has_twin` says that it is none.
    """

    id: str
    network_id: str
    pod_id: str
    server_id: str = ""
    groups: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    body: str = ""
    has_twin: bool = True

    @property
    def memberships(self) -> frozenset[Member]:
        """The port's groups, with its pod."""
        return frozenset(Member(group_id, self.pod_id) for group_id in self.groups)


@dataclass(frozen=True, slots=True)
class Use:
    """A group that is present in a pod has a rule about a remote group."""

    group_id: str
    pod_id: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A rule of a group names a remote group or an address group."""

    group_id: str
    remote_id: str | None = None
    address_group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of a port touches: keys, and the groups whose rules have to be looked up."""

    keys: frozenset[Key] = frozenset()
    # Groups that gained or lost a member in a pod.
    joined_or_left: frozenset[Member] = frozenset()
    # Groups of which a member in a pod has other addresses.
    readdressed: frozenset[Member] = frozenset()
    # Groups that a pod may need no more.
    left: frozenset[Member] = frozenset()


def port(shown: Mapping[str, Any], pod_id: str, network_policy: str | None = None) -> Port:
    """A port as Neutron shows it, with the policy of its network."""
    policies = {shown.get("qos_policy_id"), network_policy} - {None}
    pairs = shown.get("allowed_address_pairs") or ()
    return Port(
        id=shown["id"],
        network_id=shown["network_id"],
        pod_id=pod_id,
        server_id=server_of(shown),
        groups=frozenset(shown.get("security_groups") or ()),
        addresses=frozenset(str(each["ip_address"]) for each in (*shown["fixed_ips"], *pairs)),
        policies=frozenset(str(policy) for policy in policies),
        body=body(shown),
        has_twin=has_twin(shown),
    )


def body(shown: Mapping[str, Any]) -> str:
    """All attributes that matter to a twin, in a form that can be compared; the order of lists does not matter."""
    return _text({name: value for name, value in shown.items() if name not in _NO_PART})


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps({str(name): _text(part) for name, part in value.items()}, sort_keys=True)
    if isinstance(value, list | tuple | set | frozenset):
        return json.dumps(sorted(_text(part) for part in value))
    return json.dumps(value, default=str)


def by_port(before: Port | None, after: Port | None) -> Change:
    """A port was placed, changed, moved or removed; None: it was or is in no pod."""
    keys: set[Key] = set()
    stays = before is not None and after is not None and before.pod_id == after.pod_id
    if before is not None and not stays:
        keys |= _twin(before) | {Key(NETWORK, before.network_id, before.pod_id)}
        keys |= {Key(QOS_POLICY, policy, before.pod_id) for policy in before.policies}
    if before is not None and after is not None and stays:
        keys |= {Key(QOS_POLICY, policy, before.pod_id) for policy in before.policies - after.policies}
    if before is not None and after is not None and stays and before.has_twin != after.has_twin:
        keys.add(Key(PORT, after.id, after.pod_id))
    if after is not None and (before is None or not stays or before.body != after.body):
        keys |= _twin(after)
    if after is not None and not after.has_twin and (before is None or not stays):
        # No twin of the port brings its network there.
        keys.add(Key(NETWORK, after.network_id, after.pod_id))
    if after is not None and after.server_id and (before is None or before.server_id != after.server_id):
        # Whoever looked at the server before this commit has not found the port.
        keys.add(Key(SERVER, after.server_id, after.pod_id))
    was = before.memberships if before is not None else frozenset()
    now = after.memberships if after is not None else frozenset()
    other_addresses = before is not None and after is not None and before.addresses != after.addresses
    return Change(
        keys=frozenset(keys),
        joined_or_left=was ^ now,
        readdressed=was & now if other_addresses else frozenset(),
        left=was - now,
    )


def _twin(port: Port) -> set[Key]:
    return {Key(PORT, port.id, port.pod_id)} if port.has_twin else set()


def by_members(joined_or_left: Iterable[Member], readdressed: Iterable[Member], uses: Iterable[Use]) -> set[Key]:
    """Rules about groups whose members changed.

    In the member's own pod the group itself stands for it, so rules there change when it joins or leaves. In other
    pods its addresses do.
    """
    joined_or_left = set(joined_or_left)
    keys: set[Key] = set()
    for use in uses:
        for member in joined_or_left.union(readdressed):
            if member.group_id != use.remote_id:
                continue
            if member.pod_id != use.pod_id:
                keys.add(Key(REMOTE_GROUP, use.remote_id, use.pod_id))
            elif member in joined_or_left:
                keys.add(Key(SECURITY_GROUP_RULES, use.group_id, use.pod_id))
    return keys


def by_left(left: Iterable[Member], references: Iterable[Reference]) -> set[Key]:
    """Groups that a pod may need no more, and what their rules name."""
    references = list(references)
    keys: set[Key] = set()
    for member in left:
        keys.add(Key(SECURITY_GROUP, member.group_id, member.pod_id))
        named = [reference for reference in references if reference.group_id == member.group_id]
        keys |= by_references(named, [member.pod_id])
    return keys


def by_references(references: Iterable[Reference], pod_ids: Iterable[str]) -> set[Key]:
    """What rules name that are no more in some pods."""
    pod_ids = list(pod_ids)
    keys: set[Key] = set()
    for reference in references:
        if reference.remote_id is not None:
            keys |= in_pods(REMOTE_GROUP, reference.remote_id, pod_ids)
        if reference.address_group_id is not None:
            keys |= in_pods(ADDRESS_GROUP, reference.address_group_id, pod_ids)
    return keys


def by_rule(reference: Reference, pod_ids: Iterable[str], removed: bool) -> set[Key]:
    """A rule of a group came or went; `pod_ids`: where the group is present."""
    pod_ids = list(pod_ids)
    keys = in_pods(SECURITY_GROUP_RULES, reference.group_id, pod_ids)
    return keys | by_references([reference], pod_ids) if removed else keys


def by_group_removal(group_id: str, pod_ids: Iterable[str], uses: Iterable[Use]) -> set[Key]:
    """A group is removed, and with it the rules of other groups that name it; `pod_ids`: where it may still be."""
    keys = in_pods(SECURITY_GROUP, group_id, pod_ids)
    for use in uses:
        keys |= {Key(SECURITY_GROUP_RULES, use.group_id, use.pod_id), Key(REMOTE_GROUP, group_id, use.pod_id)}
    return keys


def by_network(before: Mapping[str, Any], after: Mapping[str, Any], pod_ids: Iterable[str]) -> set[Key]:
    """A network changed; `pod_ids`: where it is present."""
    if body(before) == body(after):
        return set()
    pod_ids = list(pod_ids)
    keys = in_pods(NETWORK, after["id"], pod_ids)
    policy = before.get("qos_policy_id")
    if policy and policy != after.get("qos_policy_id"):
        keys |= in_pods(QOS_POLICY, policy, pod_ids)
    return keys


def in_pods(kind: str, resource_id: str, pod_ids: Iterable[str]) -> set[Key]:
    """The keys of one resource in several pods."""
    return {Key(kind, resource_id, pod_id) for pod_id in pod_ids}
