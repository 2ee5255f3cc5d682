"""Networks and subnets of a fake Neutron."""

import itertools
from ipaddress import ip_network
from typing import Any

from ..service import Asked
from .addresses import ROUTER_INTERFACE, Addresses, default_pools, is_automatic
from .base import SHARED, Base
from .errors import invalid, refusal
from .kinds import NETWORK, PORT, SUBNET, Record

# Ports that Neutron itself removes with their network.
AUTOMATIC = frozenset({"network:dhcp", "network:distributed"})
ROUTER_GATEWAY = "network:router_gateway"
# Ports by which a router is on a network.
ROUTER_PORTS = frozenset({ROUTER_INTERFACE, ROUTER_GATEWAY})


class Networks(Base):
    """Segments, MTU, subnets and their pools."""

    vnis = itertools.count(20000)

    def add_network(self, project_id: str, **fields: Any) -> Record:
        """A network that is there already."""
        provider = {"provider:network_type": "geneve", "provider:segmentation_id": next(self.vnis)}
        fields = {"name": "net", "mtu": self.max_mtu, **provider, **fields}
        return self.put(NETWORK, project_id, **fields)

    def add_subnet(self, network: Record, cidr: str, **fields: Any) -> Record:
        """A subnet that is there already."""
        parsed = ip_network(cidr)
        fields = {"ip_version": parsed.version, "gateway_ip": str(parsed.network_address + 1), **fields}
        subnet = {"network_id": network["id"], "cidr": str(parsed), **fields}
        subnet.setdefault("allocation_pools", default_pools(subnet))
        return self.put(SUBNET, network["project_id"], **subnet)

    def create_network(self, asked: Asked, wanted: Record) -> Record:
        project_id = self.project(asked.user, wanted)
        self.within_quota(NETWORK, project_id)
        provider = self._segment(wanted)
        mtu = wanted.get("mtu", 0)
        self._check_mtu(mtu, provider["provider:network_type"])
        shared = wanted.pop("shared", False)
        record = self.put(NETWORK, project_id, **_plain(wanted), **provider)
        record["mtu"] = mtu or self._greatest_mtu(provider["provider:network_type"])
        self._share(asked, record, shared)
        return record

    def _segment(self, wanted: Record) -> Record:
        kind = wanted.pop("provider:network_type", None) or "geneve"
        physical = wanted.pop("provider:physical_network", None)
        number = wanted.pop("provider:segmentation_id", None)
        if number is None and kind not in ("flat", "local"):
            number = next(self.vnis)
        segment = (kind, physical, number)
        for other in self.networks.values():
            if kind != "local" and segment == _segment_of(other):
                if kind == "vlan":
                    message = f"Unable to create the network. The VLAN {number} on physical network {physical} is in "
                    raise refusal(409, "VlanIdInUse", f"{message}use.")
                message = f"Unable to create the {kind} network. The tunnel ID {number} is in use."
                raise refusal(409, "TunnelIdInUse", message)
        return dict(zip(_SEGMENT, segment, strict=True))

    def _greatest_mtu(self, kind: str | None) -> int:
        return 1500 if kind in ("vlan", "flat", "local") else self.max_mtu

    def _check_mtu(self, mtu: int, kind: str | None) -> None:
        greatest = self._greatest_mtu(kind)
        if mtu > greatest:
            raise invalid(f"Requested MTU is too big, maximum is {greatest}")

    def _share(self, asked: Asked, network: Record, shared: bool) -> None:
        policies = self.records["rbac_policies"]
        to_all = [p for p in policies.values() if p["object_id"] == network["id"] and p["target_tenant"] == "*"]
        found = [p for p in to_all if p["action"] == SHARED]
        if shared and not found:
            self.share(network, "network", "*")
        for policy in [] if shared else found:
            del policies[policy["id"]]

    def update_network(self, asked: Asked, record: Record, wanted: Record) -> None:
        if "mtu" in wanted:
            self._check_mtu(wanted["mtu"], record["provider:network_type"])
            wanted["mtu"] = wanted["mtu"] or self._greatest_mtu(record["provider:network_type"])
        if "shared" in wanted:
            self._share(asked, record, wanted.pop("shared"))
        record.update(wanted)

    def delete_network(self, _asked: Asked, record: Record) -> None:
        ports = [port for port in self.ports.values() if port["network_id"] == record["id"]]
        if used := [port["id"] for port in ports if port["device_owner"] not in AUTOMATIC]:
            message = f"Unable to complete operation on network {record['id']}. There are one or more ports still in "
            raise refusal(409, "NetworkInUse", f"{message}use on the network, id for these ports is: {','.join(used)}.")
        for port in ports:
            del self.ports[port["id"]]
            self.note(PORT, port, None)
        for subnet in [each for each in self.subnets.values() if each["network_id"] == record["id"]]:
            del self.subnets[subnet["id"]]
            self.note(SUBNET, subnet, None)
        self.forget_sharing(record)

    def create_subnet(self, asked: Asked, wanted: Record) -> Record:
        network = self.find(asked.user, NETWORK, wanted["network_id"])
        project_id = self.project(asked.user, wanted)
        self.within_quota(SUBNET, project_id)
        wanted["cidr"] = str(ip_network(wanted["cidr"]))
        for other in self.subnets.values():
            same_version = other["network_id"] == network["id"] and other["ip_version"] == wanted["ip_version"]
            if same_version and ip_network(other["cidr"]).overlaps(ip_network(wanted["cidr"])):
                message = f"Requested subnet with cidr: {wanted['cidr']} for network: {network['id']} overlaps with "
                raise invalid(f"{message}another subnet")
        first = ip_network(wanted["cidr"]).network_address
        wanted.setdefault("gateway_ip", str(first + (wanted["ip_version"] == 4)))
        # Neutron takes an empty list here for none, and gives away the whole subnet.
        wanted["allocation_pools"] = wanted.get("allocation_pools") or default_pools(wanted)
        self._check_pools(wanted)
        record = self.put(SUBNET, project_id, **_plain(wanted))
        if is_automatic(record):
            self._give_automatic(record)
        self.revise(network)
        return record

    def _give_automatic(self, subnet: Record) -> None:
        for port in self.ports.values():
            if port["network_id"] == subnet["network_id"] and port["device_owner"] != ROUTER_INTERFACE:
                others = [each for each in self.ports.values() if each is not port]
                port["fixed_ips"] += Addresses([subnet], others).give(subnet["network_id"], [], port["mac_address"])

    def _check_pools(self, subnet: Record) -> None:
        network = ip_network(subnet["cidr"])
        for pool in subnet["allocation_pools"]:
            if any(ip_network(address).network_address not in network for address in pool.values()):
                message = f"The allocation pool {pool['start']}-{pool['end']} spans beyond the subnet cidr "
                raise refusal(400, "OutOfBoundsAllocationPool", f"{message}{subnet['cidr']}.")
            if subnet["gateway_ip"] and pool["start"] == subnet["gateway_ip"] == pool["end"]:
                message = f"Gateway ip {subnet['gateway_ip']} conflicts with allocation pool {pool['start']}-"
                raise refusal(409, "GatewayConflictWithAllocationPools", f"{message}{pool['end']}.")

    def update_subnet(self, _asked: Asked, record: Record, wanted: Record) -> None:
        self._check_pools({**record, **wanted})
        gateway = record["gateway_ip"]
        if wanted.get("gateway_ip", gateway) != gateway:
            for port in self.ports.values():
                if port["device_owner"] in ROUTER_PORTS and gateway in addresses_on(port, record):
                    message = f"Current gateway ip {gateway} already in use by port {port['id']}. Unable to update."
                    raise refusal(409, "GatewayIpInUse", message)
        record.update(wanted)

    def delete_subnet(self, _asked: Asked, record: Record) -> None:
        for port in self.ports.values():
            addresses = [each for each in port["fixed_ips"] if each["subnet_id"] == record["id"]]
            in_use = port["device_owner"] not in AUTOMATIC and not is_automatic(record)
            if addresses and (in_use or port["device_owner"] == ROUTER_INTERFACE):
                message = f"Unable to complete operation on subnet {record['id']}: One or more ports have an IP "
                raise refusal(409, "SubnetInUse", f"{message}allocation from this subnet.")
        for port in list(self.ports.values()):
            left = [each for each in port["fixed_ips"] if each["subnet_id"] != record["id"]]
            if len(left) < len(port["fixed_ips"]):
                port["fixed_ips"] = left
                if port["device_owner"] in AUTOMATIC and not left:
                    del self.ports[port["id"]]
                    self.note(PORT, port, None)


def addresses_on(port: Record, subnet: Record) -> list[str]:
    """The addresses of a port in a subnet."""
    return [each["ip_address"] for each in port["fixed_ips"] if each["subnet_id"] == subnet["id"]]


_SEGMENT = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")


def _segment_of(network: Record) -> tuple[Any, ...]:
    return tuple(network[name] for name in _SEGMENT)


def _plain(wanted: Record) -> Record:
    return {name: value for name, value in wanted.items() if name not in ("project_id", "tenant_id")}
