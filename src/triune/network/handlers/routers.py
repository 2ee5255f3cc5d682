"""Pod routers: the parts of routers that are in single pods (kind `router`)."""

from collections.abc import Iterable
from typing import Final

from triune.network import names
from triune.network.handlers.shop import Left, Shop, tried
from triune.network.handlers.together import together
from triune.network.names import EXIT_DEVICE, INTERFACE_DEVICE, LINK_DEVICE
from triune.network.neutron import Refused
from triune.network.plan import Ref
from triune.network.realize import BAD_REQUEST, CONFLICT, NOT_FOUND, Realizer
from triune.network.resources import SUBNET
from triune.network.routing import plan, spans
from triune.network.routing.model import Interface, Router
from triune.network.routing.plan import PodRouter
from triune.network.routing.pod_router import PodRouterRealizer
from triune.network.routing.spans import Needs
from triune.work.handler import Again
from triune.work.requests import Key

# Looks at the top, each after something was held there.
ROUNDS: Final = 3


class Routers:
    """Brings the part of a router to what is wanted in a pod."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, key: Key) -> Again | None:
        """Raises what makes it due again."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None:
            return None
        try:
            again = await tried(lambda: self._bring(pod, key))
        except Refused as error:
            if error.status != CONFLICT or error.pod.id != key.pod_id:
                raise
            # A floating IP that is still to go, or a network's gateway address that is still to change.
            return self._shop.patience.again(key, str(error))
        self._shop.patience.over(key)
        return again

    async def _bring(self, pod: Realizer, key: Key) -> None:
        router = await self._shop.routing.router(key.resource_id)
        if router is None or pod.pod_id not in spans.pods(router.span):
            await self._leave(pod, key, router)
            return
        wanted = await self._prepared(pod, router)
        twin = await pod.ensure(wanted.twin, {})
        ids = await self._ids(pod, wanted)
        try:
            await PodRouterRealizer(pod.neutron).bring(wanted, ids, twin)
        except Refused as error:
            if error.pod.id != key.pod_id or error.status not in (BAD_REQUEST, NOT_FOUND):
                raise
            # What was known to be there may have gone: then it is made anew. Otherwise this is not the reason.
            if not (gone := await pod.gone(ids)):
                raise
            for ref in gone:
                await pod.forget(ref.kind, ref.top_id)
            await PodRouterRealizer(pod.neutron).bring(wanted, await self._ids(pod, wanted), twin)
        await self._release(router, pod.pod_id)

    async def _prepared(self, pod: Realizer, router: Router) -> PodRouter:
        """What is wanted, with all that it names in the pod. Raises `Left`."""
        await self._networks(pod, router)
        around = await self._shop.routing.surroundings(router, pod.pod_id)
        for _ in range(ROUNDS):
            due = spans.needs(router, around, pod.pod_id)
            if not await self._hold(pod, router, due):
                break
            around = await self._shop.routing.surroundings(router, pod.pod_id)
        wanted = plan.pod_router(router, around, pod.pod_id)
        if wanted is None:
            raise Left(f"router {router.shown['id']} has left {pod.neutron.pod.region_name}")
        return wanted

    async def _networks(self, pod: Realizer, router: Router) -> None:
        """See to the networks that the router itself names, where they are not known to be ready."""
        span, external = router.span, router.shown.get("external_gateway_info") or {}
        named = {each.network_id for each in router.interfaces if spans.is_in(span, each.network_id, pod.pod_id)}
        if span.gateway_pod == pod.pod_id and external:
            named.add(external["network_id"])
        await self._ready(pod, (Ref(names.NETWORK, each) for each in named))

    async def _ready(self, pod: Realizer, refs: Iterable[Ref]) -> None:
        asked = set(refs)
        missing = asked - (await self._shop.ids(pod.pod_id, asked)).keys()
        await together(*(self._shop.now(ref.kind, ref.top_id, pod.pod_id) for ref in missing))

    async def _hold(self, pod: Realizer, router: Router, due: Needs) -> bool:
        """Hold at the top what the pod router lacks there; whether that was anything. Raises `Left`."""
        shown, bridges = router.shown, self._shop.bridges
        if due.link or due.exit:
            await self._shop.now(names.BRIDGE, shown["project_id"], "")
        if due.link and not await bridges.add_link(shown, pod.pod_id):
            raise Left(f"the bridge of project {shown['project_id']} has gone")
        if due.exit:
            await bridges.release(f"{EXIT_DEVICE}{shown['id']}", pod.pod_id)
            if not await bridges.add_exit(shown, pod.pod_id, router.span.gateway_pod == pod.pod_id):
                raise Left(f"the exit of router {shown['id']} has gone")
        for interface in router.interfaces:
            if interface.port_id in due.own:
                await self._hold_own(router, interface, pod.pod_id)
        if due.link or due.exit:
            # The others route to it.
            await self._ask_others(router, pod.pod_id)
        return due != Needs()

    async def _hold_own(self, router: Router, interface: Interface, pod_id: str) -> None:
        """An address for an interface whose own one another pod has."""
        reserve, device = self._shop.reserve, f"{INTERFACE_DEVICE}{pod_id}-{interface.port_id}"
        network = {"id": interface.network_id, "project_id": router.shown["project_id"]}
        subnets = (router.subnets[each.subnet_id] for each in interface.addresses)
        wanted = {each["id"]: 1 for each in subnets if each["ip_version"] == 4}
        await reserve.hold(network, wanted, await reserve.holders(interface.network_id), device)
        # Local routers of the pod know the address as the way to the other networks.
        beside = [
            each.shown["id"]
            for each in await self._shop.routing.on_networks([interface.network_id])
            if each.span.local == pod_id
        ]
        await self._shop.request(Key(names.ROUTER, each, pod_id) for each in beside)

    async def _ask_others(self, router: Router, pod_id: str) -> None:
        others = spans.pods(router.span) - {pod_id}
        await self._shop.request(Key(names.ROUTER, router.shown["id"], each) for each in others)

    async def _ids(self, pod: Realizer, wanted: PodRouter) -> dict[Ref, str]:
        """The ids of all that a pod router names, seen to where they are not known. Raises `Left`."""
        refs = plan.references(wanted)
        await self._ready(pod, (ref for ref in refs if ref.kind != SUBNET))
        found = await self._shop.ids(pod.pod_id, refs)
        if lost := refs - found.keys():
            # A subnet that has come since its network was seen to, or one that has gone.
            networks = {each.network for each in wanted.attachments} | (
                {wanted.gateway.network} if wanted.gateway else set()
            )
            for ref in networks:
                if ref.kind == names.NETWORK:
                    await self._shop.now(names.NETWORK, ref.top_id, pod.pod_id)
            raise Left(f"not in {pod.neutron.pod.region_name}: {sorted(map(str, lost))}")
        return found

    async def _release(self, router: Router, pod_id: str) -> None:
        """Give back what a pod router needs no more, now that it does not have it."""
        router_id, bridges = router.shown["id"], self._shop.bridges
        gone = False
        if not spans.meets(router.span):
            gone |= await bridges.release(f"{LINK_DEVICE}{router_id}", pod_id)
        if not spans.leaves(router.span):
            gone |= await bridges.release(f"{EXIT_DEVICE}{router_id}", pod_id)
        if gone:
            await self._shop.request([Key(names.BRIDGE, router.shown["project_id"])])

    async def _leave(self, pod: Realizer, key: Key, router: Router | None) -> None:
        """The pod needs no part of a router any more."""
        project_id = router.shown["project_id"] if router is not None else None
        project_id = project_id or await pod.routings.owner(names.ROUTER, key.resource_id, pod.pod_id)
        for twin in await pod.surplus(names.ROUTER, key.resource_id, project_id):
            await PodRouterRealizer(pod.neutron).clear(twin)
        await pod.remove(names.ROUTER, key.resource_id, project_id)
        bridges, devices = self._shop.bridges, (LINK_DEVICE, EXIT_DEVICE)
        gone = [await bridges.release(f"{device}{key.resource_id}", pod.pod_id) for device in devices]
        if router is not None and any(gone):
            await self._ask_others(router, pod.pod_id)
        if project_id is not None:
            await self._shop.request([Key(names.BRIDGE, project_id)])
