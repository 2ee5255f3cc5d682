"""What a run of Tempest says, and how two runs differ."""

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED, NOT_RUN = "passed", "failed", "skipped", "not run"
# The words of subunit; any other is a failure.
OUTCOMES = {"success": PASSED, "xfail": PASSED, "skip": SKIPPED}

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
    """The outcomes of a table as `subunit2csv` writes it."""
    with report.open(newline="") as lines:
        # A test's name ends with its id and its tags in brackets.
        return {row["test"].partition("[")[0]: OUTCOMES.get(row["status"], FAILED) for row in csv.DictReader(lines)}


def junit(outcomes: Outcomes) -> bytes:
    """A JUnit report that says how many tests there were, and which failed."""
    numbers = Counter(outcomes.values())
    words = {"tests": len(outcomes), "failures": numbers[FAILED], "skipped": numbers[SKIPPED]}
    suite = ElementTree.Element("testsuite", {name: str(number) for name, number in words.items()})
    for test, outcome in outcomes.items():
        case = ElementTree.SubElement(suite, "testcase", {"name": test})
        if outcome != PASSED:
            ElementTree.SubElement(case, "failure" if outcome == FAILED else "skipped")
    return ElementTree.tostring(suite)


def doubtful(central: Outcomes) -> list[str]:
    """Regular expressions of the tests to be run in a region: those that did not pass through Triune.

    Where what is made for a class failed, all tests of the class.
    """
    names = {re.sub(r"^\w+ \((.*)\)$", r"\1", test) for test, outcome in central.items() if outcome != PASSED}
    return sorted(f"^{re.escape(name)}" for name in names)


def differences(region: Outcomes, central: Outcomes) -> list[Difference]:
    """Where the outcomes are not the same, of tests that were run in the region."""
    asked = {*region, *(test for test, outcome in central.items() if outcome != PASSED)}
    return sorted(
        Difference(test, region.get(test, NOT_RUN), central.get(test, NOT_RUN))
        for test in asked
        if region.get(test) != central.get(test)
    )


def failures(outcomes: Outcomes) -> list[str]:
    """The tests that failed."""
    return sorted(test for test, outcome in outcomes.items() if outcome == FAILED)


def counts(outcomes: Outcomes) -> str:
    """How many of each, in words."""
    numbers = Counter(outcomes.values())
    return ", ".join(f"{numbers[outcome]} {outcome}" for outcome in (PASSED, FAILED, SKIPPED) if numbers[outcome])
