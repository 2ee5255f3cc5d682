"""Whether central Neutron and the pods agree: compared here from outside, by what both answer, not by Triune's code.

Central Neutron says which ports are placed in which pod (`binding:profile`). From those follows what a pod must hold,
exactly once each, and all else that bears Triune's tag is left over.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from . import routing, rules, twins
from .lab import Lab
from .people import Person
from .waiting import wait_until

AGREE_SECONDS = 120.0
RESERVE = "triune-reserve-"
BOOT = "triune-boot-"
# Ports whose devices begin so hold addresses for pods; those of these owners are parts of routers.
HELD = (RESERVE, *(f"triune-{what}-" for what in ("gateway", "interface", "link", "exit", "floating")))
PARTS = ("network:router_gateway", "network:router_interface", "network:floatingip")


@dataclass(frozen=True)
class Central:
    """What central Neutron holds of some projects."""

    ports: list[Any]
    networks: dict[str, Any]
    subnets: dict[str, Any]
    groups: dict[str, Any]
    address_groups: dict[str, Any]

    def placed(self, pod_id: str) -> list[Any]:
        """The ports that are in a pod."""
        return [port for port in self.ports if self.pod(port) == pod_id]

    def pod(self, port: Any) -> str | None:
        """The pod that a port is in."""
        found: str | None = place(port).get("pod")
        return found

    def parts(self) -> set[str]:
        """The ports that are parts of routers, or hold addresses for a pod."""
        return {port.id for port in self.ports if port.device_owner in PARTS or port.device_id.startswith(HELD)}


def place(port: Any) -> dict[str, Any]:
    """Triune's part of a port's profile."""
    found: dict[str, Any] = (port.binding_profile or {}).get("triune") or {}
    return found


def read(admin: Person, projects: Iterable[str]) -> Central:
    """Ask central Neutron."""
    neutron, owners = admin.central.network, set(projects)
    ports = [port for port in neutron.ports() if port.project_id in owners]
    return Central(
        ports=ports,
        networks={each.id: each for each in neutron.networks()},
        subnets={each.id: each for each in neutron.subnets()},
        groups={each.id: each for each in neutron.security_groups()},
        address_groups={each.id: each for each in neutron.address_groups()},
    )


def pods(admin: Person) -> dict[str, str]:
    """The pods' ids, by region."""
    found = admin.ask("tricircle", "/pods").json()["pods"]
    return {pod["region_name"]: pod["pod_id"] for pod in found if pod["az_name"]}


def compare(admin: Person, region: str, person: Person) -> None:
    """Ask a worker to compare a pod with the plan now, and not only at the next interval."""
    pod_id = pods(admin)[region]
    job = {"type": "drift", "project_id": person.project_id, "resource": {"pod_id": pod_id}}
    answer = admin.ask("tricircle", "/jobs", "POST", json={"job": job})
    assert answer.status_code in (200, 202), answer.text


def reached(admin: Person, lab: Lab, projects: Iterable[str], seconds: float = AGREE_SECONDS) -> None:
    """Wait until central Neutron and all pods agree about some projects. Raises `AssertionError` with what differs."""
    owners, found = list(projects), ["not looked"]

    def look() -> bool:
        found[:] = differences(admin, lab, owners)
        return not found

    try:
        wait_until("agreement", look, seconds, interval=2)
    except TimeoutError:
        raise AssertionError("central Neutron and the pods differ:\n" + "\n".join(found)) from None


def differences(admin: Person, lab: Lab, projects: list[str]) -> list[str]:
    """All in which the pods differ from what central Neutron wants."""
    central, top, found = read(admin, projects), routing.read(admin, projects), list[str]()
    by_region = pods(admin)
    for region in lab.regions:
        held = [each for each in twins.every(admin, region) if each[2].project_id in projects]
        found += [f"{region}: {line}" for line in _of_pod(central, by_region[region], held)]
        bottom = {(kind, key): resource for kind, key, resource in held}
        lines = routing.differences(admin, region, central, top, by_region[region], bottom)
        found += [f"{region}: {line}" for line in lines]
        found += [f"{region}: {line}" for line in _servers(admin, central, region, by_region[region], projects)]
    found += [f"port {port.id} belongs to no server" for port in central.ports if port.device_id.startswith(BOOT)]
    return found


def _of_pod(central: Central, pod_id: str, held: list[tuple[str, str, Any]]) -> Iterator[str]:
    placed = central.placed(pod_id)
    in_use = {port.network_id for port in placed}
    parts = central.parts()
    placed = [port for port in placed if port.id not in parts]
    wanted = {("port", port.id) for port in placed} | {("network", each) for each in in_use}
    wanted |= {("subnet", each.id) for each in central.subnets.values() if each.network_id in in_use}
    wanted |= {("security group", each) for port in placed for each in port.security_group_ids}
    counted = Counter((kind, top) for kind, top, _ in held)
    # Address groups stand for remote groups; the rules that name them are compared below.
    yield from (f"no twin of {kind} {top}" for kind, top in wanted - counted.keys())
    yield from (f"{number} twins of {kind} {top}" for (kind, top), number in counted.items() if number > 1)
    # Routers and floating IPs are compared elsewhere.
    known = {key for key in counted if key[0] not in ("address group", "qos policy", "router", "floating ip")}
    known -= {("port", part) for part in parts}
    yield from (f"left over: {kind} {top}" for kind, top in known - wanted)

    bottom = {(kind, top): resource for kind, top, resource in held}
    for port in placed:
        if (twin := bottom.get(("port", port.id))) is not None:
            yield from _ports(port, twin, bottom)
    for top in in_use & {top for kind, top in bottom if kind == "network"}:
        yield from _networks(central, central.networks[top], bottom[("network", top)], pod_id, bottom)
    for port in central.ports:
        if port.device_id == f"{RESERVE}{pod_id}" and port.network_id not in in_use:
            yield f"addresses of network {port.network_id}, which is not there, are held"
    groups = {top: twin for (kind, top), twin in bottom.items() if kind == "security group" and top in central.groups}
    addresses = {twin.id: set(twin.addresses) for kind, _, twin in held if kind == "address group"}
    yield from rules.differences(central, groups, addresses, pod_id)


def _ports(top: Any, twin: Any, bottom: dict[tuple[str, str], Any]) -> Iterator[str]:
    def fixed(port: Any) -> set[str]:
        return {each["ip_address"] for each in port.fixed_ips}

    compared = {
        "mac_address": (top.mac_address, twin.mac_address),
        "fixed_ips": (fixed(top), fixed(twin)),
        "name": (top.name, twin.name),
        "project_id": (top.project_id, twin.project_id),
        "admin_state_up": (top.is_admin_state_up, twin.is_admin_state_up),
        "port_security_enabled": (top.is_port_security_enabled, twin.is_port_security_enabled),
        "device_id": (top.device_id, twin.device_id),
        "status": (top.status, twin.status),
        "network": (twin.network_id, getattr(bottom.get(("network", top.network_id)), "id", None)),
        "groups": (
            {getattr(bottom.get(("security group", each)), "id", None) for each in top.security_group_ids},
            set(twin.security_group_ids),
        ),
        "pairs": (
            {each["ip_address"] for each in top.allowed_address_pairs},
            {each["ip_address"] for each in twin.allowed_address_pairs},
        ),
    }
    for name, (wanted, is_) in compared.items():
        if wanted != is_:
            yield f"port {top.id}: {name} is {is_} and not {wanted}"


def _networks(central: Central, top: Any, twin: Any, pod_id: str, bottom: dict[tuple[str, str], Any]) -> Iterator[str]:
    for name in ("name", "mtu", "is_admin_state_up", "project_id", "provider_segmentation_id"):
        if getattr(top, name) != getattr(twin, name) and top.provider_network_type == "vlan":
            yield f"network {top.id}: {name} is {getattr(twin, name)} and not {getattr(top, name)}"
    for subnet in central.subnets.values():
        if subnet.network_id != top.id or (own := bottom.get(("subnet", subnet.id))) is None:
            continue
        for name in ("name", "cidr", "dns_nameservers", "host_routes", "is_dhcp_enabled"):
            if getattr(subnet, name) != getattr(own, name):
                yield f"subnet {subnet.id}: {name} is {getattr(own, name)} and not {getattr(subnet, name)}"
        if own.gateway_ip not in (gateways := routing.gateways(central, subnet, pod_id)):
            yield f"subnet {subnet.id}: gateway_ip is {own.gateway_ip} and not of {gateways}"
        reserved = {
            each["ip_address"]
            for port in central.ports
            if port.device_id == f"{RESERVE}{pod_id}"
            for each in port.fixed_ips
            if each["subnet_id"] == subnet.id
        }
        pools = {end for pool in own.allocation_pools for end in (pool["start"], pool["end"])}
        if subnet.is_dhcp_enabled and subnet.ipv6_address_mode in (None, "dhcpv6-stateful") and not pools <= reserved:
            yield f"subnet {subnet.id}: hands out {pools}, reserved are {reserved}"


def _servers(admin: Person, central: Central, region: str, pod_id: str, projects: list[str]) -> Iterator[str]:
    compute = admin.pod(region).compute
    servers = [each for each in compute.servers(all_projects=True) if each.project_id in projects]
    alive, parts = {each.id for each in servers}, central.parts()
    placed = [port for port in central.placed(pod_id) if port.id not in parts]
    for server in servers:
        has = {each.mac_addr for each in compute.server_interfaces(server)} if server.status == "ACTIVE" else set()
        told = {port.mac_address for port in placed if port.device_id == server.id}
        if server.status == "ACTIVE" and has != told:
            yield f"server {server.id} has {has}, central Neutron says {told}"
    for port in placed:
        if port.device_id and not port.device_id.startswith(BOOT) and port.device_id not in alive:
            yield f"port {port.id} belongs to server {port.device_id}, which is not there"
    for first, second in itertools.combinations(placed, 2):
        mine, yours = ({each["ip_address"] for each in port.fixed_ips} for port in (first, second))
        if first.network_id == second.network_id and mine & yours:
            yield f"ports {first.id} and {second.id} both have {mine & yours}"
