"""External gateways of the routers of a fake Neutron."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from ..keystone import Token
from ..service import Asked
from .errors import bad, bad_request, refusal
from .external import External
from .kinds import NETWORK, Record
from .networks import ROUTER_GATEWAY, ROUTER_PORTS
from .ports import Ports

_WORDS = ("network_id", "enable_snat", "external_fixed_ips")


class Gateways(External, Ports):
    """A gateway is a port on an external network."""

    def ports_of(self, router_id: str, *owners: str) -> list[Record]:
        """The ports by which a router is on its networks."""
        mine = (port for port in self.ports.values() if port["device_id"] == router_id)
        return [port for port in mine if port["device_owner"] in (owners or ROUTER_PORTS)]

    def gateway_of(self, router_id: str) -> Record | None:
        """The port of a router's gateway."""
        return next(iter(self.ports_of(router_id, ROUTER_GATEWAY)), None)

    def check_gateway(self, token: Token, info: Any, verb: str) -> Record:
        """What a body says of a gateway; empty for none. Raises `Refusal` 400, 403."""
        if not info:
            return {}
        reason = f"'{info}' is not a dictionary"
        if isinstance(info, dict):
            unknown = [name for name in info if name not in _WORDS]
            reason = f"Unexpected keys supplied: {', '.join(unknown)}" if unknown else ""
            if "network_id" not in info:
                reason = "Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: "
                reason += f"{set(info) or '{}'}"
        if reason:
            raise bad_request(f"Invalid input for external_gateway_info. Reason: {reason}.")
        for name in ("enable_snat", "external_fixed_ips"):
            if name in info and not token.is_admin:
                rule = f"rule:{verb}_router"
                message = f"({rule} and {rule}:external_gateway_info:{name}) is disallowed by policy"
                raise refusal(403, "PolicyNotAuthorized", message)
        return dict(info)

    def set_gateway(self, token: Token, router: Record, info: Record) -> None:
        """Give a router another gateway, or none. Raises `Refusal`; part of it may have been done."""
        router["enable_snat"] = info.get("enable_snat", True)
        self.show_gateway(router)
        port, network_id = self.gateway_of(router["id"]), info.get("network_id")
        wanted = info.get("external_fixed_ips") or []
        self._check_network(token, router, network_id, wanted)
        if port is not None and port["network_id"] == network_id:
            if _differ(port, wanted):
                self.change_port(port, fixed_ips=wanted)
        else:
            if port is not None:
                self.drop_gateway(router, port)
            if network_id is not None:
                self._make(router, network_id, wanted)
        self.show_gateway(router)

    def drop_gateway(self, router: Record, port: Record) -> None:
        """Remove the port of a gateway. Raises `Refusal` 409."""
        if any(floating["router_id"] == router["id"] for floating in self.records["floatingips"].values()):
            message = f"Gateway cannot be updated for router {router['id']}, since a gateway to external network "
            message += f"{port['network_id']} is required by one or more floating IPs."
            raise refusal(409, "RouterExternalGatewayInUseByFloatingIp", message)
        self.drop_port(port)

    def _make(self, router: Record, network_id: str, wanted: list[Record]) -> None:
        subnets = [each for each in self.subnets.values() if each["network_id"] == network_id]
        self.check_overlaps(router, subnets)
        self.service_port(network_id, ROUTER_GATEWAY, router["id"], fixed_ips=wanted or ...)

    def show_gateway(self, router: Record) -> None:
        """Let a router tell of its gateway as it is."""
        port = self.gateway_of(router["id"])
        if port is None:
            router["external_gateway_info"], router["external_gateways"] = None, []
            return
        addresses = [{"subnet_id": each["subnet_id"], "ip_address": each["ip_address"]} for each in port["fixed_ips"]]
        info = {"network_id": port["network_id"], "external_fixed_ips": addresses}
        router["external_gateways"] = [info]
        router["external_gateway_info"] = {**info, "enable_snat": router["enable_snat"]}

    def _check_network(self, token: Token, router: Record, network_id: str | None, wanted: list[Record]) -> None:
        subnets = []
        if network_id is not None:
            network = self.find(token, NETWORK, network_id)
            if not network["router:external"]:
                raise bad("router", f"Network {network_id} is not an external network")
            subnets = [each for each in self.subnets.values() if each["network_id"] == network_id]
            for address in (each.get("ip_address") for each in wanted):
                if address is not None and address in [subnet["gateway_ip"] for subnet in subnets]:
                    raise bad("router", f"External IP {address} is the same as the gateway IP")
        if not router["routes"]:
            return
        others = [port for port in self.ports_of(router["id"]) if port["device_owner"] != ROUTER_GATEWAY]
        cidrs = [*self._cidrs(others), *(subnet["cidr"] for subnet in subnets)]
        # Neutron asks all ports where this tells nothing: then the gateway that goes is among them.
        self.check_routes(router, router["routes"], others if cidrs else None, cidrs)

    def check_routes(
        self, router: Record, routes: list[Record], ports: list[Record] | None = None, cidrs: Iterable[str] = ()
    ) -> None:
        """Whether the next hops of routes can be reached. Raises `Refusal` 400."""
        if ports is None:
            ports = [port for port in self.ports.values() if port["device_id"] == router["id"]]
            cidrs = self._cidrs(ports)
        networks = [ip_network(cidr) for cidr in cidrs]
        own = [ip["ip_address"] for port in ports for ip in port["fixed_ips"]]
        for hop in (route["nexthop"] for route in routes):
            reason = "the nexthop is used by router" if hop in own else ""
            if not any(ip_address(hop) in network for network in networks):
                reason = "the nexthop is not connected with router"
            if reason:
                raise refusal(400, "InvalidRoutes", f"Invalid format for routes: {routes}, {reason}")

    def _cidrs(self, ports: list[Record]) -> list[str]:
        return [self.subnets[ip["subnet_id"]]["cidr"] for port in ports for ip in port["fixed_ips"]]

    def check_overlaps(self, router: Record, subnets: list[Record]) -> None:
        """Whether subnets may be added to those of a router. Raises `Refusal` 400."""
        there = self.ports_of(router["id"])
        held = [ip["subnet_id"] for port in there for ip in port["fixed_ips"]]
        if not self.ovn and (twice := [subnet["id"] for subnet in subnets if subnet["id"] in held]):
            raise bad("router", f"Router already has a port on subnet {twice[0]}")
        # A gateway stands for all subnets of its network.
        outside = {port["network_id"] for port in there if port["device_owner"] == ROUTER_GATEWAY and port["fixed_ips"]}
        for old in self.subnets.values():
            for new in subnets if old["id"] in held or old["network_id"] in outside else ():
                if ip_network(new["cidr"]).overlaps(ip_network(old["cidr"])):
                    message = f"Cidr {new['cidr']} of subnet {new['id']} overlaps with cidr {old['cidr']} of subnet "
                    raise bad("router", f"{message}{old['id']}")

    def create_subnet(self, asked: Asked, wanted: Record) -> Record:
        """Gateways get an address in a new subnet of a version of which they have none."""
        subnet = super().create_subnet(asked, wanted)
        for port in self.gateway_ports(subnet["network_id"]):
            versions = {self.subnets[ip["subnet_id"]]["ip_version"] for ip in port["fixed_ips"]}
            router = self.records["routers"].get(port["device_id"])
            if router is not None and subnet["ip_version"] not in versions:
                self.change_port(port, fixed_ips=[*port["fixed_ips"], {"subnet_id": subnet["id"]}])
                self.show_gateway(router)
        return subnet


def _differ(port: Record, wanted: list[Record]) -> bool:
    """Whether a body wants other addresses than a gateway has; it need not say any."""
    if not wanted:
        return False
    subnets, addresses = ({each.get(name) for each in wanted} - {None} for name in ("subnet_id", "ip_address"))
    return subnets != {ip["subnet_id"] for ip in port["fixed_ips"]} or addresses != {
        ip["ip_address"] for ip in port["fixed_ips"]
    }
