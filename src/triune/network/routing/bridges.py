"""The networks on which the pod routers of a project meet: found, made and removed in central Neutron.

They belong to Triune's own project, so no tenant sees them; names alone would prove nothing, for anybody may take one.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import Any, Final

from oslo_config import cfg
from oslo_log import log as logging

from triune.network.names import BRIDGE_NAME, EXIT_DEVICE, EXIT_NAME, FLOATING_DEVICE, LINK_DEVICE, LINK_OWNER, PROFILE
from triune.network.neutron import Neutron
from triune.network.routing import spans
from triune.network.routing.model import Router
from triune.network.top_ports import placement

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# Exit subnets of one project that are looked through for a free one.
MOST_SUBNETS: Final = 4096


class NoRange(Exception):
    """All subnets of the configured range are in use by routers of the project."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The addresses of bridges and what carries them."""

    range: IPv4Network
    range_ipv6: IPv6Network
    prefix_length: int = 24
    network_type: str = "vlan"
    physical_network: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a project needs: a bridge, and exit subnets for some of its routers."""

    bridge: bool = False
    exits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Made:
    """A network of central Neutron that was made for a project, with its subnets."""

    shown: JSON
    subnets: tuple[JSON, ...] = field(default_factory=tuple)

    def subnet(self, name: str) -> JSON | None:
        """A subnet by its name."""
        return next((each for each in self.subnets if each["name"] == name), None)


def settings(conf: cfg.ConfigOpts) -> Settings:
    """Raises `ValueError` for ranges that are none."""
    found = conf.network
    return Settings(
        IPv4Network(found.bridge_range),
        IPv6Network(found.bridge_range_ipv6),
        found.bridge_prefix_length,
        found.bridge_network_type,
        found.bridge_physical_network,
    )


def wanted(routers: Iterable[Router]) -> Wanted:
    """What the routers of a project need."""
    spanning = [each for each in routers if spans.meets(each.span)]
    return Wanted(bool(spanning), frozenset(each.shown["id"] for each in spanning if spans.leaves(each.span)))


def free(range_: IPv4Network, prefix_length: int, used: Iterable[str]) -> Iterator[IPv4Network]:
    """The subnets of a range that overlap none in use; the first of all is the bridge's own."""
    taken = [ip_network(each) for each in used]
    candidates = islice(range_.subnets(new_prefix=max(prefix_length, range_.prefixlen)), 1, MOST_SUBNETS)
    return (each for each in candidates if not any(each.overlaps(other) for other in taken if other.version == 4))


class Bridges:
    """All methods raise `PodUnreachable` and `Refused` of central Neutron, and `IdentityUnavailable`."""

    def __init__(self, central: Neutron, settings: Settings, own_project: Callable[[], Awaitable[str]]) -> None:
        self._central = central
        self._settings = settings
        self._own_project = own_project

    async def bridge(self, project_id: str) -> Made | None:
        """The network of the links of a project."""
        return await self._find(f"{BRIDGE_NAME}{project_id}")

    async def exit(self, project_id: str) -> Made | None:
        """The network of the exit subnets of a project."""
        return await self._find(f"{EXIT_NAME}{project_id}")

    async def ensure(self, project_id: str, due: Wanted) -> None:
        """Make what is wanted and not there."""
        if due.bridge:
            await self._ensure_bridge(project_id)
        if due.exits:
            await self._ensure_exits(project_id, due.exits)

    async def prune(self, project_id: str, due: Wanted) -> None:
        """Remove what is wanted no more. Raises `Refused` 409 where pod routers still have addresses there."""
        exits = await self.exit(project_id)
        if exits is not None and not due.exits:
            await self._central.delete("networks", exits.shown["id"])
        elif exits is not None:
            for subnet in exits.subnets:
                if subnet["name"].removeprefix(EXIT_NAME) not in due.exits:
                    await self._central.delete("subnets", subnet["id"])
        bridge = await self.bridge(project_id) if not due.bridge else None
        if bridge is not None:
            await self._central.delete("networks", bridge.shown["id"])

    async def add_link(self, router: JSON, pod_id: str) -> bool:
        """Hold the address of a pod router on the bridge, if that is there."""
        bridge = await self.bridge(router["project_id"])
        if bridge is None or len(bridge.subnets) < 2:
            return False
        fixed_ips = [{"subnet_id": each["id"]} for each in bridge.subnets]
        await self._hold(bridge, f"{LINK_DEVICE}{router['id']}", pod_id, fixed_ips)
        return True

    async def add_exit(self, router: JSON, pod_id: str, is_gateway: bool) -> bool:
        """Hold the address of a pod router on its exit subnet, if that is there; `is_gateway`: that of the exit."""
        return await self._hold_on_exit(router, f"{EXIT_DEVICE}{router['id']}", pod_id, is_gateway)

    async def add_inner(self, router: JSON, floating_ip_id: str, pod_id: str) -> bool:
        """Hold an address for a floating IP of a server in a pod on the router's exit subnet, if that is there."""
        return await self._hold_on_exit(router, f"{FLOATING_DEVICE}{floating_ip_id}", pod_id)

    async def release(self, device: str, pod_id: str | None = None) -> bool:
        """Give the addresses of a device back, all or those of one pod; whether there were any."""
        ports = await self._central.list("ports", [("device_id", device)])
        own = [each for each in ports if pod_id in (None, placement(each).get("pod"))]
        for port in own:
            await self._central.delete("ports", port["id"])
        return bool(own)

    async def _hold_on_exit(self, router: JSON, device: str, pod_id: str, is_gateway: bool = False) -> bool:
        """Hold an address on a router's exit subnet, if that is there; `is_gateway`: that of its gateway."""
        exits = await self.exit(router["project_id"])
        subnet = exits.subnet(f"{EXIT_NAME}{router['id']}") if exits is not None else None
        if exits is None or subnet is None:
            return False
        fixed_ip = {"subnet_id": subnet["id"], **({"ip_address": subnet["gateway_ip"]} if is_gateway else {})}
        await self._hold(exits, device, pod_id, [fixed_ip])
        return True

    async def _hold(self, network: Made, device: str, pod_id: str, fixed_ips: list[JSON]) -> None:
        body = {
            "network_id": network.shown["id"],
            "name": device,
            "device_owner": LINK_OWNER,
            "device_id": device,
            "fixed_ips": fixed_ips,
            "port_security_enabled": False,
            "security_groups": [],
            "binding:profile": {PROFILE: {"pod": pod_id, "keep": True}},
        }
        await self._central.create("ports", body)

    async def _find(self, name: str) -> Made | None:
        filters = [("name", name), ("project_id", await self._own_project())]
        # Two are made where a worker was given up that was not dead: the older one counts, always.
        networks = await self._central.list("networks", filters)
        if not networks:
            return None
        shown = min(networks, key=lambda each: (str(each.get("created_at")), str(each["id"])))
        subnets = await self._central.list("subnets", [("network_id", shown["id"])])
        return Made(shown, tuple(sorted(subnets, key=lambda each: (each["ip_version"], str(each["name"])))))

    async def _network(self, name: str) -> JSON:
        provider = {
            "provider:network_type": self._settings.network_type,
            "provider:physical_network": self._settings.physical_network,
        }
        body = {"name": name, **{key: value for key, value in provider.items() if value is not None}}
        LOG.info("Network %s is made", name)
        return await self._central.create("networks", body)

    async def _ensure_bridge(self, project_id: str) -> None:
        name = f"{BRIDGE_NAME}{project_id}"
        found = await self._find(name) or Made(await self._network(name))
        range_, range_ipv6 = self._settings.range, self._settings.range_ipv6
        for version, cidr in (
            (4, next(range_.subnets(new_prefix=max(self._settings.prefix_length, range_.prefixlen)))),
            (6, next(range_ipv6.subnets(new_prefix=max(64, range_ipv6.prefixlen)))),
        ):
            if not any(each["ip_version"] == version for each in found.subnets):
                await self._subnet(found, f"{name}-ipv{version}", str(cidr), version, gateway_ip=None)

    async def _ensure_exits(self, project_id: str, router_ids: frozenset[str]) -> None:
        name = f"{EXIT_NAME}{project_id}"
        found = await self._find(name) or Made(await self._network(name))
        used = [str(each["cidr"]) for each in found.subnets]
        unused = free(self._settings.range, self._settings.prefix_length, used)
        for router_id in sorted(router_ids):
            if found.subnet(f"{EXIT_NAME}{router_id}") is None:
                if (cidr := next(unused, None)) is None:
                    raise NoRange(f"no subnet of {self._settings.range} is left for router {router_id}")
                await self._subnet(found, f"{EXIT_NAME}{router_id}", str(cidr), 4)

    async def _subnet(self, network: Made, name: str, cidr: str, version: int, **more: Any) -> None:
        body = {
            "network_id": network.shown["id"],
            "name": name,
            "ip_version": version,
            "cidr": cidr,
            "enable_dhcp": False,
            **more,
        }
        await self._central.create("subnets", body)
