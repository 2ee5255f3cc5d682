"""Addresses: simple but honest. Pools, conflicts, addresses that follow from the MAC."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from .errors import invalid, refusal
from .kinds import Record

Network = Any
# They have no address that follows from their MAC, but may be given any.
ROUTER_INTERFACE = "network:router_interface"


def pool_addresses(subnet: Record) -> "list[Any]":
    """The addresses of a subnet's pools, in order; at most so many as tests need."""
    found = []
    for pool in subnet["allocation_pools"]:
        first, last = ip_address(pool["start"]), ip_address(pool["end"])
        found += [first + number for number in range(min(int(last) - int(first) + 1, 300))]
    return found


def default_pools(subnet: Record) -> list[dict[str, str]]:
    """All of a subnet but its network, broadcast and gateway addresses."""
    network = ip_network(subnet["cidr"])
    first, last = int(network.network_address) + 1, int(network.broadcast_address)
    if network.version == 4 and network.prefixlen < 31:
        last -= 1
    kind = type(network.network_address)
    gateway = int(ip_address(subnet["gateway_ip"])) if subnet["gateway_ip"] else None
    ranges = [(first, last)]
    if gateway is not None and first <= gateway <= last:
        ranges = [(first, gateway - 1), (gateway + 1, last)]
    return [{"start": str(kind(a)), "end": str(kind(b))} for a, b in ranges if a <= b]


def is_automatic(subnet: Record) -> bool:
    """Whether the addresses of a subnet follow from the MAC."""
    return subnet["ipv6_address_mode"] in ("slaac", "dhcpv6-stateless")


def from_mac(subnet: Record, mac: str) -> str:
    """The address that a MAC has in a subnet (EUI-64)."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    suffix = int.from_bytes(bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]]))
    return str(IPv6Address(int(ip_network(subnet["cidr"]).network_address) + suffix))


class Addresses:
    """Gives addresses to ports of one network."""

    def __init__(self, subnets: list[Record], ports: list[Record], owner: str = "") -> None:
        self._subnets = {subnet["id"]: subnet for subnet in subnets}
        self._follows_mac = owner != ROUTER_INTERFACE
        self._used = {(each["subnet_id"], each["ip_address"]) for port in ports for each in port["fixed_ips"]}

    def give(self, network_id: str, wanted: Any, mac: str, creates: bool = False) -> list[dict[str, str]]:
        """The fixed IPs of a port; `wanted` is `...` where it does not say. Raises `Refusal`."""
        given: list[dict[str, str]] = []
        if wanted is ...:
            for version in (4, 6):
                subnets = [s for s in self._subnets.values() if s["ip_version"] == version and not is_automatic(s)]
                if subnets:
                    given.append(self._any(network_id, subnets))
        for each in [] if wanted is ... else wanted:
            given += self._one(network_id, each, mac, creates)
        for subnet in self._subnets.values():
            if self._follows_mac and is_automatic(subnet):
                given.append(self._take(subnet, from_mac(subnet, mac)))
        return given

    def _one(self, network_id: str, wanted: Record, mac: str, creates: bool) -> list[dict[str, str]]:
        if "subnet_id" in wanted:
            if wanted["subnet_id"] not in self._subnets:
                raise refusal(404, "SubnetNotFound", f"Subnet {wanted['subnet_id']} could not be found.")
            subnet = self._subnets[wanted["subnet_id"]]
        else:
            within = [s for s in self._subnets.values() if _holds(s, wanted["ip_address"])]
            if not within:
                message = f"IP address {wanted['ip_address']} is not a valid IP for any of the subnets on the "
                raise refusal(400, "InvalidIpForNetwork", f"{message}specified network.")
            subnet = within[0]
        if self._follows_mac and is_automatic(subnet):
            if wanted.get("ip_address", from_mac(subnet, mac)) != from_mac(subnet, mac):
                raise invalid(f"IPv6 address {wanted['ip_address']} cannot be directly assigned")
            if creates and "ip_address" in wanted:
                # Neutron gives it once more by itself.
                return [self._take(subnet, from_mac(subnet, mac))]
            return []
        if "ip_address" not in wanted:
            return [self._any(network_id, [subnet])]
        if not _holds(subnet, wanted["ip_address"]):
            message = f"IP address {wanted['ip_address']} is not a valid IP for the specified subnet."
            raise refusal(400, "InvalidIpForSubnet", message)
        return [self._take(subnet, str(ip_address(wanted["ip_address"])))]

    def _any(self, network_id: str, subnets: list[Record]) -> dict[str, str]:
        for subnet in subnets:
            for address in pool_addresses(subnet):
                if (subnet["id"], str(address)) not in self._used:
                    return self._take(subnet, str(address))
        message = f"No more IP addresses available on network {network_id}."
        raise refusal(409, "IpAddressGenerationFailure", message)

    def _take(self, subnet: Record, address: str) -> dict[str, str]:
        if (subnet["id"], address) in self._used:
            message = f"IP address {address} already allocated in subnet {subnet['id']}"
            raise refusal(409, "IpAddressAlreadyAllocated", message)
        self._used.add((subnet["id"], address))
        return {"subnet_id": subnet["id"], "ip_address": address}


def _holds(subnet: Record, address: str) -> bool:
    found, network = ip_address(address), ip_network(subnet["cidr"])
    if found not in network:
        return False
    return network.version == 6 or network.prefixlen >= 31 or found not in (
        network.network_address, network.broadcast_address
    )  # fmt: skip
