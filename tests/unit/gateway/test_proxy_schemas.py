"""What Nova's proxies refuse: the texts are those that Nova 34 gives itself, with jsonschema 4.26."""

from typing import Any

import pytest

from triune.gateway.compute.proxies import floating_ip_actions, floating_ips, security_group_rules, security_groups
from triune.gateway.compute.proxies.schema import Schema, check
from triune.gateway.compute.proxies.security_group_rules import Wanted, body, read
from triune.gateway.errors import ApiError

ID = "11111111-1111-1111-1111-111111111111"
GROUP, RULE, POOL = security_groups.WRITTEN, security_group_rules.CREATED, floating_ips.CREATED
ADD, REMOVE = (floating_ip_actions.SCHEMAS[name] for name in ("addFloatingIp", "removeFloatingIp"))
FIELD = "Invalid input for field/attribute"


@pytest.mark.parametrize(
    ("schema", "document", "text"),
    [
        (GROUP, None, "None is not of type 'object'"),
        (GROUP, {}, "'security_group' is a required property"),
        (GROUP, {"security_group": []}, f"{FIELD} security_group. Value: []. [] is not of type 'object'"),
        (GROUP, {"security_group": {}}, f"{FIELD} security_group. Value: {{}}. 'name' is a required property"),
        (
            GROUP,
            {"security_group": {"description": True, "name": ""}},
            f"{FIELD} description. Value: True. True is not of type 'string'",
        ),
        (
            RULE,
            {"security_group_rule": {"parent_group_id": "x"}},
            f"{FIELD} parent_group_id. Value: x. 'x' is not a 'uuid'",
        ),
        (
            RULE,
            {"security_group_rule": {"group_id": 5}},
            f"{FIELD} group_id. Value: 5. 5 is not of type 'string', 'null'",
        ),
        (POOL, [], "[] is not of type 'object', 'null'"),
        (
            ADD,
            {"addFloatingIp": {"address": "192.0.2.7", "x": 1, "y": 1}},
            f"{FIELD} addFloatingIp. Value: {{'address': '192.0.2.7', 'x': 1, 'y': 1}}. Additional properties are not "
            "allowed ('x', 'y' were unexpected)",
        ),
        (
            ADD,
            {"addFloatingIp": {"address": "192.0.2.7", "fixed_address": "fe80::1%eth0"}},
            f"{FIELD} fixed_address. Value: fe80::1%eth0. 'fe80::1%eth0' is not valid under any of the given schemas",
        ),
        (REMOVE, {"removeFloatingIp": {}, "b": 1}, f"{FIELD} removeFloatingIp. Value: {{}}. 'address' is a required "
         "property"),
    ],
)  # fmt: skip
def test_what_a_schema_refuses(schema: Schema, document: Any, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        check(document, schema)
    assert (caught.value.status, caught.value.message) == (400, text)


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        (GROUP, {"x": 1, "security_group": {"description": "", "name": "", "z": 1}}),
        (RULE, {"security_group_rule": {"parent_group_id": ID, "group_id": None, "cidr": []}}),
        (RULE, {"security_group_rule": {"parent_group_id": f"urn:uuid:{ID}"}}),
        (POOL, None),
        (POOL, {"pool": None, "x": 1}),
        (ADD, {"addFloatingIp": {"address": "0.0.0.0", "fixed_address": "::1"}}),
    ],
)
def test_what_a_schema_allows(schema: Schema, document: Any) -> None:
    check(document, schema)


@pytest.mark.parametrize(
    ("rule", "wanted", "stored"),
    [
        (
            {"ip_protocol": "TCP", "from_port": "1", "to_port": 2},
            Wanted("0.0.0.0/0", None, "TCP", 1, 2),
            {"ethertype": "IPv4", "remote_ip_prefix": "0.0.0.0/0", "port_range_min": 1, "port_range_max": 2},
        ),
        (
            {"ip_protocol": "icmp", "from_port": 8, "to_port": -1, "cidr": "::/0"},
            Wanted("::/0", None, "icmp", 8, -1),
            {"ethertype": "IPv6", "remote_ip_prefix": "::/0", "port_range_min": 8},
        ),
        ({"group_id": ID, "ip_protocol": "icmp"}, Wanted(None, ID, "icmp", -1, -1), {"remote_group_id": ID}),
        ({"group_id": ID, "cidr": "10.0.0.0/8"}, Wanted(None, ID), {"remote_group_id": ID, "protocol": None}),
        # Nova forgets the protocol, if it is told of one port only.
        ({"group_id": ID, "ip_protocol": "tcp", "from_port": 1}, Wanted(None, ID), {"protocol": None}),
    ],
)
def test_rules_are_read_and_written_as_by_nova(rule: dict[str, Any], wanted: Wanted, stored: dict[str, Any]) -> None:
    assert read(rule) == wanted
    written = body("parent", wanted)
    assert stored.items() <= written.items()
    assert {"port_range_min", "port_range_max"} & written.keys() == stored.keys() & {"port_range_min", "port_range_max"}
    assert (written["direction"], written["security_group_id"]) == ("ingress", "parent")


def test_what_the_version_of_old_does_not_know_is_dropped() -> None:
    document = {"addFloatingIp": {"address": "10.0.0.1", "colour": "red"}, "size": 3}
    check(document, ADD, relaxed=True)
    assert document == {"addFloatingIp": {"address": "10.0.0.1"}}
    with pytest.raises(ApiError, match="'address' is a required property"):
        check({"addFloatingIp": {"colour": "red"}}, ADD, relaxed=True)
