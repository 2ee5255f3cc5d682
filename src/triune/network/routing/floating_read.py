"""Reads what a floating IP needs to be realized."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from triune.network import forms
from triune.network.names import EXIT_DEVICE, FLOATING_DEVICE
from triune.network.neutron import Refused
from triune.network.realize import NOT_FOUND
from triune.network.routing.floating import FloatingIP, Target
from triune.network.routing.model import Address
from triune.network.routing.read import RoutingRead
from triune.network.top_ports import placement

JSON = dict[str, Any]


async def floating_ip(read: RoutingRead, floating_ip_id: str) -> FloatingIP | None:
    """A floating IP that has a router; None for one that is gone or has none.

    Raises `PodUnreachable` and `Refused` of central Neutron, and `DatabaseUnavailable`.
    """
    shown = await read.central.show("floatingips", floating_ip_id)
    return next(iter(await complete(read, [shown])), None) if shown is not None else None


async def complete(read: RoutingRead, shown: Iterable[JSON]) -> list[FloatingIP]:
    """Those of some floating IPs, as central Neutron shows them, that have a router, with that and where they lead."""
    routed = [each for each in shown if each.get("router_id")]
    router_ids = {each["router_id"] for each in routed}
    devices = {f"{EXIT_DEVICE}{each}" for each in router_ids} | {f"{FLOATING_DEVICE}{each['id']}" for each in routed}
    routers, held, ends = await asyncio.gather(
        read.routers(router_ids),
        read.central.of("ports", "device_id", devices),
        asyncio.gather(*(_ends(read, each) for each in routed)),
    )
    port_ids = {end["internal_port_id"] for some in ends for end in some}
    ports, pods = await asyncio.gather(read.central.of("ports", "id", port_ids), read.placed(port_ids))
    exits = await read.exits(each for each in held if each["device_id"].startswith(EXIT_DEVICE))
    by_router = {each.shown["id"]: each for each in routers}
    placed = {each["id"]: each for each in ports if each["id"] in pods}
    return [
        FloatingIP(
            each,
            by_router[each["router_id"]],
            tuple(_targets(some, placed, pods)),
            exits.get(each["router_id"]),
            _inner(port for port in held if port["device_id"] == f"{FLOATING_DEVICE}{each['id']}"),
        )
        for each, some in zip(routed, ends, strict=True)
        if each["router_id"] in by_router
    ]


async def _ends(read: RoutingRead, shown: JSON) -> list[JSON]:
    """Where a floating IP leads, all of it or single ports, in the words of port forwardings."""
    if shown.get("port_id"):
        return [{"internal_port_id": shown["port_id"], "internal_ip_address": shown["fixed_ip_address"]}]
    try:
        return await read.central.list(f"floatingips/{shown['id']}/port_forwardings")
    except Refused as error:
        if error.status != NOT_FOUND:
            raise
        # It went meanwhile.
        return []


def _targets(ends: Iterable[JSON], ports: Mapping[str, JSON], pods: Mapping[str, str]) -> Iterator[Target]:
    for end in ends:
        port, address = ports.get(end["internal_port_id"]), end["internal_ip_address"]
        fixed = port["fixed_ips"] if port is not None else ()
        subnet_id = next((each["subnet_id"] for each in fixed if each["ip_address"] == address), None)
        if port is not None and subnet_id is not None:
            yield Target(
                port["id"],
                port["network_id"],
                Address(subnet_id, address),
                pods[port["id"]],
                end.get("protocol"),
                (forms.ports(end, "external_port"), forms.ports(end, "internal_port")),
            )


def _inner(ports: Iterable[JSON]) -> dict[str, str]:
    ordered = sorted(ports, key=lambda each: str(each["id"]), reverse=True)
    return {
        str(placement(port).get("pod")): port["fixed_ips"][0]["ip_address"] for port in ordered if port["fixed_ips"]
    }
