"""The command: see the package."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from openstack.connection import Connection

from lab import layout

from . import environment, images, page, served
from .results import FAILED, PASSED, counts, differences, doubtful, failures, junit
from .settings import sections
from .suite import Suite

HERE = Path(__file__).parent
SELECTION = HERE / "selection.txt"
PAGE = HERE.parents[1] / "docs" / "reference" / "tempest.md"
CENTRAL = "CentralRegion"
REGION = "RegionOne"
EVERYTHING = r"^tempest\.api\.(compute|volume|image)\."
SELECTION_SECONDS = 1500.0
EVERYTHING_SECONDS = 5400.0


@click.group()
def cli() -> None:
    """Tempest, on the lab."""


@cli.command("selection")
@click.option("--junitxml", type=click.Path(path_type=Path), help="Where to put a report.")
def selection(junitxml: Path | None) -> None:
    """Run the tests of `make test` against the central region: all of them have to pass."""
    with laboratory() as suite:
        run = suite(CENTRAL).run(["--include-list", str(SELECTION)], SELECTION_SECONDS)
    if junitxml is not None:
        junitxml.write_bytes(junit(run.outcomes))
    for test in failures(run.outcomes):
        click.echo(f"FAILED {test}")
    click.echo(f"{counts(run.outcomes)} in {run.seconds:.0f} s")
    sys.exit(FAILED in run.outcomes.values() or PASSED not in run.outcomes.values())


@cli.command("all")
@click.option("--regex", default=EVERYTHING, help="Other tests than all of compute, volume and image.")
def everything(regex: str) -> None:
    """Run all tests through Triune, and those that do not pass in a region as well: the outcomes are the same.

    Writes docs/reference/tempest.md.
    """
    with laboratory() as suite:
        central = suite(CENTRAL).run([regex], EVERYTHING_SECONDS)
        names = suite(REGION)
        (names.directory / "doubtful.txt").write_text("\n".join(doubtful(central.outcomes)) + "\n")
        region = names.run(["--include-list", "doubtful.txt"], EVERYTHING_SECONDS)
    if regex == EVERYTHING:
        version = (HERE / "requirements.in").read_text().strip().partition("==")[2]
        PAGE.write_text(page.write(version, region, central))
    found = differences(region.outcomes, central.outcomes)
    for each in found:
        click.echo(f"{each.test}: {each.region} in {REGION}, {each.central} in {CENTRAL}")
    sys.exit(bool(found))


@contextmanager
def laboratory() -> Iterator[Callable[..., Suite]]:
    """What makes Tempest ready to run against a region of the lab, by another Keystone if one is named."""
    place = layout.default()
    account = json.loads((place.directory / "clouds.yaml").read_text())["clouds"]["triune-admin"]["auth"]
    cloud = Connection(auth=account, region_name=CENTRAL)
    programs = environment.ensure(place)
    try:
        prepared = images.prepare(cloud)
        with served.image() as address:

            def suite(region: str, auth_url: str | None = None) -> Suite:
                made = Suite(programs, region, place.directory / "tempest" / region)
                asked = {**account, "auth_url": auth_url or account["auth_url"]}
                made.configure(sections(region, asked, prepared, address, made.directory))
                return made

            yield suite
    finally:
        images.remove(cloud)


if __name__ == "__main__":
    cli()
