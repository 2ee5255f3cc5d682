"""What leaves a pod goes after those who used it have let go of it altogether."""

import asyncio
from typing import Any

import pytest

from triune.network import names
from triune.network.handlers import users
from triune.work.requests import Key
from triune.work.runner import KeyWaits

from .network_world import PROJECT, World


async def test_a_group_stays_until_the_port_that_leaves_it_is_done(there: World) -> None:
    """A pod's Neutron that has let go of a group in its database may not have told its network yet."""
    group, port = await a_port_in_a_group(there)
    pod, region = there.pods[0], there.pods[0].region_name
    let_go, answer = asyncio.Event(), asyncio.Event()

    async def hold(method: str, path: str) -> None:
        if method == "PUT" and "/ports/" in path:
            let_go.set()
            await answer.wait()

    there.wire.on_the_way = hold
    port["security_groups"] = []
    leaving = asyncio.create_task(there.runner.now(Key(names.PORT, port["id"], pod.id), 20.0))
    await asyncio.wait_for(let_go.wait(), 10)
    del there.central.groups[group["id"]]
    there.wire.calls.clear()
    removal = asyncio.create_task(there.runner.now(Key(names.SECURITY_GROUP, group["id"], pod.id), 20.0))
    await asyncio.sleep(2 * users.PAUSE)
    assert not [call for call in there.wire.calls if call[:2] == (region, "DELETE")]
    answer.set()
    await leaving
    await removal
    assert group["name"] not in {each["name"] for each in there.neutron(pod).groups.values()}


async def test_a_port_that_comes_while_its_network_goes_waits_for_it(there: World) -> None:
    """A Neutron that removes a network begins with the subnets, and so with the addresses of whoever has come."""
    network = there.central.add_network(PROJECT, name="blue")
    there.central.add_subnet(network, "10.0.0.0/24")
    port = there.central.add_port(PROJECT, network)
    pod, coming = there.pods[0], list[asyncio.Task[None]]()
    await there.place(port, pod)
    await there.settle()
    there.wire.calls.clear()

    async def come(_method: str, _path: str) -> None:
        # The last that is looked at before the network goes.
        if there.wire.calls[-1] == (pod.region_name, "GET", "/v2.0/subnets") and not coming:
            new = there.central.add_port(PROJECT, network)
            await there.place(new, pod)
            coming.append(asyncio.create_task(there.runner.now(Key(names.PORT, new["id"], pod.id), 20.0)))
            await asyncio.sleep(0.5)

    there.wire.on_the_way = come
    await there.remove_port(port)
    await there.runner.now(Key(names.PORT, port["id"], pod.id), 20.0)
    await there.runner.now(Key(names.NETWORK, network["id"], pod.id), 20.0)
    await coming[0]
    changes = [
        (method, path.split("/")[2]) for region, method, path in there.wire.changes() if region == pod.region_name
    ]
    gone, made = changes.index(("DELETE", "networks")), changes.index(("POST", "networks"))
    assert gone < made < changes.index(("POST", "ports"))
    await there.settle()
    assert len(there.neutron(pod).networks) == len(there.neutron(pod).ports) == 1


async def test_a_port_that_comes_before_its_network_goes_keeps_it(there: World) -> None:
    network = there.central.add_network(PROJECT, name="blue")
    there.central.add_subnet(network, "10.0.0.0/24")
    port = there.central.add_port(PROJECT, network)
    pod, coming = there.pods[0], list[Any]()
    await there.place(port, pod)
    await there.settle()

    async def come(_method: str, path: str) -> None:
        # It is not wanted in the pod yet when this is looked at for the first time.
        if path == f"/v2.0/networks/{network['id']}" and not coming:
            coming.append(there.central.add_port(PROJECT, network))
            await there.place(coming[0], pod)

    await there.remove_port(port)
    there.wire.on_the_way = come
    there.wire.calls.clear()
    await there.runner.now(Key(names.NETWORK, network["id"], pod.id), 20.0)
    assert ("DELETE", "networks") not in [(method, path.split("/")[2]) for _, method, path in there.wire.changes()]
    await there.settle()
    assert len(there.neutron(pod).networks) == len(there.neutron(pod).ports) == 1


async def test_a_port_that_is_never_done_holds_nobody_up_for_long(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "PATIENCE", 0.3)
    group, port = await a_port_in_a_group(there)
    pod, never = there.pods[0], asyncio.Event()

    async def hold(method: str, path: str) -> None:
        if method == "PUT" and "/ports/" in path:
            await never.wait()

    there.wire.on_the_way = hold
    port["security_groups"] = []
    leaving = asyncio.create_task(there.runner.now(Key(names.PORT, port["id"], pod.id), 20.0))
    while not there.runner.runs(Key(names.PORT, port["id"], pod.id)):
        await asyncio.sleep(0.01)
    del there.central.groups[group["id"]]
    with pytest.raises(KeyWaits, match=port["id"]):
        await there.runner.now(Key(names.SECURITY_GROUP, group["id"], pod.id), 20.0)
    never.set()
    await leaving
    await there.settle()
    assert group["name"] not in {each["name"] for each in there.neutron(pod).groups.values()}


async def test_nobody_waits_for_the_key_that_he_is_run_for(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network asks for a policy that leaves the pod just then: the network goes on when that has ended."""
    network = there.central.add_network(PROJECT, name="blue")
    there.central.add_subnet(network, "10.0.0.0/24")
    port = there.central.add_port(PROJECT, network)
    await there.place(port, there.pods[0])
    await there.settle()
    network["qos_policy_id"] = there.central.add_policy(PROJECT, name="slow")["id"]
    looks: list[object] = []
    busy = users._busy

    async def counted(*arguments: Any) -> set[tuple[Key, int]]:
        looks.append(arguments)
        return await busy(*arguments)

    async def take_away(_method: str, path: str) -> None:
        if path.endswith(f"/networks/{network['id']}"):
            network["qos_policy_id"] = None

    monkeypatch.setattr(users, "_busy", counted)
    there.wire.on_the_way = take_away
    with pytest.raises(KeyWaits, match="is not in Region0"):
        await there.runner.now(Key(names.NETWORK, network["id"], there.pods[0].id), 20.0)
    assert len(looks) == 1
    await there.settle()
    (twin,) = there.neutron(there.pods[0]).networks.values()
    assert twin["qos_policy_id"] is None


async def a_port_in_a_group(there: World) -> tuple[dict[str, object], dict[str, object]]:
    """Both in the first pod."""
    network = there.central.add_network(PROJECT, name="blue")
    there.central.add_subnet(network, "10.0.0.0/24", name="sub")
    group = there.central.add_group(PROJECT, name="left")
    port = there.central.add_port(PROJECT, network, security_groups=[group["id"]])
    await there.place(port, there.pods[0])
    await there.settle()
    assert "left" in {each["name"] for each in there.neutron(there.pods[0]).groups.values()}
    return group, port
