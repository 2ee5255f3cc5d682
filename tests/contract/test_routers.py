"""Routers of central Neutron in pods, seen from outside: after everything was done, pods are as wanted."""

import asyncio

import pytest

from triune.network import names
from triune.work.requests import Key

from .network_world import World
from .routed_world import Roads, still, two_pods


async def test_a_router_of_two_pods_meets_itself_on_a_bridge(there: World) -> None:
    roads, router = await two_pods(there)
    await still(roads)
    for here, own, other in ((0, 1, 2), (1, 2, 1)):
        pod = roads.routed(here)
        assert pod.interfaces() == {f"10.{own}.0.1", f"link {here}"}
        assert pod.routes() == {(f"10.{other}.0.0/24", f"link {1 - here}")}
        assert pod.gateway() is None
        assert pod.router()["tags"] == ["triune", f"triune:{router['id']}"]
    assert roads.made() == [f"{names.BRIDGE_NAME}{router['project_id']}"]


async def test_what_changes_of_a_router_reaches_its_pods(there: World) -> None:
    roads, router = await two_pods(there)
    await still(roads)
    routes = [{"destination": "10.9.0.0/16", "nexthop": "10.2.0.9"}]
    await roads.change(router, name="other", admin_state_up=False, description="new", routes=routes)
    await still(roads)
    for here in (0, 1):
        twin = roads.routed(here).router("other")
        assert (twin["admin_state_up"], twin["description"]) == (False, "new")
    assert ("10.9.0.0/16", "10.2.0.9") in roads.routed(1).routes("other")
    assert ("10.9.0.0/16", "link 1") in roads.routed(0).routes("other")


async def test_two_routers_of_a_project_share_a_bridge_that_is_made_once(there: World) -> None:
    roads, router = await two_pods(there)
    other = roads.router("q")
    for number in (3, 4):
        network = roads.network(number)
        await roads.server(network, number - 3)
        await roads.attach(other, network)
    await there.tables.follow()
    keys = [Key(names.ROUTER, each["id"], pod.id) for each in (router, other) for pod in there.pods]
    await asyncio.gather(*(there.runner.now(key, 20.0) for key in keys))
    assert len(roads.made()) == 1
    await still(roads)
    assert len(roads.made()) == 1
    assert roads.routed(0).routes("q") == {("10.4.0.0/24", "link 1")}
    assert len(roads.held(names.LINK_DEVICE)) == 4


@pytest.mark.parametrize("snat", [True, False])
async def test_a_gateway_in_one_pod_serves_the_others(there: World, snat: bool) -> None:
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0, enable_snat=snat)
    await still(roads)
    near, far = roads.routed(0), roads.routed(1)
    assert near.gateway() == ("203.0.113.2", snat)
    assert near.interfaces() == {"10.1.0.1", "link 0", "exit 0"}
    assert far.gateway() == ("exit 1", snat)
    assert far.interfaces() == {"10.2.0.1", "link 1"}
    # The default route is that of the gateway.
    assert far.routes() == {("10.1.0.0/24", "link 0")}
    await roads.change(router, external_gateway_info={"network_id": outside["id"], "enable_snat": not snat})
    await still(roads)
    assert [roads.routed(pod).gateway() for pod in (0, 1)] == [("203.0.113.2", not snat), ("exit 1", not snat)]


async def test_a_gateway_without_any_interface_needs_no_bridge(there: World) -> None:
    roads = Roads(there)
    await roads.gateway(roads.router(), roads.external(), 1)
    await still(roads)
    assert roads.routed(1).gateway() == ("203.0.113.2", True)
    assert not there.neutron(there.pods[0]).records["routers"]
    assert roads.made() == []


@pytest.mark.faults
async def test_the_gateway_moves_to_another_pod(there: World) -> None:
    roads, router = await two_pods(there)
    first = roads.external()
    await roads.gateway(router, first, 0)
    floating = await roads.floating(first, roads.named("10.2.0.50"))
    await still(roads)
    second = roads.central.add_external(router["project_id"], name="second")
    roads.central.add_subnet(second, "198.51.100.0/24")
    await roads.remove(floating)
    await roads.change(router, external_gateway_info={})
    await roads.gateway(router, second, 1)
    await roads.floating(second, roads.named("10.1.0.50"))
    await still(roads)
    near, far = roads.routed(1), roads.routed(0)
    assert near.gateway() == ("198.51.100.2", True)
    assert far.gateway() == ("exit 0", True)
    assert near.interfaces() == {"10.2.0.1", "link 1", "exit 1"}
    assert near.floating() == {("198.51.100.3", "inner 0")}
    assert far.floating() == {("inner 0", "10.1.0.50")}


@pytest.mark.faults
async def test_the_gateway_moves_while_the_floating_ip_stays_behind(there: World) -> None:
    """Whoever is run in between finds half of it."""
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    await roads.floating(outside, roads.named("10.2.0.50"))
    await still(roads)
    port = roads.central.gateway_of(router["id"])
    assert port is not None
    await there.tables.place(port, there.pods[1].id)
    await still(roads)
    assert roads.routed(1).gateway() == ("203.0.113.2", True)
    assert roads.routed(1).floating() == {("203.0.113.3", "10.2.0.50")}
    assert roads.routed(0).floating() == set()
    assert roads.routed(0).gateway() == ("exit 0", True)


@pytest.mark.faults
async def test_a_network_that_moves_takes_the_router_along(there: World) -> None:
    roads, _ = await two_pods(there)
    await still(roads)
    port = roads.named("10.2.0.50")
    await there.place(port, there.pods[0])
    await still(roads)
    assert roads.routed(0).interfaces() == {"10.1.0.1", "10.2.0.1"}
    assert roads.routed(0).routes() == set()
    assert not there.neutron(there.pods[1]).records["routers"]
    assert roads.made() == [] and roads.held(names.LINK_DEVICE) == []
    await there.place(port, there.pods[1])
    await still(roads)
    assert roads.routed(0).routes() == {("10.2.0.0/24", "link 1")}


async def test_a_stretched_network_has_its_gateway_address_at_home_alone(there: World) -> None:
    roads = Roads(there)
    blue, green = roads.network(1, "vlan"), roads.network(2)
    await roads.server(blue, 0)
    await there.settle()
    await roads.server(blue, 1, 51)
    await roads.server(green, 1)
    router = roads.router()
    await roads.attach(router, blue)
    await roads.attach(router, green)
    await still(roads)
    assert roads.routed(0).interfaces() == {"10.1.0.1", "link 0"}
    assert roads.routed(1).interfaces() == {"own 1", "10.2.0.1", "link 1"}
    assert roads.routed(0).routes() == {("10.2.0.0/24", "link 1")}
    assert roads.routed(1).routes() == set()
    (held,) = roads.held(names.GATEWAY_DEVICE)
    gateways = [
        next(each["gateway_ip"] for each in there.neutron(pod).subnets.values() if each["cidr"] == "10.1.0.0/24")
        for pod in there.pods
    ]
    assert gateways == ["10.1.0.1", held["fixed_ips"][0]["ip_address"]]


async def test_an_interface_with_another_address_has_one_of_its_own_elsewhere(there: World) -> None:
    roads = Roads(there)
    blue = roads.network(1, "vlan")
    await roads.server(blue, 0)
    await there.settle()
    await roads.server(blue, 1, 51)
    router = roads.router()
    await roads.attach(router, blue, "10.1.0.200")
    await still(roads)
    assert roads.routed(0).interfaces() == {"10.1.0.200", "link 0"}
    assert roads.routed(1).interfaces() == {"own 1", "link 1"}
    assert len(roads.held(names.INTERFACE_DEVICE)) == 1


async def test_a_geneve_network_hands_out_its_own_gateway_address_always(there: World) -> None:
    """Also where a router of the pod alone has another address on it."""
    roads = Roads(there)
    network = roads.network(1)
    await roads.server(network, 0)
    await roads.attach(roads.router("local", "Region0"), network, "10.1.0.200")
    await still(roads)
    (subnet,) = there.neutron(there.pods[0]).subnets.values()
    assert subnet["gateway_ip"] == "10.1.0.1"


async def test_local_routers_and_one_between_the_pods(there: World) -> None:
    """Servers know only the router of their own pod, which knows the other one's networks."""
    roads = Roads(there)
    between = roads.router("between")
    outside = roads.external()
    for number in (1, 2):
        network = roads.network(number)
        await roads.server(network, number - 1)
        local = roads.router(f"local{number}", f"Region{number - 1}")
        await roads.attach(local, network)
        await roads.attach(between, network, f"10.{number}.0.2")
    await roads.gateway(roads.router("alone", "Region0"), outside, 0)
    await still(roads)
    for here, own, other in ((0, 1, 2), (1, 2, 1)):
        pod = roads.routed(here)
        assert pod.interfaces(f"local{own}") == {f"10.{own}.0.1"}
        assert pod.routes(f"local{own}") == {(f"10.{other}.0.0/24", f"10.{own}.0.2")}
        assert pod.interfaces("between") == {f"10.{own}.0.2", f"link {here}"}
        assert {each["name"] for each in pod.neutron.records["routers"].values()} <= {f"local{own}", "between", "alone"}


async def test_who_has_an_address_of_his_own_keeps_it_when_the_home_is_left(there: World) -> None:
    """His servers know it. Whoever comes next is at home."""
    roads = Roads(there)
    blue = roads.network(1, "vlan")
    first = await roads.server(blue, 0)
    await there.settle()
    await roads.server(blue, 1, 51)
    await roads.attach(roads.router(), blue)
    await still(roads)
    await there.place(first, None)
    await still(roads)
    assert not there.neutron(there.pods[0]).networks
    assert roads.routed(1).interfaces() == {"own 1"}
    (subnet,) = there.neutron(there.pods[1]).subnets.values()
    (held,) = roads.held(names.GATEWAY_DEVICE)
    assert subnet["gateway_ip"] == held["fixed_ips"][0]["ip_address"]
    await there.place(first, there.pods[0])
    await still(roads)
    assert roads.routed(0).interfaces() == {"10.1.0.1", "link 0"}
    assert roads.routed(1).interfaces() == {"own 1", "link 1"}


async def test_a_local_router_has_its_own_address_though_another_is_held(there: World) -> None:
    roads = Roads(there)
    blue = roads.network(1, "vlan")
    await roads.server(blue, 0)
    await there.settle()
    await roads.server(blue, 1, 51)
    await there.settle()
    assert len(roads.held(names.GATEWAY_DEVICE)) == 1
    await roads.attach(roads.router("local", "Region1"), blue)
    await still(roads)
    assert roads.routed(1).interfaces("local") == {"10.1.0.1"}
