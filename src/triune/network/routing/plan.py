"""What a pod must hold of a router of central Neutron: pure functions from the model to a pod router.

A pod router names other resources by `Ref`; which ids they have in the pod is found out when it is realized.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from triune.network import names
from triune.network.plan import Ref, Twin, twin
from triune.network.resources import SUBNET
from triune.network.routing import spans
from triune.network.routing.model import Address, Router, Surroundings
from triune.network.routing.routes import Route, routes


@dataclass(frozen=True, slots=True)
class Spot:
    """An address of a pod router in a subnet of its pod."""

    subnet: Ref
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """An interface of a pod router: with its own port (`port`), or one that is made for it."""

    network: Ref
    spots: tuple[Spot, ...]
    port: Ref | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """The external gateway of a pod router."""

    network: Ref
    spots: tuple[Spot, ...]
    enable_snat: bool = True


@dataclass(frozen=True, slots=True)
class PodRouter:
    """What a pod must hold of a router."""

    twin: Twin
    attachments: tuple[Attachment, ...] = ()
    gateway: Gateway | None = None
    routes: frozenset[Route] = frozenset()


def references(wanted: PodRouter) -> frozenset[Ref]:
    """All that a pod router names."""
    refs = {ref for each in wanted.attachments for ref in (each.network, *(spot.subnet for spot in each.spots))}
    if wanted.gateway is not None:
        refs |= {wanted.gateway.network, *(spot.subnet for spot in wanted.gateway.spots)}
    return frozenset(refs)


def pod_router(router: Router, around: Surroundings, pod_id: str) -> PodRouter | None:
    """The part of a router that is in a pod; None where it needs none. What is missing at the top is left out."""
    if pod_id not in spans.pods(router.span):
        return None
    if pod_id not in around.links:
        # The others' links are not reached without one.
        around = replace(around, links={})
    shown = router.shown
    body = {"name": shown["name"], "description": shown.get("description"), "admin_state_up": shown["admin_state_up"]}
    # What nobody has asked for is left to the pod.
    body |= {name: True for name in ("distributed", "ha") if shown.get(name)}
    return PodRouter(
        twin(names.ROUTER, shown, body),
        tuple(_attachments(router, around, pod_id)),
        _gateway(router, around, pod_id),
        frozenset(routes(router, around, pod_id)),
    )


def _attachments(router: Router, around: Surroundings, pod_id: str) -> Iterator[Attachment]:
    for each in spans.interfaces(router, around, pod_id):
        yield Attachment(
            Ref(names.NETWORK, each.network_id), tuple(_spot(found) for found in spans.addresses(each, around))
        )
    link = around.links.get(pod_id)
    if link is not None and spans.meets(router.span):
        spots = tuple(_spot(each) for each in link.addresses)
        yield Attachment(Ref(names.PORT, link.port_id), spots, Ref(names.PORT, link.port_id))
    if router.span.gateway_pod == pod_id and around.exit is not None and spans.has_exit(router.span, around, pod_id):
        spot = Spot(Ref(SUBNET, around.exit.subnet_id), around.exit.gateway_ip)
        yield Attachment(Ref(names.NETWORK, around.exit.network_id), (spot,))


def _spot(address: Address) -> Spot:
    return Spot(Ref(SUBNET, address.subnet_id), address.ip_address)


def _gateway(router: Router, around: Surroundings, pod_id: str) -> Gateway | None:
    info = router.shown.get("external_gateway_info")
    if router.span.gateway_pod is None or not info:
        return None
    snat = bool(info.get("enable_snat", True))
    if router.span.gateway_pod == pod_id:
        spots = tuple(_spot(Address(each["subnet_id"], each["ip_address"])) for each in info["external_fixed_ips"])
        return Gateway(Ref(names.NETWORK, info["network_id"]), spots, snat)
    if around.exit is None or not spans.has_exit(router.span, around, pod_id):
        return None
    spot = Spot(Ref(SUBNET, around.exit.subnet_id), around.exit.addresses[pod_id])
    return Gateway(Ref(names.NETWORK, around.exit.network_id), (spot,), snat)
