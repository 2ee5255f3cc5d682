"""Packets: servers booted through the central region on a network of a pod reach each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import things
from .lab import Lab
from .people import Person

CIDR = "192.168.77.0/24"


@contextmanager
def network(person: Person, region: str, name: str) -> Iterator[Any]:
    """A network with a subnet, made in a region itself."""
    neutron = person.pod(region).network
    made = neutron.create_network(name=name)
    try:
        neutron.create_subnet(network_id=made.id, ip_version=4, cidr=CIDR, name=name)
        yield made
    finally:
        neutron.delete_network(made.id)


@pytest.mark.parametrize("zone", ["az1", "az2"])
def test_two_servers_ping_each_other(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str, zone: str) -> None:
    region = lab.zones[zone]
    neutron = tenant.pod(region).network
    with network(tenant, region, f"{prefix}-net") as net:
        port = neutron.create_port(network_id=net.id, name=f"{prefix}-port")
        try:
            with (
                # Neither names a zone: the network, and the port, say which it is.
                things.server(tenant, name=f"{prefix}-left", networks=[{"uuid": net.id}], **boot) as left,
                things.server(tenant, name=f"{prefix}-right", networks=[{"port": port.id}], **boot) as right,
            ):
                assert left.availability_zone == right.availability_zone == zone
                (address,) = [each["addr"] for each in right.addresses[net.name]]
                assert address == port.fixed_ips[0]["ip_address"]
                pinged = lab.run_inside(left.id, "ping", "-c", "3", "-W", "2", address)
                assert pinged.returncode == 0, pinged.stdout + pinged.stderr
                assert " 0% packet loss" in pinged.stdout
                shown = tenant.cli("server list --name", f"{prefix}-right")
                assert shown[0]["Networks"] == {net.name: [address]}
        finally:
            neutron.delete_port(port.id, ignore_missing=True)


def test_a_network_of_another_zone_is_refused(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    with network(tenant, lab.zones["az2"], f"{prefix}-net") as net:
        server = {
            "name": f"{prefix}-misplaced",
            "imageRef": boot["image_id"],
            "flavorRef": boot["flavor_id"],
            "networks": [{"uuid": net.id}],
            "availability_zone": "az1",
        }
        answer = tenant.ask("compute", "/servers", "POST", version="compute 2.90", json={"server": server})
        assert answer.status_code == 400
        message = answer.json()["badRequest"]["message"]
        assert "az1" in message
        assert "az2" in message
        assert not list(tenant.pod(lab.zones["az1"]).compute.servers())


def test_interfaces_come_and_go(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    compute = tenant.central.compute
    with (
        network(tenant, lab.zones["az1"], f"{prefix}-net") as net,
        things.server(tenant, name=f"{prefix}-plugged", availability_zone="az1", **boot) as server,
    ):
        made = compute.create_server_interface(server, net_id=net.id)
        assert [each.port_id for each in compute.server_interfaces(server)] == [made.port_id]
        assert lab.run_inside(server.id, "ip", "-4", "-o", "address").stdout.count(made.fixed_ips[0]["ip_address"]) == 1
        compute.delete_server_interface(made.port_id, server)
        things.wait_until("the end of the interface", lambda: not list(compute.server_interfaces(server)))
