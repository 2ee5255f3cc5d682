"""What pods must hold, without any pod."""

import pytest

from triune.network import names, plan
from triune.network.model import Group, Members, Network, Policy, Port, Rules
from triune.network.plan import Ref, Rule
from triune.network.resources import RESOURCES, SUBNET

PROJECT = "p"
NETWORK = {
    "id": "n", "name": "blue", "project_id": PROJECT, "admin_state_up": True, "mtu": 1500, "description": "",
    "provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 7,
    "qos_policy_id": None, "tags": [],
}  # fmt: skip
SUBNET_SHOWN = {
    "id": "s", "name": "", "project_id": PROJECT, "network_id": "n", "ip_version": 4, "cidr": "10.0.0.0/24",
    "gateway_ip": "10.0.0.1", "enable_dhcp": True, "dns_nameservers": [], "host_routes": [],
    "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.254"}],
}  # fmt: skip
PORT_SHOWN = {
    "id": "x", "name": "", "project_id": PROJECT, "network_id": "n", "admin_state_up": True,
    "mac_address": "fa:16:3e:00:00:01", "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.9"}],
    "security_groups": ["g"],
}  # fmt: skip
GROUP = {"id": "g", "name": "default", "project_id": PROJECT}
BOTH = frozenset({plan.REMOTE_ADDRESS_GROUPS})


@pytest.mark.parametrize("kind", ["vlan", "flat"])
def test_a_segment_that_means_the_same_everywhere_is_kept(kind):
    body = plan.network(Network({**NETWORK, "provider:network_type": kind})).body
    assert (body["provider:network_type"], body["provider:segmentation_id"]) == (kind, 7)


@pytest.mark.parametrize("kind", ["local", "vxlan", "geneve"])
def test_other_segments_are_the_pods_own_business(kind):
    body = plan.network(Network({**NETWORK, "provider:network_type": kind})).body
    assert not [name for name in body if name.startswith("provider:")]


def test_the_pools_of_the_top_never_matter():
    model = Network(NETWORK, (SUBNET_SHOWN,), held={"s": ("10.0.0.3", "10.0.0.8")})
    (subnet,) = plan.subnets(model)
    assert subnet.body["allocation_pools"] == [
        {"start": "10.0.0.3", "end": "10.0.0.3"}, {"start": "10.0.0.8", "end": "10.0.0.8"},
    ]  # fmt: skip


def test_a_subnet_whose_addresses_follow_from_macs_has_no_pools_of_ours():
    shown = {**SUBNET_SHOWN, "ip_version": 6, "ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    (subnet,) = plan.subnets(Network(NETWORK, (shown,)))
    assert "allocation_pools" not in subnet.body
    assert not plan.needs_addresses(shown)


def test_a_port_without_port_security_has_neither_groups_nor_pairs():
    shown = {**PORT_SHOWN, "port_security_enabled": False, "allowed_address_pairs": [{"ip_address": "10.0.0.1"}]}
    body = plan.port(Port(shown)).body
    assert (body["security_groups"], body["allowed_address_pairs"]) == ([], [])


def test_an_address_that_follows_from_the_mac_is_not_asked_for():
    body = plan.port(Port(PORT_SHOWN, frozenset({"s"}))).body
    assert body["fixed_ips"] == [{"subnet_id": Ref(SUBNET, "s")}]


def test_the_default_group_has_another_name_in_pods():
    assert plan.group(Group(GROUP)).body["name"] == plan.DEFAULT_TWIN
    assert plan.group(Group({**GROUP, "name": "web"})).body["name"] == "web"


def rule(**fields):
    return {"direction": "ingress", "ethertype": "IPv4", **fields}


def test_a_remote_group_is_itself_here_and_addresses_elsewhere():
    elsewhere = frozenset({"10.0.0.5/32", "fd00::5/128"})
    model = Rules(GROUP, (rule(remote_group_id="r"),), {"r": Members(True, elsewhere)})
    assert plan.rules(model, BOTH) == {
        Rule("ingress", "IPv4", remote_group_id=Ref(names.SECURITY_GROUP, "r")),
        Rule("ingress", "IPv4", remote_address_group_id=Ref(names.REMOTE_GROUP, "r")),
    }
    assert plan.rules(model, frozenset()) == {
        Rule("ingress", "IPv4", remote_group_id=Ref(names.SECURITY_GROUP, "r")),
        Rule("ingress", "IPv4", remote_ip_prefix="10.0.0.5/32"),
    }


def test_a_remote_group_without_members_here_is_addresses_alone():
    model = Rules(GROUP, (rule(remote_group_id="r"),), {"r": Members(False, frozenset())})
    assert plan.rules(model, BOTH) == {
        Rule("ingress", "IPv4", remote_address_group_id=Ref(names.REMOTE_GROUP, "r"))
    }  # fmt: skip


def test_an_address_group_is_spelled_out_where_a_pod_knows_none():
    model = Rules(GROUP, (rule(remote_address_group_id="a"),), addresses={"a": frozenset({"10.0.0.0/8", "fd00::/8"})})
    assert plan.rules(model, frozenset()) == {Rule("ingress", "IPv4", remote_ip_prefix="10.0.0.0/8")}


def test_two_rules_with_one_value_are_one_whatever_they_say_of_themselves():
    model = Rules(GROUP, (rule(description="a"), rule(description="b")))
    assert len(plan.rules(model, BOTH)) == 1


def test_limits_that_a_pod_does_not_know_are_left_out():
    rules = [
        {"type": "bandwidth_limit", "max_kbps": 1, "direction": "ingress", "id": "1"},
        {"type": "dscp_marking", "dscp_mark": 10, "id": "2"},
        {"type": "packet_rate_limit", "max_kpps": 1, "direction": "egress", "id": "3"},
    ]
    shown = {"id": "q", "name": "q", "project_id": PROJECT, "rules": rules}
    assert plan.limits(shown, frozenset({"qos"})) == {("dscp_marking", ""): {"dscp_mark": 10}}
    everything = frozenset({"qos", "qos-pps", "qos-bw-limit-direction"})
    assert len(plan.limits(shown, everything)) == 3
    assert plan.policy(Policy(shown)).body["name"] == "q"


def test_more_tags_than_a_pod_takes_are_cut():
    twin = plan.network(Network({**NETWORK, "tags": [f"t{number:02}" for number in range(50)]}))
    assert len(twin.tags) == plan.MOST_TAGS


def test_tags_of_a_user_that_look_like_ours_stay_at_the_top():
    tags = ["triune", "Triune", "triune:0", "TRIUNE:x", "triunes", "own"]
    assert plan.network(Network({**NETWORK, "tags": tags})).tags == {"triunes", "own"}


@pytest.mark.parametrize(
    ("record", "top_id"),
    [
        ({"tags": ["triune", "triune:a"], "name": "x"}, "a"),
        ({"tags": ["triune:a"], "name": "x"}, None),
        ({"tags": ["triune", "triune:0", "triune:a"], "name": "triune:a"}, None),
        ({"tags": [], "name": "triune:a"}, "a"),
        ({"name": "triunes"}, None),
        ({"tags": None, "name": None}, None),
    ],
)
def test_what_something_is_the_twin_of(record, top_id):
    assert RESOURCES[names.NETWORK].top_id(record) == top_id


def test_references_are_found_and_resolved_at_any_depth():
    ref = Ref(SUBNET, "s")
    value = {"a": [{"b": ref}], "c": (ref, 1)}
    assert plan.references(value) == {ref}
    assert plan.resolved(value, {ref: "bottom"}) == {"a": [{"b": "bottom"}], "c": ["bottom", 1]}
    with pytest.raises(KeyError):
        plan.resolved(value, {})
