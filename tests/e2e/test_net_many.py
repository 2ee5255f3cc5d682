"""Many servers at once on one small network: every address is given once, by whomever it is given."""

import concurrent.futures
import ipaddress
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openstack.exceptions import HttpException

from . import agreement, networks, packets, things, twins
from .lab import Lab
from .people import Newcomers, Person

# Booting one costs two processors two seconds or more; more of them show the same. 200 fit into the lab's memory.
SERVERS = int(os.environ.get("E2E_MANY", "16"))
CLIENTS = 8
SECONDS_PER_SERVER = 20.0


@pytest.fixture
def crowd(newcomers: Newcomers, admin: Person, lab: Lab) -> Iterator[Person]:
    """Somebody who may have so many."""
    person = newcomers.welcome("crowd")
    for region in lab.regions:
        admin.pod(region).compute.update_quota_set(person.project_id, instances=-1, cores=-1, ram=-1)
    yield person


def test_every_address_is_given_once(crowd: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    subnet = networks.v4()
    with networks.network(crowd, f"{prefix}-crowd", subnet) as net:
        made: list[str] = []

        def start(number: int) -> None:
            server = crowd.central.compute.create_server(
                name=f"{prefix}-{number}",
                availability_zone=f"az{number % 2 + 1}",
                networks=[{"uuid": net.id}],
                **boot,
            )
            made.append(server.id)

        def stop(server_id: str) -> None:
            crowd.central.compute.delete_server(server_id)

        try:
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
                list(clients.map(start, range(SERVERS)))
            servers = all_active(crowd)
            assert len(servers) == SERVERS
            no_conflict(admin, lab, net, subnet["cidr"])
            agreement.reached(admin, lab, [crowd.project_id])
            for server in servers[:: max(1, SERVERS // 8)]:
                address = networks.address(networks.port_of(crowd, server))
                packets.has_addresses(server, {address})
                packets.reaches(servers[0], address)
        finally:
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
                list(clients.map(stop, made))
            until("the end of all servers", lambda: listed(crowd) == [])


def until(what: str, look: Callable[[], bool]) -> None:
    """Wait for all servers, without taking much of the machine that has to make them or to end them."""
    things.wait_until(what, look, SERVERS * SECONDS_PER_SERVER, interval=max(1.0, SERVERS / 20))


def listed(person: Person, details: bool = False, **filters: str) -> list[Any] | None:
    """The servers, mostly as ids and names alone; None where the regions were too busy to list them in time."""
    try:
        return list(person.central.compute.servers(details=details, **filters))
    except HttpException as error:
        if error.status_code != 503:
            raise
        return None


def all_active(person: Person) -> list[Any]:
    """Wait until all servers run."""

    def look() -> bool:
        assert not listed(person, status="ERROR")
        return len(listed(person, status="ACTIVE") or ()) == SERVERS

    until("all servers", look)
    return list(things.wait_until("a list with details", lambda: listed(person, details=True)))


def no_conflict(admin: Person, lab: Lab, net: Any, cidr: str) -> None:
    """No address of the network stands on two ports: not on two at the top, and not on one there and one that a pod
    made for itself."""
    top = [each["ip_address"] for port in admin.central.network.ports(network_id=net.id) for each in port.fixed_ips]
    assert max(Counter(top).values()) == 1
    servers = {
        each["ip_address"]
        for port in admin.central.network.ports(network_id=net.id)
        if port.device_owner.startswith("compute:")
        for each in port.fixed_ips
    }
    assert len(servers) == SERVERS
    assert all(ipaddress.ip_address(each) in ipaddress.ip_network(cidr) for each in servers)
    own = [
        each["ip_address"]
        for region in lab.regions
        for port in admin.pod(region).network.ports(network_id=twins.the(admin, region, "network", net).id)
        if not port.device_owner.startswith("compute:")
        for each in port.fixed_ips
    ]
    assert own, "the pods have ports of their own on the network"
    assert not servers & set(own)
    assert len(own) == len(set(own)), "two pods gave themselves the same address"
    # What they took for themselves is held for them.
    assert set(own) <= set(top)
