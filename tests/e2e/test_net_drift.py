"""Twins that somebody changes in a pod itself are made as they should be; QoS policies are among them."""

from typing import Any

import pytest

from . import agreement, networks, packets, things, twins
from .lab import Lab
from .people import Person
from .quartet import Quartet

# A look at all of a pod, and the repairs that it asks for.
REPAIR_SECONDS = 30.0
ICMP_TYPE = 13


@pytest.mark.parametrize("zone", ["az1", "az2"])
def test_what_was_changed_in_a_pod_is_repaired(
    tenant: Person, admin: Person, lab: Lab, quartet: Quartet, zone: str
) -> None:
    q, region = quartet, lab.zones[zone]
    server, other = (q.a1, q.b1) if zone == "az1" else (q.b1, q.a1)
    pod = admin.pod(region).network
    group = twins.the(admin, region, "security group", q.open)
    for rule in group.security_group_rules:
        if rule["direction"] == "ingress":
            pod.delete_security_group_rule(rule["id"])
    pod.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="icmp", port_range_min=ICMP_TYPE
    )
    pod.update_network(twins.the(admin, region, "network", q.network).id, name="changed")
    packets.falls_silent(other, q.address(server), REPAIR_SECONDS)
    agreement.compare(admin, region, tenant)
    packets.reaches(other, q.address(server), seconds=REPAIR_SECONDS)
    agreement.reached(admin, lab, [tenant.project_id], REPAIR_SECONDS)


def test_a_twin_that_is_too_many_goes(tenant: Person, admin: Person, lab: Lab, quartet: Quartet, prefix: str) -> None:
    region, pod = lab.zones["az1"], admin.pod(lab.zones["az1"]).network
    copy = pod.create_network(name=f"{prefix}-copy", project_id=tenant.project_id)
    pod.set_tags(copy, ["triune", twins.TAG + quartet.network.id])
    assert len(twins.of(admin, region, "network", quartet.network)) == 2
    agreement.compare(admin, region, tenant)
    gone = lambda: pod.find_network(copy.id) is None  # noqa: E731
    things.wait_until("the end of the copy", gone, REPAIR_SECONDS)
    packets.reaches(quartet.b1, quartet.address(quartet.a1))


def test_a_port_that_goes_in_the_pod(
    tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], quartet: Quartet, prefix: str
) -> None:
    """Its server has lost it there; the port at the top does not pretend to be in use."""
    nets = [{"uuid": quartet.network.id}]
    with things.server(tenant, name=f"{prefix}-lost", availability_zone="az2", networks=nets, **boot) as server:
        port = networks.port_of(tenant, server)
        admin.pod(lab.zones["az2"]).network.delete_port(twins.the(admin, lab.zones["az2"], "port", port).id)
        agreement.compare(admin, lab.zones["az2"], tenant)

        def settled() -> bool:
            found = tenant.central.network.find_port(port.id, ignore_missing=True)
            return found is None or found.device_id == ""

        things.wait_until("the end of the port", settled, 3 * REPAIR_SECONDS)


def test_quality_of_service(tenant: Person, admin: Person, lab: Lab, quartet: Quartet, prefix: str) -> None:
    q, neutron = quartet, admin.central.network
    policy = neutron.create_qos_policy(name=f"{prefix}-slow", project_id=tenant.project_id)
    rule = neutron.create_qos_bandwidth_limit_rule(policy, max_kbps=8000, max_burst_kbps=800, direction="egress")
    port = q.ports[q.a1.id]
    try:
        neutron.update_port(port.id, qos_policy_id=policy.id)
        follows(admin, lab.zones["az1"], policy, port, 8000)
        neutron.update_qos_bandwidth_limit_rule(rule, policy, max_kbps=9000)
        follows(admin, lab.zones["az1"], policy, port, 9000)
    finally:
        neutron.update_port(port.id, qos_policy_id=None)
        neutron.delete_qos_policy(policy.id)
    gone = lambda: not twins.where(admin, lab.regions, "qos policy", policy)  # noqa: E731
    things.wait_until("the end of the policy in the pods", gone, REPAIR_SECONDS)


def follows(admin: Person, region: str, policy: Any, port: Any, kbps: int) -> None:
    """Wait until the twin of a port has the twin of a policy, with this limit."""

    def look() -> bool:
        found = twins.of(admin, region, "qos policy", policy)
        if not found or twins.the(admin, region, "port", port).qos_policy_id != found[0].id:
            return False
        rules = admin.pod(region).network.qos_bandwidth_limit_rules(found[0])
        return [(each.max_kbps, each.direction) for each in rules] == [(kbps, "egress")]

    things.wait_until(f"a limit of {kbps} in {region}", look, REPAIR_SECONDS)
