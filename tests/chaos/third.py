"""One region more than the lab has, for the tests of a module."""

from collections.abc import Iterator
from typing import Any

import pytest

from e2e import lab as running
from e2e import leftovers, packets
from e2e.lab import Lab
from e2e.people import Newcomers, Person

UP_SECONDS = 600.0
EMPTY_SECONDS = 120.0
JOINS, ZONE = "RegionThree", "az3"


@pytest.fixture(scope="module")
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
