"""The command: see the package."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from openstack.connection import Connection

from lab import layout

from . import environment, images, page, served
from .results import FAILED, PASSED, counts, differences, failures, junit
from .settings import sections
from .suite import Run, Suite

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
    (run,) = runs([CENTRAL], ["--include-list", str(SELECTION)], SELECTION_SECONDS)
    if junitxml is not None:
        junitxml.write_bytes(junit(run.outcomes))
    for test in failures(run.outcomes):
        click.echo(f"FAILED {test}")
    click.echo(f"{counts(run.outcomes)} in {run.seconds:.0f} s")
    sys.exit(FAILED in run.outcomes.values() or PASSED not in run.outcomes.values())


@cli.command("all")
@click.option("--regex", default=EVERYTHING, help="Other tests than all of compute, volume and image.")
def everything(regex: str) -> None:
    """Run all tests in a region and through Triune: the outcomes are the same. Writes docs/reference/tempest.md."""
    region, central = runs([REGION, CENTRAL], [regex], EVERYTHING_SECONDS)
    if regex == EVERYTHING:
        version = (HERE / "requirements.in").read_text().strip().partition("==")[2]
        PAGE.write_text(page.write(version, region, central))
    found = differences(region.outcomes, central.outcomes)
    for each in found:
        click.echo(f"{each.test}: {each.region} in {REGION}, {each.central} in {CENTRAL}")
    sys.exit(bool(found))


def runs(regions: list[str], tests: list[str], seconds: float) -> list[Run]:
    """Run tests in regions, one after the other; each run has so many seconds."""
    place = layout.default()
    account = json.loads((place.directory / "clouds.yaml").read_text())["clouds"]["triune-admin"]["auth"]
    cloud = Connection(auth=account, region_name=CENTRAL)
    try:
        with served.image() as address:
            return [suite(place, cloud, account, region, address).run(tests, seconds) for region in regions]
    finally:
        images.remove(cloud)


def suite(place: layout.Layout, cloud: Connection, account: Mapping[str, str], region: str, address: str) -> Suite:
    """Tempest, ready to run against a region; `account` is the administrator's, `address` an image's."""
    programs = environment.ensure(place)
    prepared = images.prepare(cloud)
    made = Suite(programs, region, place.directory / "tempest" / region)
    made.configure(sections(region, account, prepared, address, made.directory))
    return made


if __name__ == "__main__":
    cli()
