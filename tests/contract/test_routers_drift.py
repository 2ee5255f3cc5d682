"""What is changed of routers and floating IPs in a pod itself is found and mended; what is others' is left alone."""

import asyncio
import copy
from collections.abc import Callable
from contextlib import suppress

import pytest

from triune.network import names
from triune.work.requests import Key
from triune.work.runner import KeyFailed

from .cloud.neutron import Neutron, Record
from .cloud.neutron.addresses import ROUTER_INTERFACE
from .network_world import KINDS, World
from .routed_world import Roads, Routed, still, two_pods

# Each brings all that routers can have, which takes long.
pytestmark = pytest.mark.faults

# Looks at what is left to do, which may have to wait for each other.
ROUNDS = 12

Harm = Callable[[Neutron, Record], None]


async def _made(there: World) -> Roads:
    """A router over two pods with floating IPs near and far, and a port forwarding."""
    roads, router = await two_pods(there)
    outside = roads.external()
    await roads.gateway(router, outside, 0)
    for address in ("10.1.0.50", "10.2.0.50"):
        await roads.floating(
            outside, next(each for each in roads.central.ports.values() if each["name"] == f"s{address}")
        )
    network = next(each for each in roads.central.networks.values() if each["name"] == "n2")
    await roads.forward(await roads.floating(outside), await roads.server(network, 1, 51), 80, 8080)
    await still(roads)
    return roads


def _no_routes(pod: Neutron, router: Record) -> None:
    router["routes"] = []


def _other_routes(pod: Neutron, router: Record) -> None:
    router["routes"].append({"destination": "192.168.0.0/24", "nexthop": router["routes"][0]["nexthop"]})


def _no_interfaces(pod: Neutron, router: Record) -> None:
    router["routes"] = []
    for port in pod.ports_of(router["id"], ROUTER_INTERFACE):
        pod.drop_port(port)


def _no_gateway(pod: Neutron, router: Record) -> None:
    port = pod.gateway_of(router["id"])
    assert port is not None
    for floating in list(pod.records["floatingips"]):
        _drop_floating(pod, floating)
    pod.drop_gateway(router, port)
    pod.show_gateway(router)


def _snat(pod: Neutron, router: Record) -> None:
    router["enable_snat"] = not router["enable_snat"]
    pod.show_gateway(router)


def _renamed(pod: Neutron, router: Record) -> None:
    router |= {"name": "harmed", "tags": ["triune", *(each for each in router["tags"] if each != "triune"), "x"]}


def _no_router(pod: Neutron, router: Record) -> None:
    _no_gateway(pod, router)
    _no_interfaces(pod, router)
    del pod.records["routers"][router["id"]]


def _floating_elsewhere(pod: Neutron, router: Record) -> None:
    for floating in pod.records["floatingips"].values():
        floating |= {"port_id": None, "fixed_ip_address": None, "router_id": None}


def _no_forwardings(pod: Neutron, router: Record) -> None:
    pod.records["port_forwardings"].clear()


def _no_floating(pod: Neutron, router: Record) -> None:
    for floating in list(pod.records["floatingips"]):
        _drop_floating(pod, floating)


def _drop_floating(pod: Neutron, id_: str) -> None:
    for port in [each for each in pod.ports.values() if each["device_id"] == id_]:
        pod.drop_port(port)
    for each in [each for each in pod.records["port_forwardings"].values() if each["floatingip_id"] == id_]:
        del pod.records["port_forwardings"][each["id"]]
    del pod.records["floatingips"][id_]


async def _mended(there: World) -> set[Key]:
    """Look for what differs, and do what was asked for until there is no more; all keys that were found first."""
    for pod in there.pods:
        await there.runner.now(Key(names.DRIFT, pod.id, pod.id), 20.0)
    found: set[Key] = set()
    for _ in range(ROUNDS):
        due = {each.key for each in await there.journal.due(KINDS, 100)}
        found = found or due
        for key in due:
            with suppress(KeyFailed):
                await there.runner.now(key, 20.0, demand=False)
        await asyncio.sleep(0.1)
    return found


HARMS: tuple[Harm, ...] = (
    _no_routes, _other_routes, _no_interfaces, _no_gateway, _snat, _renamed, _no_router, _floating_elsewhere,
    _no_forwardings, _no_floating,
)  # fmt: skip


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("harm", HARMS, ids=lambda each: each.__name__.strip("_"))
async def test_it_is_found_and_mended(there: World, harm: Harm, where: int) -> None:
    roads = await _made(there)
    wanted = roads.routed(where).picture()
    pod = roads.routed(where)
    harm(pod.neutron, pod.router())
    assert await _mended(there)
    assert roads.routed(where).picture() == wanted
    await still(roads)


async def test_a_router_that_somebody_tagged_like_triunes_is_his_own(there: World) -> None:
    roads, router = await two_pods(there)
    pod = there.neutron(there.pods[0])
    tags = [names.TAG, names.tag(router["id"])]
    foreign = pod.add_router("f" * 32, name="foreign", tags=tags)
    network = pod.add_network("f" * 32, name="own")
    pod.add_interface(foreign, pod.add_subnet(network, "10.77.0.0/24"))
    before = copy.deepcopy(foreign)
    await still(roads)
    assert Routed(pod, {}).interfaces("foreign") == {"10.77.0.1"}
    # Triune's own leaves the pod, and the other stays.
    port = next(each for each in roads.central.ports.values() if each["name"] == "s10.1.0.50")
    await there.place(port, None)
    await still(roads)
    assert pod.records["routers"] == {foreign["id"]: before}
    assert Routed(pod, {}).interfaces("foreign") == {"10.77.0.1"}


async def test_a_floating_ip_that_somebody_tagged_like_triunes_is_his_own(there: World) -> None:
    roads = await _made(there)
    pod = there.neutron(there.pods[0])
    (twin,) = (each for each in pod.networks.values() if each["name"] == "public")
    top = next(iter(roads.central.records["floatingips"].values()))
    tags = [names.TAG, names.tag(top["id"])]
    foreign = pod.add_floating_ip(twin, "f" * 32, floating_ip_address="203.0.113.99", tags=tags)
    before = copy.deepcopy(foreign)
    await still(roads)
    await roads.ask("PUT", f"floatingips/{top['id']}", floatingip={"port_id": None})
    await still(roads)
    assert pod.records["floatingips"][foreign["id"]] == before
    assert len(pod.records["floatingips"]) == 3
