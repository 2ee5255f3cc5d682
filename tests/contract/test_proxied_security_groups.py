"""Security groups and their rules by Nova's old API: they are those of central Neutron."""

import uuid
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client, Reply
from .servers_on_networks import message

GROUPS = "/compute/v2.1/os-security-groups"
RULES = "/compute/v2.1/os-security-group-rules"
NOT_A_UUID = "Security group id should be uuid"


def told(reply: Reply) -> str:
    """The text of a refusal, without the id of Neutron's request, which Nova adds to it."""
    text, line, request_id = message(reply).partition("\nNeutron server returns request_ids: ['req-")
    assert bool(line) == request_id.endswith("']")
    return text


async def new_group(client: Client, name: str = "web") -> Record:
    reply = await client.post(GROUPS, {"security_group": {"name": name, "description": "of servers"}})
    assert reply.status == 200, reply.text
    group: Record = reply.json["security_group"]
    return group


async def let_in(client: Client, group: Record, **fields: Any) -> Reply:
    return await client.at("compute 2.35").post(
        RULES, {"security_group_rule": {"parent_group_id": group["id"], **fields}}
    )


@pytest.mark.proves(
    "compute",
    "GET /os-security-groups",
    "POST /os-security-groups",
    "GET /os-security-groups/{security_group_id}",
    "PUT /os-security-groups/{security_group_id}",
    "DELETE /os-security-groups/{security_group_id}",
)
async def test_a_group_from_its_beginning_to_its_end(cloud: Cloud, client: Client) -> None:
    project_id = client.token.project_id or ""
    group = await new_group(client, " web ")
    assert group == {
        "id": group["id"], "name": " web ", "description": "of servers", "tenant_id": project_id, "rules": []
    }  # fmt: skip
    assert cloud.central.groups[group["id"]]["name"] == " web "
    default = cloud.central.default_group(project_id)
    listed = (await client.at("compute 2.35").get(GROUPS)).json["security_groups"]
    # Sorted by name.
    assert [each["id"] for each in listed] == [group["id"], default["id"]]
    assert listed[0] == group
    own = {"name": "default", "tenant_id": project_id}
    assert [(rule["group"], rule["ip_range"], rule["ip_protocol"]) for rule in listed[1]["rules"]] == [
        (own, {}, None), (own, {}, None)
    ]  # fmt: skip
    assert (await client.get(f"{GROUPS}/{group['id']}")).json == {"security_group": group}
    wanted = {"name": "db", "description": ""}
    reply = await client.put(f"{GROUPS}/{group['id']}", json={"security_group": wanted})
    assert (reply.status, reply.json) == (200, {"security_group": {**group, **wanted}})
    reply = await client.delete(f"{GROUPS}/{group['id']}")
    assert (reply.status, reply.body) == (202, b"")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.1"
    assert group["id"] not in cloud.central.groups
    for reply in (
        await client.get(f"{GROUPS}/{group['id']}"),
        await client.put(f"{GROUPS}/{group['id']}", json={"security_group": wanted}),
        await client.delete(f"{GROUPS}/{group['id']}"),
    ):
        assert (reply.status, told(reply)) == (404, f"Security group {group['id']} does not exist")
        assert "req-" in message(reply)
    assert not any(pod.neutron.groups for pod in cloud.pods)


async def test_whose_groups_are_listed(cloud: Cloud, client: Client, admin: Client) -> None:
    mine, others = await new_group(client), await new_group(admin, "admins")
    for query, expected in (("", False), ("?all_tenants=1", True), ("?all_tenants=", True), ("?name=x", False)):
        for who, own in ((client, mine), (admin, others)):
            listed = (await who.get(f"{GROUPS}{query}")).json["security_groups"]
            ids = {each["id"] for each in listed}
            assert own["id"] in ids
            assert ({mine["id"], others["id"]} <= ids) == (expected and who is admin)
            assert listed == sorted(listed, key=lambda each: (each["tenant_id"], each["name"]))
    # A group of somebody else is not there, to whomever it is not shown.
    for reply in (await client.get(f"{GROUPS}/{others['id']}"), await client.delete(f"{GROUPS}/{others['id']}")):
        assert (reply.status, told(reply)) == (404, f"Security group {others['id']} does not exist")
    assert (await admin.get(f"{GROUPS}/{mine['id']}")).json["security_group"] == mine


async def test_parts_of_a_list(cloud: Cloud, client: Client) -> None:
    cloud.central.max_limit = 2
    ids = {(await new_group(client, f"g{number}"))["id"] for number in range(4)}
    ids.add(cloud.central.default_group(client.token.project_id or "")["id"])

    async def part(query: str) -> list[str]:
        return [each["id"] for each in (await client.get(f"{GROUPS}?{query}")).json["security_groups"]]

    singles = [await part(f"limit=1&offset={offset}") for offset in range(6)]
    assert [len(each) for each in singles] == [1, 1, 1, 1, 1, 0]
    assert {each[0] for each in singles[:5]} == ids
    assert set(await part("limit=3")) == {each[0] for each in singles[:3]}
    for query in ("", "limit=0", "offset=0", f"limit={'9' * 5000}", "limit=1&limit=7", "marker=x"):
        assert set(await part(query)) == ids, query
    assert await part(f"offset={'9' * 5000}") == []
    for query, text in (
        ("limit=-1", "limit. Value: -1. '-1' does not match '^[0-9]*$'"),
        ("offset=x", "offset. Value: x. 'x' does not match '^[0-9]*$'"),
        ("limit=1&limit=", "limit. Value: . '' should be non-empty"),
    ):
        reply = await client.get(f"{GROUPS}?{query}")
        assert (reply.status, message(reply)) == (400, f"Invalid input for query parameters {text}")
    reply = await client.get(f"{GROUPS}?name=%ff")
    assert (reply.status, message(reply)) == (400, "Query string is not UTF-8 encoded")


async def test_what_cannot_be_done_to_groups(cloud: Cloud, client: Client) -> None:
    project_id = client.token.project_id or ""
    default = cloud.central.default_group(project_id)
    group = await new_group(client)
    network = cloud.central.add_network(project_id)
    cloud.central.add_port(project_id, network, security_groups=[group["id"]], fixed_ips=[])
    wanted = {"security_group": {"name": "other", "description": ""}}
    cases: tuple[tuple[Reply, int, str], ...] = (
        (await client.delete(f"{GROUPS}/{group['id']}"), 400, f"Security Group {group['id']} in use."),
        (
            await client.delete(f"{GROUPS}/{default['id']}"),
            400,
            "Insufficient rights for removing default security group.",
        ),
        # Nova says 500 here, and not why.
        (
            await client.put(f"{GROUPS}/{default['id']}", json=wanted),
            409,
            "Updating default security group not allowed.",
        ),
        (await client.get(f"{GROUPS}/1"), 400, NOT_A_UUID),
        (await client.delete(f"{GROUPS}/a%2Fb"), 400, NOT_A_UUID),
        (await client.put(f"{GROUPS}/1", json=wanted), 400, NOT_A_UUID),
        (
            await client.put(f"{GROUPS}/1", json={"security_group": {"name": "a"}}),
            400,
            "Invalid input for field/attribute security_group. Value: {'name': 'a'}. 'description' is a required "
            "property",
        ),
        (
            await client.post(GROUPS, {"security_group": {"name": "a" * 256, "description": ""}}),
            400,
            f"Invalid input for field/attribute name. Value: {'a' * 256}. '{'a' * 256}' is too long",
        ),
        (
            await client.post(GROUPS, data=b"", headers={"Content-Type": "application/json"}),
            400,
            "None is not of type 'object'",
        ),
    )
    for reply, status, text in cases:
        assert (reply.status, told(reply)) == (status, text)
    cloud.central.quota[project_id, "security_groups"] = 2
    reply = await client.post(GROUPS, wanted)
    assert (reply.status, told(reply)) == (403, "Quota exceeded for resources: ['security_group'].")
    assert {each["name"] for each in cloud.central.groups.values()} == {"default", "web"}


@pytest.mark.proves(
    "compute", "POST /os-security-group-rules", "DELETE /os-security-group-rules/{security_group_rule_id}"
)
async def test_rules(cloud: Cloud, client: Client) -> None:
    web, db = await new_group(client), await new_group(client, "db")
    tcp = {"ip_protocol": "tcp", "from_port": 22, "to_port": "22"}
    anybody: dict[str, Any] = {"group": {}, "ip_range": {"cidr": "0.0.0.0/0"}}
    of_db = {"group": {"name": "db", "tenant_id": client.token.project_id}, "ip_range": {}}
    cases: tuple[tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], tuple[Any, ...]], ...] = (
        (tcp, ("tcp", 22, 22), anybody, ("IPv4", 22, 22)),
        ({**tcp, "cidr": "10.2.3.124/24"}, ("tcp", 22, 22), {"group": {}, "ip_range": {"cidr": "10.2.3.124/24"}},
         ("IPv4", 22, 22)),
        ({**tcp, "cidr": "2001%3Adb8::/64"}, ("tcp", 22, 22), {"group": {}, "ip_range": {"cidr": "2001:db8::/64"}},
         ("IPv6", 22, 22)),
        ({**tcp, "group_id": db["id"]}, ("tcp", 22, 22), of_db, ("IPv4", 22, 22)),
        ({"ip_protocol": "icmp", "from_port": -1, "to_port": -1}, ("icmp", -1, -1), anybody, ("IPv4", None, None)),
        ({"ip_protocol": "udp", "group_id": db["id"], "cidr": "x"}, ("udp", 1, 65535), of_db, ("IPv4", 1, 65535)),
        ({"group_id": db["id"]}, (None, None, None), of_db, ("IPv4", None, None)),
    )  # fmt: skip
    made = []
    for fields, numbers, source, stored in cases:
        reply = await let_in(client, web, **fields)
        assert reply.status == 200, reply.text
        rule = reply.json["security_group_rule"]
        made.append(rule)
        protocol, first, last = numbers
        assert rule == {
            "id": rule["id"], "parent_group_id": web["id"], "ip_protocol": protocol, "from_port": first,
            "to_port": last, **source,
        }  # fmt: skip
        at_top = cloud.central.rules[rule["id"]]
        assert (at_top["ethertype"], at_top["port_range_min"], at_top["port_range_max"]) == stored
        assert at_top["direction"] == "ingress"
    shown = (await client.get(f"{GROUPS}/{web['id']}")).json["security_group"]["rules"]
    assert sorted(shown, key=lambda rule: str(rule["id"])) == sorted(made, key=lambda rule: str(rule["id"]))
    reply = await client.delete(f"{RULES}/{made[0]['id']}")
    assert (reply.status, reply.body) == (202, b"")
    assert made[0]["id"] not in cloud.central.rules
    reply = await client.delete(f"{RULES}/{made[0]['id']}")
    assert (reply.status, told(reply)) == (404, f"Security group rule {made[0]['id']} does not exist")
    assert (await client.delete(f"{GROUPS}/{db['id']}")).status == 202
    shown = (await client.get(f"{GROUPS}/{web['id']}")).json["security_group"]["rules"]
    assert {rule["id"] for rule in shown} == {made[number]["id"] for number in (1, 2, 4)}


async def test_what_no_rule_is(cloud: Cloud, client: Client) -> None:
    group, unknown = await new_group(client), str(uuid.uuid4())
    tcp = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22}
    assert (await let_in(client, group, **tcp)).status == 200
    udp = {"ip_protocol": "udp", "group_id": group["id"]}
    assert (await let_in(client, group, **udp)).status == 200
    (last,) = (rule for rule in cloud.central.rules.values() if rule["protocol"] == "udp")
    before = dict(cloud.central.rules)
    ports = "Invalid port range {}. {}"
    cases: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"parent_group_id": "7"}, 400, "Invalid input for field/attribute parent_group_id. Value: 7. '7' is not a "
         "'uuid'"),
        ({**tcp, "parent_group_id": unknown}, 404, f"Security group {unknown} does not exist"),
        ({**tcp, "group_id": unknown}, 404, f"Security group {unknown} does not exist"),
        ({"ip_protocol": "tcp"}, 400, "Not enough parameters to build a valid rule."),
        ({**tcp, "ip_protocol": "999"}, 400, "Invalid IP protocol 999."),
        ({**tcp, "from_port": 65536}, 400, ports.format("65536:22", "Former value cannot be greater than the later")),
        ({**tcp, "to_port": 21}, 400, ports.format("22:21", "Former value cannot be greater than the later")),
        ({**tcp, "to_port": 65536}, 400, ports.format("22:65536", "Valid TCP ports should be between 1-65535")),
        ({**tcp, "from_port": "a"}, 400, "Invalid input received: To and From ports must be integers"),
        ({**tcp, "ip_protocol": "icmp", "to_port": 256}, 400,
         ports.format("22:256", "For ICMP, the type:code must be valid")),
        ({**tcp, "cidr": "10.0.0.1"}, 400, "10.0.0.1 is not a valid IP network."),
        ({**tcp, "cidr": ["a"]}, 400, "['a'] is not a valid IP network."),
        ({**tcp, "cidr": "10.0.0.0/0"}, 400, "Bad prefix for network in cidr 10.0.0.0/0"),
        (tcp, 400, f"This rule already exists in group {group['id']}"),
        # Nova does not see that it is the same one.
        (udp, 403, f"Security group rule already exists. Rule id is {last['id']}."),
    )  # fmt: skip
    for fields, status, text in cases:
        reply = await let_in(client, group, **fields)
        assert (reply.status, told(reply)) == (status, text), fields
    reply = await client.delete(f"{RULES}/1")
    assert (reply.status, message(reply)) == (400, NOT_A_UUID)
    cloud.central.quota[client.token.project_id or "", "security_group_rules"] = 1
    reply = await let_in(client, group, **{**tcp, "to_port": 23})
    assert (reply.status, told(reply)) == (403, "Quota exceeded for resources: ['security_group_rule'].")
    assert cloud.central.rules == before
