"""A network in two pods, and a router: each pod routes for itself, under a gateway address of its own."""

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from . import agreement, capture, networks, packets, routers, sites, things
from .lab import Lab
from .people import Person
from .sites import Site

# Who came before a router asks for one again and again, each time after a longer pause.
ADVERTISED_SECONDS = 90.0
HOME, FURTHER = "az1", "az2"
BEFORE, AFTER = "interface before boot", "interface after boot"


@pytest.fixture(scope="module", params=[BEFORE, AFTER])
def joined(request: pytest.FixtureRequest, owner: Person, boot: dict[str, str]) -> Iterator[list[Site]]:
    """Servers in two pods on one network, and one on another network in the first pod; a router joins both networks.

    The pod in which the network is first is its home.
    """
    name = f"{owner.name}-{request.param.split()[1]}"
    with ExitStack() as stack:
        stretched, third = stack.enter_context(sites.nets(owner, name, HOME, HOME))
        subnet_ids = [*stretched.subnet_ids, *third.subnet_ids]
        router = lambda *ids: stack.enter_context(routers.router(owner, name, *ids))  # noqa: E731
        if request.param == BEFORE:
            router(*subnet_ids)
        made = [
            stack.enter_context(sites.sites(owner, boot, f"{name}-{number}", [place]))[0]
            for number, place in enumerate([(HOME, stretched), (FURTHER, stretched), (HOME, third)])
        ]
        if request.param == AFTER:
            router(*subnet_ids)
        yield made


def test_everybody_reaches_everybody(joined: list[Site]) -> None:
    sites.all_reach_all(joined, 4)
    sites.all_reach_all(joined, 6, seconds=ADVERTISED_SECONDS)


def test_each_pod_hands_out_a_gateway_of_its_own(owner: Person, admin: Person, lab: Lab, joined: list[Site]) -> None:
    home, further, _ = joined
    subnet = sites.subnet(owner, home.network)
    assert packets.offer(home.server)["router"] == subnet.gateway_ip
    offered = packets.offer(further.server)["router"]
    assert offered != subnet.gateway_ip
    assert ipaddress.ip_address(offered) in ipaddress.ip_network(subnet.cidr)
    # Nobody else is given it.
    device = f"triune-gateway-{agreement.pods(admin)[lab.zones[FURTHER]]}"
    (holder,) = admin.central.network.ports(network_id=home.network.id, device_id=device)
    assert offered in {each["ip_address"] for each in holder.fixed_ips}
    # Both answer, each where it is the gateway.
    packets.reaches(home.server, subnet.gateway_ip)
    packets.reaches(further.server, offered)


def test_who_is_on_the_network_is_reached_without_a_router(
    owner: Person, admin: Person, lab: Lab, joined: list[Site]
) -> None:
    home, further, _ = joined
    with capture.on_cable(lab, lab.zones[HOME]) as seen:
        packets.reaches(home.server, further.address())
    vlan = admin.central.network.get_network(home.network.id).provider_segmentation_id
    assert seen.vlans(home.address(), further.address()) == {vlan}


def test_an_address_that_a_pod_uses_is_nobodys(owner: Person, joined: list[Site]) -> None:
    """The address that the further pod hands out cannot be asked for; the port that holds it goes with the network."""
    _, further, _ = joined
    offered = packets.offer(further.server)["router"]
    fixed = [{"ip_address": offered}]
    refused: Callable[[], Any] = lambda: owner.central.network.create_port(  # noqa: E731
        network_id=further.network.id, fixed_ips=fixed
    )
    assert networks.refusal(refused).status_code == 409


def test_the_gateway_address_outlives_the_router(owner: Person, boot: dict[str, str]) -> None:
    """A server that came before any router hears of the gateway that a later one will have."""
    name = f"{owner.name}-without"
    with sites.nets(owner, name, HOME) as (net,):
        places = [(HOME, net), (FURTHER, net)]
        with (
            sites.sites(owner, boot, f"{name}-first", places[:1]),
            sites.sites(owner, boot, name, places[1:]) as (site,),
        ):
            before = packets.offer(site.server)["router"]
            with routers.router(owner, name, *net.subnet_ids):
                packets.reaches(site.server, before)
                assert packets.offer(site.server)["router"] == before
            things.wait_until("the same gateway", lambda: packets.offer(site.server).get("router") == before)
