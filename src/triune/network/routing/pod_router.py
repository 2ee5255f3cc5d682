"""Brings the interfaces, the gateway and the routes of a pod router to what is wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from triune.network.names import tag
from triune.network.neutron import Neutron, Refused
from triune.network.plan import Ref, is_automatic
from triune.network.realize import NOT_FOUND
from triune.network.routing.plan import Attachment, Gateway, PodRouter
from triune.network.routing.routes import Route

JSON = dict[str, Any]

# Whatever kind of router it is in the pod: centralized, distributed, or doubled for its availability.
INTERFACE_OWNERS: Final = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)


# A subnet of the pod, and an address in it.
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done, in this order: routes go, interfaces go, the gateway, interfaces come, routes come.

    `ports` go with all their addresses; of others only the one in a subnet does.
    """

    kept: frozenset[Route]
    ports: tuple[str, ...]
    subnets: tuple[str, ...]
    gateway: JSON | None
    missing: tuple[tuple[Attachment, Pair], ...]
    routes: frozenset[Route]

    @property
    def parts(self) -> bool:
        """Whether anything but routes changes."""
        return bool(self.ports or self.subnets or self.gateway is not None or self.missing)


def changes(wanted: PodRouter, ids: Mapping[Ref, str], router: JSON, ports: Iterable[JSON]) -> Changes:
    """What differs in a router of a pod; `ports` are its interfaces, `ids` those of all that `wanted` names."""
    due = {pair: each for each in wanted.attachments for pair in _pairs(each, ids)}
    have = {port["id"]: _fixed(port["fixed_ips"]) for port in ports}
    surplus = {port_id: pairs - due.keys() for port_id, pairs in have.items()}
    gateway = _gateway(wanted.gateway, ids, router)
    # A route by an interface that goes, or by a gateway that is moved, would keep it.
    steady = gateway is None and not any(surplus.values())
    return Changes(
        kept=routes(router) & wanted.routes if steady else frozenset(),
        ports=tuple(port_id for port_id, pairs in have.items() if surplus[port_id] == pairs),
        subnets=tuple(
            subnet_id
            for port_id, pairs in have.items()
            if surplus[port_id] != pairs
            for subnet_id, _ in sorted(surplus[port_id])
        ),
        gateway=gateway,
        missing=tuple((due[pair], pair) for pair in sorted(due.keys() - frozenset[Pair]().union(*have.values()))),
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


def _fixed(fixed_ips: Iterable[JSON]) -> frozenset[Pair]:
    return frozenset((each["subnet_id"], str(ip_address(each["ip_address"]))) for each in fixed_ips)


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
        and _fixed(found["external_fixed_ips"]) == spots
        and bool(found.get("enable_snat", True)) == wanted.enable_snat
    ):
        return None
    fixed_ips = [{"subnet_id": subnet_id, "ip_address": address} for subnet_id, address in sorted(spots)]
    return {"network_id": network_id, "enable_snat": wanted.enable_snat, "external_fixed_ips": fixed_ips}


class PodRouterRealizer:
    """Changes a router in a pod. All methods raise `PodUnreachable` and `Refused` of the pod's Neutron."""

    def __init__(self, neutron: Neutron) -> None:
        self._neutron = neutron

    async def ports(self, router_id: str) -> list[JSON]:
        """The interfaces of a router."""
        found = await self._neutron.list("ports", [("device_id", router_id)])
        return [each for each in found if each["device_owner"] in INTERFACE_OWNERS]

    async def bring(self, wanted: PodRouter, ids: Mapping[Ref, str], router: JSON) -> None:
        """Bring the parts of a router to what is wanted."""
        due = changes(wanted, ids, router, await self.ports(router["id"]))
        if due.kept != routes(router):
            await self._set_routes(router["id"], due.kept)
        for port_id in due.ports:
            await self._detach(router["id"], {"port_id": port_id})
        for subnet_id in due.subnets:
            await self._detach(router["id"], {"subnet_id": subnet_id})
        if due.gateway is not None:
            await self._neutron.update("routers", router["id"], {"external_gateway_info": due.gateway})
        attached: set[Ref] = set()
        for attachment, pair in due.missing:
            if attachment.port is None:
                await self._attach(router, attachment, ids, pair)
            elif attachment.port not in attached:
                await self._add(router, {"port_id": ids[attachment.port]})
                attached.add(attachment.port)
        if due.routes != due.kept:
            await self._set_routes(router["id"], due.routes)

    async def clear(self, router: JSON) -> None:
        """Take everything from a router, so that it can be removed."""
        if router.get("routes"):
            await self._set_routes(router["id"], frozenset())
        for port in await self.ports(router["id"]):
            await self._detach(router["id"], {"port_id": port["id"]})
        if router.get("external_gateway_info"):
            await self._neutron.update("routers", router["id"], {"external_gateway_info": {}})

    async def _set_routes(self, router_id: str, wanted: Iterable[Route]) -> None:
        shown = [{"destination": each.destination, "nexthop": each.nexthop} for each in sorted(wanted, key=str)]
        await self._neutron.update("routers", router_id, {"routes": shown})

    async def _detach(self, router_id: str, which: JSON) -> None:
        try:
            await self._neutron.act(f"routers/{router_id}/remove_router_interface", which)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise

    async def _add(self, router: JSON, which: JSON) -> None:
        await self._neutron.act(f"routers/{router['id']}/add_router_interface", which)

    async def _attach(self, router: JSON, attachment: Attachment, ids: Mapping[Ref, str], pair: Pair) -> None:
        subnet_id, address = pair
        subnet = await self._neutron.show("subnets", subnet_id)
        if subnet is not None and subnet["gateway_ip"] and ip_address(subnet["gateway_ip"]) == ip_address(address):
            await self._add(router, {"subnet_id": subnet_id})
            return
        port = await self._port(router, ids[attachment.network], pair, subnet is not None and is_automatic(subnet))
        try:
            await self._add(router, {"port_id": port["id"]})
        except Refused:
            # Nobody else knows of it. What is left where this fails too is found by its name the next time.
            await self._neutron.delete("ports", port["id"])
            raise

    async def _port(self, router: JSON, network_id: str, pair: Pair, automatic: bool) -> JSON:
        """A port with the address of an interface: new, or left by whoever did not come to attach it."""
        name = tag(router["id"])
        for port in await self._neutron.list("ports", [("network_id", network_id), ("name", name)]):
            if port["device_id"] == "" and _fixed(port["fixed_ips"]) == {pair}:
                return port
            if port["device_id"] == "":
                await self._neutron.delete("ports", port["id"])
        subnet_id, address = pair
        body = {
            "network_id": network_id,
            "name": name,
            "project_id": router["project_id"],
            "fixed_ips": [{"subnet_id": subnet_id} if automatic else {"subnet_id": subnet_id, "ip_address": address}],
            "security_groups": [],
        }
        if automatic and (mac := mac_of(address)) is not None:
            body["mac_address"] = mac
        return await self._neutron.create("ports", body)


def mac_of(address: str) -> str | None:
    """The MAC that an IPv6 address was made of (RFC 4291, appendix A); None for one that was not."""
    tail = ip_address(address).packed[-8:]
    if tail[3:5] != b"\xff\xfe":
        return None
    return bytes([tail[0] ^ 2, *tail[1:3], *tail[5:]]).hex(":")
