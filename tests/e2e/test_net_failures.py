"""Boots that fail, servers that go behind Triune's back, services that die meanwhile: nothing is left over."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from keystoneauth1 import exceptions

from . import agreement, networks, packets, things, twins
from .lab import CENTRAL_NEUTRON, GATEWAY, Lab
from .people import Newcomers, Person
from .quartet import Quartet
from .waiting import SECONDS

# A server that went without anybody telling Triune is missed when its pod is compared with the plan.
LOOK_SECONDS = 30.0
KILLED_BOOTS = 6
VERSION = "compute 2.90"


@pytest.fixture(scope="module")
def unlucky(newcomers: Newcomers) -> Person:
    """Somebody to whom all this happens, and who has nothing else."""
    return newcomers.welcome("unlucky")


@pytest.fixture(scope="module")
def net(unlucky: Person, prefix: str) -> Iterator[Any]:
    """Their network."""
    with networks.network(unlucky, f"{prefix}-unlucky", networks.v4()) as made:
        yield made


def request(boot: dict[str, str], net: Any, name: str, zone: str, **more: Any) -> dict[str, Any]:
    """The body of a request for a server."""
    server = {"name": name, "imageRef": boot["image_id"], "flavorRef": boot["flavor_id"]}
    return {"server": {**server, "networks": [{"uuid": net.id}], "availability_zone": zone, **more}}


def post(person: Person, body: dict[str, Any]) -> Any:
    """The plain answer to a request for a server."""
    return person.ask("compute", "/servers", "POST", version=VERSION, json=body)


def ports(person: Person, net: Any) -> list[Any]:
    """The ports of a network, but for the addresses that pods keep."""
    found = person.central.network.ports(network_id=net.id)
    return [port for port in found if port.device_owner != "network:dhcp"]


def nothing_left(person: Person, admin: Person, lab: Lab, net: Any, seconds: float = 30.0) -> None:
    """Wait until a network has no ports at all and stands in no pod; no pod has a server or a port of the project."""

    def look() -> bool:
        held = list(person.central.network.ports(network_id=net.id))
        return not held and not twins.where(admin, lab.regions, "network", net)

    things.wait_until(f"the end of network {net.id} in the pods", look, seconds)
    for region in lab.regions:
        assert not list(person.pod(region).compute.servers())
        assert not list(admin.pod(region).network.ports(project_id=person.project_id))


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (400, {"imageRef": "4a7e8d2e-6b3f-4d3c-9a51-0d8f0c3d1e11"}),
        (400, {"key_name": "no such key"}),
        (400, {"security_groups": [{"name": "no such group"}]}),
        (400, {"metadata": {"long": "x" * 300}}),
    ],
)
def test_a_request_that_is_refused(
    unlucky: Person,
    admin: Person,
    lab: Lab,
    boot: dict[str, str],
    net: Any,
    prefix: str,
    status: int,
    more: dict[str, Any],
) -> None:
    answer = post(unlucky, request(boot, net, f"{prefix}-refused", "az1", **more))
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"badRequest"}
    # At once: the ports of a request that failed have gone when its answer is there.
    assert ports(unlucky, net) == []
    nothing_left(unlucky, admin, lab, net)


def test_the_quota_for_ports(
    unlucky: Person, admin: Person, lab: Lab, boot: dict[str, str], net: Any, prefix: str
) -> None:
    admin.central.network.update_quota(unlucky.project_id, ports=0)
    try:
        answer = post(unlucky, request(boot, net, f"{prefix}-over", "az1"))
        assert answer.status_code == 403
        assert "ports" in answer.json()["forbidden"]["message"]
    finally:
        admin.central.network.delete_quota(unlucky.project_id)
    nothing_left(unlucky, admin, lab, net)


def test_a_server_that_fits_nowhere(
    unlucky: Person, admin: Person, lab: Lab, boot: dict[str, str], net: Any, prefix: str
) -> None:
    with things.flavor(admin, f"{prefix}-giant", ram=64, disk=10_000_000) as giant:
        answer = post(unlucky, request(boot, net, f"{prefix}-giant", "az1", flavorRef=giant.id))
        if answer.status_code == 202:
            server_id = answer.json()["server"]["id"]
            status = lambda: unlucky.central.compute.get_server(server_id).status  # noqa: E731
            things.wait_until("an error", lambda: status() == "ERROR")
            things.remove_server(unlucky, server_id)
        else:
            assert answer.status_code in (400, 409), answer.text
    nothing_left(unlucky, admin, lab, net)


def test_a_server_that_is_deleted_in_its_pod(
    unlucky: Person, admin: Person, lab: Lab, boot: dict[str, str], net: Any, prefix: str
) -> None:
    with networks.port(unlucky, net, f"{prefix}-kept") as kept:
        nets = [{"uuid": net.id}, {"port": kept.id}]
        common = {"availability_zone": "az2", "networks": nets}
        with things.server(unlucky, name=f"{prefix}-behind", **common, **boot) as server:
            (made,) = [port for port in networks.ports_of(unlucky, server) if port.id != kept.id]
            pod = unlucky.pod(lab.zones["az2"]).compute
            pod.delete_server(server.id)
            things.wait_until("its end", lambda: pod.find_server(server.id, ignore_missing=True) is None)
            agreement.compare(admin, lab.zones["az2"], unlucky)
            find = unlucky.central.network.find_port
            look = lambda: find(made.id, ignore_missing=True) is None  # noqa: E731
            things.wait_until("the end of its port", look, LOOK_SECONDS)
            free = lambda: find(kept.id).device_id == ""  # noqa: E731
            things.wait_until("the release of the other", free, LOOK_SECONDS)
    nothing_left(unlucky, admin, lab, net)


def test_an_interface_that_is_detached_in_its_pod(
    unlucky: Person, admin: Person, lab: Lab, boot: dict[str, str], net: Any, prefix: str
) -> None:
    common = {"availability_zone": "az1", "networks": [{"uuid": net.id}]}
    with things.server(unlucky, name=f"{prefix}-detached", **common, **boot) as server:
        pod = unlucky.pod(lab.zones["az1"]).compute
        (interface,) = pod.server_interfaces(server.id)
        pod.delete_server_interface(interface.port_id, server.id)
        things.wait_until("its end", lambda: not list(pod.server_interfaces(server.id)))
        agreement.compare(admin, lab.zones["az1"], unlucky)
        look = lambda: not ports(unlucky, net)  # noqa: E731
        things.wait_until("the end of its port", look, LOOK_SECONDS)
        assert packets.devices(server) == {}


def test_central_neutron_is_away(
    unlucky: Person, admin: Person, lab: Lab, boot: dict[str, str], net: Any, prefix: str, quartet: Quartet
) -> None:
    with lab.stopped(CENTRAL_NEUTRON):
        answer = post(unlucky, request(boot, net, f"{prefix}-away", "az1"))
        assert answer.status_code == 503, answer.text
        (fault,) = answer.json().values()
        assert fault["code"] == 503
        # What needs no network goes on, and so do the packets.
        assert unlucky.ask("compute", "/servers/detail").status_code == 200
        packets.reaches(quartet.a1, quartet.address(quartet.b1))
    nothing_left(unlucky, admin, lab, net)
    nets = [{"uuid": net.id}]
    with things.server(unlucky, name=f"{prefix}-back", availability_zone="az1", networks=nets, **boot) as server:
        packets.has_addresses(server, {networks.address(networks.port_of(unlucky, server))})


def test_the_gateway_is_killed_in_the_middle_of_boots(
    unlucky: Person, admin: Person, lab: Lab, boot: dict[str, str], net: Any, prefix: str
) -> None:
    def send(number: int) -> None:
        try:
            post(unlucky, request(boot, net, f"{prefix}-killed-{number}", f"az{number % 2 + 1}"))
        except exceptions.ConnectFailure:
            pass  # what the test is about

    senders = [threading.Thread(target=send, args=(number,)) for number in range(KILLED_BOOTS)]
    for sender in senders:
        sender.start()
        time.sleep(0.3)
    lab.kill(GATEWAY)
    lab.start(GATEWAY)
    for sender in senders:
        sender.join(SECONDS)
    agreement.reached(admin, lab, [unlucky.project_id])
    made = list(unlucky.central.compute.servers())
    for server in made:
        try:
            there = things.server_is(unlucky, server.id, "ACTIVE")
        except AssertionError:
            continue  # its boot was given up, and it says so
        packets.has_addresses(there, {networks.address(networks.port_of(unlucky, there))})
    for server in made:
        unlucky.central.compute.delete_server(server.id)
    for server in made:
        things.remove_server(unlucky, server.id)
    nothing_left(unlucky, admin, lab, net)
