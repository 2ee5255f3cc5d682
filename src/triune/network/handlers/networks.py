"""Networks in pods, with their subnets (kind `network`)."""

from dataclasses import replace
from typing import Any, Final

from oslo_log import log as logging

from triune.network import names, parts, plan
from triune.network.handlers.shop import FOREIGN_PAUSE, TRY_PAUSE, Left, Shop, still_lent
from triune.network.handlers.together import together
from triune.network.model import Network
from triune.network.neutron import Refused
from triune.network.plan import Ref
from triune.network.realize import CONFLICT, Realizer
from triune.network.resources import RESOURCES, SUBNET
from triune.work.handler import Again
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Ports that Neutron itself removes together with their network.
_AUTOMATIC: Final = frozenset({"network:dhcp", "network:distributed"})


class Networks:
    """Brings a network with its subnets to what is wanted in a pod."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, key: Key) -> Again | None:
        """Raises what makes it due again."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None:
            return None
        try:
            again = await self._bring(pod, key)
        except Left as error:
            return self._shop.patience.again(key, str(error), least=TRY_PAUSE)
        if again is None:
            self._shop.patience.over(key)
        return again

    async def _bring(self, pod: Realizer, key: Key) -> Again | None:
        found = await self._shop.read.network(key.resource_id, key.pod_id)
        if found is None:
            return await self._leave(pod, key)
        model, reserves = found
        hold = self._shop.reserve.hold(model.shown, model.subnets, reserves, key.pod_id)
        held, twin = await together(hold, self._network(pod, model))
        again = await self._subnets(pod, key, replace(model, held=held), twin)
        used = await parts.shares(pod.neutron, pod.features, "network", twin["id"], model.shares)
        return again or still_lent(used)

    async def _network(self, pod: Realizer, model: Network) -> JSON:
        """The bare network, with its policy."""
        wanted = plan.network(model)
        refs = plan.references(pod.body(wanted))
        await together(*(self._shop.now(ref.kind, ref.top_id, pod.pod_id) for ref in refs))
        ids = {ref: await self._shop.id(ref.kind, ref.top_id, pod) for ref in refs}
        return await pod.ensure(wanted, ids)

    async def _subnets(self, pod: Realizer, key: Key, model: Network, network: JSON) -> Again | None:
        """The subnets of a twin: what is wanted no more goes first, for its addresses may be another's now."""
        ids = {Ref(names.NETWORK, model.shown["id"]): network["id"]}
        found = await pod.neutron.list("subnets", [("network_id", network["id"])])
        resource = RESOURCES[SUBNET]
        twins = {top_id: each for each in found if (top_id := resource.top_id(each)) is not None}
        wanted = plan.subnets(model)
        again = None
        for top_id in twins.keys() - {each.top_id for each in wanted}:
            try:
                await pod.neutron.delete(resource.path, twins[top_id]["id"])
                await pod.forget(SUBNET, top_id)
            except Refused as error:
                if error.status != CONFLICT:
                    raise
                again = self._shop.patience.again(key, str(error))
        for each in wanted:
            await pod.bring(each, ids, twins.get(each.top_id))
        return again

    async def _leave(self, pod: Realizer, key: Key) -> Again | None:
        """Nothing of a network is wanted in a pod any more."""
        owner = await self._shop.read.owner("networks", key.resource_id)
        twins = await pod.surplus(names.NETWORK, key.resource_id, owner)
        waits = [again for twin in twins if (again := await self._remove(pod, key, twin["id"])) is not None]
        if waits:
            return waits[0]
        await pod.forget(names.NETWORK, key.resource_id)
        # Not earlier: until now the pod could have used them.
        await self._shop.reserve.release(key.resource_id, key.pod_id)
        return None

    async def _remove(self, pod: Realizer, key: Key, twin_id: str) -> Again | None:
        again = await self._empty(pod, key, twin_id)
        if again is not None:
            return again
        subnets = await pod.neutron.list("subnets", [("network_id", twin_id)])
        try:
            await pod.neutron.delete("networks", twin_id)
        except Refused as error:
            if error.status != CONFLICT:
                raise
            return self._shop.patience.again(key, str(error))
        LOG.info("network %s of %s removed from %s", twin_id, key.resource_id, pod.neutron.pod.region_name)
        for subnet in subnets:
            if (top_id := RESOURCES[SUBNET].top_id(subnet)) is not None:
                await pod.forget(SUBNET, top_id)
        return None

    async def _empty(self, pod: Realizer, key: Key, twin_id: str) -> Again | None:
        """Remove the twins of ports that are not in this pod. Whose port is a user's own stays, and so the network."""
        ports = await pod.neutron.list("ports", [("network_id", twin_id)])
        resource = RESOURCES[names.PORT]
        twins = {each["id"]: top_id for each in ports if (top_id := resource.top_id(each)) is not None}
        # Asked after the pod: whoever places a port says so before he makes its twin.
        placed = await self._shop.read.placed(twins.values(), key.pod_id)
        if placed:
            return self._shop.patience.again(key, f"port {min(placed)} has come to the pod meanwhile")
        foreign = [each for each in ports if each["id"] not in twins and each["device_owner"] not in _AUTOMATIC]
        for port_id, top_id in twins.items():
            await pod.neutron.delete(resource.path, port_id)
            await pod.forget(names.PORT, top_id)
        if foreign:
            what = ", ".join(sorted(each["id"] for each in foreign)[:3])
            region = pod.neutron.pod.region_name
            return Again(FOREIGN_PAUSE, f"{len(foreign)} ports were made in {region} itself on the network: {what}")
        return None
