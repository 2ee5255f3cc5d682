"""Refusals of networks to which a router cannot be attached."""

from collections.abc import Iterable
from typing import Any

from neutron_lib import exceptions
from neutron_lib.db import api as database

from triune.network.central import location, reads, router_reads, settings


def refuse_network(context: Any, router_id: str, network_id: str) -> None:
    """Raises `BadRequest` (400) where the hints of the router and where the network may be do not agree."""
    with database.CONTEXT_READER.using(context):
        router = router_reads.router(context.session, router_id)
        if router is None or not router.hints:
            return
        network = router_reads.network(context.session, network_id)
        reason = location.refusal(router.hints, network, reads.pods(context.session))
    if reason is not None:
        _refuse(f"Router {router_id} cannot be attached to network {network_id}: {reason}")


def refuse_gateway(context: Any, router_id: str, network_id: str) -> None:
    """Raises `BadRequest` (400) where no pod is both the router's and the external network's."""
    with database.CONTEXT_READER.using(context):
        router = router_reads.router(context.session, router_id)
        if router is None:
            return
        network = router_reads.network(context.session, network_id)
        reason = location.gateway_refusal(router.hints, network, reads.pods(context.session))
    if reason is not None:
        _refuse(f"Router {router_id} cannot have its gateway on network {network_id}: {reason}")


def refuse_subnets(cidrs: Iterable[str]) -> None:
    """Raises `BadRequest` (400) where a subnet of an interface has addresses that Triune needs between regions."""
    reason = location.overlap(cidrs, settings.bridge_ranges())
    if reason is not None:
        _refuse(f"Subnet {reason}")


def _refuse(text: str) -> None:
    raise exceptions.BadRequest(resource="router", msg=text)
