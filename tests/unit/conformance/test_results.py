"""What is read from a report of Tempest, and what is said of two runs."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance import page, results
from conformance.results import FAILED, NOT_RUN, PASSED, SKIPPED, Difference
from conformance.suite import Run

REPORT = """\
test,status,start_time,stop_time
"tempest.api.volume.test_a.A.test_one[id-1,smoke]",success,2026-11-22 05:00:00,2026-11-22 05:00:01
tempest.api.volume.test_a.A.test_two[id-2],fail,2026-11-22 05:00:00,2026-11-22 05:00:01
tempest.api.volume.test_a.A.test_three[id-3],skip,2026-11-22 05:00:00,2026-11-22 05:00:01
setUpClass (tempest.api.volume.test_b.B),fail,2026-11-22 05:00:00,2026-11-22 05:00:01
"""
OUTCOMES = {
    "tempest.api.volume.test_a.A.test_one": PASSED,
    "tempest.api.volume.test_a.A.test_two": FAILED,
    "tempest.api.volume.test_a.A.test_three": SKIPPED,
    "setUpClass (tempest.api.volume.test_b.B)": FAILED,
}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.csv"
    path.write_text(REPORT)
    return path


def test_a_report_is_read(report: Path) -> None:
    assert results.read(report) == OUTCOMES
    assert results.counts(OUTCOMES) == "1 passed, 2 failed, 1 skipped"
    assert results.failures(OUTCOMES) == [
        "setUpClass (tempest.api.volume.test_b.B)",
        "tempest.api.volume.test_a.A.test_two",
    ]


def test_only_what_differs_is_told() -> None:
    assert results.differences(OUTCOMES, dict(reversed(OUTCOMES.items()))) == []
    central = {**OUTCOMES, "tempest.api.volume.test_a.A.test_one": FAILED, "new": PASSED}
    del central["tempest.api.volume.test_a.A.test_three"]
    assert results.differences(OUTCOMES, central) == [
        Difference("tempest.api.volume.test_a.A.test_one", PASSED, FAILED),
        Difference("tempest.api.volume.test_a.A.test_three", SKIPPED, NOT_RUN),
    ]
    # What passes through Triune need not be run in a region.
    assert results.differences({}, {"test": PASSED}) == []
    assert results.differences({}, {"test": FAILED}) == [Difference("test", NOT_RUN, FAILED)]


def test_what_does_not_pass_is_run_in_a_region() -> None:
    assert results.doubtful(OUTCOMES) == [
        r"^tempest\.api\.volume\.test_a\.A\.test_three",
        r"^tempest\.api\.volume\.test_a\.A\.test_two",
        r"^tempest\.api\.volume\.test_b\.B",
    ]


def test_the_page_tells_both() -> None:
    region = Run("RegionOne", OUTCOMES, 61.4)
    central = Run("CentralRegion", {**OUTCOMES, "tempest.api.volume.test_a.A.test_one": SKIPPED}, 70.0)
    text = page.write("47.0.0", region, central)
    assert "| of the others, RegionOne directly | 1 passed, 2 failed, 1 skipped | 61 s |" in text
    assert "Tests with another outcome through Triune: 1." in text
    assert "| `tempest.api.volume.test_a.A.test_one` | passed | skipped |" in text
    assert "- `tempest.api.volume.test_a.A.test_two`" in text


def test_a_report_for_other_programs_counts() -> None:
    suite = ElementTree.fromstring(results.junit(OUTCOMES))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "1")
    assert [len(case) for case in suite] == [0, 1, 1, 1]
