"""What the pods hold: after the tests nothing of theirs may be there."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import routers, twins
from .people import CENTRAL, Person
from .waiting import wait_until

# What central Neutron lets go is removed from the pods in the background.
SETTLE_SECONDS = 60.0

# How the devices of ports begin that hold addresses for parts of routers and floating IPs, whose id follows.
HELD = ("triune-interface-", "triune-link-", "triune-exit-", "triune-floating-")
ID_LENGTH = 36

# How an administrator lists each kind of resource of all projects in one region.
LISTS: dict[str, Callable[[Any], Iterable[Any]]] = {
    "server": lambda cloud: cloud.compute.servers(all_projects=True),
    "flavor": lambda cloud: cloud.compute.flavors(is_public=None),
    "volume": lambda cloud: cloud.block_storage.volumes(all_projects=True),
    "snapshot": lambda cloud: cloud.block_storage.snapshots(all_projects=True),
    "backup": lambda cloud: cloud.block_storage.backups(all_projects=True),
    "attachment": lambda cloud: cloud.block_storage.attachments(all_projects=True),
    "volume type": lambda cloud: cloud.block_storage.types(),
    "image": lambda cloud: [*cloud.image.images(), *cloud.image.images(visibility="all")],
}

# The same for what belongs to networks, which the central region has, too.
NETWORK_LISTS: dict[str, Callable[[Any], Iterable[Any]]] = {
    "network": lambda cloud: cloud.network.networks(),
    "subnet": lambda cloud: cloud.network.subnets(),
    "port": lambda cloud: cloud.network.ports(),
    "router": lambda cloud: cloud.network.routers(),
    "floating ip": lambda cloud: cloud.network.ips(),
    "address group": lambda cloud: cloud.network.address_groups(),
    "qos policy": lambda cloud: cloud.network.qos_policies(),
    # Neutron makes the default group of a project by itself.
    "security group": lambda cloud: [each for each in cloud.network.security_groups() if each.name != "default"],
}


def of(admin: Person, regions: Iterable[str], projects: Iterable[str], prefix: str) -> Iterator[str]:
    """What belongs to one of the projects or bears a name with the prefix, in any of the regions."""
    owners = set(projects)
    everywhere = [(region, {**LISTS, **NETWORK_LISTS}) for region in regions]
    for region, lists in [*everywhere, (CENTRAL, NETWORK_LISTS)]:
        cloud = admin.pod(region)
        for kind, resources in lists.items():
            for resource in {each.id: each for each in resources(cloud)}.values():
                owner = resource.to_dict().get("project_id") or resource.to_dict().get("owner_id")
                if owner in owners or (resource.name or "").startswith(prefix):
                    yield f"{region}: {kind} {resource.id} ({resource.name})"


def twins_of_nothing(admin: Person, regions: Iterable[str]) -> Iterator[str]:
    """What bears Triune's tag in a pod and has nothing behind it in central Neutron any more, whoever owns it."""
    central = {each.id for resources in NETWORK_LISTS.values() for each in resources(admin.central)}
    central |= {each.id for each in admin.central.network.security_groups()}
    for region in regions:
        for kind, top, resource in twins.every(admin, region):
            if top not in central:
                yield f"{region}: {kind} {resource.id} ({resource.name}), twin of {top}, which is gone"


def meeting_networks(admin: Person, regions: Iterable[str], projects: Iterable[str]) -> Iterator[str]:
    """The networks on which the pod routers of these projects met; they belong to Triune's own project."""
    for project in projects:
        for region in (*regions, CENTRAL):
            for network in routers.meeting_networks(admin, project, region).values():
                yield f"{region}: network {network.id} ({network.name})"


def held_for_nothing(admin: Person, regions: Iterable[str]) -> Iterator[str]:
    """Ports that hold an address for a part of a router or a floating IP that is gone, whoever owns it; at the top and
    in the pods, where some bear the name that a twin has before its own."""
    neutron = admin.central.network
    there = {each.id for each in (*neutron.ports(), *neutron.routers(), *neutron.ips())}
    for region in (CENTRAL, *regions):
        for port in admin.pod(region).network.ports():
            for mark in (port.device_id, port.name):
                # The last part is an id; ids have no other length.
                if mark.startswith((*HELD, twins.TAG)) and mark[-ID_LENGTH:] not in there:
                    yield f"{region}: port {port.id} for {mark}, which is gone"


def jobs(admin: Person, projects: Iterable[str]) -> Iterator[str]:
    """The jobs of these projects that are not done."""
    owners = set(projects)
    for status in ("NEW", "RUNNING", "FAIL"):
        for job in admin.ask("tricircle", f"/jobs?status={status}").json()["jobs"]:
            if job["project_id"] in owners:
                yield f"job {job['type']} {job['resource']} is {status}: {job['last_error']}"


def everything(admin: Person, regions: Iterable[str], people: Iterable[Person], prefix: str) -> list[str]:
    """All that is left of some people, and of things whose names begin with `prefix`."""
    regions, people = list(regions), list(people)
    owners = [person.project_id for person in people]
    return [
        *of(admin, regions, owners, prefix),
        *keypairs(people, regions),
        *jobs(admin, owners),
        *meeting_networks(admin, regions, owners),
        *held_for_nothing(admin, regions),
        *twins_of_nothing(admin, regions),
    ]


def settled(admin: Person, regions: Iterable[str], people: Iterable[Person], prefix: str) -> list[str]:
    """The same, once the workers have had some time to remove it."""
    found: list[str] = []
    whose, where = list(people), list(regions)

    def look() -> bool:
        found[:] = everything(admin, where, whose, prefix)
        return not found

    try:
        wait_until("nothing left", look, seconds=SETTLE_SECONDS, interval=2)
    except TimeoutError:
        pass  # `found` says what there is
    return found


def keypairs(people: Iterable[Person], regions: Iterable[str]) -> Iterator[str]:
    """The key pairs of these people, which only their owners can list without asking for each."""
    for person in people:
        for region in regions:
            for keypair in person.pod(region).compute.keypairs():
                yield f"{region}: keypair {keypair.name} of {person.account['username']}"


def remove_default_groups(admin: Person, regions: Iterable[str], projects: Iterable[str]) -> None:
    """Remove the security groups that Neutron makes by itself for every project that it hears of."""
    owners = set(projects)
    for region in (*regions, CENTRAL):
        network = admin.pod(region).network
        for group in network.security_groups():
            if group.project_id in owners:
                network.delete_security_group(group.id)
