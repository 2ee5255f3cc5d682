"""Where a pod differs from the plan: a pure comparison of everything that it holds with everything that it should.

Nothing is mended here. Each difference is a key of the journal, whose handler looks for itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from triune.network import forms, names, parts, plan
from triune.network.model import Share
from triune.network.plan import Ref, Rule, Twin, references, resolved
from triune.network.realize import Limits, differences, tags_differ
from triune.network.resources import RESOURCES, SUBNET
from triune.work.requests import Key

JSON = dict[str, Any]

MISSING: Final = "missing"
DIFFERENT: Final = "different"
SURPLUS: Final = "surplus"
TWICE: Final = "twice"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that a pod should hold: twins, and their parts by the id of the top."""

    twins: tuple[Twin, ...] = ()
    rules: Mapping[str, frozenset[Rule]] = field(default_factory=dict)
    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limits: Mapping[str, Mapping[tuple[str, str], JSON]] = field(default_factory=dict)
    # The network of each subnet, which is seen to with it.
    networks: Mapping[str, str] = field(default_factory=dict)
    # To whom twins are lent, by kind and id of the top: all that the pod can lend.
    shares: Mapping[tuple[str, str], frozenset[Share]] = field(default_factory=dict)
    # The networks of which the top holds addresses for the pod.
    reserved: frozenset[str] = frozenset()


class Held:
    """Everything of Triune's that a pod holds, by kind, and the rules of its security groups."""

    def __init__(
        self, records: Mapping[str, Iterable[JSON]], shares: Mapping[str, frozenset[Share]] | None = None
    ) -> None:
        """`records` are what the pod lists; address groups are found under `remote_group`, whatever they are.

        `shares`: to whom the pod lends things, by their ids there.
        """
        self.shares = shares or {}
        self.twins: dict[tuple[str, str], list[JSON]] = defaultdict(list)
        for kind, found in records.items():
            for record in found:
                top_id = RESOURCES[kind].top_id(record)
                if top_id is not None:
                    self.twins[kind, top_id].append(record)

    def of(self, wanted: Twin) -> list[JSON]:
        """The twins of something, of the right owner."""
        kind = names.REMOTE_GROUP if wanted.kind == names.ADDRESS_GROUP else wanted.kind
        found = self.twins.get((kind, wanted.top_id), ())
        return [each for each in found if each["project_id"] == wanted.project_id]

    def surplus(self, wanted: Wanted) -> dict[str, frozenset[str]]:
        """The ids at the top, by kind, of that for which the pod holds twins though none are wanted."""
        due = _due(wanted)
        found: defaultdict[str, set[str]] = defaultdict(set)
        for kind, top_id in self.twins.keys() - due:
            found[kind].add(top_id)
        return {kind: frozenset(top_ids) for kind, top_ids in found.items()}

    def disown(self, owners: Mapping[str, str]) -> None:
        """Forget what claims to be the twin of something whose owner is another; `owners` by the id of the top."""
        for (kind, top_id), found in list(self.twins.items()):
            if top_id in owners:
                self.twins[kind, top_id] = [each for each in found if each["project_id"] == owners[top_id]]
                if not self.twins[kind, top_id]:
                    del self.twins[kind, top_id]


def _due(wanted: Wanted) -> set[tuple[str, str]]:
    due = {(each.kind, each.top_id) for each in wanted.twins}
    return due | {(names.REMOTE_GROUP, top_id) for kind, top_id in due if kind == names.ADDRESS_GROUP}


def compare(pod_id: str, wanted: Wanted, held: Held, features: frozenset[str], limits: Limits) -> dict[Key, str]:
    """The keys of what differs, and how."""
    ids = {Ref(each.kind, each.top_id): found[0]["id"] for each in wanted.twins if (found := held.of(each))}
    found_keys: dict[Key, str] = {}
    for twin in wanted.twins:
        how = _twin(twin, held.of(twin), ids, features, limits) or _parts(twin, wanted, held, ids)
        if how is not None:
            for key in _keys(twin.kind, wanted.networks.get(twin.top_id, twin.top_id), pod_id):
                # A subnet differs too where its network is there twice, and shares its key.
                found_keys[key] = TWICE if found_keys.get(key) == TWICE else how
    due = _due(wanted)
    for kind, top_id in held.twins.keys() - due:
        # A subnet that is wanted no more is told by its network, which need not be known here any more.
        if kind == SUBNET:
            continue
        for key in _keys(kind, top_id, pod_id):
            found_keys.setdefault(key, SURPLUS)
        if kind == names.REMOTE_GROUP:
            found_keys.setdefault(Key(names.ADDRESS_GROUP, top_id, pod_id), SURPLUS)
    for network_id in wanted.reserved:
        if (names.NETWORK, network_id) not in due:
            # The pod needs them no more, even where its network has gone already.
            found_keys.setdefault(Key(names.NETWORK, network_id, pod_id), SURPLUS)
    return found_keys | _surplus_subnets(pod_id, held, due, ids)


def _twin(
    wanted: Twin, found: list[JSON], ids: Mapping[Ref, str], features: frozenset[str], limits: Limits
) -> str | None:
    if not found:
        return MISSING
    if len(found) > 1:
        return TWICE
    body = RESOURCES[wanted.kind].known(wanted.body, features)
    if not references(body) <= ids.keys():
        # What it needs is missing itself.
        return None
    resource = RESOURCES[wanted.kind]
    changed = differences(resource, resolved(body, ids), found[0], limits)
    return DIFFERENT if changed or tags_differ(wanted, found[0]) else None


def _parts(wanted: Twin, everything: Wanted, held: Held, ids: Mapping[Ref, str]) -> str | None:
    (found,) = held.of(wanted)
    lent = everything.shares.get((wanted.kind, wanted.top_id))
    if lent is not None and lent != held.shares.get(found["id"], frozenset()):
        return DIFFERENT
    if wanted.kind == names.SECURITY_GROUP:
        rules = everything.rules.get(wanted.top_id, frozenset())
        needed = {ref for rule in rules for ref in references([rule.remote_group_id, rule.remote_address_group_id])}
        if not needed <= ids.keys():
            return None
        have = {plan.found_rule(each) for each in found["security_group_rules"]}
        return None if have == {parts.bottom_rule(each, ids) for each in rules} else DIFFERENT
    if wanted.kind in (names.REMOTE_GROUP, names.ADDRESS_GROUP):
        same = forms.networks(found["addresses"]) == everything.addresses.get(wanted.top_id, frozenset())
        return None if same else DIFFERENT
    if wanted.kind == names.QOS_POLICY:
        every = frozenset({*plan.QOS_RULES.values(), "qos-bw-limit-direction"})
        have_limits = plan.limits(found, every)
        want = everything.limits.get(wanted.top_id, {})
        same = have_limits.keys() == want.keys() and all(
            fields.items() <= have_limits[each].items() for each, fields in want.items()
        )
        return None if same else DIFFERENT
    return None


def _surplus_subnets(pod_id: str, held: Held, due: set[tuple[str, str]], ids: Mapping[Ref, str]) -> dict[Key, str]:
    networks = {bottom_id: ref.top_id for ref, bottom_id in ids.items() if ref.kind == names.NETWORK}
    found: dict[Key, str] = {}
    for (kind, top_id), records in held.twins.items():
        if kind == SUBNET and (kind, top_id) not in due:
            for each in records:
                if each["network_id"] in networks:
                    found[Key(names.NETWORK, networks[each["network_id"]], pod_id)] = SURPLUS
    return found


def _keys(kind: str, top_id: str, pod_id: str) -> list[Key]:
    if kind == SUBNET:
        return [Key(names.NETWORK, top_id, pod_id)]
    if kind == names.SECURITY_GROUP:
        return [Key(kind, top_id, pod_id), Key(names.SECURITY_GROUP_RULES, top_id, pod_id)]
    return [Key(kind, top_id, pod_id)]
