"""People work on networks in two pods while the gateway, a worker, central Neutron and the database are killed."""

import os
import re
import time
from typing import Any

from e2e import agreement, leftovers, networks, outside, packets, routers, sites, things
from e2e.lab import Lab
from e2e.people import Newcomers, Person

from .killer import VICTIMS, Killer
from .user import User

# The same seed does the same things; when what was killed meets what is done differs all the same.
SEED = int(os.environ.get("CHAOS_SEED", "0")) or int.from_bytes(os.urandom(3))
OPERATIONS = int(os.environ.get("CHAOS_OPERATIONS", "300"))
USERS = 4
# Of what was tried so much has to succeed, or too little is proven.
SUCCEED = 0.5
# What Nova says of a server whose port was taken from it, or given to another.
LOST_PORT = re.compile(r"Port \S+ (could not be found|is still in use|not usable)")
# Afterwards everything has so many seconds to become as wanted.
RECOVERY_SECONDS = 180.0
# When everybody rests, no build takes so long.
BUILD_SECONDS = 60.0
# What works need not be fast: whoever was killed last has only just come back.
WORKS_SECONDS = 60.0


def test_nothing_is_lost_and_nothing_is_left(
    newcomers: Newcomers, admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    print(f"CHAOS_SEED={SEED}")
    subnet = outside.subnet()
    with routers.external_network(admin, f"{prefix}-external", "RegionTwo", outside.VLAN, subnet) as external:
        work_while_processes_die(newcomers, admin, lab, boot, prefix, external)


def work_while_processes_die(
    newcomers: Newcomers, admin: Person, lab: Lab, boot: dict[str, str], prefix: str, external: Any
) -> None:
    """Everybody finds the external network, which is in one of the pods."""
    people = [newcomers.welcome(f"user{number}") for number in range(USERS)]
    users = [User(each, boot, SEED + number, OPERATIONS // USERS) for number, each in enumerate(people)]
    killer = Killer(lab, SEED)
    began = time.monotonic()
    killer.start()
    for user in users:
        user.start()
    for user in users:
        user.join()
    killer.finish()
    print(f"{OPERATIONS} operations in {time.monotonic() - began:.0f} s; killed: {killer.killed}")
    for user in users:
        print(user.name, "done:", dict(user.done), "failed:", dict(user.failed))
        if user.errors:
            raise user.errors[0]

    assert set(killer.killed) == set(VICTIMS)
    assert sum(user.done.total() for user in users) >= SUCCEED * OPERATIONS

    settled(users, people, admin)
    projects = [person.project_id for person in people]
    agreement.reached(admin, lab, projects, RECOVERY_SECONDS)
    no_job = lambda: not list(leftovers.jobs(admin, projects))  # noqa: E731
    things.wait_until("the end of all jobs", no_job, RECOVERY_SECONDS, interval=2)
    it_works(people[0], boot, prefix, external)
    for person in people:
        clean(person, admin)
    tidy(admin, external)


def tidy(admin: Person, external: Any) -> None:
    """Remove what Neutron has left where it was killed while it made a floating IP; its own janitor takes its time."""
    for port in list(admin.central.network.ports(network_id=external.id, device_id="PENDING")):
        admin.central.network.delete_port(port.id)


def settled(users: list[User], people: list[Person], admin: Person) -> None:
    """Wait until no server is on its way; what was promised is there, and what was deleted is not."""
    began = time.monotonic()
    for user, person in zip(users, people, strict=True):
        servers: dict[str, Any] = {}

        def look(person: Person = person, servers: dict[str, Any] = servers, user: User = user) -> bool:
            servers.clear()
            servers.update({each.id: each for each in person.central.compute.servers()})
            for server in servers.values():
                if server.id in user.gone and server.status in ("DELETED", "ERROR") and not server.task_state:
                    # The regions' Novas have lost their database too, this one in the middle of the removal.
                    person.central.compute.delete_server(server.id)
                if server.status == "BUILD" and time.monotonic() - began > BUILD_SECONDS:
                    # A region's Nova could not even write that the build has failed. This is an operator's to mend.
                    admin.central.compute.reset_server_state(server.id, "error")
            waiting = [each for each in servers.values() if each.status == "BUILD" or each.task_state]
            return not waiting and not servers.keys() & user.gone

        things.wait_until(f"rest for {user.name}", look, RECOVERY_SECONDS, interval=2)
        faults = [str(each.fault) for each in servers.values() if each.status == "ERROR"]
        assert not [fault for fault in faults if LOST_PORT.search(fault)], faults
        assert not user.promised - servers.keys(), f"servers were lost: {user.promised - servers.keys()}"


def it_works(person: Person, boot: dict[str, str], prefix: str, external: Any) -> None:
    """A network, a server in each of two pods, a ping; the same with a router, from inside and from outside."""
    with networks.network(person, f"{prefix}-after", networks.v4()) as net:
        requests = [
            {"name": f"{prefix}-{zone}", "availability_zone": zone, "networks": [{"uuid": net.id}], **boot}
            for zone in ("az1", "az2")
        ]
        with things.servers(person, *requests) as (one, two):
            packets.reaches(one, networks.address(networks.port_of(person, two)), seconds=WORKS_SECONDS)

    with sites.joined(person, boot, f"{prefix}-joined", "az1", "az2") as (router, places):
        sites.all_reach_all(places, 4, seconds=WORKS_SECONDS)
        with (
            routers.gateway(person, router, external),
            routers.floating_ip(person, external, places[0].port) as floating,
        ):
            packets.reaches(outside.HOST, floating.floating_ip_address, seconds=WORKS_SECONDS)
            packets.reaches(places[1].server, outside.ADDRESS, seconds=WORKS_SECONDS)


def clean(person: Person, admin: Person) -> None:
    """Remove everything, as its owner does."""
    compute, neutron = person.central.compute, person.central.network
    servers = list(compute.servers())
    for server in servers:
        compute.delete_server(server.id)
    for server in servers:
        things.remove_server(person, server.id)
    for floating in list(neutron.ips(project_id=person.project_id)):
        neutron.delete_ip(floating.id)
    for router in list(neutron.routers(project_id=person.project_id)):
        routers.remove_router(person, router.id)
    for port in neutron.ports(project_id=person.project_id):
        if not port.device_owner.startswith("network:"):
            neutron.delete_port(port.id)
    for network in neutron.networks(project_id=person.project_id):
        neutron.delete_network(network.id)
    groups = [group for group in neutron.security_groups(project_id=person.project_id) if group.name != "default"]
    for rule in [rule for group in groups for rule in group.security_group_rules if rule["remote_group_id"]]:
        neutron.delete_security_group_rule(rule["id"])
    for group in groups:
        neutron.delete_security_group(group.id)
