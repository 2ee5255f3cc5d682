"""What pods hold of central Neutron's networks, seen from outside: after everything was done, pods are as wanted."""

from pathlib import Path

import pytest

from triune.network import names
from triune.work.requests import Key
from triune.work.runner import KeyFailed

from .network_world import OTHER, PROJECT, World, key_of, port_on, settled_port, vlan, world

# What an older region lacks.
LATER = (
    "qos",
    "dns-integration",
    "port-security",
    "allowed-address-pairs",
    "rbac-policies",
    "net-mtu-writable",
    "security-groups-remote-address-group",
    "stateful-security-group",
)


async def test_a_port_brings_its_network_subnet_and_group_along(there: World) -> None:
    network, port, pod = await settled_port(there)
    (twin,) = pod.networks.values()
    assert (twin["name"], twin["provider:segmentation_id"], twin["project_id"]) == ("blue", 1001, PROJECT)
    assert twin["tags"] == ["triune", f"triune:{network['id']}"]
    (subnet,) = pod.subnets.values()
    (reserve,) = (each for each in there.central.ports.values() if each["device_owner"] == names.RESERVE_OWNER)
    held = {each["ip_address"] for each in reserve["fixed_ips"]}
    assert len(held) == 2 and {pool["start"] for pool in subnet["allocation_pools"]} == held
    (twin_port,) = pod.ports.values()
    assert twin_port["mac_address"] == port["mac_address"]
    assert [each["ip_address"] for each in twin_port["fixed_ips"]] == ["10.0.0.50"]
    assert twin_port["tags"] == ["triune", f"triune:{port['id']}"]
    group = pod.groups[twin_port["security_groups"][0]]
    assert (group["name"], group["project_id"]) == ("triune-default", PROJECT)
    assert not there.neutron(there.pods[1]).networks
    there.wire.calls.clear()
    await there.settle()
    assert there.wire.changes() == []


async def test_the_last_port_takes_everything_along(there: World) -> None:
    network = vlan(there)
    ports = [port_on(there, network, 50), port_on(there, network, 51)]
    for port, pod in zip(ports, there.pods, strict=True):
        await there.place(port, pod)
    await there.settle()
    assert there.counted()["networks"] == 2
    await there.place(ports[0], None)
    await there.remove_port(ports[1])
    await there.settle()
    for pod in there.pods:
        neutron = there.neutron(pod)
        left = {name for name, records in neutron.records.items() if records}
        # Neutron's own group of the project remains.
        assert left <= {"security_groups", "security_group_rules"}
        assert {group["name"] for group in neutron.groups.values()} == {"default"}
    owners = {port["device_owner"] for port in there.central.ports.values()}
    assert names.RESERVE_OWNER not in owners


async def test_the_second_port_costs_few_calls(there: World) -> None:
    network = vlan(there)
    first, second = port_on(there, network, 50), port_on(there, network, 51)
    await there.place(first, there.pods[0])
    await there.settle()
    await there.place(second, there.pods[0])
    there.wire.calls.clear()
    await there.runner.now(key_of(names.PORT, second, there), 5.0)
    region = there.pods[0].region_name
    assert [(where, method) for where, method, _ in there.wire.calls] == [
        ("CentralRegion", "GET"), (region, "POST"), (region, "PUT"),
    ]  # fmt: skip


async def test_changes_reach_the_pod(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    await there.place(port, there.pods[0])
    await there.settle()
    policy = there.central.add_policy(PROJECT, name="slow")
    there.central.add_limit(policy, max_kbps=1000)
    (subnet,) = there.central.subnets.values()
    network |= {"name": "green", "mtu": 1400, "admin_state_up": False, "qos_policy_id": policy["id"], "tags": ["x"]}
    subnet |= {"dns_nameservers": ["9.9.9.9", "1.1.1.1"], "gateway_ip": None, "name": "other"}
    subnet["host_routes"] = [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}]
    port |= {"name": "renamed", "admin_state_up": False, "allowed_address_pairs": [{"ip_address": "10.0.0.99"}]}
    port["allowed_address_pairs"][0]["mac_address"] = port["mac_address"]
    port["extra_dhcp_opts"] = [{"opt_name": "mtu", "opt_value": "1300", "ip_version": 4}]
    there.central.share(network, "network", OTHER)
    await there.settle()
    pod = there.neutron(there.pods[0])
    (twin,) = pod.networks.values()
    (limit,) = pod.records["policies"].values()
    assert (twin["name"], twin["mtu"], twin["admin_state_up"]) == ("green", 1400, False)
    assert twin["qos_policy_id"] == limit["id"] and limit["rules"][0]["max_kbps"] == 1000
    assert "x" in twin["tags"]
    (lent,) = pod.records["rbac_policies"].values()
    assert lent["target_tenant"] == OTHER
    (below,) = pod.subnets.values()
    assert (below["dns_nameservers"], below["gateway_ip"], below["name"]) == (["9.9.9.9", "1.1.1.1"], None, "other")
    (twin_port,) = pod.ports.values()
    assert (twin_port["name"], twin_port["admin_state_up"]) == ("renamed", False)
    assert twin_port["extra_dhcp_opts"] == port["extra_dhcp_opts"]
    there.wire.calls.clear()
    await there.settle()
    assert there.wire.changes() == []


async def test_a_pod_that_can_little_gets_what_it_knows(there: World) -> None:
    pod = there.neutron(there.pods[0])
    for extension in LATER:
        pod.extensions.remove(extension)
    network = vlan(there)
    policy = there.central.add_policy(PROJECT, name="slow")
    network["qos_policy_id"] = policy["id"]
    near, far = port_on(there, network, 50, dns_name="n"), port_on(there, network, 51)
    await there.place(near, there.pods[0])
    await there.place(far, there.pods[1])
    await there.settle()
    (twin,) = pod.ports.values()
    group_id = twin["security_groups"][0]
    rules = [rule for rule in pod.rules.values() if rule["security_group_id"] == group_id]
    prefixes = {rule["remote_ip_prefix"] for rule in rules if rule["direction"] == "ingress"}
    assert prefixes == {None, "10.0.0.51/32"}
    assert not pod.records["address_groups"]
    # The other pod, which can more, knows the far member's friends by an address group.
    other = there.neutron(there.pods[1])
    (addresses,) = other.records["address_groups"].values()
    assert addresses["addresses"] == ["10.0.0.50/32"]


async def test_all_kinds_of_ipv6_subnets(there: World) -> None:
    network = there.central.add_network(PROJECT, name="six")
    add = there.central.add_subnet
    four = add(network, "10.1.0.0/24")
    slaac = add(network, "fd00:1::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    stateful = add(network, "fd00:2::/64", ipv6_ra_mode="dhcpv6-stateful", ipv6_address_mode="dhcpv6-stateful")
    still = add(network, "10.2.0.0/30", enable_dhcp=False, gateway_ip=None)
    port = there.central.add_port(PROJECT, network, mac_address="fa:16:3e:aa:bb:cc", fixed_ips=[
        {"subnet_id": four["id"], "ip_address": "10.1.0.9"},
        {"subnet_id": slaac["id"], "ip_address": "fd00:1::f816:3eff:feaa:bbcc"},
        {"subnet_id": stateful["id"], "ip_address": "fd00:2::99"},
        {"subnet_id": still["id"], "ip_address": "10.2.0.2"},
    ])  # fmt: skip
    await there.place(port, there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    (twin,) = pod.ports.values()
    assert {each["ip_address"] for each in twin["fixed_ips"]} == {each["ip_address"] for each in port["fixed_ips"]}
    pools = {each["cidr"]: each["allocation_pools"] for each in pod.subnets.values()}
    assert pools["10.2.0.0/30"] == []
    assert len(pools["fd00:2::/64"]) == len(pools["10.1.0.0/24"]) == 2
    there.wire.calls.clear()
    await there.settle()
    assert there.wire.changes() == []


async def test_a_subnet_without_free_addresses_goes_to_the_pod_without_any(there: World) -> None:
    network = there.central.add_network(PROJECT, name="tiny")
    subnet = there.central.add_subnet(network, "10.1.0.0/30")
    ips = [{"subnet_id": subnet["id"], "ip_address": "10.1.0.2"}]
    port = there.central.add_port(PROJECT, network, fixed_ips=ips)
    await there.place(port, there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    assert [each["allocation_pools"] for each in pod.subnets.values()] == [[]]
    assert len(pod.ports) == 1


async def test_a_full_quota_of_ports_is_no_obstacle(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    there.central.quota[PROJECT, "ports"] = 1
    await there.place(port, there.pods[0])
    await there.settle()
    assert len(there.neutron(there.pods[0]).ports) == 1


async def test_groups_that_name_each_other_and_members_elsewhere(there: World) -> None:
    network = vlan(there)
    one, two = (there.central.add_group(PROJECT, name=name) for name in ("one", "two"))
    for group, other in ((one, two), (two, one)):
        there.central.add_rule(group, direction="ingress", protocol="tcp", remote_group_id=other["id"])
    near = port_on(there, network, 50, security_groups=[one["id"]])
    far = port_on(there, network, 51, security_groups=[two["id"]])
    await there.place(near, there.pods[0])
    await there.place(far, there.pods[1])
    await there.settle()
    pod = there.neutron(there.pods[0])
    (group,) = (each for each in pod.groups.values() if each["name"] == "one")
    (addresses,) = pod.records["address_groups"].values()
    assert addresses["addresses"] == ["10.0.0.51/32"]
    remote = [rule for rule in pod.rules.values() if rule["security_group_id"] == group["id"] and rule["protocol"]]
    assert [rule["remote_address_group_id"] for rule in remote] == [addresses["id"]]
    # The other member comes to the same pod: then the group itself stands for it.
    third = port_on(there, network, 52, security_groups=[two["id"]])
    await there.place(third, there.pods[0])
    await there.settle()
    remote = [rule for rule in pod.rules.values() if rule["security_group_id"] == group["id"] and rule["protocol"]]
    assert {rule["remote_group_id"] is not None for rule in remote} == {True, False}


async def test_a_full_pod_tells_why(there: World) -> None:
    network = vlan(there)
    port = port_on(there, network, 50)
    there.neutron(there.pods[0]).quota[PROJECT, "ports"] = 0
    await there.place(port, there.pods[0])
    with pytest.raises(KeyFailed, match="OverQuota"):
        await there.runner.now(key_of(names.PORT, port, there), 5.0)


async def test_pages_that_are_shorter_than_asked_for_hide_nothing(there: World) -> None:
    for neutron in (there.central, *there.neutrons.values()):
        neutron.max_limit = 1
    network = vlan(there)
    there.central.add_subnet(network, "10.5.0.0/24")
    for last in (50, 51, 52):
        await there.place(port_on(there, network, last), there.pods[0])
    await there.settle()
    pod = there.neutron(there.pods[0])
    assert (len(pod.networks), len(pod.subnets), len(pod.ports)) == (1, 2, 3)
    assert await there.drifted() == {}
    for port in [each for each in there.central.ports.values() if each["device_owner"] != names.RESERVE_OWNER]:
        await there.remove_port(port)
    await there.settle()
    assert not pod.networks and not pod.ports


@pytest.mark.parametrize("members", [2, 20])
async def test_another_member_costs_few_calls(there: World, members: int) -> None:
    network = vlan(there)
    here, there_ = there.pods
    await there.place(port_on(there, network, 10), here)
    await there.place(port_on(there, network, 11), there_)
    await there.settle()
    for last in range(members):
        await there.place(port := port_on(there, network, 50 + last), here)
    (group_id,) = port["security_groups"]
    for kind, calls in ((names.SECURITY_GROUP_RULES, 3), (names.REMOTE_GROUP, 4)):
        there.wire.calls.clear()
        await there.runner.now(Key(kind, group_id, there_.id), 5.0)
        assert not [path for _, _, path in there.wire.calls if path.endswith("/ports")]
        assert len(there.wire.calls) == calls, (kind, there.wire.calls)


async def test_an_address_is_taken_from_the_twin_of_a_port_that_is_gone(there: World) -> None:
    network = vlan(there)
    first = port_on(there, network, 50)
    await there.place(first, there.pods[0])
    await there.settle()
    await there.remove_port(first)
    second = port_on(there, network, 50)
    await there.place(second, there.pods[0])
    await there.runner.now(key_of(names.PORT, second, there), 5.0)
    (twin,) = there.neutron(there.pods[0]).ports.values()
    assert twin["mac_address"] == second["mac_address"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_address_becomes_free_while_its_holder_is_looked_for(there: World, method: str) -> None:
    network, pod = vlan(there), there.neutron(there.pods[0])
    first, second = port_on(there, network, 50), port_on(there, network, 51)
    for port in (first, second) if method == "PUT" else (first,):
        await there.place(port, there.pods[0])
    await there.settle()
    (holder,) = (each for each in pod.ports.values() if each["mac_address"] == first["mac_address"])
    await there.remove_port(first)
    second["fixed_ips"] = first["fixed_ips"]
    await there.place(second, there.pods[0])

    async def refused(asked: str, path: str) -> None:
        """The twin of the first goes when the second was refused."""
        if asked == method and "/ports" in path:
            del pod.ports[holder["id"]]
            there.wire.on_the_way = None

    there.wire.on_the_way = refused
    await there.runner.now(key_of(names.PORT, second, there), 5.0)
    assert there.wire.on_the_way is None
    (twin,) = pod.ports.values()
    assert twin["mac_address"] == second["mac_address"]
    assert [each["ip_address"] for each in twin["fixed_ips"]] == ["10.0.0.50"]


async def test_two_ports_change_their_addresses(there: World) -> None:
    network = vlan(there)
    first, second = port_on(there, network, 50), port_on(there, network, 51)
    for port in (first, second):
        await there.place(port, there.pods[0])
    await there.settle()
    first["fixed_ips"], second["fixed_ips"] = second["fixed_ips"], first["fixed_ips"]
    await there.settle()
    twins = {port["mac_address"]: port["fixed_ips"][0] for port in there.neutron(there.pods[0]).ports.values()}
    assert twins[first["mac_address"]]["ip_address"] == "10.0.0.51"
    assert twins[second["mac_address"]]["ip_address"] == "10.0.0.50"


@pytest.mark.faults
@pytest.mark.parametrize("gone", [False, True])
async def test_a_process_may_die_after_any_request(tmp_path: Path, empty_database: Path, gone: bool) -> None:
    """And whatever it had begun is found again, even where nobody wants it any more."""
    for index in range(100):
        async with world(tmp_path, empty_database, pods=1) as there:
            network = vlan(there)
            port = port_on(there, network, 50)
            await there.place(port, there.pods[0])
            if await there.die(key_of(names.PORT, port, there), index):
                assert index > 20
                return
            if gone:
                await there.remove_port(port)
            await there.settle()
            pod = there.neutron(there.pods[0])
            ours = [group["name"] for group in pod.groups.values() if group["name"] != "default"]
            held = [each for each in there.central.ports.values() if each["device_owner"] == names.RESERVE_OWNER]
            expected = 0 if gone else 1
            assert [len(pod.networks), len(pod.subnets), len(pod.ports), len(held)] == [expected] * 4, index
            assert ours == ["triune-default"] * expected, index
    raise AssertionError("a hundred requests for one port")
