"""Networks in pods, with their subnets (kind `network`)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from oslo_log import log as logging

from triune.network import names, parts, plan
from triune.network.adoption import Adopted, adopted
from triune.network.gateways import handed_out, is_own
from triune.network.handlers.shop import FOREIGN_PAUSE, TRY_PAUSE, Left, Shop, still_lent
from triune.network.handlers.together import together
from triune.network.model import Network
from triune.network.names import FLOATING_DEVICE, GATEWAY_DEVICE, RESERVE_DEVICE
from triune.network.neutron import Refused
from triune.network.plan import Ref
from triune.network.realize import CONFLICT, Realizer, Unlike
from triune.network.reserve import of_no_interface
from triune.network.resources import RESOURCES, SUBNET
from triune.network.routing.gateways import attachments, is_between
from triune.network.routing.spans import pods
from triune.work.handler import Again
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Ports that Neutron itself removes together with their network.
_AUTOMATIC: Final = frozenset({"network:dhcp", "network:distributed"})

# How a Neutron says that a router has the gateway address that a subnet is to lose.
_GATEWAY_IN_USE: Final = "GatewayIpInUse"


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
        model = await self._shop.read.network(key.resource_id, key.pod_id)
        if model is None:
            owner = await self._shop.read.owner("networks", key.resource_id)
            if owner is None or (model := await self._once_more(pod, key)) is None:
                return await self._leave(pod, key, owner)
        if (own := await adopted(pod.neutron, model)) is not None:
            await self._adopt(pod, model, own)
            return None
        if await pod.routings.bottom(names.NETWORK, key.resource_id, pod.pod_id) is None:
            # Before it is there: whoever dies in between asks again.
            await self._ask_routers(key.resource_id)
            if is_between(model.shown, await self._shop.own_project()):
                await self._shop.quotas.lift(pod.neutron)
        addresses, twin = await together(self._addresses(model, key.pod_id), self._network(pod, model))
        held, gateways, left = addresses
        again = await self._subnets(pod, key, replace(model, held=held, gateways=gateways), twin)
        if left:
            again = await self._give_back(pod, key, twin, left) or again
        if plan.is_exit(model.shown) and is_between(model.shown, await self._shop.own_project()):
            await parts.external(pod.neutron, twin, await self._shop.own_project())
        used = await parts.shares(pod.neutron, pod.features, "network", twin["id"], model.shares)
        return again or still_lent(used)

    async def _addresses(
        self, model: Network, pod_id: str
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, str | None], list[JSON]]:
        """What the pod may use for itself, the gateway addresses that it hands out, and what is held for nothing."""
        reserve, shown = self._shop.reserve, model.shown
        holders = await reserve.holders(shown["id"])
        home, routers = await self._shop.gateways.around(shown, pod_id, holders)
        used = await reserve.hold(shown, reserve.wanted(model.subnets), holders, f"{RESERVE_DEVICE}{pod_id}")
        own = [each for each in model.subnets if is_own(each, pod_id, home, routers)]
        held = await self._shop.gateways.hold(shown, own, holders, f"{GATEWAY_DEVICE}{pod_id}")
        gateways = {each["id"]: handed_out(each, pod_id, home, routers, held) for each in model.subnets}
        return used, gateways, of_no_interface(holders, pod_id, (each.port_id for each in routers))

    async def _give_back(self, pod: Realizer, key: Key, twin: JSON, left: Iterable[JSON]) -> Again | None:
        """Give back the addresses of interfaces that are no more, once the pod's routers do not have them."""
        ports = await pod.neutron.list("ports", [("network_id", twin["id"])], ["fixed_ips"])
        used = {fixed["ip_address"] for each in ports for fixed in each["fixed_ips"]}
        # Asked anew: an address is held once its interface is there, and this one may have come meanwhile.
        present = attachments(await self._shop.routing.on_networks([key.resource_id]))
        again = None
        for port in of_no_interface(left, key.pod_id, (each.port_id for each in present)):
            if used.isdisjoint(fixed["ip_address"] for fixed in port["fixed_ips"]):
                await self._shop.reserve.give_back(port)
            else:
                again = self._shop.patience.again(key, f"a router has the address of port {port['id']} still")
        return again

    async def _adopt(self, pod: Realizer, model: Network, own: Adopted) -> None:
        """Remember the pod's own network as the external one. Raises `Unlike`."""
        if prefixes := own.lacks(model):
            region, there = pod.neutron.pod.region_name, own.network["id"]
            raise Unlike(f"{region}'s own external network {there} has no subnet {', '.join(prefixes)}")
        put, project_id = pod.routings.put, model.shown["project_id"]
        for top_id, subnet in own.subnets.items():
            await put(SUBNET, top_id, pod.pod_id, subnet["id"], project_id)
        await put(names.NETWORK, model.shown["id"], pod.pod_id, own.network["id"], project_id)

    async def _ask_routers(self, network_id: str) -> None:
        """The parts of routers in all their pods, where a network of theirs has come or gone."""
        routers = await self._shop.routing.on_networks([network_id])
        await self._shop.request(
            Key(names.ROUTER, each.shown["id"], pod_id) for each in routers for pod_id in pods(each.span)
        )

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
            try:
                await pod.bring(each, ids, twins.get(each.top_id))
            except Refused as error:
                if error.type != _GATEWAY_IN_USE:
                    raise
                # Its routers have other addresses now, too, and leave this one first.
                await self._ask_routers(model.shown["id"])
                again = self._shop.patience.again(key, str(error), least=TRY_PAUSE)
        return again

    async def _once_more(self, pod: Realizer, key: Key) -> Network | None:
        """What is wanted of a network that is about to go: from now on, whoever places a port waits for this key.

        Who has placed one before is seen. A Neutron takes the addresses of ports that come while it removes a network,
        and then finds that it cannot remove it.
        """
        await pod.forget(names.NETWORK, key.resource_id)
        return await self._shop.read.network(key.resource_id, key.pod_id)

    async def _leave(self, pod: Realizer, key: Key, owner: str | None) -> Again | None:
        """Nothing of a network is wanted in a pod any more; `owner` is its project, None where it is no more."""
        twins = await pod.surplus(names.NETWORK, key.resource_id, owner)
        waits = [again for twin in twins if (again := await self._remove(pod, key, twin["id"])) is not None]
        if waits:
            return waits[0]
        await pod.forget(names.NETWORK, key.resource_id)
        # Not earlier: until now the pod could have used them.
        await self._shop.reserve.release(key.resource_id, key.pod_id)
        await self._shop.gateways.homes.leave(key.resource_id, key.pod_id)
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

    async def _part(self, pod: Realizer, key: Key, ports: Iterable[JSON]) -> Again | None:
        """Let pod routers and floating IPs leave a network; it is looked at again when they have."""
        # Interfaces of routers that are doubled in the pod have an owner of their own.
        kinds = (
            (names.ROUTER, ("network:router_", "network:ha_router_replicated_interface")),
            (names.FLOATING_IP, ("network:floatingip",)),
        )
        users = [
            (kind, each["device_id"])
            for kind, owner in kinds
            for each in ports
            if each["device_owner"].startswith(owner)
        ]
        waits: list[Key] = []
        for kind in {kind for kind, _ in users}:
            known = await pod.routings.tops(kind, pod.pod_id, (bottom_id for each, bottom_id in users if each == kind))
            waits += [Key(kind, top_id, key.pod_id) for top_id in known.values()]
        standing = (each["device_id"] for each in ports)
        waits += [
            Key(names.FLOATING_IP, each.removeprefix(FLOATING_DEVICE), key.pod_id)
            for each in standing
            if each.startswith(FLOATING_DEVICE)
        ]
        if not waits:
            return None
        await self._ask_routers(key.resource_id)
        await self._shop.request(waits)
        return self._shop.patience.again(
            key, f"{waits[0].kind} {waits[0].resource_id} is on the network", least=TRY_PAUSE
        )

    async def _empty(self, pod: Realizer, key: Key, twin_id: str) -> Again | None:
        """Remove the twins of ports that are not in this pod. Whose port is a user's own stays, and so the network."""
        ports = await pod.neutron.list("ports", [("network_id", twin_id)])
        if (again := await self._part(pod, key, ports)) is not None:
            return again
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
