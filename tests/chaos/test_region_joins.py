"""A region joins while a network is in use: its servers get onto it, too."""

from collections.abc import Iterator
from typing import Any

import pytest

from e2e import lab as running
from e2e import leftovers, networks, packets, things, twins
from e2e.lab import Lab
from e2e.people import Newcomers, Person
from e2e.quartet import Quartet

UP_SECONDS = 600.0
EMPTY_SECONDS = 120.0
JOINS, ZONE = "RegionThree", "az3"


@pytest.fixture
def third(lab: Lab, admin: Person, newcomers: Newcomers, prefix: str) -> Iterator[Lab]:
    """The lab with one region more, for a while."""
    before = len(lab.regions)
    running.run("up", "--regions", str(before + 1), seconds=UP_SECONDS)
    try:
        yield running.up()
        # It is kept as it is until it comes up again.
        # What all tests share came there too, and goes with the others only where regions are up at the end.
        image, compute = admin.pod(JOINS).image, admin.pod(JOINS).compute
        for each in [each for each in image.images() if each.name.startswith(prefix)]:
            image.delete_image(each.id)
        for each in [each for each in compute.flavors(is_public=None) if each.name.startswith(prefix)]:
            compute.delete_flavor(each.id)
        owners = [person.project_id for person in newcomers.made]
        found: list[str] = []

        def is_empty() -> bool:
            found[:] = [each for each in leftovers.of(admin, [JOINS], owners, prefix) if each.startswith(JOINS)]
            return not found

        try:
            packets.wait_until("an empty region", is_empty, EMPTY_SECONDS, interval=2)
        except TimeoutError:
            raise AssertionError(f"left in {JOINS}: {found}") from None
        for group in admin.pod(JOINS).network.security_groups():
            if group.project_id in owners:
                admin.pod(JOINS).network.delete_security_group(group.id)
    finally:
        running.run("up", "--regions", str(before), seconds=UP_SECONDS)


def test_a_third_region_joins(
    tenant: Person, admin: Person, boot: dict[str, str], quartet: Quartet, prefix: str, third: Lab
) -> None:
    assert third.zones[ZONE] == JOINS
    q = quartet
    # Nova finds its neighbours in the catalog of the caller's token, which is as old as the token.
    tenant.central.session.invalidate()
    copies(tenant, admin, third, boot)
    with things.server(
        tenant,
        name=f"{prefix}-third",
        availability_zone=ZONE,
        networks=[{"uuid": q.network.id}],
        security_groups=[{"name": q.open.name}],
        **boot,
    ) as server:
        port = networks.port_of(tenant, server)
        packets.has_addresses(server, {each["ip_address"] for each in port.fixed_ips})
        for version in (4, 6):
            for other in q.all:
                packets.reaches(server, q.address(other, version))
                packets.reaches(other, networks.address(port, version))
    packets.wait_until("no twin", lambda: not twins.where(admin, [JOINS], "network", q.network))


def copies(tenant: Person, admin: Person, third: Lab, boot: dict[str, Any]) -> None:
    """Images are not copied into a region that joins: its operator puts one there under the same id."""
    image = admin.pod(third.regions[0]).image.get_image(boot["image_id"])
    data = admin.pod(third.regions[0]).image.download_image(image.id).content
    glance = admin.pod(JOINS).image
    if glance.find_image(image.id) is None:
        glance.create_image(
            image.name,
            id=image.id,
            data=data,
            disk_format="raw",
            container_format="bare",
            visibility="public",
            allow_duplicates=True,
        )
