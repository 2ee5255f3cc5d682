"""Floating IPs of servers in the pod of the external network and in another one, asked from outside."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from . import edge, networks, outside, packets, routers, things
from .edge import Edge
from .people import Person

# A floating IP that moves answers at its new server within so many seconds.
MOVE_SECONDS = 10.0
CHANGE_SECONDS = 30.0
# A server's port, and two of a floating IP that lead to servers' ports.
PORT = 8080
FORWARDED = {"far": 8001, "near": 8002}
WHICH = pytest.mark.parametrize("which", ["far", "near"])


@pytest.fixture(scope="module")
def world(owner: Person, admin: Person, boot: dict[str, str]) -> Iterator[Edge]:
    """The edge, whose router has its gateway."""
    with edge.edge(owner, admin, boot) as made, routers.gateway(owner, made.router, made.external):
        yield made


# Not for all tests: an address of a server has one floating IP at most.
@pytest.fixture
def floating(owner: Person, world: Edge) -> Iterator[dict[str, Any]]:
    """A floating IP of each server."""
    with ExitStack() as stack:
        yield {
            which: stack.enter_context(routers.floating_ip(owner, world.external, getattr(world, which).port))
            for which in ("far", "near")
        }


def answers(address: str, site: Any, seconds: float = CHANGE_SECONDS) -> str:
    """Wait until a server answers outside under an address; the address under which it sees who asks."""
    return packets.seen_as(outside.HOST, site.server, address, seconds)


@WHICH
def test_it_answers_outside_and_keeps_the_address_of_who_asks(
    owner: Person, world: Edge, floating: dict[str, Any], which: str
) -> None:
    address = floating[which].floating_ip_address
    packets.reaches(outside.HOST, address, seconds=CHANGE_SECONDS)
    assert answers(address, getattr(world, which)) == outside.ADDRESS
    routers.is_active(owner, floating[which])


@WHICH
def test_the_server_leaves_under_it(world: Edge, floating: dict[str, Any], which: str) -> None:
    server = getattr(world, which).server
    packets.becomes(server, outside.HOST, outside.ADDRESS, floating[which].floating_ip_address, CHANGE_SECONDS)


def test_neighbours_see_the_address_of_the_server(world: Edge, floating: dict[str, Any]) -> None:
    """What stays inside is not translated, though both could be reached from outside."""
    for one in floating.values():
        packets.reaches(outside.HOST, one.floating_ip_address, seconds=CHANGE_SECONDS)
    for site, other in (world.both, world.both[::-1]):
        packets.reaches(site.server, other.address())
        for version in (4, 6):
            assert packets.seen_as(site.server, other.server, other.address(version)) == site.address(version)


@WHICH
def test_as_a_user_does_it(owner: Person, world: Edge, which: str) -> None:
    """Made without a port, given to a server, taken away, removed."""
    server = getattr(world, which).server
    made = owner.cli("floating ip create", world.external.id)
    address = made["floating_ip_address"]
    try:
        assert (made["status"], made["port_id"]) == ("DOWN", None)
        owner.run("server add floating ip", server.id, address)
        packets.reaches(outside.HOST, address, seconds=CHANGE_SECONDS)
        shown = owner.cli("floating ip show", address)
        assert shown["fixed_ip_address"] == getattr(world, which).address()
        assert shown["router_id"] == world.router.id
        owner.run("server remove floating ip", server.id, address)
        packets.falls_silent(outside.HOST, address, CHANGE_SECONDS)
        packets.reaches(server, outside.ADDRESS, seconds=CHANGE_SECONDS)
    finally:
        owner.run("floating ip delete", address)


@pytest.mark.parametrize(("first", "second"), [("near", "far"), ("far", "near")])
def test_it_moves_and_goes(owner: Person, world: Edge, first: str, second: str) -> None:
    here, there = getattr(world, first), getattr(world, second)
    with routers.floating_ip(owner, world.external, here.port) as floating:
        address = floating.floating_ip_address
        assert answers(address, here) == outside.ADDRESS
        owner.central.network.update_ip(floating.id, port_id=there.port.id)
        assert answers(address, there, MOVE_SECONDS) == outside.ADDRESS
        with packets.listening(here.server, PORT):
            assert not packets.knocks(outside.HOST, address, PORT)
        routers.is_active(owner, floating)
        owner.central.network.delete_ip(floating.id)
        packets.falls_silent(outside.HOST, address, CHANGE_SECONDS)
    packets.reaches(there.server, outside.ADDRESS, seconds=CHANGE_SECONDS)


@WHICH
def test_before_the_server(owner: Person, world: Edge, boot: dict[str, str], which: str) -> None:
    """A floating IP of a port that is in no pod yet answers once there is a server; and not when that is gone."""
    site, zone = getattr(world, which), dict(zip(("far", "near"), edge.ZONES, strict=True))[which]
    groups = site.port.security_group_ids
    with (
        networks.port(owner, site.network, f"{owner.name}-early", security_groups=groups) as port,
        routers.floating_ip(owner, world.external, port) as floating,
    ):
        assert packets.silent(outside.HOST, floating.floating_ip_address)
        nets = [{"port": port.id}]
        with things.server(owner, name=f"{owner.name}-early", availability_zone=zone, networks=nets, **boot):
            packets.reaches(outside.HOST, floating.floating_ip_address, seconds=CHANGE_SECONDS)
            routers.is_active(owner, floating)
        packets.falls_silent(outside.HOST, floating.floating_ip_address, CHANGE_SECONDS)
        routers.is_active(owner, floating, "DOWN")


def test_port_forwarding_to_servers_in_both_pods(owner: Person, world: Edge) -> None:
    """One floating IP, of which each TCP port leads to a server of its own."""
    with ExitStack() as stack:
        floating = stack.enter_context(routers.floating_ip(owner, world.external))
        address = floating.floating_ip_address
        for which, number in FORWARDED.items():
            port = getattr(world, which).port
            stack.enter_context(routers.port_forwarding(owner, floating, port, number, PORT))
        for which, number in FORWARDED.items():
            (other,) = FORWARDED.keys() - {which}
            with packets.listening(getattr(world, which).server, PORT):
                what = f"the forwarding to the {which} server"
                look = lambda to=number: packets.seen_from(outside.HOST, address, to)  # noqa: E731
                assert things.wait_until(what, look, CHANGE_SECONDS) == outside.ADDRESS
                assert not packets.knocks(outside.HOST, address, FORWARDED[other])
        routers.is_active(owner, floating)
        # Who leaves is not seen under an address that is only forwarded.
        for site in world.both:
            assert packets.seen_as(site.server, outside.HOST, outside.ADDRESS) != address


def test_the_gateway_stays_while_a_floating_ip_needs_it(owner: Person, world: Edge, floating: dict[str, Any]) -> None:
    neutron = owner.central.network
    refused = networks.refusal(lambda: neutron.update_router(world.router.id, external_gateway_info={}))
    assert refused.status_code == 409
    packets.reaches(outside.HOST, floating["far"].floating_ip_address, seconds=CHANGE_SECONDS)
