"""Floating IPs of a fake Neutron."""

import copy
from ipaddress import ip_address
from typing import Any

from ..keystone import Token
from ..service import Asked
from .addresses import ROUTER_INTERFACE
from .errors import bad, refusal
from .interfaces import Interfaces
from .kinds import FLOATING_IP, NETWORK, PORT, Kind, Record
from .networks import _plain, addresses_on

_OWNER = "network:floatingip"
_DETAILS = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")
_NONE = {"port_id": None, "fixed_ip_address": None, "router_id": None}


class FloatingIps(Interfaces):
    """Each has a port on its external network; a router must lead from there to the port that it stands for."""

    def add_floating_ip(self, network: Record, project_id: str, **fields: Any) -> Record:
        """A floating IP that is there already, for no port unless `fields` say so."""
        address = fields.pop("floating_ip_address", None)
        port = self._port(network["id"], {"floating_ip_address": address} if address else {})
        given = {"floating_network_id": network["id"], "floating_ip_address": port["fixed_ips"][0]["ip_address"]}
        return self._put(project_id, port, {**given, **fields})

    def _put(self, project_id: str, port: Record, fields: Record) -> Record:
        record = self.put(FLOATING_IP, project_id, **fields)
        del record["subnet_id"]
        self.change_port(port, device_id=record["id"])
        return record

    def _port(self, network_id: str, wanted: Record) -> Record:
        names = {"subnet_id": "subnet_id", "floating_ip_address": "ip_address"}
        fixed = {names[name]: wanted[name] for name in names if wanted.get(name)}
        fields = {"fixed_ips": [fixed] if fixed else ..., "status": "N/A"}
        return self.service_port(network_id, _OWNER, "PENDING", **fields)

    def view(self, token: Token, kind: Kind, record: Record) -> Record:
        shown = super().view(token, kind, record)
        if "port_details" in shown and record["port_id"] is not None:
            port = self.ports[record["port_id"]]
            shown["port_details"] = {name: port[name] for name in _DETAILS}
        return shown

    def create_floatingip(self, asked: Asked, wanted: Record) -> Record:
        project_id = self.project(asked.user, wanted)
        self.within_quota(FLOATING_IP, project_id)
        network = self.find(asked.user, NETWORK, wanted["floating_network_id"])
        if wanted.get("floating_ip_address") and not asked.user.is_admin:
            message = "(rule:create_floatingip and rule:create_floatingip:floating_ip_address) is disallowed by policy"
            raise refusal(403, "PolicyNotAuthorized", message)
        if not network["router:external"]:
            raise bad("floatingip", f"Network {network['id']} is not a valid external network")
        subnets = (each for each in self.subnets.values() if each["network_id"] == network["id"])
        if not any(subnet["ip_version"] == 4 for subnet in subnets):
            raise bad("floatingip", f"Network {network['id']} does not contain any IPv4 subnet")
        port = self._port(network["id"], wanted)
        try:
            addresses = _ipv4(port)
            if not addresses:
                message = f"Unable to find any IP address on external network {network['id']}."
                raise refusal(400, "ExternalIpAddressExhausted", message)
            fields = {**_plain(wanted), "floating_ip_address": addresses[0]["ip_address"]}
            blank = {**_NONE, "id": "", "floating_network_id": network["id"], "project_id": project_id}
            new = {**blank, "floating_ip_address": fields["floating_ip_address"]}
            fields |= self._association(asked, new, wanted)
        except Exception:
            del self.ports[port["id"]]
            raise
        record = self._put(project_id, port, fields)
        if record["router_id"] is not None:
            self.becomes(record, "ACTIVE")
        return record

    def becomes(self, floating: Record, status: str) -> None:
        """Of OVN a floating IP learns when the answer is made already; elsewhere somebody else tells."""

        def learn() -> None:
            if self.ovn and floating["status"] != status:
                before = copy.deepcopy(floating)
                floating["status"] = status
                self.revise(floating)
                self.note(FLOATING_IP, before, floating)

        self.afterwards.append(learn)

    def update_floatingip(self, asked: Asked, record: Record, wanted: Record) -> None:
        found = self._association(asked, record, wanted)
        if wanted.get("port_id"):
            self.check_forwardings(record)
        had = record["port_id"]
        record.update({**wanted, **found})
        if had or record["port_id"]:
            self.becomes(record, "ACTIVE" if record["port_id"] else "DOWN")

    def delete_floatingip(self, _asked: Asked, record: Record) -> None:
        self.check_forwardings(record)
        for port in [each for each in self.ports.values() if each["device_id"] == record["id"]]:
            if port["device_owner"] == _OWNER:
                self.drop_port(port)

    def check_forwardings(self, floating: Record) -> None:
        """Whether it has no port forwardings. Raises `Refusal` 409."""
        if any(each["floatingip_id"] == floating["id"] for each in self.records["port_forwardings"].values()):
            message = f"Floating IP {floating['id']} in use by Port Forwarding resources."
            raise refusal(409, "FipInUseByPortForwarding", message)

    def _association(self, asked: Asked, floating: Record, wanted: Record) -> Record:
        """What a floating IP stands for after a request. Raises `Refusal`."""
        port_id = wanted.get("port_id")
        if wanted.get("fixed_ip_address") and not port_id:
            raise bad("floatingip", "fixed_ip_address cannot be specified without a port_id")
        if "port_id" not in wanted:
            port_id = floating["port_id"]
        if port_id is None:
            # Its router is that of its port forwardings.
            return {**_NONE, "router_id": None if floating["port_id"] else floating["router_id"]}
        port = self.find(asked.user, PORT, port_id)
        if port["project_id"] != floating["project_id"] and not asked.user.is_admin:
            message = f"Cannot process floating IP association with Port {port_id}, since that port is owned by a "
            raise bad("floatingip", f"{message}different project")
        address = _internal(port, wanted.get("fixed_ip_address"))
        router_id = self.router_for(port, address["subnet_id"], floating["floating_network_id"])
        found = {"port_id": port_id, "fixed_ip_address": address["ip_address"], "router_id": router_id}
        network_id = floating["floating_network_id"]
        value = (port_id, address["ip_address"], network_id)
        names = ("port_id", "fixed_ip_address", "floating_network_id")
        if port_id != floating["port_id"] and any(
            tuple(each[name] for name in names) == value for each in self.records["floatingips"].values()
        ):
            message = f"Cannot associate floating IP {floating['floating_ip_address']} ({floating['id']}) with port "
            message += f"{port_id} using fixed IP {address['ip_address']}, as that fixed IP already has a floating IP "
            raise refusal(409, "FloatingIPPortAlreadyAssociated", f"{message}on external network {network_id}.")
        return found

    def router_for(self, port: Record, subnet_id: str, network_id: str) -> str:
        """The router that leads from a port's subnet to an external network. Raises `Refusal` 404."""
        subnet = self.subnets[subnet_id]
        outside = {gateway["device_id"] for gateway in self.gateway_ports(network_id)}
        found = {
            address: each["device_id"]
            for each in reversed(self.ports.values())
            if each["device_owner"] == ROUTER_INTERFACE and each["device_id"] in outside
            for address in addresses_on(each, subnet)
        }
        if not found:
            message = f"External network {network_id} is not reachable from subnet {subnet_id}.  Therefore, cannot "
            message += f"associate Port {port['id']} with a Floating IP."
            raise refusal(404, "ExternalGatewayForFloatingIPNotFound", message)
        return str(found.get(subnet["gateway_ip"]) or [*found.values()][-1])

    def update_port(self, asked: Asked, record: Record, wanted: Record) -> None:
        held = [each for each in self.records["floatingips"].values() if each["port_id"] == record["id"]]
        addresses = [each.get("ip_address") for each in wanted.get("fixed_ips") or ()]
        if "fixed_ips" in wanted and held and held[0]["fixed_ip_address"] not in addresses:
            message = f"Cannot update the fixed_ips of the port {record['id']}, because its original fixed_ip has been "
            raise bad("port", f"{message}associated to a floating ip")
        super().update_port(asked, record, wanted)

    def release(self, port: Record) -> None:
        super().release(port)
        for floating in self.records["floatingips"].values():
            if floating["port_id"] == port["id"]:
                before = copy.deepcopy(floating)
                floating.update(_NONE)
                self.revise(floating)
                self.note(FLOATING_IP, before, floating)
                self.becomes(floating, "DOWN")

    def delete_network(self, asked: Asked, record: Record) -> None:
        for floating in list(self.records["floatingips"].values()):
            unused = floating["router_id"] is None and floating["port_id"] is None
            if unused and floating["floating_network_id"] == record["id"]:
                self.delete_floatingip(asked, floating)
                del self.records["floatingips"][floating["id"]]
                self.note(FLOATING_IP, floating, None)
        super().delete_network(asked, record)


def _ipv4(port: Record) -> list[Record]:
    return [each for each in port["fixed_ips"] if ip_address(each["ip_address"]).version == 4]


def _internal(port: Record, wanted: str | None) -> Record:
    """The address of a port that a floating IP is to stand for. Raises `Refusal` 400."""
    if port["device_owner"] == "network:dhcp":
        # Neutron forgets to fill in the id.
        raise bad("floatingip", "Port %(id)s is unable to be assigned a floating IP")
    if wanted:
        if ip_address(wanted).version != 4:
            message = f"Cannot process floating IP association with {wanted}, since that is not an IPv4 address"
            raise bad("floatingip", message)
        found = [each for each in port["fixed_ips"] if each["ip_address"] == wanted]
        if not found:
            raise bad("floatingip", f"Port {port['id']} does not have fixed ip {wanted}")
        return dict(found[0])
    found = _ipv4(port)
    if not found:
        raise bad("floatingip", f"Cannot add floating IP to port {port['id']} that has no fixed IPv4 addresses")
    if len(found) > 1:
        message = f"Port {port['id']} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when "
        raise bad("floatingip", f"{message}assigning a floating IP")
    return dict(found[0])
