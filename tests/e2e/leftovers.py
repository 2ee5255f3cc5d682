"""What the pods hold: after the tests nothing of theirs may be there."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .people import Person

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
    "network": lambda cloud: cloud.network.networks(),
    "subnet": lambda cloud: cloud.network.subnets(),
    "port": lambda cloud: cloud.network.ports(),
}


def of(admin: Person, regions: Iterable[str], projects: Iterable[str], prefix: str) -> Iterator[str]:
    """What belongs to one of the projects or bears a name with the prefix, in any of the regions."""
    owners = set(projects)
    for region in regions:
        cloud = admin.pod(region)
        for kind, resources in LISTS.items():
            for resource in {each.id: each for each in resources(cloud)}.values():
                owner = resource.to_dict().get("project_id") or resource.to_dict().get("owner_id")
                if owner in owners or (resource.name or "").startswith(prefix):
                    yield f"{region}: {kind} {resource.id} ({resource.name})"


def keypairs(people: Iterable[Person], regions: Iterable[str]) -> Iterator[str]:
    """The key pairs of these people, which only their owners can list without asking for each."""
    for person in people:
        for region in regions:
            for keypair in person.pod(region).compute.keypairs():
                yield f"{region}: keypair {keypair.name} of {person.account['username']}"


def remove_default_groups(admin: Person, regions: Iterable[str], projects: Iterable[str]) -> None:
    """Remove the security groups that Neutron makes by itself for every project that it hears of."""
    owners = set(projects)
    for region in regions:
        network = admin.pod(region).network
        for group in network.security_groups():
            if group.project_id in owners:
                network.delete_security_group(group.id)
