"""The command: see the package."""

import sys
from pathlib import Path

import openstack
from openstack.connection import Connection

from lab import layout

from . import environment, images, page, served
from .results import FAILED, PASSED, differences, failures
from .settings import sections
from .suite import Run, Suite

HERE = Path(__file__).parent
SELECTION = HERE / "selection.txt"
PAGE = HERE.parents[1] / "docs" / "reference" / "tempest.md"
CENTRAL = "CentralRegion"
REGION = "RegionOne"
EVERYTHING = ["--regex", r"^tempest\.api\.(compute|volume|image)\."]
SELECTION_SECONDS = 1200.0
EVERYTHING_SECONDS = 5400.0


def suite(place: layout.Layout, cloud: Connection, region: str, address: str) -> Suite:
    """Tempest, ready to run against a region; `address` is an image's."""
    programs = environment.ensure(place)
    prepared = images.prepare(cloud)
    made = Suite(programs, region, place.directory / "tempest" / region)
    made.configure(sections(region, cloud.config.auth, prepared, address, made.directory))
    return made


def selection(place: layout.Layout, cloud: Connection) -> int:
    """The tests of `make test`: all of them pass."""
    with served.image() as address:
        run = suite(place, cloud, CENTRAL, address).run(["--include-list", str(SELECTION)], SELECTION_SECONDS)
    return tell(run)


def everything(place: layout.Layout, cloud: Connection) -> int:
    """All tests, in a region and through Triune: the same outcomes."""
    with served.image() as address:
        runs = {
            name: suite(place, cloud, name, address).run(EVERYTHING, EVERYTHING_SECONDS) for name in (REGION, CENTRAL)
        }
    version = HERE.joinpath("requirements.in").read_text().strip().partition("==")[2]
    PAGE.write_text(page.write(version, runs[REGION], runs[CENTRAL]))
    found = differences(runs[REGION].outcomes, runs[CENTRAL].outcomes)
    for each in found:
        print(f"{each.test}: {each.region} in {REGION}, {each.central} in {CENTRAL}")
    return 1 if found else 0


def tell(run: Run) -> int:
    """Say what failed; the exit status."""
    for test in failures(run.outcomes):
        print(f"FAILED {test}")
    passed = sum(outcome == PASSED for outcome in run.outcomes.values())
    print(f"{passed} passed in {run.seconds:.0f} s")
    return 1 if FAILED in run.outcomes.values() or not passed else 0


PLANS = {"selection": selection, "all": everything}


def main() -> int:
    """Run the plan that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1] not in PLANS:
        print(f"Usage: python -m conformance {' | '.join(PLANS)}", file=sys.stderr)
        return 2
    place = layout.default()
    cloud = openstack.connect(
        cloud="triune-admin", load_envvars=False, config_files=[str(place.directory / "clouds.yaml")]
    )
    try:
        return PLANS[sys.argv[1]](place, cloud)
    finally:
        images.remove(cloud)


if __name__ == "__main__":
    sys.exit(main())
