"""Where a pod's routers and floating IPs differ from the plan; what each differs in is seen by its own handler."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from triune.network import names
from triune.network.drift import DIFFERENT, MISSING, SURPLUS, TWICE, Held
from triune.network.handlers.shop import Shop
from triune.network.names import TAG
from triune.network.plan import Ref, Twin, resolved
from triune.network.realize import Realizer, differences, tags_differ
from triune.network.resources import RESOURCES
from triune.network.routing import floating, plan
from triune.network.routing.floating import PodFloatingIP
from triune.network.routing.floating_read import complete
from triune.network.routing.forwardings import forwardings_differ
from triune.network.routing.interfaces import INTERFACE_OWNERS
from triune.network.routing.plan import PodRouter
from triune.network.routing.pod_router import changes, routes
from triune.work.requests import Key

JSON = dict[str, Any]

KINDS: Final = (names.ROUTER, names.FLOATING_IP)


async def routing_drift(shop: Shop, pod: Realizer) -> dict[Key, str]:
    """The keys of what differs, and how. Raises `PodUnreachable`, `Refused`."""
    if "router" not in pod.features:
        return {}
    # The pod first, as everywhere.
    asked = [pod.neutron.list(RESOURCES[kind].path, [("tags", TAG)]) for kind in KINDS]
    owners = [("device_owner", each) for each in INTERFACE_OWNERS]
    routers, floating_ips, ports = await asyncio.gather(
        *asked, pod.neutron.list("ports", owners, ["name", "device_id", "fixed_ips"])
    )
    held = Held({names.ROUTER: routers, names.FLOATING_IP: floating_ips})
    found = await _routers(shop, pod, held, _by_device(ports))
    return found | await _floating_ips(shop, pod, held)


def _by_device(ports: Iterable[JSON]) -> Mapping[str, list[JSON]]:
    found: defaultdict[str, list[JSON]] = defaultdict(list)
    for each in ports:
        found[each["device_id"]].append(each)
    return found


async def _routers(shop: Shop, pod: Realizer, held: Held, ports: Mapping[str, list[JSON]]) -> dict[Key, str]:
    present = await shop.routing.present_routers(pod.pod_id)
    around = await shop.routing.all_surroundings(present, pod.pod_id)
    wanted = [
        each
        for router in present
        if (each := plan.pod_router(router, around[router.shown["id"]], pod.pod_id)) is not None
    ]
    refs = {ref for each in wanted for ref in plan.references(each)}
    ids = await shop.ids(pod.pod_id, refs)
    gone = await _surplus(shop, held, names.ROUTER, wanted)
    found = {Key(names.ROUTER, top_id, pod.pod_id): SURPLUS for top_id in gone}
    for each in wanted:
        key = Key(names.ROUTER, each.twin.top_id, pod.pod_id)
        how = _how(pod, held, each.twin, {}) or _parts(held, each, ids, ports)
        if how is not None:
            found[key] = how
    return found


async def _surplus(shop: Shop, held: Held, kind: str, wanted: Iterable[PodRouter | PodFloatingIP]) -> set[str]:
    due = {each.twin.top_id for each in wanted}
    gone = {top_id for found, top_id in held.twins if found == kind and top_id not in due}
    tops = await shop.read.central.of(RESOURCES[kind].path, "id", gone, ["project_id"])
    held.disown({each["id"]: each["project_id"] for each in tops})
    return {top_id for top_id in gone if (kind, top_id) in held.twins}


def _how(pod: Realizer, held: Held, wanted: Twin, ids: Mapping[Ref, str]) -> str | None:
    twins = held.of(wanted)
    if not twins:
        return MISSING
    if len(twins) > 1:
        return TWICE
    body = resolved(pod.body(wanted), ids)
    changed = differences(RESOURCES[wanted.kind], body, twins[0], pod.limits)
    return DIFFERENT if changed or tags_differ(wanted, twins[0]) else None


def _parts(held: Held, wanted: PodRouter, ids: Mapping[Ref, str], ports: Mapping[str, list[JSON]]) -> str | None:
    if not plan.references(wanted) <= ids.keys():
        return MISSING
    (twin,) = held.of(wanted.twin)
    due = changes(wanted, ids, twin, ports.get(twin["id"], ()))
    return DIFFERENT if due.parts or routes(twin) != due.routes else None


async def _floating_ips(shop: Shop, pod: Realizer, held: Held) -> dict[Key, str]:
    shown = await shop.read.central.list("floatingips")
    models = [each for each in await complete(shop.routing, shown) if each.targets]
    wanted = [each for model in models if (each := floating.pod_floating_ip(model, pod.pod_id)) is not None]
    missing = [model.shown["id"] for model in models if pod.pod_id in floating.remote_pods(model) - model.inner.keys()]
    found = {Key(names.FLOATING_IP, top_id, pod.pod_id): MISSING for top_id in missing}
    gone = await _surplus(shop, held, names.FLOATING_IP, wanted)
    found |= {Key(names.FLOATING_IP, top_id, pod.pod_id): SURPLUS for top_id in gone}
    refs = {ref for each in wanted for ref in (*each.ports, *_networks(each.twin))}
    ids = await shop.ids(pod.pod_id, refs)
    for each in wanted:
        refs_of = {*each.ports, *_networks(each.twin)}
        how = MISSING if not refs_of <= ids.keys() else None
        if how is None:
            how = _how(pod, held, _led(each, ids), ids)
        if how is None and each.forwardings:
            (twin,) = held.of(each.twin)
            how = DIFFERENT if await forwardings_differ(pod.neutron, twin, each.forwardings) else None
        if how is not None:
            found[Key(names.FLOATING_IP, each.twin.top_id, pod.pod_id)] = how
    return found


def _led(wanted: PodFloatingIP, ids: Mapping[Ref, str]) -> Twin:
    """A floating IP with where it leads; a port that stands for a server is told by its address alone."""
    if wanted.leads is None:
        return floating.led(wanted, None)
    end, address = wanted.leads
    if isinstance(end, Ref):
        return floating.led(wanted, ids[end])
    return replace(wanted.twin, body={**wanted.twin.body, "fixed_ip_address": address})


def _networks(twin: Twin) -> set[Ref]:
    return {each for each in twin.body.values() if isinstance(each, Ref)}
