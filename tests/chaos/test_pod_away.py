"""A pod's Neutron and Nova are away for a while, and what it holds is changed meanwhile."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from e2e import agreement, networks, packets, things, twins
from e2e.lab import Lab
from e2e.people import Newcomers, Person

AWAY, ZONE = "RegionTwo", "az2"
SERVICES = (f"{AWAY}/neutron-api", f"{AWAY}/nova-api")
# Five minutes are long enough for the pauses between tries to have grown to their longest.
AWAY_SECONDS = float(os.environ.get("CHAOS_AWAY_SECONDS", "300"))
# The pod that stays does not notice.
MEANWHILE_SECONDS = 15.0
# The pod that comes back is seen at the next trial of the breaker.
BACK_SECONDS = 60.0


def test_the_others_follow_at_once_and_the_pod_when_it_is_back(
    newcomers: Newcomers, admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    person = newcomers.welcome("patient")
    neutron = person.central.network
    with ExitStack() as stack:
        group = stack.enter_context(networks.group(person, f"{prefix}-pings", networks.ICMP))
        net = stack.enter_context(networks.network(person, f"{prefix}-stretched", networks.v4()))
        common = {"networks": [{"uuid": net.id}], "security_groups": [{"name": group.name}], **boot}
        requests = [{"name": f"{prefix}-{zone}", "availability_zone": zone, **common} for zone in ("az1", ZONE)]
        here, there = stack.enter_context(things.servers(person, *requests))
        port = networks.port_of(person, here)
        packets.reaches(here, networks.address(networks.port_of(person, there)))

        with ExitStack() as outage:
            for service in SERVICES:
                outage.enter_context(lab.stopped(service))
            began = time.monotonic()
            neutron.update_network(net.id, name=f"{prefix}-renamed")
            neutron.update_subnet(net.subnet_ids[0], dns_nameservers=["192.0.2.1"])
            # For the servers in both pods: who is there lets others in, here and there.
            stack.enter_context(changed_group(person, group))
            follows(lambda: twins.the(admin, "RegionOne", "network", net).name == f"{prefix}-renamed")
            packets.falls_silent(there, networks.address(port), MEANWHILE_SECONDS)
            with things.server(person, name=f"{prefix}-meanwhile", availability_zone="az1", **common) as another:
                packets.has_addresses(another, {networks.address(networks.port_of(person, another))})
            waits_and_says_why(admin, person, net)
            time.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - began)))
            waits_and_says_why(admin, person, net)
        agreement.reached(admin, lab, [person.project_id], BACK_SECONDS)
        assert twins.the(admin, AWAY, "network", net).name == f"{prefix}-renamed"


def changed_group(person: Person, group: Any) -> Any:
    """Nobody is let in any more."""
    for rule in person.central.network.security_group_rules(security_group_id=group.id, direction="ingress"):
        person.central.network.delete_security_group_rule(rule.id)
    return ExitStack()


def follows(look: Callable[[], bool]) -> None:
    things.wait_until("the pod that stays to follow", look, MEANWHILE_SECONDS)


def waits_and_says_why(admin: Person, person: Person, net: Any) -> None:
    """The job for the pod that is away waits, and tells what for."""
    resource = {"network_id": net.id, "pod_id": agreement.pods(admin)[AWAY]}

    def look() -> bool:
        answer = admin.ask("tricircle", f"/jobs?project_id={person.project_id}&type=network").json()["jobs"]
        (job,) = (job for job in answer if job["resource"] == resource)
        return job["status"] != "SUCCESS" and str(job["last_error"]).startswith("waits: ")

    things.wait_until("a job that waits", look, MEANWHILE_SECONDS)
