"""What stands in a pod and is not Triune's stays as it is, whatever it is called and however it is tagged."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from . import agreement, networks, packets, things, twins
from .lab import Lab
from .people import Person

KINDS = ("network", "subnet", "port", "security_group")


@contextmanager
def own(person: Person, region: str, name: str, *tags: str) -> Iterator[dict[str, Any]]:
    """A network, a subnet, a port and a group that somebody made in a pod itself."""
    neutron = person.pod(region).network
    made: dict[str, Any] = {}
    try:
        made["network"] = neutron.create_network(name=name)
        made["subnet"] = neutron.create_subnet(
            network_id=made["network"].id, ip_version=4, cidr="192.168.88.0/24", name=name
        )
        made["port"] = neutron.create_port(network_id=made["network"].id, name=name)
        made["security_group"] = neutron.create_security_group(name=name)
        for resource in made.values():
            neutron.set_tags(resource, list(tags))
        yield {kind: getattr(neutron, f"get_{kind}")(made[kind].id).to_dict() for kind in KINDS}
    finally:
        for kind in ("port", "network", "security_group"):
            if kind in made:
                getattr(neutron, f"delete_{kind}")(made[kind].id)


def test_what_people_made_in_the_pods_stays(
    tenant: Person, stranger: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str
) -> None:
    name = f"{prefix}-mine"
    with ExitStack() as stack:
        kept = [(tenant, region, stack.enter_context(own(tenant, region, name))) for region in lab.regions]
        with (
            networks.group(tenant, name, *networks.EVERYTHING) as group,
            networks.network(tenant, name, networks.v4()) as net,
        ):
            # Anybody can put any tag on what is theirs.
            for region in lab.regions:
                theirs = stack.enter_context(own(stranger, region, name, twins.TAG + net.id, twins.TAG + group.id))
                kept.append((stranger, region, theirs))
            request = {"networks": [{"uuid": net.id}], "security_groups": [{"name": group.id}], **boot}
            requests = [{"name": f"{name}-{zone}", "availability_zone": zone, **request} for zone in ("az1", "az2")]
            with things.servers(tenant, *requests) as (one, two):
                packets.reaches(one, networks.address(networks.port_of(tenant, two)))
                agreement.reached(admin, lab, [tenant.project_id])
        gone_from_all_pods(admin, lab, tenant, net, group)
        for person, region, before in kept:
            neutron = person.pod(region).network
            after = {kind: getattr(neutron, f"get_{kind}")(before[kind]["id"]).to_dict() for kind in KINDS}
            assert after == before


def gone_from_all_pods(admin: Person, lab: Lab, person: Person, *tops: Any) -> None:
    """Wait until no pod holds a twin of these that belongs to their owner."""
    wanted = {top.id for top in tops}

    def look() -> bool:
        held = [each for region in lab.regions for each in twins.every(admin, region)]
        return not [each for _, top, each in held if top in wanted and each.project_id == person.project_id]

    things.wait_until("the end of the twins", look, networks.PORTS_SECONDS)
