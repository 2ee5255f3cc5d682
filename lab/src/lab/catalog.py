"""What Keystone knows: projects, users and roles, and where each region's services are."""

from collections.abc import Iterator
from typing import Any

import openstack

from lab import settings
from lab.region import Region, beyond
from lab.settings import Lab

# Type in the catalog, name, and the service whose API it is, with the path below its address. Block storage stands
# under two types: Nova and the older clients look for the first, newer ones for the second. Keystone is the same in
# every region, and clients look for it in theirs.
SERVICES = (
    ("identity", "keystone", None, ""),
    ("compute", "nova", "nova", "/v2.1"),
    ("image", "glance", "glance", ""),
    ("network", "neutron", "neutron", ""),
    ("placement", "placement", "placement", ""),
    ("volumev3", "cinderv3", "cinder", "/v3"),
    ("block-storage", "cinder", "cinder", "/v3"),
)
INTERFACES = ("public", "internal", "admin")

PROJECTS = ("admin", "service", "demo", "demo2")

# user: project, roles
USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "demo": ("demo", ("member", "reader")),
    "demo2": ("demo2", ("member", "reader")),
    "triune": ("service", ("admin", "service")),
    "placement": ("service", ("admin", "service")),
    "nova": ("service", ("admin", "service")),
    "neutron": ("service", ("admin", "service")),
    "glance": ("service", ("admin", "service")),
    "cinder": ("service", ("admin", "service")),
}
# The administrator may act in the demo project, so that both see the same servers.
ADMIN_PROJECTS = ("demo", "demo2")


def connect(lab: Lab, user: str = "admin", project: str = "admin", region: Region | None = None) -> Any:
    """An openstacksdk connection to one region (default: the first)."""
    return openstack.connection.Connection(
        auth={
            "auth_url": settings.KEYSTONE_URL,
            "username": user,
            "password": lab.passwords[user],
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        region_name=(region or lab.regions[0]).name,
    )


def ensure(lab: Lab) -> str:
    """Make what is missing and correct what differs; says how much that was."""
    identity = connect(lab).identity
    changes = [*_accounts(lab, identity), *_endpoints(lab, identity)]
    return f"{len(changes)} changes" if changes else "all there"


def _accounts(lab: Lab, identity: Any) -> Iterator[str]:
    projects = {project.name: project for project in identity.projects(domain_id="default")}
    for name in PROJECTS:
        if name not in projects:
            projects[name] = identity.create_project(name=name, domain_id="default")
            yield name
    roles = {role.name: role for role in identity.roles()}
    users = {user.name: user for user in identity.users(domain_id="default")}
    granted = {
        (grant.user["id"], grant.scope["project"]["id"], grant.role["id"])
        for grant in identity.role_assignments()
        if grant.user and "project" in grant.scope
    }
    wanted = [(user, project, role) for user, (project, names) in USERS.items() for role in names]
    wanted += [("admin", project, "admin") for project in ADMIN_PROJECTS]
    for user, (project, _) in USERS.items():
        if user not in users:
            users[user] = identity.create_user(
                name=user, domain_id="default", password=lab.passwords[user], default_project_id=projects[project].id
            )
            yield user
    for user, project, role in wanted:
        if (users[user].id, projects[project].id, roles[role].id) not in granted:
            identity.assign_project_role_to_user(projects[project], users[user], roles[role])
            yield f"{user} {role}"


def _endpoints(lab: Lab, identity: Any) -> Iterator[str]:
    yield from _retire_endpoints(lab, identity)
    regions = {region.id for region in identity.regions()}
    services = {service.type: service for service in identity.services()}
    present = {(point.service_id, point.region_id, point.interface): point for point in identity.endpoints()}
    for region in lab.regions:
        if region.name not in regions:
            identity.create_region(id=region.name)
            yield region.name
        for kind, name, service, path in SERVICES:
            if kind not in services:
                services[kind] = identity.create_service(type=kind, name=name)
                yield kind
            for interface in INTERFACES:
                key = (services[kind].id, region.name, interface)
                url = settings.KEYSTONE_URL if service is None else region.url(service) + path
                if key not in present:
                    identity.create_endpoint(service_id=key[0], region_id=region.name, interface=interface, url=url)
                elif present[key].url != url:
                    identity.update_endpoint(present[key], url=url)
                else:
                    continue
                yield f"{region.name} {kind} {interface}"


def _retire_endpoints(lab: Lab, identity: Any) -> Iterator[str]:
    """Take regions that are not running out of the catalog; other regions than the lab's own are left alone."""
    retired = {region.name for region in beyond(len(lab.regions), lab.layout)}
    for point in identity.endpoints():
        if point.region_id in retired:
            identity.delete_endpoint(point)
            yield f"{point.region_id} retired"
