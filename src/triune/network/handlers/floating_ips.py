"""Floating IPs in pods (kind `floating_ip`): in that of the external network, and in those of their servers."""

from typing import Any, Final

from triune.network import names
from triune.network.handlers.shop import TRY_PAUSE, Left, Shop, tried
from triune.network.names import FLOATING_DEVICE, tag
from triune.network.neutron import Refused
from triune.network.plan import Ref, resolved
from triune.network.realize import BAD_REQUEST, CONFLICT, NOT_FOUND, Realizer
from triune.network.resources import RESOURCES, SUBNET
from triune.network.routing import floating
from triune.network.routing.floating import FloatingIP, PodFloatingIP, Standing
from triune.network.routing.floating_read import floating_ip
from triune.network.routing.forwardings import bring_forwardings, drop_forwardings
from triune.work.handler import Again
from triune.work.requests import Key

JSON = dict[str, Any]

# No logical port is made for such a port, and nobody answers for its address.
STANDING_OWNER: Final = "network:floatingip"


class FloatingIPs:
    """Brings a floating IP to what is wanted in a pod."""

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
            if error.pod.id != key.pod_id or error.status not in (BAD_REQUEST, CONFLICT, NOT_FOUND):
                raise
            # Its router, or whoever has had the address, is a little behind.
            await self._forget(pod, key)
            return self._shop.patience.again(key, str(error), least=TRY_PAUSE)
        self._shop.patience.over(key)
        return again

    async def _bring(self, pod: Realizer, key: Key) -> None:
        model = await floating_ip(self._shop.routing, key.resource_id)
        if model is not None:
            model = await self._with_inner(pod, model)
            wanted = floating.pod_floating_ip(model, pod.pod_id)
            if wanted is not None:
                await self._stay(pod, model, wanted)
                return
        await self._leave(pod, key)

    async def _with_inner(self, pod: Realizer, model: FloatingIP) -> FloatingIP:
        """A floating IP with all its addresses on the exit subnet. Raises `Left`."""
        top_id, router = model.shown["id"], model.router
        lacking = floating.remote_pods(model) - model.inner.keys()
        if pod.pod_id in lacking:
            await self._shop.now(names.ROUTER, router.shown["id"], pod.pod_id)
            if not await self._shop.bridges.add_inner(router.shown, top_id, pod.pod_id):
                raise Left(f"the exit of router {router.shown['id']} is not there")
            if router.span.gateway_pod is not None:
                await self._shop.request([Key(names.FLOATING_IP, top_id, router.span.gateway_pod)])
        elif lacking and pod.pod_id == router.span.gateway_pod:
            # Only the server's pod takes an address, so that there are not two.
            for pod_id in lacking:
                await self._shop.now(names.FLOATING_IP, top_id, pod_id)
        else:
            return model
        return await floating_ip(self._shop.routing, top_id) or model

    async def _stay(self, pod: Realizer, model: FloatingIP, wanted: PodFloatingIP) -> None:
        found = await self._loosened(pod, wanted)
        router = Ref(names.ROUTER, model.router.shown["id"])
        networks = {each for each in wanted.twin.body.values() if isinstance(each, Ref)}
        standing = {ref for each in wanted.standing for ref in (each.network, each.subnet)}
        ids = await self._ids(pod, {router, *networks, *standing, *wanted.ports})
        ends: dict[Ref | Standing, str] = {ref: ids[ref] for ref in wanted.ports}
        for each in wanted.standing:
            ends[each] = await self._stand(pod, wanted, each, ids)
        twin = floating.led(wanted, ends[wanted.leads[0]] if wanted.leads is not None else None)
        resource = RESOURCES[twin.kind]
        is_other = found is not None and resource.fixed & resource.differs(resolved(twin.body, ids), found).keys()
        if found is not None and (is_other or wanted.leads is not None):
            await drop_forwardings(pod.neutron, pod.features, found)
        if found is not None and is_other:
            # It is in another role now, or its router has another exit.
            await pod.neutron.delete(resource.path, found["id"])
            found = None
        made = await pod.bring(twin, ids, found)
        if wanted.leads is None:
            await bring_forwardings(pod.neutron, pod.features, made, wanted.forwardings, ends)
        await self._prune(pod, model.shown["id"], {each.address for each in wanted.standing})
        if pod.pod_id not in floating.remote_pods(model):
            await self._shop.bridges.release(f"{FLOATING_DEVICE}{model.shown['id']}", pod.pod_id)

    async def _loosened(self, pod: Realizer, wanted: PodFloatingIP) -> JSON | None:
        """The floating IP as it is in the pod, without an address to which it leads no more: its port may lose that."""
        found = await pod.found(wanted.twin)
        address = wanted.leads[1] if wanted.leads is not None else None
        if found is None or not found.get("port_id") or found["fixed_ip_address"] == address:
            return found
        return await pod.neutron.update(RESOURCES[names.FLOATING_IP].path, found["id"], {"port_id": None})

    async def _ids(self, pod: Realizer, refs: set[Ref]) -> dict[Ref, str]:
        """The ids of what a floating IP names, seen to where they are not known. Raises `Left`."""
        known = await self._shop.ids(pod.pod_id, refs)
        for ref in refs - known.keys():
            if ref.kind != SUBNET:
                await self._shop.now(ref.kind, ref.top_id, pod.pod_id)
        known = await self._shop.ids(pod.pod_id, refs)
        if lost := refs - known.keys():
            raise Left(f"not in {pod.neutron.pod.region_name}: {sorted(map(str, lost))}")
        return known

    async def _stand(self, pod: Realizer, wanted: PodFloatingIP, each: Standing, ids: dict[Ref, str]) -> str:
        """The port that stands for a server elsewhere."""
        for port in await self._standing(pod, wanted.twin.top_id):
            if (
                any(fixed["ip_address"] == each.address for fixed in port["fixed_ips"])
                and port["network_id"] == ids[each.network]
            ):
                return str(port["id"])
        body = {
            "network_id": ids[each.network],
            "name": tag(wanted.twin.top_id),
            "device_owner": STANDING_OWNER,
            "device_id": f"{FLOATING_DEVICE}{wanted.twin.top_id}",
            "fixed_ips": [{"subnet_id": ids[each.subnet], "ip_address": each.address}],
            "project_id": wanted.twin.project_id,
            "security_groups": [],
        }
        return str((await pod.neutron.create("ports", body))["id"])

    async def _standing(self, pod: Realizer, top_id: str) -> list[JSON]:
        return await pod.neutron.list("ports", [("device_id", f"{FLOATING_DEVICE}{top_id}")])

    async def _prune(self, pod: Realizer, top_id: str, wanted: set[str]) -> None:
        """Remove the ports that stand for nobody any more."""
        for port in await self._standing(pod, top_id):
            if not any(fixed["ip_address"] in wanted for fixed in port["fixed_ips"]):
                await pod.neutron.delete("ports", port["id"])

    async def _leave(self, pod: Realizer, key: Key) -> None:
        owner = await self._shop.read.owner("floatingips", key.resource_id)
        # That of one that is gone is still remembered.
        owner = owner or await pod.routings.owner(names.FLOATING_IP, key.resource_id, pod.pod_id)
        for twin in await pod.surplus(names.FLOATING_IP, key.resource_id, owner):
            await drop_forwardings(pod.neutron, pod.features, twin)
        await pod.remove(names.FLOATING_IP, key.resource_id, owner)
        await self._prune(pod, key.resource_id, set())
        released = await self._shop.bridges.release(f"{FLOATING_DEVICE}{key.resource_id}", pod.pod_id)
        if released and owner is not None:
            # The exit subnet may wait for it.
            await self._shop.request([Key(names.BRIDGE, owner)])

    async def _forget(self, pod: Realizer, key: Key) -> None:
        """What was known to be there may have gone: looked at anew the next time."""
        model = await floating_ip(self._shop.routing, key.resource_id)
        if model is not None:
            await self._shop.request([Key(names.ROUTER, model.router.shown["id"], pod.pod_id)])
