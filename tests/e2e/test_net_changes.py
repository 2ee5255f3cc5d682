"""A network that changes while servers use it: its pods follow, and the servers see it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from . import networks, packets, things, twins
from .lab import Lab
from .people import Person

RESOLVER = "192.0.2.53"
REMOTE = "198.51.100.0/24"
# Changes reach the pods in the background.
FOLLOW_SECONDS = 15.0
ODD = "e2e/net ü%2F 網"


@pytest.fixture(scope="module")
def net(tenant: Person, prefix: str) -> Iterator[Any]:
    """A network with one subnet, under a name that is hard to get right."""
    with networks.network(tenant, f"{prefix}-{ODD}", networks.v4()) as made:
        yield made


@pytest.fixture(scope="module")
def two(tenant: Person, boot: dict[str, str], net: Any, prefix: str) -> Iterator[list[Any]]:
    """A server in each of two pods."""
    with networks.group(tenant, f"{prefix}-{ODD}-group", *networks.EVERYTHING) as group:
        common = {**boot, "networks": [{"uuid": net.id}], "security_groups": [{"name": group.name}]}
        zones = ("az1", "az2")
        # Neutron takes no such name for a host, by whichever way it comes.
        requests = [{"name": f"{prefix}-odd-{zone}", "availability_zone": zone, **common} for zone in zones]
        with things.servers(tenant, *requests) as servers:
            yield servers


Follow = Callable[[str, Any, Callable[[Any], bool]], None]


@pytest.fixture
def follow(admin: Person, lab: Lab, two: list[Any]) -> Follow:
    """Waits until the twins of a resource in both pods satisfy a condition."""

    def wait(kind: str, top: Any, condition: Callable[[Any], bool]) -> None:
        for region in lab.regions:

            def look(region: str = region) -> bool:
                found = twins.of(admin, region, kind, top)
                return len(found) == 1 and condition(found[0])

            things.wait_until(f"the twin of {kind} {top.id} in {region}", look, FOLLOW_SECONDS)

    return wait


def test_names(tenant: Person, net: Any, two: list[Any], follow: Follow, prefix: str) -> None:
    follow("network", net, lambda twin: twin.name == net.name)
    for server in two:
        assert list(server.addresses) == [net.name]
    renamed = f"{prefix}-renamed/ß"
    tenant.run("network set --name", renamed, net.id)
    follow("network", net, lambda twin: twin.name == renamed)
    tenant.run("network set --name", net.name, net.id)
    follow("network", net, lambda twin: twin.name == net.name)


def test_the_servers_follow_the_dhcp_options(tenant: Person, net: Any, two: list[Any], follow: Follow) -> None:
    neutron = tenant.central.network
    subnet = neutron.get_subnet(net.subnet_ids[0])
    words = ("--dns-nameserver", RESOLVER, "--host-route", f"destination={REMOTE},gateway={subnet.gateway_ip}")
    tenant.run("subnet set", *words, subnet.id)
    follow("subnet", subnet, lambda twin: twin.dns_nameservers == [RESOLVER])
    follow("subnet", subnet, lambda twin: [route["destination"] for route in twin.host_routes] == [REMOTE])
    for server in two:

        def look(server: Any = server) -> bool:
            offer = packets.offer(server)
            return offer.get("dns") == RESOLVER and REMOTE in offer.get("staticroutes", "")

        things.wait_until(f"what {server.name} is offered", look, FOLLOW_SECONDS)


def test_the_servers_follow_the_mtu(tenant: Person, net: Any, two: list[Any], follow: Follow) -> None:
    for mtu in (1400, net.mtu):
        tenant.central.network.update_network(net.id, mtu=mtu)
        follow("network", net, lambda twin, mtu=mtu: twin.mtu == mtu)
        for server in two:
            look = lambda to=server, mtu=mtu: packets.offer(to).get("mtu") == str(mtu)  # noqa: E731
            things.wait_until(f"MTU {mtu} for {server.name}", look, FOLLOW_SECONDS)


def test_dhcp_off_and_on(tenant: Person, net: Any, two: list[Any], follow: Follow) -> None:
    subnet = tenant.central.network.get_subnet(net.subnet_ids[0])
    for enabled in (False, True):
        tenant.central.network.update_subnet(subnet.id, enable_dhcp=enabled)
        follow("subnet", subnet, lambda twin, enabled=enabled: twin.is_dhcp_enabled == enabled)
        for server in two:
            look = lambda to=server, enabled=enabled: bool(packets.offer(to)) == enabled  # noqa: E731
            things.wait_until(f"DHCP {enabled} for {server.name}", look, FOLLOW_SECONDS)


def test_tags_and_descriptions(tenant: Person, net: Any, follow: Follow) -> None:
    tenant.run("network set --tag", "e2e a", "--description", "ü/", net.id)
    follow("network", net, lambda twin: "e2e a" in twin.tags and twin.description == "ü/")
    tenant.run("network unset --tag", "e2e a", net.id)
    follow("network", net, lambda twin: "e2e a" not in twin.tags)
    assert tenant.central.network.get_network(net.id).tags == []


def test_a_subnet_added_later(tenant: Person, net: Any, two: list[Any], follow: Follow, prefix: str) -> None:
    neutron = tenant.central.network
    later = neutron.create_subnet(network_id=net.id, name=f"{prefix}-later", **networks.v4())
    try:
        follow("subnet", later, lambda twin: twin.cidr == later.cidr)
        new = []
        for server in two:
            port = networks.port_of(tenant, server)
            fixed = [*port.fixed_ips, {"subnet_id": later.id}]
            updated = neutron.update_port(port.id, fixed_ips=fixed)
            (address,) = [each["ip_address"] for each in updated.fixed_ips if each["subnet_id"] == later.id]
            packets.inside(server, "ip", "address", "add", f"{address}/24", "dev", "eth0")
            new.append(address)
        packets.reaches(two[0], new[1])
        packets.reaches(two[1], new[0])
    finally:
        for server in two:
            port = networks.port_of(tenant, server)
            fixed = [each for each in port.fixed_ips if each["subnet_id"] != later.id]
            neutron.update_port(port.id, fixed_ips=fixed)
            packets.inside(server, "ip", "address", "flush", "dev", "eth0", "to", later.cidr)
        neutron.delete_subnet(later.id)


def test_a_port_that_is_switched_off(tenant: Person, two: list[Any]) -> None:
    neutron = tenant.central.network
    ports = [networks.port_of(tenant, server) for server in two]
    packets.reaches(two[0], networks.address(ports[1]))
    neutron.update_port(ports[1].id, admin_state_up=False)
    try:
        packets.falls_silent(two[0], networks.address(ports[1]), FOLLOW_SECONDS)
    finally:
        neutron.update_port(ports[1].id, admin_state_up=True)
    packets.reaches(two[0], networks.address(ports[1]))


def test_a_port_gets_another_address(tenant: Person, two: list[Any]) -> None:
    port = networks.port_of(tenant, two[1])
    old = networks.address(port)
    new = old.rpartition(".")[0] + ".123"
    tenant.central.network.update_port(port.id, fixed_ips=[{"ip_address": new}])
    look = lambda: packets.offer(two[1]).get("ip") == new  # noqa: E731
    things.wait_until(f"the offer of {new}", look, FOLLOW_SECONDS)
    packets.inside(two[1], "ip", "address", "flush", "dev", "eth0", "scope", "global")
    packets.inside(two[1], "ip", "address", "add", f"{new}/24", "dev", "eth0")
    packets.reaches(two[0], new)
    assert tenant.cli("server show", two[1].id)["addresses"].popitem()[1] == [new]
