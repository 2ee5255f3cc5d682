"""The lab, the people who use it, and the one image and the two flavors that nearly every test needs."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from . import lab as running
from . import leftovers, things
from .lab import Lab
from .people import Newcomers, Person
from .quartet import Quartet
from .quartet import quartet as four_servers

TINY_IMAGE_BYTES = 1024 * 1024


def pytest_configure(config: pytest.Config) -> None:
    """The SDK warns, whatever one does with it, of what its next versions will lack."""
    for category in ("PendingDeprecationWarning", "openstack.warnings.OpenStackDeprecationWarning"):
        config.addinivalue_line("filterwarnings", f"ignore::{category}")


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab, brought up where it is not up."""
    return running.up()


@pytest.fixture(scope="session")
def prefix() -> str:
    """Begins the name of all that this run makes."""
    return f"e2e-{os.urandom(3).hex()}"


@pytest.fixture(scope="session")
def admin(lab: Lab) -> Iterator[Person]:
    """The administrator."""
    account = lab.account("triune-admin")
    person = Person(account, "")
    yield person
    person.close()


@pytest.fixture(scope="session")
def newcomers(lab: Lab, admin: Person, prefix: str) -> Iterator[Newcomers]:
    """People with projects of their own, so that whatever stands in a pod at the end can be told to be theirs."""
    people = Newcomers(admin, prefix)
    seen = lab.gateway_log.stat().st_size
    yield people
    owners = [person.project_id for person in people.made]
    try:
        left = leftovers.settled(admin, lab.regions, people.made, prefix)
    finally:
        leftovers.remove_default_groups(admin, lab.regions, owners)
        people.farewell()
    assert not left, "the tests left something behind:\n" + "\n".join(left)
    with lab.gateway_log.open(errors="replace") as log:
        log.seek(seen)
        stacks = [line for line in log if "Traceback" in line]
    assert not stacks, f"the gateway logged {len(stacks)} stack traces"


@pytest.fixture(scope="module")
def owner(newcomers: Newcomers, admin: Person, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody who has only what the tests of one module make, of which nothing is left after the last of them.

    The names of their things begin with their own.
    """
    person = newcomers.welcome(request.module.__name__.rpartition("test_")[2].replace("_", "-"))
    yield person
    left = leftovers.settled(admin, lab.regions, [person], person.name)
    assert not left, "the tests left something behind:\n" + "\n".join(left)


@pytest.fixture(scope="session")
def tenant(newcomers: Newcomers) -> Person:
    """The user of most tests."""
    return newcomers.welcome("tenant")


@pytest.fixture(scope="session")
def stranger(newcomers: Newcomers) -> Person:
    """A user of another project."""
    return newcomers.welcome("stranger")


@pytest.fixture(scope="session")
def tiny_image(newcomers: Newcomers, admin: Person, prefix: str) -> Iterator[Any]:
    """A public image of a few bytes."""
    with things.image(admin, f"{prefix}-tiny", os.urandom(TINY_IMAGE_BYTES)) as image:
        admin.central.image.update_image(image.id, visibility="public")
        yield image


@pytest.fixture(scope="session")
def small(newcomers: Newcomers, admin: Person, prefix: str) -> Iterator[Any]:
    """The smaller flavor."""
    with things.flavor(admin, f"{prefix}-small", ram=64) as flavor:
        yield flavor


@pytest.fixture(scope="session")
def large(newcomers: Newcomers, admin: Person, prefix: str) -> Iterator[Any]:
    """The larger flavor."""
    with things.flavor(admin, f"{prefix}-large", ram=128) as flavor:
        yield flavor


@pytest.fixture(scope="session")
def boot(tiny_image: Any, small: Any) -> dict[str, str]:
    """What every server of the tests is made of."""
    return {"image_id": tiny_image.id, "flavor_id": small.id}


# Not for the whole session: other tests find their tenant as they left it.
@pytest.fixture(scope="module")
def quartet(tenant: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str) -> Iterator[Quartet]:
    """Four servers on one network, two in each of two pods."""
    with four_servers(tenant, admin, lab, boot, prefix) as four:
        yield four
