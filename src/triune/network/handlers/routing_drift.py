"""Where a pod's routers and floating IPs differ from the plan; what each differs in is seen by its own handler."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
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
from triune.network.routing.plan import PodRouter
from triune.network.routing.pod_router import INTERFACE_OWNERS, changes
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
        *asked, pod.neutron.list("ports", owners, ["device_id", "fixed_ips"])
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
    found = {Key(names.ROUTER, top_id, pod.pod_id): SURPLUS for top_id in _surplus(held, names.ROUTER, wanted)}
    for each in wanted:
        key = Key(names.ROUTER, each.twin.top_id, pod.pod_id)
        how = _how(pod, held, each.twin, {}) or _parts(held, each, ids, ports)
        if how is not None:
            found[key] = how
    return found


def _surplus(held: Held, kind: str, wanted: Iterable[PodRouter | PodFloatingIP]) -> set[str]:
    due = {each.twin.top_id for each in wanted}
    return {top_id for found, top_id in held.twins if found == kind and top_id not in due}


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
    return DIFFERENT if due.parts or due.kept != due.routes else None


async def _floating_ips(shop: Shop, pod: Realizer, held: Held) -> dict[Key, str]:
    shown = await shop.read.central.list("floatingips")
    models = [each for each in await complete(shop.routing, shown) if each.targets]
    wanted = [each for model in models if (each := floating.pod_floating_ip(model, pod.pod_id)) is not None]
    missing = [
        model.shown["id"] for model in models if pod.pod_id in floating.remote_pods(model) - (model.inner or {}).keys()
    ]
    found = {Key(names.FLOATING_IP, top_id, pod.pod_id): MISSING for top_id in missing}
    gone = _surplus(held, names.FLOATING_IP, wanted)
    found |= {Key(names.FLOATING_IP, top_id, pod.pod_id): SURPLUS for top_id in gone}
    refs = {ref for each in wanted for ref in (*each.ports, *_networks(each.twin))}
    ids = await shop.ids(pod.pod_id, refs)
    for each in wanted:
        # Whether it leads to the right standing port is told by that port's address alone.
        leads = each.leads[0] if each.leads is not None else None
        refs_of = {*each.ports, *_networks(each.twin)}
        how = MISSING if not refs_of <= ids.keys() else None
        if how is None:
            end = ids[leads] if isinstance(leads, Ref) else None
            twin = floating.led(each, end) if end is not None or leads is None else each.twin
            how = _how(pod, held, twin, ids)
        if how is not None:
            found[Key(names.FLOATING_IP, each.twin.top_id, pod.pod_id)] = how
    return found


def _networks(twin: Twin) -> set[Ref]:
    return {each for each in twin.body.values() if isinstance(each, Ref)}
