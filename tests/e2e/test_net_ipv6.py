"""IPv6 in two pods: SLAAC, DHCPv6 with and without state, and both versions on one interface."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from . import networks, packets, physical, things
from .lab import Lab
from .people import Person

RESOLVER = "2001:db8:53::53"

# The subnets of a network, and what the operator's router tells about the IPv6 one (`advertise`).
MODES: dict[str, tuple[tuple[dict[str, Any], ...], str]] = {
    "slaac": ((networks.v6("slaac"),), "s"),
    "stateful": ((networks.v6("dhcpv6-stateful", dns_nameservers=[RESOLVER]),), "m"),
    "stateless": ((networks.v6("dhcpv6-stateless", dns_nameservers=[RESOLVER]),), "sf"),
    "dual": ((networks.v4(), networks.v6("dhcpv6-stateful")), "m"),
}


@pytest.fixture(scope="module")
def nets(tenant: Person, admin: Person, lab: Lab, prefix: str) -> Iterator[dict[str, Any]]:
    """A network for each mode, with a router."""
    with ExitStack() as stack:
        made = {}
        for mode, (subnets, flags) in MODES.items():
            net = stack.enter_context(networks.network(tenant, f"{prefix}-{mode}", *subnets))
            vlan = admin.central.network.get_network(net.id).provider_segmentation_id
            stack.enter_context(physical.router(lab, vlan, f"{subnets[-1]['cidr']},{flags}"))
            made[mode] = net
        yield made


@pytest.fixture(scope="module")
def two(tenant: Person, boot: dict[str, str], prefix: str, nets: dict[str, Any]) -> Iterator[list[Any]]:
    """A server in each of two pods, with an interface on each network."""
    with networks.group(tenant, f"{prefix}-six", *networks.EVERYTHING) as group:
        common = {
            **boot,
            "networks": [{"uuid": net.id} for net in nets.values()],
            "security_groups": [{"name": group.name}],
        }
        requests = [{"name": f"{prefix}-{zone}", "availability_zone": zone, **common} for zone in ("az1", "az2")]
        with things.servers(tenant, *requests) as servers:
            yield servers


def interface(person: Person, server: Any, network: Any) -> tuple[str, Any]:
    """The name of a server's interface on a network, and its port."""
    (port,) = [port for port in networks.ports_of(person, server) if port.network_id == network.id]
    return packets.devices(server)[port.mac_address], port


@pytest.mark.parametrize("mode", MODES)
def test_addresses_and_packets(tenant: Person, nets: dict[str, Any], two: list[Any], mode: str) -> None:
    ports = []
    for server in two:
        device, port = interface(tenant, server, nets[mode])
        assert len(port.fixed_ips) == len(MODES[mode][0])
        packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips}, device)
        ports.append(port)
    for server, port in ((two[0], ports[1]), (two[1], ports[0])):
        for fixed in port.fixed_ips:
            packets.reaches(server, fixed["ip_address"])


def test_interfaces_stand_in_the_order_of_the_request(tenant: Person, nets: dict[str, Any], two: list[Any]) -> None:
    for server in two:
        assert [interface(tenant, server, net)[0] for net in nets.values()] == ["eth0", "eth1", "eth2", "eth3"]


def test_settings_by_dhcp(two: list[Any]) -> None:
    for server in two:
        look = lambda to=server: packets.inside(to, "cat", "/etc/resolv.conf").stdout.count(RESOLVER) == 2  # noqa: E731
        packets.wait_until(f"resolvers of {server.name}", look, seconds=30)
