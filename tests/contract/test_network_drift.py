"""What is changed, lost or made in a pod itself: twins are mended, and what is not Triune's stays as it is."""

import pytest

from triune.network import names
from triune.work.runner import KeyFailed, KeyWaits

from .network_world import OTHER, PROJECT, World, key_of, port_on, settled_port, vlan


async def test_a_lost_network_is_made_again_for_the_next_port(there: World) -> None:
    network = vlan(there)
    first = port_on(there, network, 50)
    await there.place(first, there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    for records in pod.records.values():
        records.clear()
    second = port_on(there, network, 51)
    await there.place(second, there.pods[0])
    await there.runner.now(key_of(names.PORT, second, there), 5.0)
    assert [port["mac_address"] for port in pod.ports.values()] == [second["mac_address"]]


async def test_what_a_user_made_in_the_pod_is_never_touched(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    pod = there.neutron(there.pods[0])
    forged = pod.add_network(OTHER, name=f"triune:{network['id']}", tags=["triune", f"triune:{network['id']}"])
    own = pod.add_group(OTHER, name="mine", tags=["triune", f"triune:{port['security_groups'][0]}"])
    await there.settle()
    assert pod.networks[forged["id"]] == forged and pod.groups[own["id"]] == own
    (twin,) = (each for each in pod.networks.values() if each["project_id"] == PROJECT)
    foreign = pod.add_port(OTHER, twin, name="foreign", fixed_ips=[])
    await there.remove_port(port)
    await there.runner.now(key_of(names.PORT, port, there), 5.0)
    with pytest.raises(KeyWaits, match=foreign["id"]):
        await there.runner.now(key_of(names.NETWORK, network, there), 5.0)
    assert list(pod.ports) == [foreign["id"]] and twin["id"] in pod.networks
    del pod.ports[foreign["id"]]
    await there.settle()
    assert forged["id"] not in pod.networks or pod.networks[forged["id"]] == forged


async def test_what_is_changed_in_the_pod_itself_is_found_and_mended(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    await there.settle()
    assert await there.drifted() == {}
    pod = there.neutron(there.pods[0])
    (twin,) = pod.networks.values()
    (twin_port,) = pod.ports.values()
    twin["name"] = "changed"
    twin_port["allowed_address_pairs"] = [{"ip_address": "0.0.0.0/0", "mac_address": "fa:16:3e:00:00:00"}]
    pod.add_rule(pod.groups[twin_port["security_groups"][0]], direction="ingress", protocol="tcp")
    surplus = pod.add_network(PROJECT, tags=["triune", "triune:00000000-0000-4000-8000-000000000000"])
    own = pod.add_network(PROJECT, name="mine")
    kinds = {key.kind for key in await there.drifted()}
    assert kinds == {names.NETWORK, names.PORT, names.SECURITY_GROUP, names.SECURITY_GROUP_RULES}
    assert await there.drifted() == {}
    assert (twin["name"], twin_port["allowed_address_pairs"]) == ("blue", [])
    assert surplus["id"] not in pod.networks and own["id"] in pod.networks
    del pod.ports[twin_port["id"]]
    assert {key.kind for key in await there.drifted()} == {names.PORT}
    assert len(pod.ports) == 1


async def test_twins_of_the_same_thing_are_made_one(there: World) -> None:
    network, _, pod = await settled_port(there)
    (twin,) = pod.networks.values()
    second = pod.add_network(PROJECT, tags=twin["tags"], created_at="2001-01-01T00:00:00Z")
    assert set(await there.drifted()) == {key_of(names.NETWORK, network, there)}
    assert twin["id"] in pod.networks and second["id"] not in pod.networks


async def test_a_group_that_was_removed_in_the_pod_comes_back_with_its_rules(there: World) -> None:
    network = vlan(there)
    group = there.central.add_group(PROJECT, name="web")
    there.central.add_rule(group, direction="ingress", protocol="tcp", remote_group_id=group["id"])
    port = port_on(there, network, 50, security_groups=[group["id"]])
    await there.place(port, there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    (twin,) = (each for each in pod.groups.values() if each["name"] == "web")
    (twin_port,) = pod.ports.values()
    twin_port["security_groups"] = []
    del pod.groups[twin["id"]]
    for rule in [each for each in pod.rules.values() if each["security_group_id"] == twin["id"]]:
        del pod.rules[rule["id"]]
    await there.drifted()
    await there.drifted()
    (again,) = (each for each in pod.groups.values() if each["name"] == "web")
    assert twin_port["security_groups"] == [again["id"]]
    remotes = [each["remote_group_id"] for each in pod.rules.values() if each["security_group_id"] == again["id"]]
    assert again["id"] in remotes
    assert await there.drifted() == {}


async def test_an_address_that_somebody_in_the_pod_uses_is_told(there: World) -> None:
    network = vlan(there)
    first = port_on(there, network, 50)
    await there.place(first, there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    (twin,) = pod.networks.values()
    (subnet,) = pod.subnets.values()
    taken = [{"subnet_id": subnet["id"], "ip_address": "10.0.0.51"}]
    foreign = pod.add_port(OTHER, twin, fixed_ips=taken)
    second = port_on(there, network, 51)
    await there.place(second, there.pods[0])
    with pytest.raises(KeyFailed, match="IpAddressAlreadyAllocated"):
        await there.runner.now(key_of(names.PORT, second, there), 5.0)
    assert foreign["id"] in pod.ports
