"""The fabric's configuration."""

from pathlib import Path

from lab.dataplane import plan


def test_sockets_are_where_the_services_look_for_them() -> None:
    region = Path("/lab/regions/RegionOne")
    assert plan.ovs_database_socket(region) == region / "ovs" / "db.sock"
    assert plan.northbound_socket(region) == region / "ovn" / "nb.sock"
    assert plan.southbound_socket(region) == region / "ovn" / "sb.sock"


def test_joined_makes_one_transaction() -> None:
    assert plan.joined([["add-br", "a"], ["add-port", "a", "b"]]) == ["--", "add-br", "a", "--", "add-port", "a", "b"]


def test_chassis_is_named_like_the_nova_host() -> None:
    settings = plan.chassis_settings("pod2", Path("/s/sb.sock"))
    assert settings["external_ids:hostname"] == "pod2"
    assert settings["external_ids:system-id"] == "pod2"
    assert settings["external_ids:ovn-remote"] == '"unix:/s/sb.sock"'


def test_every_bridge_is_in_userspace() -> None:
    commands = [*plan.pod_switch("pod1", Path("/s")), *plan.physical_switch()]
    added = {words[2] for words in commands if words[1] == "add-br"}
    userspace = {words[2] for words in commands if words[:2] == ["set", "Bridge"] and "datapath_type=netdev" in words}
    assert added == userspace == {plan.INTEGRATION_BRIDGE, plan.PROVIDER_BRIDGE, plan.SWITCH_BRIDGE}


def test_unknown_traffic_is_dropped_by_the_integration_bridge_only() -> None:
    commands = plan.pod_switch("pod1", Path("/s"))
    secure = [words[2] for words in commands if "fail_mode=secure" in words]
    assert secure == [plan.INTEGRATION_BRIDGE]


def test_the_outside_is_on_an_access_port() -> None:
    assert ["set", "Port", plan.OUTSIDE_SWITCH_PORT, f"tag={plan.OUTSIDE_VLAN}"] in plan.physical_switch()
