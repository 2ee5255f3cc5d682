"""Routers of pods that go, wait for something, or are brought at the same time."""

import asyncio

import pytest

from triune.network import names
from triune.work.requests import Key

from .network_world import World
from .routed_world import emptied, nothing_left, still, two_pods

# Each brings and removes all that routers can have, which takes long.
pytestmark = pytest.mark.faults


@pytest.mark.parametrize("order", ["router first", "servers first", "at once", "one by one"])
async def test_nothing_is_left(there: World, order: str) -> None:
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    near = await roads.floating(outside, roads.named("10.1.0.50"))
    far = await roads.floating(outside, roads.named("10.2.0.50"))
    forwarded = await roads.floating(outside)
    green = next(each for each in roads.central.networks.values() if each["name"] == "n2")
    await roads.forward(forwarded, await roads.server(green, 1, 51), 80, 8080)
    await still(roads)
    if order == "router first":
        await roads.remove(near, far, forwarded, router)
        await there.settle()
        await emptied(roads)
    elif order == "servers first":
        await emptied(roads)
        await there.settle()
        await roads.remove(near, far, forwarded, router)
    elif order == "at once":
        await roads.remove(near, far, forwarded, router)
        await emptied(roads)
    else:
        for record in (far, forwarded, near):
            await roads.remove(record)
            await still(roads)
        await roads.change(router, external_gateway_info={})
        await still(roads)
        assert roads.held(names.EXIT_DEVICE) == []
        await roads.remove(router)
        await still(roads)
        await emptied(roads)
    await still(roads)
    nothing_left(roads)


async def test_a_router_waits_for_an_exit_subnet_of_which_there_is_none_left(there: World) -> None:
    there.conf.set_override("bridge_range", "100.64.0.0/23", group="network")
    there.new_runner()
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    await still(roads)
    other = roads.router("q")
    for number in (3, 4):
        network = roads.network(number)
        await roads.server(network, number - 3)
        await roads.attach(other, network)
    await roads.gateway(other, outside, 0)
    with pytest.raises(AssertionError, match="no subnet of"):
        await there.settle(2)
    assert roads.routed(1).gateway() == ("exit 1", True)
    await roads.remove(router)
    await still(roads)
    assert roads.routed(1).gateway("q") == ("exit 1", True)


@pytest.mark.parametrize("where", [0, 1])
async def test_a_router_is_deleted_while_a_pod_is_away(there: World, where: int) -> None:
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    far = await roads.floating(outside, roads.named("10.2.0.50"))
    await still(roads)
    there.wire.away.add(f"Region{where}")
    await roads.remove(far, router)
    await emptied(roads)
    with pytest.raises(AssertionError, match="never settles"):
        await there.settle(2)
    there.wire.away.clear()
    await still(roads)
    nothing_left(roads)


async def test_keys_of_all_pods_run_at_the_same_time(there: World) -> None:
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    far = await roads.floating(outside, roads.named("10.2.0.50"))
    await there.tables.follow()
    keys = [Key(names.ROUTER, router["id"], pod.id) for pod in there.pods]
    keys += [Key(names.FLOATING_IP, far["id"], pod.id) for pod in there.pods]
    await asyncio.gather(*(there.runner.now(key, 20.0) for key in keys))
    await still(roads)
    assert roads.routed(1).floating() == {("inner 1", "10.2.0.50")}
    assert roads.routed(0).floating() == {("203.0.113.3", "inner 1")}
    devices = [names.LINK_DEVICE, names.EXIT_DEVICE, names.FLOATING_DEVICE]
    assert [len(roads.held(each)) for each in devices] == [2, 2, 1]
