"""Central Neutron: where ports may be, what their bindings show, what tenants cannot do; zones; routers."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from . import networks
from .journal import Journal, Placer, placed, service_user
from .lab import WORKER, Lab
from .people import Person

# The id of a server that nobody has.
SERVER = "6f70656e-7374-4163-ab00-000000000001"


@pytest.fixture(scope="module")
def pods(lab: Lab) -> dict[str, str]:
    """The id of the pod of each region."""
    return {region: pod for pod, region in lab.query("SELECT pod_id, region_name FROM pods WHERE az_name != ''")}


@pytest.fixture(scope="module")
def placer(lab: Lab, pods: dict[str, str]) -> Iterator[Placer]:
    """Places ports; Triune's worker rests, for there are no servers behind these."""
    user = service_user(lab)
    with lab.stopped(WORKER):
        yield Placer(user, pods)
    user.close()


@pytest.fixture
def port(tenant: Person, prefix: str) -> Iterator[Any]:
    """A tenant's port on a network that may be everywhere."""
    name = f"{prefix}-central"
    with networks.network(tenant, name, networks.v4()) as net, networks.port(tenant, net, name) as made:
        yield made


def error(answer: Any) -> tuple[int, str]:
    """The status of an answer, and the text of its native error."""
    assert set(answer.json()) == {"NeutronError"}, answer.text
    return answer.status_code, answer.json()["NeutronError"]["message"]


# -- zones


def test_zones_and_regions_are_availability_zones(tenant: Person, lab: Lab) -> None:
    listed = [(zone.name, zone.resource, zone.state) for zone in tenant.central.network.availability_zones()]
    names = [*lab.zones, *lab.zones.values()]
    assert sorted(listed) == sorted((name, kind, "available") for name in names for kind in ("network", "router"))
    assert {row["Zone Name"] for row in tenant.cli("availability zone list --network")} == set(names)
    assert len(tenant.ask("network", "/v2.0/availability_zones?name=az1").json()["availability_zones"]) == 2


@pytest.mark.parametrize("kind", ["network", "router"])
def test_hints(tenant: Person, kind: str, prefix: str) -> None:
    def create(*hints: str) -> Any:
        body = {kind: {"name": f"{prefix}-hinted", "availability_zone_hints": list(hints)}}
        return tenant.ask("network", f"/v2.0/{kind}s", "POST", json=body)

    assert error(create("az1", "nowhere")) == (404, "AvailabilityZone nowhere could not be found.")
    for hint in ("az1", "RegionTwo"):
        made = create(hint).json()[kind]
        assert (made["availability_zone_hints"], made["availability_zones"]) == ([hint], [])
        tenant.ask("network", f"/v2.0/{kind}s/{made['id']}", "DELETE")


def test_a_network_shows_the_zones_in_which_it_is(tenant: Person, placer: Placer, port: Any) -> None:
    neutron = tenant.central.network

    def zones() -> list[str]:
        shown: list[str] = neutron.get_network(port.network_id).availability_zones
        (listed,) = [each for each in neutron.networks() if each.id == port.network_id]
        assert listed.availability_zones == shown
        return shown

    assert zones() == []
    with placed(placer, port.id, "RegionTwo"):
        assert zones() == ["az2"]
        second = neutron.create_port(network_id=port.network_id)
        with placed(placer, second.id, "RegionOne"):
            assert zones() == ["az1", "az2"]
        neutron.delete_port(second.id)
    assert zones() == []


# -- where a port may be


def test_refused_places(tenant: Person, placer: Placer, port: Any, lab: Lab) -> None:
    journal = Journal(lab, tenant.project_id)
    for said, text in (
        ({"pod": "nowhere"}, "there is no pod nowhere"),
        ({"pod": ""}, 'names no "pod"'),
        ({"pod": placer.pods["RegionOne"], "status": "up"}, "ACTIVE, BUILD, DOWN, ERROR"),
        ("RegionOne", "no object"),
    ):
        profile = {"binding:profile": {"triune": said}}
        assert journal.touched(placer.put, port.id, name="renamed", **profile) == set()
        status, message = error(journal.made)
        assert (status, text in message) == (400, True)
    assert port.id not in journal.placements()
    assert placer.user.central.network.get_port(port.id).name == port.name


def test_hints_are_kept(tenant: Person, placer: Placer, prefix: str) -> None:
    for hint, allowed in (("az2", "RegionTwo"), ("RegionTwo", "RegionTwo")):
        with (
            networks.network(tenant, prefix, networks.v4(), availability_zone_hints=[hint]) as net,
            networks.port(tenant, net, prefix) as port,
        ):
            status, message = error(placer.place(port.id, "RegionOne"))
            assert (status, f"may be in {hint} only" in message) == (400, True)
            assert placer.place(port.id, allowed).status_code == 200
            placer.release(port.id)


@pytest.mark.parametrize("kind", ["local", "vxlan", "geneve"])
def test_networks_inside_one_region_are_in_one_at_a_time(
    tenant: Person, admin: Person, placer: Placer, kind: str, prefix: str
) -> None:
    made = admin.central.network.create_network(
        name=f"{prefix}-{kind}", project_id=tenant.project_id, provider_network_type=kind
    )
    tenant.central.network.create_subnet(network_id=made.id, **networks.v4())
    ports = [tenant.central.network.create_port(network_id=made.id) for _ in range(6)]
    regions = list(placer.pods)
    answers: dict[str, Any] = {}

    def place(number: int) -> None:
        answers[ports[number].id] = placer.place(ports[number].id, regions[number % 2])

    placer.user.ask("network", "/v2.0/extensions")  # one login, not six at once
    threads = [threading.Thread(target=place, args=(number,)) for number in range(len(ports))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    placements = placer.user.central.network.get_network(made.id).availability_zones
    assert len(placements) == 1
    accepted = [answer for answer in answers.values() if answer.status_code == 200]
    assert len(accepted) == len(ports) / 2
    for answer in answers.values():
        if answer not in accepted:
            status, message = error(answer)
            assert status == 400
            assert f"a network of type {kind} is in one region at a time" in message
    for port in ports:
        admin.central.network.delete_port(port.id)
    tenant.central.network.delete_network(made.id)


def test_only_one_boot_claims_a_port(placer: Placer, port: Any) -> None:
    revision = {"If-Match": f"revision_number={port.revision_number}"}
    statuses: list[int] = []

    def claim(number: int) -> None:
        region = list(placer.pods)[number % 2]
        profile = {"triune": {"pod": placer.pods[region], "keep": True}}
        body = {"port": {"device_id": f"triune-boot-{number}", "binding:profile": profile}}
        path = f"/v2.0/ports/{port.id}"
        statuses.append(placer.user.ask("network", path, "PUT", json=body, headers=revision).status_code)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 412}
    placer.release(port.id)


def test_a_port_of_a_server_stays_in_its_pod(placer: Placer, port: Any) -> None:
    assert placer.place(port.id, "RegionOne", device_id="triune-boot-1").status_code == 200
    # The next candidate of a boot under way.
    assert placer.place(port.id, "RegionTwo").status_code == 200
    server = {"device_id": SERVER, "device_owner": "compute:az2"}
    assert placer.place(port.id, "RegionTwo", status="ACTIVE", **server).status_code == 200
    for refused in (placer.place(port.id, "RegionOne"), placer.put(port.id, **{"binding:profile": {}})):
        assert error(refused) == (409, f"Port {port.id} is used by server {SERVER} and cannot leave its pod.")
    assert error(placer.put(port.id, device_id="triune-boot-2"))[0] == 409
    assert placer.release(port.id).status_code == 200


# -- what a binding shows


def test_host_and_status_follow_what_the_worker_says(tenant: Person, placer: Placer, port: Any) -> None:
    def shown() -> tuple[str, str, str]:
        found = placer.user.central.network.get_port(port.id)
        return found.status, found.binding_host_id, found.binding_vif_type

    assert shown() == ("DOWN", "", "unbound")
    placer.place(port.id, "RegionOne", status="BUILD", device_id=SERVER, device_owner="compute:az1")
    assert shown() == ("DOWN", "", "unbound")
    for status in ("BUILD", "ACTIVE", "DOWN", "ERROR"):
        placer.place(port.id, "RegionOne", status, **{"binding:host_id": "host"})
        assert shown() == (status, "host", "other")
    assert tenant.central.network.get_port(port.id).status == "ERROR"
    placer.release(port.id)
    assert shown() == ("DOWN", "", "unbound")


def test_a_host_without_a_pod_is_no_binding(placer: Placer, port: Any) -> None:
    placer.put(port.id, **{"binding:host_id": "host"})
    found = placer.user.central.network.get_port(port.id)
    assert (found.status, found.binding_vif_type) == ("DOWN", "binding_failed")
    placer.release(port.id)


def test_all_attributes_of_ports(tenant: Person, placer: Placer, port: Any) -> None:
    made = tenant.central.network.update_port(
        port.id,
        allowed_address_pairs=[{"ip_address": "10.201.0.250"}],
        extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "1400"}],
        dns_name="anna",
        description="first",
        binding_vnic_type="direct",
    )
    with placed(placer, port.id, "RegionOne"):
        found = tenant.central.network.get_port(port.id)
        for name in ("allowed_address_pairs", "extra_dhcp_opts", "dns_name", "description", "binding_vnic_type"):
            assert getattr(found, name) == getattr(made, name)
    unprotected = {"security_groups": [], "allowed_address_pairs": [], "is_port_security_enabled": False}
    assert tenant.central.network.update_port(port.id, **unprotected).is_port_security_enabled is False


def test_a_new_policy_of_a_network_leaves_profiles_alone(
    tenant: Person, admin: Person, placer: Placer, port: Any, prefix: str
) -> None:
    policy = admin.central.network.create_qos_policy(name=prefix, project_id=tenant.project_id)
    with placed(placer, port.id, "RegionOne"):
        placer.put(port.id, device_id=SERVER, device_owner="compute:az1")
        before = placer.user.central.network.get_port(port.id).binding_profile
        for policy_id in (policy.id, None):
            tenant.central.network.update_network(port.network_id, qos_policy_id=policy_id)
            assert placer.user.central.network.get_port(port.id).binding_profile == before
    admin.central.network.delete_qos_policy(policy.id)


def test_a_network_in_a_pod_keeps_its_segment(admin: Person, placer: Placer, port: Any) -> None:
    path, body = f"/v2.0/networks/{port.network_id}", {"network": {"provider:segmentation_id": 1777}}
    with placed(placer, port.id, "RegionOne"):
        assert error(admin.ask("network", path, "PUT", json=body))[0] == 400
    assert admin.ask("network", path, "PUT", json=body).status_code == 200


# -- ports that hold addresses for a pod


def test_reserves_are_not_for_tenants(tenant: Person, placer: Placer, port: Any) -> None:
    device = f"triune-reserve-{placer.pods['RegionOne']}"
    reserve = {"network_id": port.network_id, "device_owner": "network:dhcp", "device_id": device}
    refused = tenant.ask("network", "/v2.0/ports", "POST", json={"port": reserve})
    assert error(refused) == (403, "A device_id that begins with triune-reserve- is not for users.")
    own = {"port": {"device_id": device}}
    assert tenant.ask("network", f"/v2.0/ports/{port.id}", "PUT", json=own).status_code == 403

    body = {"port": {**reserve, "project_id": tenant.project_id}}
    held = placer.user.ask("network", "/v2.0/ports", "POST", json=body).json()["port"]
    path = f"/v2.0/ports/{held['id']}"
    assert (held["security_groups"], tenant.ask("network", path).status_code) == ([], 200)
    assert error(tenant.ask("network", path, "DELETE"))[0] == 409
    assert error(tenant.ask("network", path, "PUT", json={"port": {"name": "mine"}}))[0] == 409
    # Nor is it in the way of a subnet whose addresses all ports of the network get.
    v6 = {"network_id": port.network_id, **networks.v6("slaac", ipv6_ra_mode="slaac")}
    added = tenant.ask("network", "/v2.0/subnets", "POST", json={"subnet": v6})
    assert added.status_code == 201, added.text
    tenant.central.network.delete_subnet(added.json()["subnet"]["id"])
    # It is in the way of neither its subnet nor its network: see the fixture.
    (subnet,) = tenant.central.network.subnets(network_id=port.network_id)
    tenant.central.network.delete_port(port.id)
    tenant.central.network.delete_subnet(subnet.id)
    assert tenant.ask("network", path).json()["port"]["fixed_ips"] == []
