"""Comparing all of a pod with the plan (kind `drift`): what was changed behind our back is found and asked for."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from oslo_log import log as logging

from triune.network import drift, names, parts, plan
from triune.network.adoption import adopted
from triune.network.drift import Held, Wanted
from triune.network.handlers.routing_drift import routing_drift
from triune.network.handlers.shop import TOPS, Shop
from triune.network.model import Group, Members, Network, Policy, Port, Rules
from triune.network.names import TAG
from triune.network.plan import REMOTE_ADDRESS_GROUPS, Ref, Twin
from triune.network.read import lent
from triune.network.realize import Realizer
from triune.network.resources import RESOURCES, SUBNET
from triune.network.servers import differences
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Differences that are named in the log; the journal has all.
SHOWN: Final = 10
# What may be left half-made by itself, and what is read of everything without tags.
_MARKED_BY_NAME: Final = frozenset({names.NETWORK, names.SECURITY_GROUP, names.QOS_POLICY})
_FIELDS: Final = ("name", "tags", "project_id")


class Drift:
    """Asks for the keys of everything in which a pod differs from the plan."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, key: Key) -> None:
        """Raises what makes it due again."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None:
            return
        # The pod first: what is made of the plan meanwhile is then not taken for surplus, but for missing.
        records = await self._records(pod)
        shares = await lent(pod.neutron) if "rbac-policies" in pod.features else {}
        wanted, ports = await self._wanted(pod)
        held = Held(records, shares)
        held.disown(await self._owners(held.surplus(wanted)))
        found = drift.compare(pod.pod_id, wanted, held, pod.features, pod.limits)
        found = await self._without_adopted(pod, found)
        found |= _servers(pod, ports, Held({names.PORT: records[names.PORT]}))
        found |= await routing_drift(self._shop, pod)
        twice = [each for each, how in found.items() if how == drift.TWICE]
        await asyncio.gather(*(pod.forget(each.kind, each.resource_id) for each in twice))
        # What somebody is at already is no drift.
        fresh = sorted(found.keys() - await self._shop.waits(found))
        if fresh:
            counts = ", ".join(
                f"{count} {how}" for how, count in sorted(Counter(found[each] for each in fresh).items())
            )
            some = ", ".join(f"{each.kind} {each.resource_id}" for each in fresh[:SHOWN])
            LOG.warning("%s differs from the plan: %s (%s)", pod.neutron.pod.region_name, counts, some)
        await self._shop.request(fresh, backlog=True)

    async def _without_adopted(self, pod: Realizer, found: Mapping[Key, str]) -> dict[Key, str]:
        """What differs, but for external networks in whose place a pod has its own."""
        missing = [each for each in found if each.kind == names.NETWORK and found[each] == drift.MISSING]
        if not missing:
            return dict(found)
        known = await self._shop.ids(pod.pod_id, (Ref(each.kind, each.resource_id) for each in missing))
        models = [
            (each, bottom_id, await self._shop.read.network(each.resource_id, pod.pod_id))
            for each in missing
            if (bottom_id := known.get(Ref(each.kind, each.resource_id))) is not None
        ]
        adopted_keys = {
            key
            for key, bottom_id, model in models
            if model is not None
            and (own := await adopted(pod.neutron, model)) is not None
            and own.network["id"] == bottom_id
            and not own.lacks(model)
        }
        return {each: how for each, how in found.items() if each not in adopted_keys}

    async def _owners(self, surplus: Mapping[str, Iterable[str]]) -> dict[str, str]:
        """The projects of resources of the top that are still there."""
        paths = {kind: TOPS.get(kind, RESOURCES[kind].path) for kind in surplus}
        central = self._shop.read.central
        pages = await asyncio.gather(
            *(central.of(path, "id", surplus[kind], ["project_id"]) for kind, path in paths.items())
        )
        return {each["id"]: each["project_id"] for page in pages for each in page}

    async def _records(self, pod: Realizer) -> dict[str, list[JSON]]:
        """Everything of Triune's in a pod."""
        kinds = [names.NETWORK, SUBNET, names.PORT, names.SECURITY_GROUP]
        kinds += [names.QOS_POLICY] if "qos" in pod.features else []
        asked = [pod.neutron.list(RESOURCES[kind].path, [("tags", TAG)]) for kind in kinds]
        if "address-group" in pod.features:
            kinds.append(names.REMOTE_GROUP)
            asked.append(pod.neutron.list(RESOURCES[names.REMOTE_GROUP].path))
        found = dict(zip(kinds, await asyncio.gather(*asked), strict=True))
        for kind, half_made in (await self._half_made(pod, kinds)).items():
            found[kind] += half_made
        return found

    async def _half_made(self, pod: Realizer, kinds: Iterable[str]) -> dict[str, list[JSON]]:
        """What says of what it is the twin by its name alone: whoever made it did not come to tag it.

        A subnet goes with its network.
        """
        named = [kind for kind in kinds if kind in _MARKED_BY_NAME]
        untagged = [pod.neutron.list(RESOURCES[kind].path, [("not-tags", TAG)], _FIELDS) for kind in named]
        pages = await asyncio.gather(*untagged)
        return {
            kind: [each for each in page if RESOURCES[kind].top_id(each) is not None]
            for kind, page in zip(named, pages, strict=True)
        }

    async def _wanted(self, pod: Realizer) -> tuple[Wanted, list[JSON]]:
        """The whole plan of a pod, and the ports of the top that are in it."""
        read = self._shop.read
        top = await read.everything(pod.pod_id)
        top = replace(top, gateways=await self._shop.gateways.of(top.networks, top.subnets, pod.pod_id))
        automatic = frozenset(each["id"] for each in top.subnets if plan.is_automatic(each))
        twins: list[Twin] = [plan.port(Port(each, automatic)) for each in top.ports]
        for network in top.networks:
            subnets = tuple(each for each in top.subnets if each["network_id"] == network["id"])
            gateways = {each["id"]: top.gateways[each["id"]] for each in subnets if each["id"] in top.gateways}
            model = Network(network, subnets, held=top.held, gateways=gateways)
            twins += [plan.network(model), *plan.subnets(model)]
        rules = {}
        for group in top.groups:
            twins.append(plan.group(Group(group)))
            shown = tuple(group["security_group_rules"])
            rules[group["id"]] = plan.rules(Rules(group, shown, top.members, top.addresses), pod.features)
        policies = [each for each in top.policies if "qos" in pod.features]
        twins += [plan.policy(Policy(each)) for each in policies]
        addresses: dict[str, frozenset[str]] = {}
        if REMOTE_ADDRESS_GROUPS in pod.features:
            twins += [plan.addresses_group(names.REMOTE_GROUP, each) for each in top.remote_groups]
            twins += [plan.addresses_group(names.ADDRESS_GROUP, each) for each in top.address_groups]
            nobody = Members()
            addresses = {each["id"]: top.members.get(each["id"], nobody).elsewhere for each in top.remote_groups}
            addresses |= dict(top.addresses)
        wanted = Wanted(
            tuple(twins),
            rules,
            addresses,
            {each["id"]: plan.limits(each, pod.features) for each in policies},
            {each["id"]: each["network_id"] for each in top.subnets},
            {
                (each.kind, each.top_id): top.shares.get(each.top_id, frozenset())
                for each in twins
                if parts.LENDING.get(each.kind) in pod.features
            },
            top.reserved,
        )
        return wanted, list(top.ports)


def _servers(pod: Realizer, ports: Iterable[JSON], held: Held) -> dict[Key, str]:
    """The servers whose ports are told otherwise at the top than in the pod."""
    found: dict[Key, str] = {}
    for port in ports:
        server_id, twins = names.server_of(port), held.of(plan.port(Port(port)))
        if not twins or not server_id:
            continue
        if twins[0].get("device_id") != server_id or differences(port, twins[0], pod.neutron.pod):
            found[Key(names.SERVER, server_id, pod.pod_id)] = "server"
    return found
