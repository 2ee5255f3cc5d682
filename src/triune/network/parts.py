"""Parts of twins that are compared by value: rules of groups, addresses, limits of QoS policies, shares.

A twin is Triune's, and so is everything that it has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from triune.network import forms, plan
from triune.network.model import Share
from triune.network.neutron import Neutron, Refused
from triune.network.plan import Ref, Rule
from triune.network.realize import CONFLICT

JSON = dict[str, Any]

_RULES: Final = "security-group-rules"
_RBAC: Final = "rbac-policies"
_EXISTS: Final = frozenset({"SecurityGroupRuleExists", "DuplicateSecurityGroupRuleInPost"})
# Looks at the rules of a group: a second one where something was there in other words.
_ROUNDS: Final = 2
# Addresses of one request: Neutron takes some milliseconds for each, and a request that is cut off starts over.
_ADDRESSES_AT_ONCE: Final = 100
# What can be lent, by its kind here and in Neutron, and the extension that brings it.
LENDING: Final[Mapping[str, str]] = {
    "network": "rbac-policies",
    "qos_policy": "rbac-policies",
    "security_group": "rbac-security-groups",
    "address_group": "rbac-address-group",
}


def bottom_rule(rule: Rule, ids: Mapping[Ref, str]) -> Rule:
    """A rule with ids of the pod in place of references."""
    return replace(
        rule,
        remote_group_id=plan.resolved(rule.remote_group_id, ids),
        remote_address_group_id=plan.resolved(rule.remote_address_group_id, ids),
    )


async def rules(neutron: Neutron, group: JSON, wanted: Iterable[Rule]) -> None:
    """Give a twin of a security group these rules and no others.

    What is missing comes before the surplus goes, so that nothing that is wanted is interrupted.
    What is there already in other words (`tcp` for `6`) goes as surplus after that, and is then missed: so once more.
    """
    due = set(wanted)
    for _ in range(_ROUNDS):
        if not await _give_rules(neutron, group, due):
            return


async def _give_rules(neutron: Neutron, group: JSON, wanted: set[Rule]) -> bool:
    """Add what is missing, remove the surplus; whether the pod has taken one of the missing for one that was there."""
    found = await neutron.list(_RULES, [("security_group_id", group["id"])])
    have = {plan.found_rule(each): each["id"] for each in found}
    missing = [
        {**asdict(each), "security_group_id": group["id"], "project_id": group["project_id"]}
        for each in wanted - have.keys()
    ]
    bodies = [{name: value for name, value in each.items() if value is not None} for each in missing]
    existed = await _add_rules(neutron, bodies)
    for surplus in have.keys() - wanted:
        await neutron.delete(_RULES, have[surplus])
    for twice in {each["id"] for each in found} - set(have.values()):
        await neutron.delete(_RULES, twice)
    return existed


async def _add_rules(neutron: Neutron, missing: list[JSON]) -> bool:
    """Make rules; whether any of them was there already."""
    if not missing:
        return False
    try:
        await neutron.create_many(_RULES, missing)
    except Refused as error:
        if error.type not in _EXISTS:
            raise
        # One of them was made at the same time, or the pod takes two for the same: then each by itself.
        return any([await _exists(neutron, each) for each in missing])
    return False


async def _exists(neutron: Neutron, rule: JSON) -> bool:
    """Make a rule; whether it was there already."""
    try:
        await neutron.create(_RULES, rule)
    except Refused as error:
        if error.type not in _EXISTS:
            raise
        return True
    return False


async def addresses(neutron: Neutron, group: JSON, wanted: frozenset[str]) -> None:
    """Give an address group these addresses and no others."""
    have = forms.networks(group["addresses"])
    for action, changed in (("add_addresses", sorted(wanted - have)), ("remove_addresses", sorted(have - wanted))):
        for start in range(0, len(changed), _ADDRESSES_AT_ONCE):
            portion = changed[start : start + _ADDRESSES_AT_ONCE]
            await neutron.act(f"address-groups/{group['id']}/{action}", {"addresses": portion})


async def limits(neutron: Neutron, policy: JSON, wanted: Mapping[tuple[str, str], JSON]) -> None:
    """Give a QoS policy these rules and no others."""
    everything = frozenset({*plan.QOS_RULES.values(), "qos-bw-limit-direction"})
    have = {(rule["type"], rule.get("direction", "")): rule for rule in policy["rules"]}
    shown = plan.limits({"rules": policy["rules"]}, everything)
    path = f"qos/policies/{policy['id']}"
    for (kind, direction), rule in have.items():
        if (kind, direction) not in wanted and kind in plan.QOS_RULES:
            await neutron.delete(f"{path}/{kind}_rules", rule["id"])
    for (kind, direction), fields in wanted.items():
        present = have.get((kind, direction))
        if present is None:
            await neutron.create(f"{path}/{kind}_rules", fields)
        elif fields.items() - shown[kind, direction].items():
            await neutron.update(f"{path}/{kind}_rules", present["id"], fields)


async def shares(
    neutron: Neutron, features: frozenset[str], object_type: str, object_id: str, wanted: frozenset[Share]
) -> str | None:
    """Lend a twin to these projects and to no others, as far as the pod lends such things at all.

    Why a share has to stay, where somebody in the pod uses what he was lent; the others are seen to all the same.
    """
    if LENDING[object_type] not in features:
        return None
    found = await neutron.list(_RBAC, [("object_id", object_id), ("action", "access_as_shared")])
    have = {Share(each["target_tenant"]): each["id"] for each in found}
    for share in wanted - have.keys():
        body = {
            "object_type": object_type,
            "object_id": object_id,
            "action": "access_as_shared",
            "target_tenant": share.target,
        }
        try:
            await neutron.create(_RBAC, body)
        except Refused as error:
            if error.status != CONFLICT:
                raise
    used = None
    for share in have.keys() - wanted:
        try:
            await neutron.delete(_RBAC, have[share])
        except Refused as error:
            if error.status != CONFLICT:
                raise
            used = used or str(error)
    return used


async def external(neutron: Neutron, network: JSON, project_id: str) -> None:
    """Let routers have their gateways on a network, where Triune makes them; other projects do not see it."""
    if network.get("router:external"):
        return
    body = {
        "object_type": "network",
        "object_id": network["id"],
        "action": "access_as_external",
        "target_tenant": project_id,
    }
    try:
        await neutron.create(_RBAC, body)
    except Refused as error:
        if error.status != CONFLICT:
            raise
