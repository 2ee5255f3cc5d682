"""Ports in pods (kind `port`). A server waits for each of them, so what is known to be there is not looked at again."""

import asyncio
from typing import Any, Final

from oslo_log import log as logging

from triune.network import names, plan
from triune.network.handlers.shop import Left, Shop, tried
from triune.network.handlers.together import together
from triune.network.model import Port
from triune.network.neutron import Refused
from triune.network.plan import Ref
from triune.network.realize import BAD_REQUEST, CONFLICT, NOT_FOUND, Realizer
from triune.network.resources import RESOURCES, SUBNET
from triune.work.handler import Again
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

# The key that sees to what a port names, and the routing that tells that it is ready.
_READY: Final = {
    names.NETWORK: names.NETWORK,
    SUBNET: SUBNET,
    names.SECURITY_GROUP: names.SECURITY_GROUP_RULES,
    names.QOS_POLICY: names.QOS_POLICY,
}

# How a Neutron says that somebody has an address or a MAC.
_TAKEN: Final = frozenset({"IpAddressAlreadyAllocated", "IpAddressInUse", "MacAddressInUse"})


class Ports:
    """Brings a port to what is wanted in a pod."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, key: Key) -> Again | None:
        """Raises what makes it due again."""
        pod = await self._shop.pod(key.pod_id)
        return await tried(lambda: self._bring(pod, key)) if pod is not None else None

    async def _bring(self, pod: Realizer, key: Key) -> None:
        model = await self._shop.read.port(key.resource_id, key.pod_id)
        if model is None:
            await pod.remove(names.PORT, key.resource_id, await self._shop.read.owner("ports", key.resource_id))
            return
        try:
            await self._stay(pod, model, key)
        except Refused as error:
            if error.pod.id != key.pod_id or error.status not in (BAD_REQUEST, NOT_FOUND, CONFLICT):
                raise
            LOG.info("%s", error)
            if error.status != CONFLICT:
                # What was known to be there may have gone: looked at anew, once.
                await self._doubt(pod, model)
            elif error.type not in _TAKEN or not await self._free(pod, model):
                raise
            await self._stay(pod, model, key)

    async def _stay(self, pod: Realizer, model: Port, key: Key) -> None:
        wanted = plan.port(model)
        refs = plan.references(pod.body(wanted))
        own = Ref(names.PORT, model.shown["id"])
        known = await self._known(pod, {*refs, own})
        missing = refs - known.keys()
        if missing:
            await self._prepare(pod, model, missing)
            known |= await self._known(pod, missing)
        if gone := refs - known.keys():
            raise Left(f"not in {pod.neutron.pod.region_name}: {sorted(map(str, gone))}")
        twin = await (pod.ensure(wanted, known) if own in known else pod.create_or_find(wanted, known))
        server_id = names.server_of(model.shown)
        if server_id and twin.get("device_id") != server_id:
            # It was made anew, and the server has lost it; or it is on its way to the server.
            await self._shop.request([Key(names.SERVER, server_id, key.pod_id)])

    async def _known(self, pod: Realizer, refs: set[Ref] | frozenset[Ref]) -> dict[Ref, str]:
        """The ids of what is ready in the pod."""
        asked = {ref: Ref(_READY.get(ref.kind, ref.kind), ref.top_id) for ref in refs}
        found = await self._shop.ids(pod.pod_id, asked.values())
        return {ref: found[ready] for ref, ready in asked.items() if ready in found}

    async def _prepare(self, pod: Realizer, model: Port, missing: frozenset[Ref]) -> None:
        """See to what is not known to be ready; a subnet goes with its network."""
        network = Ref(names.NETWORK, str(model.shown["network_id"]))
        keys = {(_READY[ref.kind], ref.top_id) for ref in {network if ref.kind == SUBNET else ref for ref in missing}}
        await together(*(self._shop.now(kind, top_id, pod.pod_id) for kind, top_id in keys))

    async def _free(self, pod: Realizer, model: Port) -> bool:
        """Take addresses of a port from twins to whose ports they belong no more; whether that may have helped.

        The top gives an address away as soon as it is free there, and a twin may be a little behind.
        """
        ids = await self._known(pod, {Ref(names.NETWORK, str(model.shown["network_id"]))})
        if not ids:
            return False
        network = [("network_id", each) for each in ids.values()]
        wanted = {str(each["ip_address"]) for each in model.shown["fixed_ips"]}
        asked = [[("fixed_ips", f"ip_address={each}")] for each in wanted]
        asked.append([("mac_address", str(model.shown["mac_address"]))])
        pages = await asyncio.gather(*(pod.neutron.list("ports", [*network, *each]) for each in asked))
        found = {each["id"]: each for page in pages for each in page}.values()
        holders = [(each, RESOURCES[names.PORT].top_id(each)) for each in found]
        others = [(holder, top_id) for holder, top_id in holders if top_id != model.shown["id"]]
        # Who had them may have gone since.
        freed = not others
        for holder, top_id in others:
            if top_id is not None:
                freed |= await self._take(pod, holder, top_id, wanted)
        return freed

    async def _take(self, pod: Realizer, holder: dict[str, Any], top_id: str, addresses: set[str]) -> bool:
        other = await self._shop.read.port(top_id, pod.pod_id)
        if other is None:
            await pod.neutron.delete("ports", holder["id"])
            await pod.forget(names.PORT, top_id)
            return True
        own = {str(each["ip_address"]) for each in other.shown["fixed_ips"]}
        left = [each for each in holder["fixed_ips"] if each["ip_address"] not in addresses - own]
        if len(left) == len(holder["fixed_ips"]):
            return False
        await pod.neutron.update("ports", holder["id"], {"fixed_ips": left})
        await self._shop.request([Key(names.PORT, top_id, pod.pod_id)])
        return True

    async def _doubt(self, pod: Realizer, model: Port) -> None:
        wanted: Any = plan.port(model)
        for ref in {*plan.references(pod.body(wanted)), Ref(names.PORT, str(model.shown["id"]))}:
            # Both: where only the word of its readiness went, the same lost one would be found ready again.
            for kind in {ref.kind, _READY.get(ref.kind, ref.kind)}:
                await pod.forget(kind, ref.top_id)
