"""Security groups in pods: the groups, their rules, and the address groups that rules name.

Kinds `security_group`, `security_group_rules`, `remote_group` and `address_group`. A group and its rules are two
kinds, for rules of two groups may name each other.
"""

from oslo_log import log as logging

from triune.network import forms, names, parts, plan
from triune.network.handlers.shop import Shop, still_lent, tried
from triune.network.handlers.together import together
from triune.network.model import Rules
from triune.network.neutron import Refused
from triune.network.plan import REMOTE_ADDRESS_GROUPS, Ref
from triune.network.realize import NOT_FOUND, Realizer
from triune.work.handler import Again
from triune.work.requests import Key

LOG = logging.getLogger(__name__)


class Groups:
    """The handlers of four kinds. All raise what makes a key due again."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def group(self, key: Key) -> Again | None:
        """The bare group."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None:
            return None
        model = await self._shop.read.group(key.resource_id, key.pod_id)
        if model is None:
            await pod.forget(names.SECURITY_GROUP_RULES, key.resource_id)
            return await self._shop.leave(pod, names.SECURITY_GROUP, key.resource_id)
        group, ready = Ref(names.SECURITY_GROUP, key.resource_id), Ref(names.SECURITY_GROUP_RULES, key.resource_id)
        known, wanted = await self._shop.ids(key.pod_id, [group, ready]), plan.group(model)
        found = await pod.found(wanted)
        if found is None or known.get(group) != found["id"]:
            # It is a new one: rules of others may name it from now on, and its own are not there. Said before it is
            # made, for it is not seen to be new again; until it is there those rules wait for this key.
            users = await self._shop.read.users("remote_group_id", key.resource_id, key.pod_id)
            again = {key.resource_id} if ready in known else set()
            users = (users - {key.resource_id}) | again
            await self._shop.request(Key(names.SECURITY_GROUP_RULES, each, key.pod_id) for each in users)
            await pod.forget(names.SECURITY_GROUP_RULES, key.resource_id)
        twin = await pod.bring(wanted, {}, found)
        used = await parts.shares(pod.neutron, pod.features, "security_group", twin["id"], model.shares)
        return still_lent(used)

    async def rules(self, key: Key) -> Again | None:
        """The rules of a group, which is seen to first, as is what they name."""
        pod = await self._shop.pod(key.pod_id)
        return await tried(lambda: self._bring_rules(pod, key)) if pod is not None else None

    async def _bring_rules(self, pod: Realizer, key: Key) -> None:
        by_groups = REMOTE_ADDRESS_GROUPS in pod.features
        model = await self._shop.read.rules(key.resource_id, key.pod_id, with_addresses=not by_groups)
        if model is None:
            # The group takes them along.
            return
        try:
            await self._give(pod, model)
        except Refused as error:
            if error.status != NOT_FOUND or error.pod.id != key.pod_id:
                raise
            # What was known to be there has gone: looked at anew, once.
            LOG.info("%s", error)
            for ref in _refs(model, pod):
                await pod.forget(ref.kind, ref.top_id)
            await self._give(pod, model)

    async def _give(self, pod: Realizer, model: Rules) -> None:
        """Give the group its rules. What is known to be there is not looked at: its own keys see to it."""
        group_id = str(model.group["id"])
        refs = _refs(model, pod)
        missing = refs - (await self._shop.ids(pod.pod_id, refs)).keys()
        await together(*(self._shop.now(ref.kind, ref.top_id, pod.pod_id) for ref in missing))
        ids = {ref: await self._shop.id(ref.kind, ref.top_id, pod) for ref in refs}
        bottom_id, project_id = ids[Ref(names.SECURITY_GROUP, group_id)], str(model.group["project_id"])
        wanted = {parts.bottom_rule(rule, ids) for rule in plan.rules(model, pod.features)}
        await parts.rules(pod.neutron, {"id": bottom_id, "project_id": project_id}, wanted)
        # Ports need the group with its rules: so they know that it is ready.
        await pod.routings.put(names.SECURITY_GROUP_RULES, group_id, pod.pod_id, bottom_id, project_id)

    async def remote(self, key: Key) -> Again | None:
        """The addresses that members of a group have in other pods, for the rules here that name the group."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None:
            return None
        if REMOTE_ADDRESS_GROUPS not in pod.features:
            await self._in_rules(key, "remote_group_id")
            return None
        found = await self._shop.read.remote_group(key.resource_id, key.pod_id)
        if found is None:
            # Both kinds are told by their names alone, and who compares pods does not know which is which.
            if await self._shop.read.address_group(key.resource_id, key.pod_id) is not None:
                return None
            return await self._shop.leave(pod, names.REMOTE_GROUP, key.resource_id)
        shown, members = found
        twin = await pod.ensure(plan.addresses_group(names.REMOTE_GROUP, shown), {})
        await parts.addresses(pod.neutron, twin, members.elsewhere)
        return None

    async def _in_rules(self, key: Key, attribute: str) -> None:
        """In a pod without such groups the rules themselves hold the addresses: those that name this one."""
        users = await self._shop.read.users(attribute, key.resource_id, key.pod_id)
        await self._shop.request(Key(names.SECURITY_GROUP_RULES, each, key.pod_id) for each in users)

    async def addresses(self, key: Key) -> Again | None:
        """An address group of the user's."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None:
            return None
        if REMOTE_ADDRESS_GROUPS not in pod.features:
            await self._in_rules(key, "remote_address_group_id")
            return None
        found = await self._shop.read.address_group(key.resource_id, key.pod_id)
        if found is None:
            if await self._shop.read.remote_group(key.resource_id, key.pod_id) is not None:
                return None
            return await self._shop.leave(pod, names.ADDRESS_GROUP, key.resource_id)
        shown, shares = found
        twin = await pod.ensure(plan.addresses_group(names.ADDRESS_GROUP, shown), {})
        await parts.addresses(pod.neutron, twin, forms.networks(shown["addresses"]))
        return still_lent(await parts.shares(pod.neutron, pod.features, "address_group", twin["id"], shares))


def _refs(model: Rules, pod: Realizer) -> frozenset[Ref]:
    """The group itself, and what its rules name."""
    refs = {Ref(names.SECURITY_GROUP, str(model.group["id"]))}
    for rule in plan.rules(model, pod.features):
        refs |= plan.references([rule.remote_group_id, rule.remote_address_group_id])
    return frozenset(refs)
