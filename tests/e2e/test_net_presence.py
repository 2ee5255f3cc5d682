"""Where a network may be: its availability zone hints, and what becomes of a server that asks for it elsewhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from . import networks, packets, things, twins
from .lab import Lab
from .people import CommandFailed, Person

UNKNOWN = "nowhere"


def booting(person: Person, boot: dict[str, str], network: Any, zone: str | None, name: str) -> Any:
    """The plain answer to a request for a server on a network."""
    server = {
        "name": name,
        "imageRef": boot["image_id"],
        "flavorRef": boot["flavor_id"],
        "networks": [{"uuid": network.id}],
        **({"availability_zone": zone} if zone else {}),
    }
    return person.ask("compute", "/servers", "POST", version="compute 2.90", json={"server": server})


def nothing_is_left(person: Person, admin: Person, lab: Lab, network: Any, region: str) -> None:
    """No port at the top, no twin in the pod, no server anywhere that the region could have made."""
    assert not [
        port for port in person.central.network.ports(network_id=network.id) if port.device_owner != "network:dhcp"
    ]
    assert twins.where(admin, [region], "network", network) == []
    assert not [
        port for port in admin.pod(region).network.ports(project_id=person.project_id) if twins.top_id(port) is not None
    ]
    assert not list(person.pod(region).compute.servers())


@pytest.fixture(scope="module")
def local(newcomers: Any, prefix: str) -> Iterator[tuple[Person, Any]]:
    """A network that may be in RegionOne alone, of somebody who has nothing else."""
    person = newcomers.welcome("local")
    hints = ["RegionOne"]
    with networks.network(person, f"{prefix}-net2", networks.v4(), availability_zone_hints=hints) as net2:
        yield person, net2


def test_elsewhere_is_refused(
    local: tuple[Person, Any], admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    person, net2 = local
    answer = booting(person, boot, net2, "az2", f"{prefix}-misplaced")
    assert answer.status_code == 400
    assert answer.json().keys() == {"badRequest"}
    message = answer.json()["badRequest"]["message"]
    assert net2.id in message or net2.name in message
    assert "az2" in message
    nothing_is_left(person, admin, lab, net2, "RegionTwo")


def test_a_port_made_beforehand_is_refused_elsewhere_and_stays(
    local: tuple[Person, Any], admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    person, net2 = local
    with networks.port(person, net2, f"{prefix}-given") as port:
        words = ("--image", boot["image_id"], "--flavor", boot["flavor_id"], "--port", port.id)
        with pytest.raises(CommandFailed, match="400"):
            person.run("server create --availability-zone az2", *words, f"{prefix}-misplaced")
        kept = person.central.network.get_port(port.id)
        assert (kept.device_id, kept.device_owner, kept.status) == ("", "", "DOWN")
        assert twins.where(admin, lab.regions, "port", port) == []


def test_who_names_no_zone_gets_the_right_one(
    local: tuple[Person, Any], lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    person, net2 = local
    assert person.cli("network show", net2.id)["availability_zone_hints"] == ["RegionOne"]
    with things.server(person, name=f"{prefix}-placed", networks=[{"uuid": net2.id}], **boot) as server:
        assert server.availability_zone == "az1"
        packets.has_addresses(server, {networks.address(networks.port_of(person, server))})


def test_a_hint_that_names_a_zone(tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    hints = ["az2"]
    with networks.network(tenant, f"{prefix}-zone", networks.v4(), availability_zone_hints=hints) as net:
        assert booting(tenant, boot, net, "az1", f"{prefix}-misplaced").status_code == 400
        with things.server(tenant, name=f"{prefix}-hinted", networks=[{"uuid": net.id}], **boot) as server:
            assert server.availability_zone == "az2"
            assert twins.where(admin, lab.regions, "network", net) == ["RegionTwo"]


def test_networks_that_no_pod_may_both_hold(tenant: Person, boot: dict[str, str], prefix: str) -> None:
    with (
        networks.network(tenant, f"{prefix}-one", networks.v4(), availability_zone_hints=["az1"]) as one,
        networks.network(tenant, f"{prefix}-two", networks.v4(), availability_zone_hints=["RegionTwo"]) as two,
    ):
        server = {
            "name": f"{prefix}-torn",
            "imageRef": boot["image_id"],
            "flavorRef": boot["flavor_id"],
            "networks": [{"uuid": one.id}, {"uuid": two.id}],
        }
        answer = tenant.ask("compute", "/servers", "POST", version="compute 2.90", json={"server": server})
        assert answer.status_code == 400
        assert not list(tenant.central.network.ports(network_id=one.id, device_owner="compute:az1"))


def test_an_unknown_hint(tenant: Person, prefix: str) -> None:
    body = {"network": {"name": f"{prefix}-lost", "availability_zone_hints": [UNKNOWN]}}
    answer = tenant.ask("network", "/v2.0/networks", "POST", json=body)
    assert answer.status_code == 404
    assert answer.json()["NeutronError"]["type"] == "AvailabilityZoneNotFound"
    assert UNKNOWN in answer.json()["NeutronError"]["message"]
    assert not list(tenant.central.network.networks(name=f"{prefix}-lost"))


def test_zones_that_a_network_can_name(tenant: Person, lab: Lab) -> None:
    rows = tenant.cli("availability zone list --network")
    assert {row["Zone Name"] for row in rows if row["Zone Status"] == "available"} >= {*lab.zones, *lab.regions}


@pytest.mark.parametrize("kind", ["geneve", "local"])
def test_a_network_without_a_vlan_is_in_one_pod_at_a_time(
    tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str, kind: str
) -> None:
    made = admin.central.network.create_network(
        name=f"{prefix}-{kind}", project_id=tenant.project_id, provider_network_type=kind
    )
    try:
        admin.central.network.create_subnet(network_id=made.id, **networks.v4(), project_id=tenant.project_id)
        nets = [{"uuid": made.id}]
        with things.server(tenant, name=f"{prefix}-{kind}", networks=nets, availability_zone="az2", **boot) as server:
            assert twins.where(admin, lab.regions, "network", made) == ["RegionTwo"]
            answer = booting(tenant, boot, made, "az1", f"{prefix}-misplaced")
            assert answer.status_code == 400
            # Whoever names no zone gets the one where the network is.
            with things.server(tenant, name=f"{prefix}-too", networks=nets, **boot) as other:
                assert other.availability_zone == "az2"
                packets.reaches(server, networks.address(networks.port_of(tenant, other)))
        networks.without_ports(tenant, made.id)
        things.wait_until("no twin", lambda: not twins.where(admin, lab.regions, "network", made))
        with things.server(tenant, name=f"{prefix}-{kind}", networks=nets, availability_zone="az1", **boot):
            assert twins.where(admin, lab.regions, "network", made) == ["RegionOne"]
    finally:
        networks.without_ports(tenant, made.id)
        admin.central.network.delete_network(made.id)
