"""Routers on IPv6 subnets: some of them give each port an address, unasked."""

import pytest

from triune.network import names
from triune.work.requests import Key
from triune.work.runner import KeyFailed

from .network_world import World
from .routed_world import Roads, still, two_pods


async def test_ipv6_leaves_by_the_bridge(there: World) -> None:
    roads, router = await two_pods(there)
    outside = roads.external()
    roads.central.add_subnet(outside, "2001:db8::/64")
    for number in (1, 2):
        network = next(each for each in roads.central.networks.values() if each["name"] == f"n{number}")
        roads.central.add_interface(router, roads.automatic(network, f"2001:db8:{number}::/64"))
    await roads.gateway(router, outside, 0)
    await still(roads)
    assert roads.routed(1).routes() >= {("::/0", "link 0"), ("2001:db8:1::/64", "link 0")}
    assert ("::/0", "link 1") not in roads.routed(0).routes()
    assert "2001:db8:2::1" in roads.routed(1).interfaces()


@pytest.mark.parametrize("early", [True, False])
async def test_an_address_of_its_own_comes_without_one_more(there: World, early: bool) -> None:
    """The gateway address of IPv6 is everywhere, whether it came before or after the pod's own one of IPv4."""
    roads = Roads(there)
    blue = roads.network(1, "vlan")
    await roads.server(blue, 0)
    await there.settle()
    await roads.server(blue, 1, 51)
    automatic = roads.automatic(blue, "2001:db8:1::/64")
    router = roads.router()
    if early:
        roads.central.add_interface(router, automatic)
        await still(roads)
    await roads.attach(router, blue)
    if not early:
        await still(roads)
        roads.central.add_interface(router, automatic)
    await still(roads)
    assert roads.routed(0).interfaces() == {"10.1.0.1", "2001:db8:1::1", "link 0"}
    assert roads.routed(1).interfaces() == {"own 1", "2001:db8:1::1", "link 1"}


async def test_an_interface_with_a_port_of_both_versions(there: World) -> None:
    roads = Roads(there)
    blue = roads.network(1)
    await roads.server(blue, 0)
    roads.automatic(blue, "2001:db8:1::/64")
    port = roads.central.service_port(blue["id"], "", "", project_id=blue["project_id"])
    addresses = {each["ip_address"] for each in port["fixed_ips"]}
    assert len(addresses) == 2
    router = roads.router()
    await roads.ask("PUT", f"routers/{router['id']}/add_router_interface", port_id=port["id"])
    await still(roads)
    assert roads.routed(0).interfaces() == addresses


async def test_several_prefixes_of_an_interface(there: World) -> None:
    """Neutron takes one port of IPv6 on a network; the second prefix comes later."""
    roads = Roads(there)
    blue = roads.network(1)
    await roads.server(blue, 0)
    subnets = [roads.automatic(blue, f"2001:db8:{number}::/64") for number in (1, 2, 3)]
    spots = [{"subnet_id": each["id"], "ip_address": f"2001:db8:{number}::9"} for number, each in enumerate(subnets, 1)]
    router = roads.router()
    port = roads.central.add_interface(router, subnets[0], "2001:db8:1::9")
    for count in (2, 3, 1):
        roads.central.change_port(port, fixed_ips=spots[:count])
        await still(roads)
        assert roads.routed(0).interfaces() == {f"2001:db8:{number}::9" for number in range(1, count + 1)}
        assert len(roads.routed(0).neutron.ports_of(roads.routed(0).router()["id"], "network:router_interface")) == 1


async def test_what_a_pod_refuses_for_ever_waits_longer_and_longer(there: World) -> None:
    """Nobody else is asked to look on its account: that would be the end of every pause."""
    _, router = await two_pods(there)
    there.wire.refused = "add_router_interface"
    await there.tables.follow()
    key = Key(names.ROUTER, router["id"], there.pods[0].id)
    found = []
    for number in range(3):
        with pytest.raises(KeyFailed):
            await there.runner.now(key, 20.0, demand=number == 0)
        entry = await there.journal.find(key)
        assert entry is not None
        found.append((entry.generation, entry.attempts))
    # At first its networks came, and asked for it.
    generation, first = found[0]
    assert found[1:] == [(generation, first + 1), (generation, first + 2)]
