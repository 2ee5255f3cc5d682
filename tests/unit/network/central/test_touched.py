"""Which keys a change touches."""

from dataclasses import replace
from typing import Any

import pytest

from triune.network.central import touched
from triune.network.central.touched import Member, Port, Reference, Use
from triune.work.requests import Key

SHOWN: dict[str, Any] = {
    "id": "port",
    "network_id": "net",
    "name": "anna",
    "mac_address": "fa:16:3e:00:00:01",
    "fixed_ips": [
        {"subnet_id": "s4", "ip_address": "10.0.0.5"},
        {"subnet_id": "s6", "ip_address": "fd00::5"},
    ],
    "allowed_address_pairs": [{"ip_address": "10.0.0.200", "mac_address": "fa:16:3e:00:00:01"}],
    "security_groups": ["web", "default"],
    "qos_policy_id": "gold",
    "status": "DOWN",
    "device_id": "",
    "device_owner": "",
    "binding:host_id": "",
    "binding:profile": {},
    "revision_number": 3,
}


def port(pod_id: str = "one", **changes: Any) -> Port:
    return touched.port({**SHOWN, **changes}, pod_id, "net-policy")


def keys(*triples: tuple[str, str, str]) -> set[Key]:
    return {Key(*triple) for triple in triples}


def test_what_matters_of_a_port() -> None:
    shown = port()
    assert shown.groups == {"web", "default"}
    assert shown.addresses == {"10.0.0.5", "fd00::5", "10.0.0.200"}
    assert shown.policies == {"gold", "net-policy"}
    assert shown.memberships == {Member("web", "one"), Member("default", "one")}


def test_a_port_without_groups_pairs_and_policies() -> None:
    shown = touched.port({"id": "port", "network_id": "net", "fixed_ips": []}, "one")
    assert (shown.groups, shown.addresses, shown.policies) == (frozenset(), frozenset(), frozenset())


def test_a_port_in_no_pod_touches_nothing() -> None:
    assert touched.by_port(None, None) == touched.Change()


def test_a_port_is_placed() -> None:
    change = touched.by_port(None, port())
    assert change.keys == keys(("port", "port", "one"))
    assert change.joined_or_left == {Member("web", "one"), Member("default", "one")}
    assert not change.readdressed
    assert not change.left


def test_a_port_leaves_its_pod() -> None:
    change = touched.by_port(port(), None)
    assert change.keys == keys(
        ("port", "port", "one"),
        ("network", "net", "one"),
        ("qos_policy", "gold", "one"),
        ("qos_policy", "net-policy", "one"),
    )
    assert change.left == change.joined_or_left == {Member("web", "one"), Member("default", "one")}


def test_a_port_moves_to_another_pod() -> None:
    change = touched.by_port(port(), port("two"))
    assert keys(("port", "port", "one"), ("port", "port", "two"), ("network", "net", "one")) <= change.keys
    assert Key("network", "net", "two") not in change.keys
    assert change.left == {Member("web", "one"), Member("default", "one")}
    assert len(change.joined_or_left) == 4
    assert not change.readdressed


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "bert"},
        {"mac_address": "fa:16:3e:00:00:02"},
        {"an_attribute_of_a_later_release": 1},
        {"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400"}]},
    ],
)
def test_a_change_that_its_twin_must_have(changes: dict[str, Any]) -> None:
    assert touched.by_port(port(), port(**changes)) == touched.Change(keys=frozenset(keys(("port", "port", "one"))))


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "ACTIVE", "revision_number": 4},
        {"device_id": "triune-boot-1", "device_owner": "compute:az1"},
        {"binding:host_id": "host", "binding:profile": {"triune": {"pod": "one", "status": "ACTIVE"}}},
        {"security_groups": ["default", "web"]},
        {"fixed_ips": [*reversed(SHOWN["fixed_ips"])]},
    ],
)
def test_a_change_that_its_twin_has_no_part_in(changes: dict[str, Any]) -> None:
    assert touched.by_port(port(), port(**changes)) == touched.Change()


SERVER_ID = "6f70656e-7374-4163-ab00-000000000001"
SERVED = {"device_id": SERVER_ID, "device_owner": "compute:az1"}


@pytest.mark.parametrize("before", [port(), None, port(**{**SERVED, "device_id": "triune-boot-1"})])
def test_a_server_gets_a_port(before: Port | None) -> None:
    """Whoever has looked at the server before has not found the port."""
    assert Key("server", SERVER_ID, "one") in touched.by_port(before, port(**SERVED)).keys


@pytest.mark.parametrize(
    "device", ["server", "detail?all_tenants=1&x=", f"{SERVER_ID}/action", f"{SERVER_ID}\n", SERVER_ID.upper(), ""]
)
def test_what_no_server_is_called_is_none(device: str) -> None:
    """Tenants write the device of a port, and the key is asked of Nova with Triune's own rights."""
    assert touched.by_port(port(), port(**{**SERVED, "device_id": device})) == touched.Change()


def test_a_port_of_a_server_changes() -> None:
    assert touched.by_port(port(**SERVED), port(**SERVED)) == touched.Change()
    assert touched.by_port(port(**SERVED), port()) == touched.Change()


def test_other_addresses() -> None:
    change = touched.by_port(port(), port(allowed_address_pairs=[]))
    assert change.keys == keys(("port", "port", "one"))
    assert change.readdressed == {Member("web", "one"), Member("default", "one")}
    assert not change.joined_or_left


def test_another_group() -> None:
    change = touched.by_port(port(), port(security_groups=["default", "db"]))
    assert change.keys == keys(("port", "port", "one"))
    assert change.joined_or_left == {Member("web", "one"), Member("db", "one")}
    assert change.left == {Member("web", "one")}


def test_another_policy() -> None:
    change = touched.by_port(port(), port(qos_policy_id="silver"))
    assert change.keys == keys(("port", "port", "one"), ("qos_policy", "gold", "one"))


PART = {"device_owner": "network:router_gateway", "device_id": "router"}


def test_a_part_of_a_router_is_placed() -> None:
    """Its network is needed there, and it has no twin."""
    assert touched.by_port(None, port(**PART)).keys == keys(("network", "net", "one"))


def test_a_part_of_a_router_changes() -> None:
    assert touched.by_port(port(**PART), port(**PART, name="bert")).keys == set()


def test_a_part_of_a_router_goes() -> None:
    change = touched.by_port(port(**PART, qos_policy_id=None), None)
    assert change.keys == keys(("network", "net", "one"), ("qos_policy", "net-policy", "one"))


def test_a_port_becomes_a_part_of_a_router() -> None:
    assert touched.by_port(port(), port(**PART)).keys == keys(("port", "port", "one"))
    assert Key("port", "port", "one") in touched.by_port(port(), port("two", **PART)).keys


def test_a_port_is_a_part_of_a_router_no_more() -> None:
    assert touched.by_port(port(**PART), port()).keys == keys(("port", "port", "one"))


USES = [Use("front", "one", "web"), Use("front", "two", "web"), Use("front", "two", "db"), Use("web", "one", "web")]


def test_a_group_gets_a_member() -> None:
    assert touched.by_members([Member("web", "one")], [], USES) == keys(
        ("security_group_rules", "front", "one"), ("security_group_rules", "web", "one"), ("remote_group", "web", "two")
    )


def test_a_member_has_another_address() -> None:
    assert touched.by_members([], [Member("web", "one")], USES) == keys(("remote_group", "web", "two"))


def test_nobody_has_a_rule_about_the_group() -> None:
    assert touched.by_members([Member("quiet", "one")], [Member("quiet", "two")], USES) == set()


REFERENCES = [Reference("web"), Reference("web", "db"), Reference("web", None, "office"), Reference("other", "db")]


def test_a_group_leaves_a_pod_with_what_its_rules_name() -> None:
    assert touched.by_left([Member("web", "one")], REFERENCES) == keys(
        ("security_group", "web", "one"), ("remote_group", "db", "one"), ("address_group", "office", "one")
    )


def test_a_rule_comes() -> None:
    assert touched.by_rule(Reference("web", "db"), ["one", "two"], removed=False) == keys(
        ("security_group_rules", "web", "one"), ("security_group_rules", "web", "two")
    )


def test_a_rule_goes() -> None:
    assert touched.by_rule(Reference("web", None, "office"), ["one"], removed=True) == keys(
        ("security_group_rules", "web", "one"), ("address_group", "office", "one")
    )


def test_a_removed_group_takes_rules_of_others_along() -> None:
    assert touched.by_group_removal("web", ["three"], [Use("front", "two", "web")]) == keys(
        ("security_group", "web", "three"), ("security_group_rules", "front", "two"), ("remote_group", "web", "two")
    )


NETWORK: dict[str, Any] = {"id": "net", "name": "blue", "mtu": 1500, "qos_policy_id": "gold", "revision_number": 1}


def test_a_network_changes() -> None:
    after = {**NETWORK, "mtu": 1400, "revision_number": 2}
    assert touched.by_network(NETWORK, after, ["one", "two"]) == keys(
        ("network", "net", "one"), ("network", "net", "two")
    )


def test_a_network_gets_another_policy() -> None:
    after = {**NETWORK, "qos_policy_id": None}
    assert touched.by_network(NETWORK, after, ["one"]) == keys(("network", "net", "one"), ("qos_policy", "gold", "one"))


def test_a_network_is_seen_in_other_zones() -> None:
    after = {**NETWORK, "revision_number": 2, "availability_zones": ["az1"], "subnets": ["s"]}
    assert touched.by_network(NETWORK, after, ["one"]) == set()


def test_a_network_that_is_nowhere() -> None:
    assert touched.by_network(NETWORK, {**NETWORK, "name": "green"}, []) == set()


def test_ports_are_compared_by_value() -> None:
    assert port() == replace(port(), id="port")
