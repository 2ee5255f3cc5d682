"""One network in two pods: addresses by DHCP, packets from each server to each other."""

from typing import Any

import pytest

from . import networks, packets, physical, things, twins
from .lab import Lab
from .people import Person
from .quartet import Quartet

MEGABYTE = 1024 * 1024
STREAM_BYTES = 100 * MEGABYTE


def test_as_a_user_does_it(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    name, cidr = f"{prefix}-net1", networks.v4()["cidr"]
    tenant.run("network create", name)
    tenant.run("subnet create --network", name, "--subnet-range", cidr, f"{name}-v4")
    made = []
    try:
        for zone in ("az1", "az2"):
            words = ("--image", boot["image_id"], "--flavor", boot["flavor_id"], "--network", name)
            tenant.run("server create --wait", *words, "--availability-zone", zone, f"{name}-{zone}")
            made.append(tenant.central.compute.find_server(f"{name}-{zone}"))
        # Nobody made a group: they are in the project's default group, whose members reach each other.
        addresses = []
        for server in made:
            (row,) = tenant.cli("port list --server", server.id)
            assert row["Status"] == "ACTIVE"
            (fixed,) = row["Fixed IP Addresses"]
            packets.has_addresses(server, {fixed["ip_address"]})
            assert packets.link(server)["address"] == row["MAC Address"]
            shown = tenant.cli("server show", server.id)
            assert shown["addresses"] == {name: [fixed["ip_address"]]}
            addresses.append(fixed["ip_address"])
        packets.reaches(made[0], addresses[1])
        packets.reaches(made[1], addresses[0])
    finally:
        tenant.run("server delete --wait", *(server.id for server in made))
        # As everywhere, the ports of a server are gone when it is.
        tenant.run("network delete", name)


def test_every_server_has_the_addresses_of_its_port(quartet: Quartet) -> None:
    for server in quartet.all:
        port = quartet.ports[server.id]
        packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips})
        assert packets.link(server)["address"] == port.mac_address
        assert packets.link(server)["mtu"] == quartet.network.mtu


def test_a_port_looks_like_any_other(tenant: Person, admin: Person, lab: Lab, quartet: Quartet) -> None:
    for server, zone in ((quartet.a1, "az1"), (quartet.b1, "az2")):
        port = networks.port_of(tenant, server)
        assert (port.status, port.device_id, port.device_owner) == ("ACTIVE", server.id, f"compute:{zone}")
        seen = admin.central.network.get_port(port.id)
        native = twins.the(admin, lab.zones[zone], "port", port)
        assert seen.binding_host_id == native.binding_host_id
        assert seen.binding_vif_type not in ("unbound", "binding_failed")
        (interface,) = tenant.central.compute.server_interfaces(server)
        assert (interface.port_id, interface.net_id) == (port.id, quartet.network.id)
        assert {each["ip_address"] for each in interface.fixed_ips} == {each["ip_address"] for each in port.fixed_ips}
        assert native.project_id == tenant.project_id


def test_everybody_pings_everybody(quartet: Quartet) -> None:
    for version in (4, 6):
        for server, other in quartet.pairs:
            packets.reaches(server, quartet.address(other, version))


def test_a_hundred_megabytes(quartet: Quartet) -> None:
    packets.transfer(quartet.a1, quartet.b1, quartet.address(quartet.b1), STREAM_BYTES)
    packets.transfer(quartet.b1, quartet.a1, quartet.address(quartet.a1, 6), STREAM_BYTES)


def test_the_cable_between_the_pods_is_cut(lab: Lab, quartet: Quartet) -> None:
    with physical.cut(lab, "RegionTwo"):
        for version in (4, 6):
            assert packets.silent(quartet.a1, quartet.address(quartet.b1, version))
            packets.reaches(quartet.a1, quartet.address(quartet.a2, version))
            packets.reaches(quartet.b1, quartet.address(quartet.b2, version))
    for server, other in quartet.pairs:
        packets.reaches(server, quartet.address(other))


@pytest.mark.parametrize("zone", ["az1", "az2"])
def test_the_lease_is_renewed(quartet: Quartet, zone: str) -> None:
    server = quartet.a2 if zone == "az1" else quartet.b2
    assert packets.offer(server)["ip"] == quartet.address(server)


def test_names_and_addresses_in_lists(tenant: Person, quartet: Quartet) -> None:
    rows = {row["ID"]: row for row in tenant.cli("server list")}
    wanted = {server.id: {each["ip_address"] for each in quartet.ports[server.id].fixed_ips} for server in quartet.all}
    assert {key: set(rows[key]["Networks"][quartet.network.name]) for key in wanted} == wanted
    # Nova asks its own Neutron, for a part of an address; the answer is that of the pods, merged.
    found = {server.id for server in tenant.central.compute.servers(ip=quartet.address(quartet.b2))}
    assert quartet.b2.id in found
    assert found <= {each.id for each in quartet.all if quartet.address(quartet.b2) in quartet.address(each)}


def test_a_server_deleted_frees_its_address_at_once(
    tenant: Person, boot: dict[str, str], quartet: Quartet, prefix: str
) -> None:
    with things.server(tenant, name=f"{prefix}-brief", networks=[{"uuid": quartet.network.id}], **boot) as server:
        port: Any = networks.port_of(tenant, server)
    assert tenant.central.network.find_port(port.id, ignore_missing=True) is None
    fixed = [{"ip_address": networks.address(port)}]
    with networks.port(tenant, quartet.network, f"{prefix}-next", fixed_ips=fixed) as another:
        assert networks.address(another) == networks.address(port)
