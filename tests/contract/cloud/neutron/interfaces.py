"""Interfaces of the routers of a fake Neutron on networks of projects."""

import json
import uuid
from ipaddress import ip_address, ip_network
from typing import Any

from ..service import Answer, Asked
from .addresses import ROUTER_INTERFACE
from .errors import bad, refusal
from .kinds import PORT, ROUTER, SUBNET, Record
from .networks import addresses_on
from .routers import Routers


class Interfaces(Routers):
    """`add_router_interface` and `remove_router_interface`."""

    def add_interface(self, router: Record, subnet: Record, address: str | None = None) -> Record:
        """An interface that is there already, by default with the gateway address."""
        ip = {"subnet_id": subnet["id"], "ip_address": address or subnet["gateway_ip"]}
        fields = {"project_id": router["project_id"], "fixed_ips": [ip]}
        return self.service_port(subnet["network_id"], ROUTER_INTERFACE, router["id"], **fields)

    def change_interfaces(self, asked: Asked) -> Answer:
        """Both calls."""
        id_, verb = asked.parameters
        router = self.owned(asked.user, ROUTER, id_)
        wanted = _wanted(asked.body)
        if verb == "add" and len(wanted) > 1:
            raise bad("router", "Cannot specify both subnet-id and port-id")
        if verb == "add":
            by = self._add_port if "port_id" in wanted else self._add_subnet
            port, subnets = by(asked, router, *wanted.values())
            shown = subnets[-1]
        else:
            by_port = self._remove_port(router, **wanted) if "port_id" in wanted else None
            port, subnets = by_port or self._remove_subnet(asked, router, wanted["subnet_id"])
            shown = subnets[0]
        self.revise(router)
        owner = dict.fromkeys(("project_id", "tenant_id"), port["project_id"])
        ids = {"port_id": port["id"], "network_id": port["network_id"], "subnet_id": shown["id"]}
        return Answer(200, {"id": id_, **owner, **ids, "subnet_ids": [subnet["id"] for subnet in subnets]})

    def _add_port(self, asked: Asked, router: Record, port_id: str) -> tuple[Record, list[Record]]:
        port = self.find(asked.user, PORT, port_id)
        if port["device_id"]:
            message = f"Unable to complete operation on port {port_id} for network {port['network_id']}. "
            raise refusal(409, "PortInUse", f"{message}Port already has an attached device {port['device_id']}.")
        if not port["fixed_ips"]:
            raise bad("router", "Router port must have at least one fixed IP")
        subnets = [self.subnets[ip["subnet_id"]] for ip in port["fixed_ips"]]
        for subnet in subnets:
            _check_mode(subnet)
        if not self.ovn and (other := self._ipv6_port(router, port["network_id"])) and _has_ipv6(port):
            message = f"Router already contains IPv6 port {other['id']} belonging to network id {port['network_id']}. "
            message += "Only one IPv6 port from the same network subnet can be connected to a router."
            raise bad("router", message.removesuffix("."))
        self.check_overlaps(router, subnets)
        if sum(subnet["ip_version"] == 4 for subnet in subnets) > 1:
            raise bad("router", "Cannot have multiple IPv4 subnets on router port")
        self.change_port(port, device_id=router["id"], device_owner=ROUTER_INTERFACE)
        return port, subnets

    def _add_subnet(self, asked: Asked, router: Record, subnet_id: str) -> tuple[Record, list[Record]]:
        subnet = self.find(asked.user, SUBNET, subnet_id)
        if not subnet["gateway_ip"]:
            raise bad("router", "Subnet for router interface must have a gateway IP")
        if subnet["project_id"] != asked.user.project_id and not asked.user.is_admin:
            message = f"Cannot add interface to router because subnet {subnet_id} is not owned by project making the "
            lent = (each for each in self.records["rbac_policies"].values() if each["action"] == "access_as_shared")
            network, project = subnet["network_id"], asked.user.project_id
            if not any(each["object_id"] == network and each["target_tenant"] == project for each in lent):
                raise bad("router", f"{message}request")
        _check_mode(subnet)
        self.check_overlaps(router, [subnet])
        address = {"subnet_id": subnet_id, "ip_address": subnet["gateway_ip"]}
        port = self._ipv6_port(router, subnet["network_id"])
        if subnet["ip_version"] == 6 and port is not None:
            self.change_port(port, fixed_ips=[*port["fixed_ips"], address])
            return port, [subnet]
        return self.add_interface(router, subnet), [subnet]

    def _ipv6_port(self, router: Record, network_id: str) -> Record | None:
        found = (port for port in self.ports_of(router["id"], ROUTER_INTERFACE) if port["network_id"] == network_id)
        return next((port for port in found if _has_ipv6(port)), None)

    def _remove_port(self, router: Record, port_id: str, subnet_id: str | None = None) -> tuple[Record, list[Record]]:
        found = [port for port in self.ports_of(router["id"], ROUTER_INTERFACE) if port["id"] == port_id]
        if not found:
            message = f"Router {router['id']} does not have an interface with id {port_id}"
            raise refusal(404, "RouterInterfaceNotFound", message)
        (port,) = found
        subnets = [self.subnets[ip["subnet_id"]] for ip in port["fixed_ips"]]
        if subnet_id is not None and subnet_id not in [subnet["id"] for subnet in subnets]:
            message = f"Subnet on port {port_id} does not match the requested subnet {subnet_id}."
            raise refusal(400, "SubnetMismatchForPort", message)
        for subnet in subnets:
            self._check_unused(router, subnet)
        self.drop_port(port)
        return port, subnets

    def _remove_subnet(self, asked: Asked, router: Record, subnet_id: str) -> tuple[Record, list[Record]]:
        subnet = self.find(asked.user, SUBNET, subnet_id)
        ports = self.ports_of(router["id"], ROUTER_INTERFACE)
        ports = [port for port in ports if port["network_id"] == subnet["network_id"]]
        if ports:
            self._check_unused(router, subnet)
        for port in ports:
            if not addresses_on(port, subnet):
                continue
            if len(port["fixed_ips"]) > 1:
                self.change_port(port, fixed_ips=[ip for ip in port["fixed_ips"] if ip["subnet_id"] != subnet_id])
            else:
                self.drop_port(port)
            return port, [subnet]
        message = f"Router {router['id']} has no interface on subnet {subnet_id}"
        raise refusal(404, "RouterInterfaceNotFoundForSubnet", message)

    def _check_unused(self, router: Record, subnet: Record) -> None:
        """Whether neither floating IPs nor routes need an interface. Raises `Refusal` 409."""
        message = f"Router interface for subnet {subnet['id']} on router {router['id']} cannot be deleted, as it is "
        floating = [each for each in self.records["floatingips"].values() if each["router_id"] == router["id"]]
        ids = [each["id"] for each in floating]
        forwardings = self.records["port_forwardings"].values()
        used = [(each["port_id"], each["fixed_ip_address"]) for each in floating]
        used += [
            (each["internal_port_id"], each["internal_ip_address"])
            for each in forwardings
            if each["floatingip_id"] in ids
        ]
        cidr = ip_network(subnet["cidr"])
        for port_id, address in used:
            if address and ip_address(address) in cidr and addresses_on(self.ports[port_id], subnet):
                text = f"{message}required by one or more floating IPs."
                raise refusal(409, "RouterInterfaceInUseByFloatingIP", text)
        if any(ip_address(route["nexthop"]) in cidr for route in router["routes"]):
            raise refusal(409, "RouterInterfaceInUseByRoute", f"{message}required by one or more routes.")


def _wanted(body: bytes) -> dict[str, str]:
    document: Any = json.loads(body or b"null")
    wanted = {name: document[name] for name in ("port_id", "subnet_id") if name in document} if document else {}
    if not wanted:
        raise bad("router", "Either subnet_id or port_id must be specified")
    for value in wanted.values():
        try:
            uuid.UUID(value)
        except (ValueError, AttributeError, TypeError):
            raise bad("router", f"'{value}' is not a valid UUID") from None
    return wanted


def _check_mode(subnet: Record) -> None:
    if subnet["ip_version"] == 6 and subnet["ipv6_ra_mode"] is None and subnet["ipv6_address_mode"] is not None:
        message = f"IPv6 subnet {subnet['id']} configured to receive RAs from an external router cannot be added to "
        raise bad("router", f"{message}Neutron Router.")


def _has_ipv6(port: Record) -> bool:
    return any(ip_address(each["ip_address"]).version == 6 for each in port["fixed_ips"])
