"""Which keys of the journal a change in central Neutron touches, in the same transaction."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from . import networks
from .journal import Journal, Key, Placer, placed, service_user
from .lab import WORKER, Lab
from .people import Person


@pytest.fixture(scope="module")
def placer(lab: Lab) -> Iterator[Placer]:
    """Places ports; Triune's worker rests, so that keys stay as they are written."""
    user = service_user(lab)
    pods = {region: pod for pod, region in lab.query("SELECT pod_id, region_name FROM pods WHERE az_name != ''")}
    with lab.stopped(WORKER):
        yield Placer(user, pods)
    user.close()


@pytest.fixture
def journal(lab: Lab, tenant: Person, placer: Placer) -> Journal:
    """Tells what is touched."""
    told = Journal(lab, tenant.project_id)
    for number, pod in enumerate(placer.pods.values(), start=1):
        told.name(pod, f"pod{number}")
    return told


@pytest.fixture
def neutron(tenant: Person) -> Any:
    """Central Neutron, as a tenant uses it."""
    return tenant.central.network


@pytest.fixture
def anna(tenant: Person, journal: Journal, prefix: str) -> Iterator[Any]:
    """A port in no pod, its network, subnet and group: `anna`, `blue`, `web`."""
    with (
        networks.group(tenant, f"{prefix}-web") as web,
        networks.network(tenant, f"{prefix}-blue", networks.v4()) as blue,
        networks.port(tenant, blue, f"{prefix}-anna", security_group_ids=[web.id]) as port,
    ):
        for resource, name in ((port, "anna"), (blue, "blue"), (web, "web")):
            journal.name(resource.id, name)
        yield port


@pytest.fixture
def first(placer: Placer, journal: Journal, anna: Any) -> Iterator[Any]:
    """The same port in the first pod."""
    with placed(placer, anna.id, next(iter(placer.pods))):
        yield anna


ANNA: Key = ("port", "anna", "pod1")
BLUE: Key = ("network", "blue", "pod1")
WEB: Key = ("security_group", "web", "pod1")
# The id of a server that nobody has.
SERVER = "6f70656e-7374-4163-ab00-000000000002"
RULES: Key = ("security_group_rules", "web", "pod1")


def test_a_port_in_no_pod_touches_nothing(journal: Journal, neutron: Any, anna: Any) -> None:
    web, blue = anna.security_group_ids[0], anna.network_id
    assert journal.touched(neutron.update_port, anna.id, name="other") == set()
    assert journal.touched(neutron.set_tags, anna, ["a"]) == set()
    assert journal.touched(neutron.update_network, blue, name="other") == set()
    assert journal.touched(neutron.update_security_group, web, name="other") == set()
    rule = {"security_group_id": web, "direction": "ingress", "protocol": "tcp"}
    assert journal.touched(neutron.create_security_group_rule, **rule) == set()


def test_placing_moving_releasing(journal: Journal, placer: Placer, anna: Any) -> None:
    one, two = placer.pods
    assert journal.touched(placer.place, anna.id, one) == {ANNA}
    assert journal.placements()["anna"] == "pod1"
    assert journal.touched(placer.place, anna.id, two) == {ANNA, BLUE, WEB, ("port", "anna", "pod2")}
    assert journal.placements()["anna"] == "pod2"
    away = {(kind, name, "pod2") for kind, name, _ in (ANNA, BLUE, WEB)}
    assert journal.touched(placer.release, anna.id) == away
    assert "anna" not in journal.placements()


def test_a_removed_port(journal: Journal, neutron: Any, first: Any) -> None:
    assert journal.touched(neutron.delete_port, first.id) == {ANNA, BLUE, WEB}
    assert "anna" not in journal.placements()


def test_whose_and_which_request(journal: Journal, tenant: Person, first: Any) -> None:
    answer = tenant.ask("network", f"/v2.0/ports/{first.id}", "PUT", json={"port": {"name": "other"}})
    asked = {"project_id": tenant.project_id, "request_id": answer.headers["X-Openstack-Request-Id"]}
    assert journal.row("port", first.id) == asked
    headers = {"X-Openstack-Request-Id": f"req-{uuid.uuid4()}"}
    tenant.ask("network", f"/v2.0/networks/{first.network_id}/tags/a", "PUT", headers=headers)
    assert journal.row("network", first.network_id) == {**asked, "request_id": headers["X-Openstack-Request-Id"]}


def test_attributes_of_a_port(journal: Journal, placer: Placer, neutron: Any, first: Any) -> None:
    for attributes in (
        {"name": "other"},
        {"description": "other"},
        {"is_admin_state_up": False},
        {"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400"}]},
        {"dns_name": "other"},
        {"allowed_address_pairs": [{"ip_address": "10.201.0.9"}]},
    ):
        assert journal.touched(neutron.update_port, first.id, **attributes) == {ANNA}, attributes
    one = next(iter(placer.pods))
    host = {"binding:host_id": "host"}
    assert journal.touched(placer.place, first.id, one, "ACTIVE", **host) == set()
    devices: dict[str, set[Key]] = {"triune-boot-1": set(), "s": set(), SERVER: {("server", SERVER, "pod1")}}
    for device, keys in devices.items():
        assert journal.touched(placer.put, first.id, device_id=device, device_owner="compute:az1") == keys
    # What the port's server is asked for is asked for once.
    assert journal.touched(placer.place, first.id, one, "DOWN", **host) == set()


def test_what_is_refused_touches_nothing(journal: Journal, tenant: Person, placer: Placer, first: Any) -> None:
    statuses: list[int] = []

    def refused(path: str, method: str, **body: Any) -> set[Key]:
        keys = journal.touched(tenant.ask, "network", path, method, json=body or None)
        statuses.append(journal.made.status_code)
        return keys

    address = {"name": "other", "fixed_ips": [{"ip_address": "192.0.2.1"}]}
    assert refused(f"/v2.0/ports/{first.id}", "PUT", port=address) == set()
    web = first.security_group_ids[0]
    twice = {"security_group_id": web, "direction": "egress", "ethertype": "IPv4"}
    assert refused("/v2.0/security-group-rules", "POST", security_group_rule=twice) == set()
    assert refused(f"/v2.0/networks/{first.network_id}", "DELETE") == set()
    overlapping = {"network_id": first.network_id, "ip_version": 4, "cidr": "10.201.0.0/16"}
    assert refused("/v2.0/subnets", "POST", subnet=overlapping) == set()
    assert statuses == [400, 409, 409, 400]


def test_a_quota_that_is_used_up_touches_nothing(
    journal: Journal, admin: Person, tenant: Person, placer: Placer, first: Any
) -> None:
    used = len(list(tenant.central.network.ports(project_id=tenant.project_id)))
    admin.central.network.update_quota(tenant.project_id, ports=used)
    profile = {"triune": {"pod": next(iter(placer.pods.values()))}}
    body = {"port": {"network_id": first.network_id, "project_id": tenant.project_id, "binding:profile": profile}}
    try:
        for each in (body, {"ports": [body["port"]]}):
            assert journal.touched(placer.user.ask, "network", "/v2.0/ports", "POST", json=each) == set()
            assert journal.made.status_code == 409
    finally:
        admin.central.network.delete_quota(tenant.project_id)


def test_several_ports_at_once(journal: Journal, tenant: Person, placer: Placer, anna: Any) -> None:
    common = {"network_id": anna.network_id, "project_id": tenant.project_id, "security_groups": []}
    good, bad = ({"binding:profile": {"triune": {"pod": pod}}} for pod in (next(iter(placer.pods.values())), "none"))

    def create(*profiles: dict[str, Any]) -> Any:
        body = {"ports": [{**common, **profile} for profile in profiles]}
        return placer.user.ask("network", "/v2.0/ports", "POST", json=body)

    assert journal.touched(create, good, bad) == set()
    keys = journal.touched(create, good, {})
    made = journal.made.json()["ports"]
    assert keys == {("port", made[0]["id"], "pod1")}
    for port in made:
        tenant.central.network.delete_port(port["id"])


def test_networks_and_subnets(journal: Journal, neutron: Any, first: Any) -> None:
    blue = first.network_id
    assert journal.touched(neutron.update_network, blue, name="other") == {BLUE}
    assert journal.touched(neutron.update_network, blue, name="other") == set()
    assert journal.touched(neutron.update_network, blue, mtu=1400) == {BLUE}
    assert journal.touched(neutron.create_subnet, network_id=blue, **networks.v4()) == {BLUE}
    subnet = journal.made
    assert journal.touched(neutron.update_subnet, subnet.id, dns_nameservers=["192.0.2.53"]) == {BLUE}
    assert journal.touched(neutron.set_tags, subnet, ["a"]) == {BLUE}
    assert journal.touched(neutron.delete_subnet, subnet.id) == {BLUE}


def test_addresses_that_come_and_go_with_a_subnet(journal: Journal, neutron: Any, first: Any) -> None:
    v6 = networks.v6("slaac", ipv6_ra_mode="slaac")
    assert journal.touched(neutron.create_subnet, network_id=first.network_id, **v6) == {BLUE, ANNA}
    assert len(neutron.get_port(first.id).fixed_ips) == 2
    assert journal.touched(neutron.delete_subnet, journal.made.id) == {BLUE, ANNA}


def share(journal: Journal, admin: Person, kind: str, object_id: str, project_id: str) -> list[set[Key]]:
    """What is touched when something is lent, and when it is taken back."""
    neutron = admin.central.network
    wanted = {"object_type": kind, "object_id": object_id, "action": "access_as_shared"}
    lent = journal.touched(neutron.create_rbac_policy, **wanted, target_project_id=project_id)
    return [lent, journal.touched(neutron.delete_rbac_policy, journal.made.id)]


def test_shares(journal: Journal, admin: Person, stranger: Person, first: Any) -> None:
    (web,) = first.security_group_ids
    assert share(journal, admin, "network", first.network_id, stranger.project_id) == [{BLUE}, {BLUE}]
    assert share(journal, admin, "security_group", web, stranger.project_id) == [{WEB}, {WEB}]


def test_tags(journal: Journal, neutron: Any, first: Any) -> None:
    web = neutron.get_security_group(first.security_group_ids[0])
    for resource, key in ((first, ANNA), (neutron.get_network(first.network_id), BLUE), (web, WEB)):
        for tags in (["a", "b"], ["b"], []):
            assert journal.touched(neutron.set_tags, resource, tags) == {key}


def test_groups_and_rules(
    journal: Journal, admin: Person, tenant: Person, stranger: Person, neutron: Any, first: Any, prefix: str
) -> None:
    web = first.security_group_ids[0]
    assert journal.touched(neutron.update_security_group, web, description="other") == {WEB}
    made: list[Any] = []

    def add(**rule: Any) -> None:
        made.append(neutron.create_security_group_rule(security_group_id=web, direction="ingress", **rule))

    with (
        networks.group(tenant, f"{prefix}-db") as database,
        networks.address_group(tenant, f"{prefix}-office", "192.0.2.0/24") as office,
    ):
        journal.name(database.id, "db")
        journal.name(office.id, "office")
        office_key = ("address_group", "office", "pod1")
        assert journal.touched(add, protocol="tcp") == {RULES}
        assert journal.touched(add, remote_group_id=database.id) == {RULES}
        assert journal.touched(add, remote_address_group_id=office.id) == {RULES}
        more = ["198.51.100.0/24", "203.0.113.0/24"]
        assert journal.touched(neutron.add_addresses_to_address_group, office, more) == {office_key}
        assert journal.touched(neutron.remove_addresses_from_address_group, office, more[:1]) == {office_key}
        assert journal.touched(neutron.update_address_group, office, name="bureau") == {office_key}
        assert share(journal, admin, "address_group", office.id, stranger.project_id) == [{office_key}, {office_key}]
        tcp, remote, addresses = made
        assert journal.touched(neutron.delete_security_group_rule, addresses.id) == {RULES, office_key}
        assert journal.touched(neutron.delete_security_group_rule, tcp.id) == {RULES}
        # The rule goes with the group that it names, without a word from Neutron about the rule.
        third = neutron.create_security_group(name=f"{prefix}-third")
        journal.name(third.id, "third")
        add(remote_group_id=third.id)
        gone = journal.touched(neutron.delete_security_group, third.id)
        assert gone == {RULES, ("remote_group", "third", "pod1")}
        assert journal.touched(neutron.delete_security_group_rule, remote.id) == {
            RULES,
            ("remote_group", "db", "pod1"),
        }


def test_members_in_another_pod(
    journal: Journal, tenant: Person, placer: Placer, neutron: Any, first: Any, prefix: str
) -> None:
    web, two = first.security_group_ids[0], list(placer.pods)[1]
    with networks.group(tenant, f"{prefix}-db") as database:
        journal.name(database.id, "db")
        networks.allow(tenant, neutron.get_security_group(web), remote_group_id=database.id)
        blue = neutron.get_network(first.network_id)
        with networks.port(tenant, blue, f"{prefix}-bert", security_group_ids=[database.id]) as bert:
            journal.name(bert.id, "bert")
            here, members = ("port", "bert", "pod2"), ("remote_group", "db", "pod1")
            assert journal.touched(placer.place, bert.id, two) == {here, members}
            pairs = [{"ip_address": "10.201.0.77"}]
            assert journal.touched(neutron.update_port, bert.id, allowed_address_pairs=pairs) == {here, members}
            assert journal.touched(neutron.update_port, bert.id, name="other") == {here}
            left = journal.touched(neutron.update_port, bert.id, security_group_ids=[])
            assert left == {here, members, ("security_group", "db", "pod2")}
            joined = journal.touched(neutron.update_port, bert.id, security_group_ids=[database.id])
            assert joined == {here, members}
            # In one pod with the rule, the group itself stands for the member.
            one = next(iter(placer.pods))
            moved = journal.touched(placer.place, bert.id, one)
            assert moved == {
                here,
                members,
                ("network", "blue", "pod2"),
                ("security_group", "db", "pod2"),
                ("port", "bert", "pod1"),
                RULES,
            }
            placer.release(bert.id)
        (rule,) = neutron.security_group_rules(remote_group_id=database.id)
        neutron.delete_security_group_rule(rule.id)


def test_policies(
    journal: Journal, admin: Person, tenant: Person, stranger: Person, neutron: Any, first: Any, prefix: str
) -> None:
    manager = admin.central.network
    policy = manager.create_qos_policy(name=prefix, project_id=tenant.project_id)
    journal.name(policy.id, "gold")
    gold = ("qos_policy", "gold", "pod1")
    assert journal.touched(manager.create_qos_bandwidth_limit_rule, policy.id, max_kbps=1000) == set()
    limit = journal.made
    for use, resource_id, key in (
        (neutron.update_port, first.id, ANNA),
        (neutron.update_network, first.network_id, BLUE),
    ):
        kind = key[0]
        assert journal.touched(use, resource_id, qos_policy_id=policy.id) == {key}
        more = limit.max_kbps + len(kind)
        assert journal.touched(manager.update_qos_bandwidth_limit_rule, limit.id, policy.id, max_kbps=more) == {gold}
        assert journal.touched(manager.update_qos_policy, policy.id, description=kind) == {gold}
        assert share(journal, admin, "qos_policy", policy.id, stranger.project_id) == [{gold}, {gold}]
        assert journal.touched(manager.create_qos_dscp_marking_rule, policy.id, dscp_mark=14) == {gold}
        assert journal.touched(manager.delete_qos_dscp_marking_rule, journal.made.id, policy.id) == {gold}
        assert journal.touched(use, resource_id, qos_policy_id=None) == {key, gold}
    assert journal.touched(manager.delete_qos_policy, policy.id) == set()


def test_reserves(journal: Journal, tenant: Person, placer: Placer, neutron: Any, anna: Any) -> None:
    device = f"triune-reserve-{next(iter(placer.pods.values()))}"
    (subnet,) = neutron.subnets(network_id=anna.network_id)
    two = [{"subnet_id": subnet.id}] * 2
    reserve = {
        "network_id": anna.network_id,
        "project_id": tenant.project_id,
        "device_owner": "network:dhcp",
        "device_id": device,
        "fixed_ips": two,
    }
    # Whoever makes it is just looking at the network.
    assert journal.touched(placer.user.ask, "network", "/v2.0/ports", "POST", json={"port": reserve}) == set()
    held = journal.made.json()["port"]
    fewer = held["fixed_ips"][:1]
    assert journal.touched(placer.put, held["id"], fixed_ips=fewer) == {BLUE}
    neutron.delete_port(anna.id)
    assert journal.touched(neutron.delete_network, anna.network_id) == {BLUE}
