"""Floating IPs and port forwardings in pods, seen from outside."""

import pytest

from triune.network import names

from .cloud.neutron import Record
from .network_world import World
from .routed_world import Roads, still, two_pods


async def _outside(there: World) -> tuple[Roads, Record, Record]:
    """A router over two pods with its gateway in the first; the external network."""
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    return roads, router, outside


async def test_near_and_far(there: World) -> None:
    roads, router, outside = await _outside(there)
    await roads.floating(outside, roads.named("10.1.0.50"))
    await roads.floating(outside, roads.named("10.2.0.50"))
    await roads.floating(outside)
    await still(roads)
    assert roads.routed(0).floating() == {("203.0.113.3", "10.1.0.50"), ("203.0.113.4", "inner 1")}
    assert roads.routed(1).floating() == {("inner 1", "10.2.0.50")}
    (standing,) = (
        each
        for each in there.neutron(there.pods[0]).ports.values()
        if each["device_id"].startswith(names.FLOATING_DEVICE)
    )
    assert standing["device_owner"] == "network:floatingip" and standing["security_groups"] == []
    (exit_,) = (each for each in there.neutron(there.pods[1]).networks.values() if each["router:external"])
    assert exit_["name"] == f"{names.EXIT_NAME}{router['project_id']}"


@pytest.mark.faults
async def test_it_is_given_to_others(there: World) -> None:
    """From a near server to a far one and back, and to nobody."""
    roads, _, outside = await _outside(there)
    near, far = roads.named("10.1.0.50"), roads.named("10.2.0.50")
    floating = await roads.floating(outside, near)
    await still(roads)
    for port, first, second in (
        (far, {("203.0.113.3", "inner 1")}, {("inner 1", "10.2.0.50")}),
        (near, {("203.0.113.3", "10.1.0.50")}, set()),
        (far, {("203.0.113.3", "inner 1")}, {("inner 1", "10.2.0.50")}),
        (None, set(), set()),
    ):
        body = {"port_id": port["id"] if port is not None else None}
        await roads.ask("PUT", f"floatingips/{floating['id']}", floatingip=body)
        await still(roads)
        assert roads.routed(0).floating() == first
        assert roads.routed(1).floating() == second
    assert roads.held(names.FLOATING_DEVICE) == []


@pytest.mark.faults
async def test_its_server_moves_between_the_pods(there: World) -> None:
    roads, _, outside = await _outside(there)
    green = next(each for each in roads.central.networks.values() if each["name"] == "n2")
    green |= {"provider:network_type": "vlan", "provider:physical_network": "physnet1"}
    await roads.server(green, 0, 60)
    port = roads.named("10.2.0.50")
    await roads.floating(outside, port)
    await still(roads)
    assert roads.routed(1).floating() == {("inner 1", "10.2.0.50")}
    await there.place(port, there.pods[0])
    await still(roads)
    assert roads.routed(0).floating() == {("203.0.113.3", "10.2.0.50")}
    # Nothing of the router is needed in the second pod any more.
    assert not there.neutron(there.pods[1]).records["routers"]
    await there.place(port, there.pods[1])
    await still(roads)
    assert roads.routed(0).floating() == {("203.0.113.3", "inner 1")}
    assert roads.routed(1).floating() == {("inner 1", "10.2.0.50")}


@pytest.mark.faults
async def test_its_server_has_another_address(there: World) -> None:
    roads, _, outside = await _outside(there)
    port = roads.named("10.2.0.50")
    floating = await roads.floating(outside, port)
    await still(roads)
    port["fixed_ips"] = [{**port["fixed_ips"][0], "ip_address": "10.2.0.99"}]
    floating["fixed_ip_address"] = "10.2.0.99"
    port["revision_number"] += 1
    await still(roads)
    assert roads.routed(1).floating() == {("inner 1", "10.2.0.99")}


async def test_port_forwardings_near_and_far(there: World) -> None:
    roads, _, outside = await _outside(there)
    floating = await roads.floating(outside)
    await roads.forward(floating, roads.named("10.1.0.50"), 80, 8080)
    await roads.forward(floating, roads.named("10.2.0.50"), 22, 2222)
    await still(roads)
    assert roads.routed(0).floating() == {("203.0.113.3", None)}
    # Whoever stands for a server passes the port on as it is.
    assert roads.routed(0).forwardings() == {("10.1.0.50", 80, 8080), ("inner 1", 22, 22)}
    assert roads.routed(1).floating() == {("inner 1", None)}
    assert roads.routed(1).forwardings() == {("10.2.0.50", 22, 2222)}
    for each in list(roads.central.records["port_forwardings"].values()):
        if each["external_port"] == 22:
            await roads.ask("DELETE", f"floatingips/{floating['id']}/port_forwardings/{each['id']}")
    await still(roads)
    assert roads.routed(0).forwardings() == {("10.1.0.50", 80, 8080)}
    assert roads.routed(1).floating() == set()
    assert roads.held(names.FLOATING_DEVICE) == []


@pytest.mark.faults
@pytest.mark.parametrize("address", ["10.1.0.50", "10.2.0.50"])
async def test_from_a_forwarding_to_a_server_and_back(there: World, address: str) -> None:
    roads, _, outside = await _outside(there)
    port, floating = roads.named(address), await roads.floating(outside)
    await roads.forward(floating, port, 80, 8080)
    await still(roads)
    path = f"floatingips/{floating['id']}"
    (forwarding,) = roads.central.records["port_forwardings"]
    await roads.ask("DELETE", f"{path}/port_forwardings/{forwarding}")
    await roads.ask("PUT", path, floatingip={"port_id": port["id"]})
    await still(roads)
    assert roads.routed(0).forwardings() == roads.routed(1).forwardings() == set()
    assert None not in {end for number in (0, 1) for _, end in roads.routed(number).floating()}
    await roads.ask("PUT", path, floatingip={"port_id": None})
    await roads.forward(floating, port, 80, 8080)
    await still(roads)
    assert {end for number in (0, 1) for _, end in roads.routed(number).floating()} == {None}


async def test_a_local_router_reaches_far_servers_over_layer_two(there: World) -> None:
    roads = Roads(there)
    blue, outside = roads.network(1, "vlan"), roads.external()
    near, far = await roads.server(blue, 0), await roads.server(blue, 1, 51)
    router = roads.router("local", "Region0")
    await roads.attach(router, blue)
    await roads.gateway(router, outside, 0)
    for port in (near, far):
        await roads.floating(outside, port)
    await still(roads)
    assert roads.routed(0).floating() == {("203.0.113.3", "10.1.0.50"), ("203.0.113.4", "10.1.0.51")}
    assert not there.neutron(there.pods[1]).records["routers"]
    assert roads.made() == []


async def test_a_pod_that_never_lets_go_of_an_address(there: World) -> None:
    """Somebody in the pod has it: it is tried again, ever more seldom, and told; nothing else is held up."""
    roads, _, outside = await _outside(there)
    await still(roads)
    pod = there.neutron(there.pods[0])
    (twin,) = (each for each in pod.networks.values() if each["name"] == "public")
    foreign = pod.add_floating_ip(twin, "f" * 32, floating_ip_address="203.0.113.3")
    floating = await roads.floating(outside, roads.named("10.1.0.50"))
    other = await roads.floating(outside, roads.named("10.2.0.50"))
    with pytest.raises(AssertionError, match="IpAddressAlreadyAllocated") as found:
        await there.settle(2)
    assert floating["id"] in str(found.value) and other["id"] not in str(found.value)
    assert pod.records["floatingips"][foreign["id"]] == foreign
    pod.delete_floatingip(None, foreign)  # type: ignore[arg-type]
    del pod.records["floatingips"][foreign["id"]]
    await still(roads)
    assert ("203.0.113.3", "10.1.0.50") in roads.routed(0).floating()
