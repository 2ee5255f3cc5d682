"""Ports of a fake Neutron."""

import copy
import re
from typing import Any

from ..service import Asked
from .addresses import ROUTER_INTERFACE, Addresses, is_automatic
from .errors import bad_request, refusal
from .groups import Groups
from .kinds import NETWORK, PORT, SECURITY_GROUP, Record
from .networks import Networks, _plain

_TAGS_IN_POST = "tag-ports-during-bulk-creation"


class Ports(Networks, Groups):
    """MAC and IP addresses, groups, bindings."""

    def add_port(self, project_id: str, network: Record | None = None, **fields: Any) -> Record:
        """A port that is there already, on a network that need not be."""
        fields = {"name": "port", "mac_address": self._mac(), "security_groups": [], "fixed_ips": [], **fields}
        network_id = network["id"] if network is not None else ""
        return self.put(PORT, project_id, **{"network_id": network_id, "port_security_enabled": True, **fields})

    def service_port(self, network_id: str, owner: str, device_id: str, **fields: Any) -> Record:
        """A port that Neutron makes by itself, for whatever it does with it. Raises `Refusal`."""
        mac = self._mac()
        wanted = fields.pop("fixed_ips", ...)
        addresses = self._addresses(network_id, wanted, mac, None, owner)
        fields = {"network_id": network_id, "device_owner": owner, "device_id": device_id, **fields}
        project_id = fields.pop("project_id", "")
        fields = {"mac_address": mac, "port_security_enabled": False, "security_groups": [], **fields}
        record = self.put(PORT, project_id, **fields, fixed_ips=addresses)
        self._complete(record)
        return record

    def change_port(self, port: Record, **fields: Any) -> None:
        """What Neutron changes of a port by itself. Raises `Refusal`."""
        before = copy.deepcopy(port)
        if "fixed_ips" in fields:
            owner = fields.get("device_owner", port["device_owner"])
            addresses = (port["network_id"], fields["fixed_ips"], port["mac_address"], port["id"], owner)
            fields["fixed_ips"] = self._addresses(*addresses)
        port.update(fields)
        self._complete(port)
        self.revise(port)
        self.note(PORT, before, port)

    def drop_port(self, port: Record) -> None:
        """Neutron removes a port that it made by itself."""
        self.release(port)
        del self.ports[port["id"]]
        self.note(PORT, port, None)

    def release(self, _port: Record) -> None:
        """A port goes: what hangs on it."""

    def _mac(self) -> str:
        number = next(self.macs)
        return f"fa:16:3e:{self.port % 256:02x}:{number // 256 % 256:02x}:{number % 256:02x}"

    def create_port(self, asked: Asked, wanted: Record) -> Record:
        network = self.find(asked.user, NETWORK, wanted["network_id"])
        project_id = self.project(asked.user, wanted)
        self.ensure_default_group(project_id)
        self.within_quota(PORT, project_id)
        mac = wanted.setdefault("mac_address", self._mac()).lower()
        self._check_mac(network["id"], mac, None)
        wanted["mac_address"] = mac
        secure = wanted.setdefault("port_security_enabled", network["port_security_enabled"])
        if wanted.get("security_groups", ...) is ...:
            trusted = str(wanted.get("device_owner", "")).startswith("network:")
            wanted["security_groups"] = [self.default_group(project_id)["id"]] if secure and not trusted else []
        self._check_port(asked, wanted)
        owner = wanted.get("device_owner", "")
        wanted["fixed_ips"] = self._addresses(network["id"], wanted.get("fixed_ips", ...), mac, None, owner)
        tags = wanted.pop("tags", [])
        record = self.put(PORT, project_id, **_plain(wanted))
        record["tags"] = sorted(tags) if self.has(_TAGS_IN_POST) else []
        self._complete(record)
        return record

    def _check_mac(self, network_id: str, mac: str, own: str | None) -> None:
        for port in self.ports.values():
            if port["network_id"] == network_id and port["mac_address"] == mac and port["id"] != own:
                message = f"Unable to complete operation for network {network_id}. The mac address {mac} is in use."
                raise refusal(409, "MacAddressInUse", message)

    def _addresses(
        self, network_id: str, wanted: Any, mac: str, own: str | None, owner: str = ""
    ) -> list[dict[str, str]]:
        if wanted is not ... and not isinstance(wanted, list):
            raise bad_request(f"Invalid input for fixed_ips. Reason: Invalid data format for fixed IP: '{wanted}'.")
        subnets = [subnet for subnet in self.subnets.values() if subnet["network_id"] == network_id]
        others = [port for port in self.ports.values() if port["network_id"] == network_id and port["id"] != own]
        return Addresses(subnets, others, owner).give(network_id, wanted, mac, creates=own is None)

    def _check_port(self, asked: Asked, wanted: Record) -> None:
        for group_id in wanted.get("security_groups", ()):
            self.find(asked.user, SECURITY_GROUP, group_id)
        if not wanted.get("port_security_enabled", True):
            if wanted.get("security_groups"):
                message = "Port has security group associated. Cannot disable port security or IP address until "
                raise refusal(409, "PortSecurityPortHasSecurityGroup", f"{message}security group is removed.")
            if wanted.get("allowed_address_pairs"):
                message = "Port Security must be enabled in order to have allowed address pairs on a port."
                raise refusal(409, "AddressPairAndPortSecurityRequired", message)
        if (policy := wanted.get("qos_policy_id")) is not None and policy not in self.records["policies"]:
            raise refusal(404, "QosPolicyNotFound", f"QoS policy {policy} could not be found.")

    def _complete(self, record: Record) -> None:
        """What Neutron adds to what was given."""
        for pair in record["allowed_address_pairs"]:
            pair.setdefault("mac_address", record["mac_address"])
        for option in record["extra_dhcp_opts"]:
            option.setdefault("ip_version", 4)
        record["dns_assignment"] = [
            {
                "ip_address": each["ip_address"],
                "hostname": record["dns_name"] or f"host-{re.sub('[.:]', '-', each['ip_address'])}",
                "fqdn": f"{record['dns_name']}.example.org.",
            }
            for each in record["fixed_ips"]
        ]
        bound = bool(record["binding:host_id"])
        record["binding:vif_type"] = "ovs" if bound else "unbound"

    def update_port(self, asked: Asked, record: Record, wanted: Record) -> None:
        self._check_port(asked, {"port_security_enabled": record["port_security_enabled"], **wanted})
        if wanted.get("port_security_enabled") is False and "security_groups" not in wanted:
            self._check_port(asked, {**wanted, "security_groups": record["security_groups"]})
        mac = wanted.get("mac_address", record["mac_address"]).lower()
        if mac != record["mac_address"] and record["binding:host_id"]:
            message = f"Unable to complete operation on port {record['id']}, port is already bound, port type: ovs, "
            raise refusal(409, "PortBound", f"{message}old_mac {record['mac_address']}, new_mac {mac}.")
        vnic_type = wanted.get("binding:vnic_type", record["binding:vnic_type"])
        if vnic_type != record["binding:vnic_type"] and record["binding:vif_type"] != "unbound":
            message = f"Unable to complete operation on port {record['id']} for network {record['network_id']}. "
            raise refusal(409, "PortInUse", f"{message}Port already has an attached device {record['device_id']}.")
        self._check_mac(record["network_id"], mac, record["id"])
        if "fixed_ips" in wanted or mac != record["mac_address"]:
            owner = wanted.get("device_owner", record["device_owner"])
            given = [
                each
                for each in record["fixed_ips"]
                if owner == ROUTER_INTERFACE or not is_automatic(self.subnets[each["subnet_id"]])
            ]
            addresses = wanted.get("fixed_ips", given)
            wanted["fixed_ips"] = self._addresses(record["network_id"], addresses, mac, record["id"], owner)
        if "binding:profile" in wanted:
            wanted["binding:profile"] = wanted["binding:profile"] or {}
        record.update({**wanted, "mac_address": mac})
        self._complete(record)

    def delete_port(self, _asked: Asked, record: Record) -> None:
        self.release(record)
