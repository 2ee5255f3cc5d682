"""Ports of servers: given and made, several, by address, attached and detached, taken from pod to pod."""

from typing import Any

import pytest

from . import networks, packets, things, twins
from .lab import Lab
from .people import CommandFailed, Newcomers, Person
from .quartet import Quartet


def test_several_interfaces(tenant: Person, boot: dict[str, str], quartet: Quartet, prefix: str) -> None:
    q = quartet
    fixed = networks.address(q.ports[q.a1.id]).rpartition(".")[0] + ".77"
    with (
        networks.network(tenant, f"{prefix}-second", networks.v4()) as second,
        networks.port(tenant, second, f"{prefix}-given", security_groups=[q.open.id]) as given,
        things.server(
            tenant,
            name=f"{prefix}-several",
            availability_zone="az2",
            networks=[{"uuid": second.id}, {"port": given.id}, {"uuid": q.network.id, "fixed_ip": fixed}],
            security_groups=[{"name": q.open.name}],
            **boot,
        ) as server,
    ):
        ports = {port.id: port for port in networks.ports_of(tenant, server)}
        assert len(ports) == 3
        names = {packets.devices(server)[port.mac_address]: port for port in ports.values()}
        assert names["eth1"].id == given.id
        assert (names["eth0"].network_id, names["eth2"].network_id) == (second.id, q.network.id)
        for device, port in names.items():
            packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips}, device)
        assert networks.address(names["eth2"]) == fixed
        packets.reaches(q.a1, fixed)
        packets.reaches(server, q.address(q.a2))


def test_an_address_that_is_taken(tenant: Person, boot: dict[str, str], quartet: Quartet, prefix: str) -> None:
    q = quartet
    server = {
        "name": f"{prefix}-taken",
        "imageRef": boot["image_id"],
        "flavorRef": boot["flavor_id"],
        "networks": [{"uuid": q.network.id, "fixed_ip": q.address(q.a1)}],
        "availability_zone": "az2",
    }
    answer = tenant.ask("compute", "/servers", "POST", version="compute 2.90", json={"server": server})
    assert answer.status_code == 400
    assert q.address(q.a1) in answer.json()["badRequest"]["message"]


def test_auto(newcomers: Newcomers, boot: dict[str, str], prefix: str) -> None:
    person = newcomers.welcome("auto")
    with networks.network(person, f"{prefix}-only", networks.v4()) as only:
        with things.server(person, name=f"{prefix}-auto", networks="auto", availability_zone="az2", **boot) as server:
            port = networks.port_of(person, server)
            assert port.network_id == only.id
            packets.has_addresses(server, {networks.address(port)})
        body = {"name": f"{prefix}-unsaid", "imageRef": boot["image_id"], "flavorRef": boot["flavor_id"]}
        # Before microversion 2.37 to say nothing meant the same.
        answer = person.ask("compute", "/servers", "POST", version="compute 2.36", json={"server": body})
        assert answer.status_code == 202, answer.text
        made = answer.json()["server"]
        try:
            server = things.server_is(person, made["id"], "ACTIVE")
            assert networks.port_of(person, server).network_id == only.id
        finally:
            things.remove_server(person, made["id"])
        with networks.network(person, f"{prefix}-other", networks.v4()):
            answer = person.ask(
                "compute",
                "/servers",
                "POST",
                version="compute 2.90",
                json={"server": {**body, "networks": "auto"}},
            )
            assert answer.status_code == 409


@pytest.mark.proves(
    "compute",
    "GET /servers/{server_id}/os-interface",
    "POST /servers/{server_id}/os-interface",
    "DELETE /servers/{server_id}/os-interface/{port_id}",
)
def test_interfaces_come_and_go_while_it_runs(
    tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], quartet: Quartet, prefix: str
) -> None:
    q, compute = quartet, tenant.central.compute
    with (
        networks.network(tenant, f"{prefix}-later", networks.v4()) as later,
        networks.port(tenant, later, f"{prefix}-given", security_groups=[q.open.id]) as given,
        things.server(tenant, name=f"{prefix}-plugged", availability_zone="az2", **boot) as server,
    ):
        tenant.run("server add network", server.id, q.network.id)
        port = networks.port_of(tenant, server)
        default = networks.default_group(tenant)
        assert port.security_group_ids == [default.id]
        packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips}, "eth0")
        with networks.in_groups(tenant, (q.a1, [default])):
            packets.reaches(q.a1, networks.address(port))

        tenant.run("server add port", server.id, given.id)
        packets.has_addresses(server, {networks.address(given)}, "eth1")
        tenant.run("server remove port", server.id, given.id)
        released(tenant, admin, lab, given)
        assert given.mac_address not in packets.devices(server)

        # What was made for the server goes with it; what was given stays.
        compute.delete_server_interface(port.id, server)
        find = tenant.central.network.find_port
        things.wait_until("the end of the port", lambda: find(port.id, ignore_missing=True) is None)
        assert packets.devices(server) == {}

        fixed = networks.address(given).rpartition(".")[0] + ".99"
        made = compute.create_server_interface(server, net_id=later.id, fixed_ips=[{"ip_address": fixed}])
        assert [each["ip_address"] for each in made.fixed_ips] == [fixed]
        (interface,) = compute.server_interfaces(server)
        assert (interface.port_id, interface.net_id) == (made.port_id, later.id)
        assert tenant.central.network.get_port(made.port_id).device_id == server.id


def released(person: Person, admin: Person, lab: Lab, port: Any) -> None:
    """Wait until a port that outlives its server is nobody's, and stands in no pod."""

    def look() -> bool:
        now = person.central.network.get_port(port.id)
        return (now.device_id, now.device_owner, now.status) == ("", "", "DOWN")

    things.wait_until(f"the release of port {port.id}", look)
    seen = admin.central.network.get_port(port.id)
    assert (seen.binding_host_id, seen.binding_profile.get("triune")) == ("", None)
    things.wait_until("no twin", lambda: not twins.where(admin, lab.regions, "port", port))


def test_a_port_goes_from_pod_to_pod(
    tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], quartet: Quartet, prefix: str
) -> None:
    q = quartet
    with networks.port(tenant, q.network, f"{prefix}-wanderer", security_groups=[q.open.id]) as port:
        wanted = {each["ip_address"] for each in port.fixed_ips}
        for zone in ("az1", "az2", "az1"):
            request = {"name": f"{prefix}-{zone}", "availability_zone": zone, "networks": [{"port": port.id}]}
            with things.server(tenant, **request, **boot) as server:
                packets.has_addresses(server, wanted)
                assert packets.link(server)["address"] == port.mac_address
                assert twins.where(admin, lab.regions, "port", port) == [lab.zones[zone]]
                for other in (q.a1, q.b1):
                    packets.reaches(other, networks.address(port))
            # Natively a port is free when its server is gone.
            now = tenant.central.network.get_port(port.id)
            assert (now.device_id, now.device_owner, now.status) == ("", "", "DOWN")
            assert now.fixed_ips == port.fixed_ips
        released(tenant, admin, lab, port)


def test_a_port_that_is_in_use(tenant: Person, boot: dict[str, str], quartet: Quartet, prefix: str) -> None:
    words = ("--image", boot["image_id"], "--flavor", boot["flavor_id"], "--port", quartet.ports[quartet.a1.id].id)
    for zone in ("az1", "az2"):
        with pytest.raises(CommandFailed, match="in use"):
            tenant.run("server create --availability-zone", zone, *words, f"{prefix}-second")
    assert networks.port_of(tenant, quartet.a1).status == "ACTIVE"


def test_a_network_shared_with_another_project(
    tenant: Person, stranger: Person, boot: dict[str, str], quartet: Quartet, prefix: str
) -> None:
    q, neutron = quartet, tenant.central.network
    requests = {"availability_zone": "az2", "networks": [{"uuid": q.network.id}]}
    body = {"imageRef": boot["image_id"], "flavorRef": boot["flavor_id"], "name": f"{prefix}-guest", **requests}
    answer = stranger.ask("compute", "/servers", "POST", version="compute 2.90", json={"server": body})
    assert answer.status_code == 400
    assert q.network.id in answer.json()["badRequest"]["message"]
    rule = neutron.create_rbac_policy(
        object_type="network",
        object_id=q.network.id,
        action="access_as_shared",
        target_project_id=stranger.project_id,
    )
    try:
        with (
            networks.group(stranger, f"{prefix}-theirs", *networks.EVERYTHING) as group,
            things.server(
                stranger, name=f"{prefix}-guest", security_groups=[{"name": group.name}], **requests, **boot
            ) as server,
        ):
            port = networks.port_of(stranger, server)
            assert port.project_id == stranger.project_id
            packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips})
            packets.reaches(q.a1, networks.address(port))
            packets.reaches(server, q.address(q.b1))
    finally:
        networks.without_ports(stranger, q.network.id)
        neutron.delete_rbac_policy(rule.id)


def test_a_subnet_without_gateway_and_one_without_dhcp(
    tenant: Person, boot: dict[str, str], quartet: Quartet, prefix: str
) -> None:
    group = [{"name": quartet.open.name}]
    with (
        networks.network(tenant, f"{prefix}-plain", networks.v4(gateway_ip=None)) as plain,
        networks.network(tenant, f"{prefix}-manual", networks.v4(enable_dhcp=False)) as manual,
    ):
        nets = [{"uuid": plain.id}, {"uuid": manual.id}]
        requests = [
            {"name": f"{prefix}-{zone}", "availability_zone": zone, "networks": nets, "security_groups": group, **boot}
            for zone in ("az1", "az2")
        ]
        with things.servers(tenant, *requests) as servers:
            by_hand = []
            for server in servers:
                ports = {port.network_id: port for port in networks.ports_of(tenant, server)}
                packets.has_addresses(server, {networks.address(ports[plain.id])}, "eth0")
                assert packets.inside(server, "ip", "-4", "route", "show", "default").stdout == ""
                assert packets.addresses(server, "eth1") == {}
                by_hand.append(networks.address(ports[manual.id]))
                packets.inside(server, "ip", "address", "add", f"{by_hand[-1]}/24", "dev", "eth1")
            packets.reaches(servers[0], by_hand[1])
            packets.reaches(servers[1], by_hand[0])
