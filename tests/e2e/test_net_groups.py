"""Security groups in both pods: who gets through is decided by packets, while servers run."""

import time
from typing import Any

import pytest

from . import networks, packets
from .people import Person
from .quartet import Quartet

# A change of groups or rules has so many seconds to take effect everywhere.
EFFECT_SECONDS = 5.0
PORT = 8080
PING = (networks.ICMP, networks.ICMP6)
BOTH = (4, 6)


def let_in(quartet: Quartet, source: Any, *targets: Any, versions: tuple[int, ...] = BOTH) -> None:
    """All of these targets answer, within the time that a change has."""
    for target in targets:
        for version in versions:
            packets.reaches(source, quartet.address(target, version), seconds=EFFECT_SECONDS)


def kept_out(quartet: Quartet, source: Any, *targets: Any, versions: tuple[int, ...] = BOTH) -> None:
    """None of these targets answers any more, within the time that a change has."""
    deadline = time.monotonic() + EFFECT_SECONDS
    for target in targets:
        for version in versions:
            left = max(deadline - time.monotonic(), 1.0)
            packets.falls_silent(source, quartet.address(target, version), left)


def test_nothing_comes_in_by_itself(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q = quartet
    with networks.group(tenant, f"{prefix}-closed") as closed, networks.in_groups(tenant, (q.a1, [closed])):
        kept_out(q, q.b1, q.a1)
        kept_out(q, q.a2, q.a1)
        # What it asks for itself is answered.
        let_in(q, q.a1, q.a2, q.b1)


def test_a_remote_group_means_its_members(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q = quartet
    with networks.group(tenant, f"{prefix}-members") as members, networks.group(tenant, f"{prefix}-targets") as targets:
        for rule in PING:
            networks.allow(tenant, targets, **rule, remote_group_id=members.id)
        with networks.in_groups(tenant, (q.a1, [targets]), (q.b1, [targets])):
            with networks.in_groups(tenant, (q.b2, [members, q.open])):
                let_in(q, q.b2, q.a1, q.b1)
                kept_out(q, q.a2, q.a1, q.b1)
                with networks.in_groups(tenant, (q.a2, [members])):
                    let_in(q, q.a2, q.a1, q.b1)
                kept_out(q, q.a2, q.a1, q.b1)
                let_in(q, q.b2, q.a1, q.b1)
            kept_out(q, q.b2, q.a1, q.b1)


def test_rules_change_while_servers_run(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q, neutron = quartet, tenant.central.network
    with (
        networks.group(tenant, f"{prefix}-rules") as group,
        networks.in_groups(tenant, (q.a1, [group]), (q.b1, [group])),
        packets.listening(q.a1, PORT),
        packets.listening(q.b1, PORT),
    ):
        kept_out(q, q.b2, q.a1, q.b1)
        rules = [networks.allow(tenant, group, **rule) for rule in PING]
        let_in(q, q.b2, q.a1, q.b1)
        assert not packets.knocks(q.b2, q.address(q.a1), PORT)
        words = ("--protocol", "tcp", "--dst-port", f"{PORT}:{PORT + 1}", "--remote-ip", f"{q.address(q.b2)}/32")
        made = tenant.cli("security group rule create", *words, group.id)
        for target in (q.a1, q.b1):
            look = lambda to=target: packets.knocks(q.b2, q.address(to), PORT)  # noqa: E731
            packets.wait_until(f"port {PORT} of {target.name}", look, EFFECT_SECONDS)
            assert not packets.knocks(q.a2, q.address(target), PORT)
        neutron.delete_security_group_rule(made["id"])
        for rule in rules:
            neutron.delete_security_group_rule(rule.id)
        kept_out(q, q.b2, q.a1, q.b1)
        assert not packets.knocks(q.b2, q.address(q.a1), PORT)


def test_groups_that_name_each_other(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q = quartet
    with networks.group(tenant, f"{prefix}-left") as left, networks.group(tenant, f"{prefix}-right") as right:
        rules = [
            networks.allow(tenant, group, **networks.ICMP, remote_group_id=other.id)
            for group, other in ((left, right), (right, left))
        ]
        with networks.in_groups(tenant, (q.a1, [left]), (q.b1, [right])):
            let_in(q, q.a1, q.b1, versions=(4,))
            let_in(q, q.b1, q.a1, versions=(4,))
            kept_out(q, q.a2, q.a1, q.b1, versions=(4,))
        for rule in rules:
            tenant.central.network.delete_security_group_rule(rule.id)


def test_the_default_group(tenant: Person, quartet: Quartet) -> None:
    q, default = quartet, networks.default_group(tenant)
    with networks.in_groups(tenant, (q.a1, [default]), (q.b1, [default]), (q.b2, [])):
        let_in(q, q.a1, q.b1)
        let_in(q, q.b1, q.a1)
        kept_out(q, q.a2, q.a1, q.b1)
        kept_out(q, q.b2, q.a1, q.b1)
        shown = tenant.cli("server show", q.a1.id)["security_groups"]
        assert [each["name"] for each in shown] == ["default"]


def test_an_address_group(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q, neutron = quartet, tenant.central.network
    first, second = (f"{q.address(server)}/32" for server in (q.a2, q.b2))
    with (
        networks.address_group(tenant, f"{prefix}-addresses", first) as addresses,
        networks.group(tenant, f"{prefix}-by-address") as group,
    ):
        networks.allow(tenant, group, **networks.ICMP, remote_address_group_id=addresses.id)
        with networks.in_groups(tenant, (q.a1, [group]), (q.b1, [group])):
            let_in(q, q.a2, q.a1, q.b1, versions=(4,))
            kept_out(q, q.b2, q.a1, q.b1, versions=(4,))
            neutron.add_addresses_to_address_group(addresses, [second])
            let_in(q, q.b2, q.a1, q.b1, versions=(4,))
            neutron.remove_addresses_from_address_group(addresses, [first])
            for target in (q.a1, q.b1):
                packets.falls_silent(q.a2, q.address(target), EFFECT_SECONDS)


def spare(quartet: Quartet, host: int) -> str:
    """An address of the quartet's subnet that nobody has; for each test another, for those who met it remember."""
    network, _, _ = quartet.address(quartet.a1).rpartition(".")
    return f"{network}.{host}"


def test_allowed_address_pairs(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q, neutron, another = quartet, tenant.central.network, spare(quartet, 250)
    port = q.ports[q.b1.id].id
    packets.inside(q.b1, "ip", "address", "add", f"{another}/24", "dev", "eth0")
    with networks.group(tenant, f"{prefix}-paired") as paired, networks.group(tenant, f"{prefix}-pairs") as targets:
        networks.allow(tenant, targets, **networks.ICMP, remote_group_id=paired.id)
        try:
            assert packets.silent(q.a2, another)
            neutron.update_port(port, allowed_address_pairs=[{"ip_address": another}])
            packets.reaches(q.a2, another, seconds=EFFECT_SECONDS)
            # The pair counts as an address of a member of its port's groups, in the other pod too.
            with networks.in_groups(tenant, (q.a1, [targets]), (q.b1, [paired, q.open])):
                packets.reaches(q.b1, q.address(q.a1), "-I", another, seconds=EFFECT_SECONDS)
        finally:
            neutron.update_port(port, allowed_address_pairs=[])
            packets.falls_silent(q.a2, another, EFFECT_SECONDS)
            packets.inside(q.b1, "ip", "address", "delete", f"{another}/24", "dev", "eth0")


def test_port_security_off(tenant: Person, quartet: Quartet) -> None:
    q, neutron, another = quartet, tenant.central.network, spare(quartet, 251)
    port = neutron.get_port(q.ports[q.b2.id].id)
    packets.inside(q.b2, "ip", "address", "add", f"{another}/24", "dev", "eth0")
    try:
        neutron.update_port(port.id, security_groups=[], port_security_enabled=False)
        let_in(q, q.a1, q.b2)
        packets.reaches(q.a1, another, seconds=EFFECT_SECONDS)
    finally:
        packets.inside(q.b2, "ip", "address", "delete", f"{another}/24", "dev", "eth0")
        neutron.update_port(port.id, port_security_enabled=True, security_groups=port.security_group_ids)
    let_in(q, q.a1, q.b2)
    assert packets.silent(q.a1, another)


@pytest.mark.proves(
    "compute",
    "POST /servers/{server_id}/action addSecurityGroup",
    "POST /servers/{server_id}/action removeSecurityGroup",
)
def test_groups_of_a_server_by_name(tenant: Person, quartet: Quartet, prefix: str) -> None:
    q = quartet
    with networks.group(tenant, f"{prefix}-added/ü") as group:
        tenant.run("server add security group", q.b2.id, group.name)
        names = {each["name"] for each in tenant.cli("server show", q.b2.id)["security_groups"]}
        assert names == {q.open.name, group.name}
        assert set(networks.port_of(tenant, q.b2).security_group_ids) == {q.open.id, group.id}
        tenant.run("server remove security group", q.b2.id, group.name)
        assert networks.port_of(tenant, q.b2).security_group_ids == [q.open.id]
