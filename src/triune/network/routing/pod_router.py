"""Brings the interfaces, the gateway and the routes of a pod router to what is wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from triune.network.neutron import Neutron
from triune.network.plan import Ref
from triune.network.routing.interfaces import Interfaces, Pair, is_new, pairs
from triune.network.routing.plan import Attachment, Gateway, PodRouter
from triune.network.routing.routes import Route

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done, in this order: routes go, interfaces go, the gateway, interfaces come, routes come.

    `ports` go with all their addresses; of others only the one in a subnet does. `new` have never become interfaces.
    """

    kept: frozenset[Route]
    new: tuple[JSON, ...]
    ports: tuple[str, ...]
    subnets: tuple[str, ...]
    gateway: JSON | None
    missing: tuple[tuple[Attachment, tuple[Pair, ...]], ...]
    routes: frozenset[Route]

    @property
    def parts(self) -> bool:
        """Whether anything but routes changes."""
        return bool(self.new or self.ports or self.subnets or self.gateway is not None or self.missing)


def changes(wanted: PodRouter, ids: Mapping[Ref, str], router: JSON, ports: Iterable[JSON]) -> Changes:
    """What differs in a router of a pod; `ports` are its interfaces, `ids` those of all that `wanted` names."""
    due = frozenset[Pair]().union(*(_pairs(each, ids) for each in wanted.attachments))
    ports = list(ports)
    new = tuple(port for port in ports if is_new(port))
    have = {port["id"]: pairs(port["fixed_ips"]) for port in ports if port not in new}
    there = frozenset[Pair]().union(*have.values())
    lacking = {each: tuple(sorted(_pairs(each, ids) - there)) for each in wanted.attachments}
    surplus = {port_id: some - due for port_id, some in have.items()}
    gateway = _gateway(wanted.gateway, ids, router)
    # A route by an interface that goes, or by a gateway that is moved, would keep it.
    steady = gateway is None and not any(surplus.values())
    return Changes(
        kept=routes(router) & wanted.routes if steady else frozenset(),
        new=new,
        ports=tuple(port_id for port_id, some in have.items() if surplus[port_id] == some),
        subnets=tuple(
            subnet_id
            for port_id, some in have.items()
            if surplus[port_id] != some
            for subnet_id, _ in sorted(surplus[port_id])
        ),
        gateway=gateway,
        missing=tuple((each, some) for each, some in lacking.items() if some),
        routes=wanted.routes,
    )


def routes(router: JSON) -> frozenset[Route]:
    """The routes of a router as a pod shows it."""
    return frozenset(
        Route(str(ip_network(each["destination"], strict=False)), str(ip_address(each["nexthop"])))
        for each in router.get("routes") or ()
    )


def _pairs(attachment: Attachment, ids: Mapping[Ref, str]) -> frozenset[Pair]:
    return frozenset((ids[spot.subnet], str(ip_address(spot.address))) for spot in attachment.spots)


def _gateway(wanted: Gateway | None, ids: Mapping[Ref, str], router: JSON) -> JSON | None:
    """The `external_gateway_info` to be set; None where it is as wanted."""
    found = router.get("external_gateway_info") or None
    if wanted is None:
        return {} if found is not None else None
    spots = {(ids[spot.subnet], str(ip_address(spot.address))) for spot in wanted.spots}
    network_id = ids[wanted.network]
    if (
        found is not None
        and found["network_id"] == network_id
        and pairs(found["external_fixed_ips"]) == spots
        and bool(found.get("enable_snat", True)) == wanted.enable_snat
    ):
        return None
    fixed_ips = [{"subnet_id": subnet_id, "ip_address": address} for subnet_id, address in sorted(spots)]
    return {"network_id": network_id, "enable_snat": wanted.enable_snat, "external_fixed_ips": fixed_ips}


class PodRouterRealizer:
    """Changes a router in a pod. All methods raise `PodUnreachable` and `Refused` of the pod's Neutron."""

    def __init__(self, neutron: Neutron) -> None:
        self._neutron = neutron

    async def bring(self, wanted: PodRouter, ids: Mapping[Ref, str], router: JSON) -> None:
        """Bring the parts of a router to what is wanted."""
        interfaces = Interfaces(self._neutron, router)
        due = changes(wanted, ids, router, await interfaces.ports())
        if due.kept != routes(router):
            await self._set_routes(router["id"], due.kept)
        for port in due.new:
            await interfaces.discard(port)
        for port_id in due.ports:
            await interfaces.detach({"port_id": port_id})
        for subnet_id in due.subnets:
            await interfaces.detach({"subnet_id": subnet_id})
        if due.gateway is not None:
            await self._neutron.update("routers", router["id"], {"external_gateway_info": due.gateway})
        for attachment, missing in due.missing:
            if attachment.port is None:
                await interfaces.attach(ids[attachment.network], missing)
            else:
                await interfaces.add({"port_id": ids[attachment.port]})
        if due.routes != due.kept:
            await self._set_routes(router["id"], due.routes)

    async def clear(self, router: JSON) -> None:
        """Take everything from a router, so that it can be removed."""
        if router.get("routes"):
            await self._set_routes(router["id"], frozenset())
        interfaces = Interfaces(self._neutron, router)
        for port in await interfaces.ports():
            await (interfaces.discard(port) if is_new(port) else interfaces.detach({"port_id": port["id"]}))
        if router.get("external_gateway_info"):
            await self._neutron.update("routers", router["id"], {"external_gateway_info": {}})

    async def _set_routes(self, router_id: str, wanted: Iterable[Route]) -> None:
        shown = [{"destination": each.destination, "nexthop": each.nexthop} for each in sorted(wanted, key=str)]
        await self._neutron.update("routers", router_id, {"routes": shown})
