"""What a run of Tempest says, and how two runs differ."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED, NOT_RUN = "passed", "failed", "skipped", "not run"

Outcomes = Mapping[str, str]
"""The outcome of each test by its name. What is made for a whole class counts as a test where it fails:
`setUpClass (tempest.api.x.Y)`."""


@dataclass(frozen=True, order=True)
class Difference:
    """A test with another outcome through Triune than in a region itself."""

    test: str
    region: str
    central: str


def read(report: Path) -> dict[str, str]:
    """The outcomes of a JUnit report as `subunit2junitxml` writes it."""
    outcomes = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        # A test's name ends with its id and its tags in brackets.
        name = case.get("name", "").partition("[")[0]
        place = case.get("classname")
        test = f"{place}.{name}" if place else name
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes[test] = FAILED
        elif case.find("skipped") is not None:
            outcomes[test] = SKIPPED
        else:
            outcomes[test] = PASSED
    return outcomes


def differences(region: Outcomes, central: Outcomes) -> list[Difference]:
    """Where the outcomes are not the same."""
    return sorted(
        Difference(test, region.get(test, NOT_RUN), central.get(test, NOT_RUN))
        for test in {*region, *central}
        if region.get(test) != central.get(test)
    )


def failures(outcomes: Outcomes) -> list[str]:
    """The tests that failed."""
    return sorted(test for test, outcome in outcomes.items() if outcome == FAILED)


def counts(outcomes: Outcomes) -> str:
    """How many of each, in words."""
    numbers = Counter(outcomes.values())
    return ", ".join(f"{numbers[outcome]} {outcome}" for outcome in (PASSED, FAILED, SKIPPED) if numbers[outcome])
