"""What users, administrators and other regions do at the edges: nothing is lost for it, nor tried for ever."""

from pathlib import Path

import pytest

from triune.network import names
from triune.network.handlers.shop import FOREIGN_PAUSE
from triune.work.requests import Key
from triune.work.runner import KeyWaits

from .cloud.neutron import Record
from .network_world import OTHER, PROJECT, World, port_on, settled_port, vlan, world


async def test_a_user_who_tags_as_triune_does_loses_no_twin(there: World) -> None:
    network, port, pod = await settled_port(there)
    (twin,) = pod.ports.values()
    port["tags"] = network["tags"] = ["triune:0", "own"]
    await there.settle()
    await there.drifted()
    assert list(pod.ports) == [twin["id"]] and len(pod.networks) == 1
    assert twin["tags"] == ["own", "triune", f"triune:{port['id']}"]
    assert await there.drifted() == {}


@pytest.mark.parametrize("what", ["network", "port"])
async def test_an_administrator_gives_his_own_policy_to_somebody_elses(there: World, what: str) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    policy = there.central.add_policy(OTHER, name="gold")
    {"network": network, "port": port}[what]["qos_policy_id"] = policy["id"]
    await there.place(port, there.pods[0])
    await there.runner.now(Key(names.PORT, port["id"], there.pods[0].id), 20.0)
    pod = there.neutron(there.pods[0])
    (twin,) = (pod.networks if what == "network" else pod.ports).values()
    assert pod.records["policies"][twin["qos_policy_id"]]["name"] == "gold"
    network["qos_policy_id"] = port["qos_policy_id"] = None
    await there.settle()
    assert not pod.records["policies"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"protocol": "tcp"}, {"protocol": "6"}),
        ({"remote_ip_prefix": None}, {"remote_ip_prefix": "0.0.0.0/0"}),
    ],
)
async def test_a_rule_in_other_words_is_there_at_once(there: World, before: Record, after: Record) -> None:
    port = port_on(there, vlan(there), 50)
    group = there.central.default_group(PROJECT)
    ssh = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    old = there.central.add_rule(group, **{**ssh, **before})
    await there.place(port, there.pods[0])
    await there.settle()
    del there.central.rules[old["id"]]
    there.central.add_rule(group, **{**ssh, **after})
    # Another one that is new comes in the same request.
    there.central.add_rule(group, **{**ssh, "port_range_max": 23})
    await there.runner.now(Key(names.SECURITY_GROUP_RULES, group["id"], there.pods[0].id), 20.0)
    rules = [each for each in there.neutron(there.pods[0]).rules.values() if each["port_range_min"] == 22]
    assert sorted(each["port_range_max"] for each in rules) == [22, 23]
    (reworded,) = (each for each in rules if each["port_range_max"] == 22)
    assert after.items() <= reworded.items()
    there.wire.calls.clear()
    await there.settle()
    assert there.wire.changes() == []


async def test_two_rules_that_a_pod_takes_for_one_are_one(there: World) -> None:
    """They may come of two at the top: a remote group becomes addresses in a pod that knows no such groups."""
    there.neutron(there.pods[0]).extensions.remove("security-groups-remote-address-group")
    network = vlan(there)
    near, far = port_on(there, network, 50), port_on(there, network, 51)
    group = there.central.default_group(PROJECT)
    there.central.add_rule(group, direction="ingress", protocol="tcp", remote_group_id=group["id"])
    there.central.add_rule(group, direction="ingress", protocol="6", remote_ip_prefix="10.0.0.51/32")
    await there.place(near, there.pods[0])
    await there.place(far, there.pods[1])
    await there.settle()
    rules = there.neutron(there.pods[0]).rules.values()
    assert len([each for each in rules if each["protocol"] and each["remote_ip_prefix"] == "10.0.0.51/32"]) == 1


async def test_a_lost_group_without_rules_is_made_again_for_the_next_port(there: World) -> None:
    network = vlan(there)
    group = there.central.add_group(PROJECT, name="bare")
    for rule in [each for each in there.central.rules.values() if each["security_group_id"] == group["id"]]:
        del there.central.rules[rule["id"]]
    await there.place(port_on(there, network, 50, security_groups=[group["id"]]), there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    (lost,) = (each for each in pod.groups.values() if each["name"] == "bare")
    for port in pod.ports.values():
        port["security_groups"] = []
    del pod.groups[lost["id"]]
    second = port_on(there, network, 51, security_groups=[group["id"]])
    await there.place(second, there.pods[0])
    await there.runner.now(Key(names.PORT, second["id"], there.pods[0].id), 20.0)
    assert {"p50", "p51"} == {each["name"] for each in pod.ports.values()}


async def test_a_group_is_not_removed_for_being_asked_for_as_the_other_kind(there: World) -> None:
    network = vlan(there)
    group, named = there.central.default_group(PROJECT), there.central.add_address_group(PROJECT, addresses=[])
    there.central.add_rule(group, direction="ingress", remote_address_group_id=named["id"])
    for last, pod in zip((50, 51), there.pods, strict=True):
        await there.place(port_on(there, network, last), pod)
    await there.settle()
    there.wire.calls.clear()
    await there.runner.now(Key(names.ADDRESS_GROUP, group["id"], there.pods[0].id), 20.0)
    await there.runner.now(Key(names.REMOTE_GROUP, named["id"], there.pods[0].id), 20.0)
    assert there.wire.changes() == []


@pytest.mark.parametrize("bound", [False, True])
async def test_a_port_gets_another_kind_of_interface_while_it_has_none(there: World, bound: bool) -> None:
    port = port_on(there, vlan(there), 50)
    await there.place(port, there.pods[0])
    await there.settle()
    (twin,) = there.neutron(there.pods[0]).ports.values()
    if bound:
        twin |= {"binding:host_id": "host", "binding:vif_type": "ovs", "device_id": "server"}
    port |= {"binding:vnic_type": "direct", "name": "renamed"}
    await there.runner.now(Key(names.PORT, port["id"], there.pods[0].id), 20.0)
    assert (twin["name"], twin["binding:vnic_type"]) == ("renamed", "normal" if bound else "direct")


async def test_what_somebody_in_a_pod_was_lent_and_uses_holds_up_nothing_else(there: World) -> None:
    network = vlan(there)
    port, pod = port_on(there, network, 50), there.neutron(there.pods[0])
    share = there.central.share(network, "network", OTHER)
    await there.place(port, there.pods[0])
    await there.settle()
    (twin,) = pod.networks.values()
    used = pod.add_port(OTHER, twin)
    del there.central.records["rbac_policies"][share["id"]]
    there.central.share(network, "network", "c" * 32)
    key = Key(names.NETWORK, network["id"], there.pods[0].id)
    with pytest.raises(KeyWaits, match="RbacPolicyInUse") as waits:
        await there.runner.now(key, 20.0)
    assert waits.value.again.seconds == FOREIGN_PAUSE
    lent = pod.records["rbac_policies"]
    assert {each["target_tenant"] for each in lent.values()} == {OTHER, "c" * 32}
    del pod.ports[used["id"]]
    await there.runner.now(key, 20.0)
    assert {each["target_tenant"] for each in lent.values()} == {"c" * 32}


async def test_a_port_does_not_wait_for_what_somebody_was_lent(there: World) -> None:
    network, pod = vlan(there), there.neutron(there.pods[0])
    share = there.central.share(network, "network", OTHER)
    await there.place(port_on(there, network, 50), there.pods[0])
    await there.settle()
    (twin,) = pod.networks.values()
    pod.add_port(OTHER, twin)
    del there.central.records["rbac_policies"][share["id"]]
    subnet = there.central.add_subnet(network, "10.1.0.0/24")
    port = port_on(there, network, 51, fixed_ips=[{"subnet_id": subnet["id"], "ip_address": "10.1.0.9"}])
    await there.place(port, there.pods[0])
    await there.runner.now(Key(names.PORT, port["id"], there.pods[0].id), 20.0)
    assert "p51" in {each["name"] for each in pod.ports.values()}
    entry = await there.journal.find(Key(names.NETWORK, network["id"], there.pods[0].id))
    assert entry is not None and entry.waits and "RbacPolicyInUse" in (entry.last_error or "")


async def test_a_group_that_is_lent_and_used_is_followed_up_all_the_same(there: World) -> None:
    network = vlan(there)
    group, pod = there.central.add_group(PROJECT, name="web"), there.neutron(there.pods[0])
    port = port_on(there, network, 50, security_groups=[group["id"]])
    share = there.central.share(group, "security_group", OTHER)
    await there.place(port, there.pods[0])
    await there.settle()
    (twin,) = (each for each in pod.groups.values() if each["name"] == "web")
    pod.add_port(OTHER, security_groups=[twin["id"]])
    del there.central.records["rbac_policies"][share["id"]]
    await there.routings.forget(names.SECURITY_GROUP, group["id"], there.pods[0].id)
    with pytest.raises(KeyWaits, match="RbacPolicyInUse"):
        await there.runner.now(Key(names.SECURITY_GROUP, group["id"], there.pods[0].id), 20.0)
    entry = await there.journal.find(Key(names.SECURITY_GROUP_RULES, group["id"], there.pods[0].id))
    assert entry is not None and entry.waits


@pytest.mark.faults
async def test_rules_about_a_group_that_was_lost_follow_it_wherever_a_process_dies(
    tmp_path: Path, empty_database: Path
) -> None:
    for index in range(20):
        async with world(tmp_path, empty_database, pods=1) as there:
            network, pod = vlan(there), there.neutron(there.pods[0])
            lost, other = (there.central.add_group(PROJECT, name=name) for name in ("lost", "other"))
            there.central.add_rule(other, direction="ingress", protocol="tcp", remote_group_id=lost["id"])
            for last, group in ((50, lost), (51, other)):
                port = port_on(there, network, last, security_groups=[group["id"]])
                await there.place(port, there.pods[0])
            await there.settle()
            for twin in pod.ports.values():
                twin["security_groups"] = []
            (twin,) = (each for each in pod.groups.values() if each["name"] == "lost")
            del pod.groups[twin["id"]]
            for rule in [each for each in pod.rules.values() if twin["id"] in each.values()]:
                del pod.rules[rule["id"]]
            key = Key(names.SECURITY_GROUP, lost["id"], there.pods[0].id)
            done = await there.die(key, index)
            await there.runner.now(key, 20.0)
            for entry in await there.journal.due([names.SECURITY_GROUP_RULES], 100):
                await there.runner.now(entry.key, 20.0, demand=False)
            (made,) = (each["id"] for each in pod.groups.values() if each["name"] == "lost")
            about = [each["remote_group_id"] for each in pod.rules.values() if each["remote_group_id"]]
            assert about.count(made) == 1 and twin["id"] not in about, index
            assert sum(each["security_group_id"] == made for each in pod.rules.values()) == 2
            if done:
                assert index > 5
                return
    raise AssertionError("twenty requests for one group")


async def test_shares_that_are_changed_in_the_pod_itself_are_found_and_mended(there: World) -> None:
    central, pod = there.central, there.neutron(there.pods[0])
    policy, named = central.add_policy(PROJECT, name="q"), central.add_address_group(PROJECT, addresses=[])
    network, group = vlan(there, qos_policy_id=policy["id"]), central.add_group(PROJECT, name="web")
    central.add_rule(group, direction="ingress", remote_address_group_id=named["id"])
    lent = {"network": network, "security_group": group, "qos_policy": policy, "address_group": named}
    for object_type, record in lent.items():
        central.share(record, object_type, OTHER)
    await there.place(port_on(there, network, 50, security_groups=[group["id"]]), there.pods[0])
    await there.settle()
    assert await there.drifted() == {}
    shares = pod.records["rbac_policies"]
    assert {each["object_type"] for each in shares.values()} == lent.keys()
    for each in shares.values():
        each["target_tenant"] = "c" * 32
    kinds = {key.kind for key in await there.drifted()}
    assert kinds == {*lent, names.SECURITY_GROUP_RULES}
    assert [each["target_tenant"] for each in shares.values()] == [OTHER] * 4
    assert await there.drifted() == {}
    # A pod that lends no groups of addresses is as it should be without.
    (surplus,) = (each["id"] for each in shares.values() if each["object_type"] == "address_group")
    del shares[surplus]
    pod.extensions.remove("rbac-address-group")
    there.new_runner()
    assert await there.drifted() == {}


async def test_what_was_made_and_never_tagged_is_found(there: World) -> None:
    network, pod = vlan(there), there.neutron(there.pods[0])
    gone = "00000000-0000-4000-8000-000000000000"
    for made in (
        pod.add_network(PROJECT, name=f"triune:{gone}"),
        pod.add_group(PROJECT, name=f"triune:{gone}"),
        pod.add_policy(PROJECT, name=f"triune:{gone}"),
    ):
        assert not made["tags"]
    mine = pod.add_network(PROJECT, name="mine")
    forged = pod.add_network(OTHER, name=f"triune:{network['id']}")
    kinds = {key.kind for key in await there.drifted()}
    assert kinds == {names.NETWORK, names.SECURITY_GROUP, names.SECURITY_GROUP_RULES, names.QOS_POLICY}
    assert set(pod.networks) == {mine["id"], forged["id"]}
    assert not pod.groups and not pod.records["policies"]
    assert await there.drifted() == {}
    # What is wanted after all is mended.
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    await there.settle()
    (twin,) = (each for each in pod.networks.values() if each["name"] == "blue")
    twin |= {"tags": [], "name": f"triune:{network['id']}"}
    assert {key.kind for key in await there.drifted()} == {names.NETWORK}
    assert (twin["name"], twin["tags"]) == ("blue", ["triune", f"triune:{network['id']}"])


async def test_addresses_that_are_held_for_a_network_that_has_left_are_given_back(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    await there.settle()
    await there.remove_port(port)
    await there.settle()
    assert not there.central.ports
    device = f"{names.RESERVE_DEVICE}{there.pods[0].id}"
    there.central.add_port(PROJECT, network, device_id=device, device_owner=names.RESERVE_OWNER)
    assert set(await there.drifted()) == {Key(names.NETWORK, network["id"], there.pods[0].id)}
    assert not there.central.ports
    assert await there.drifted() == {}
