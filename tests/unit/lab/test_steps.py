"""Steps: order, failure, and what is said about it."""

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from lab import steps
from lab.errors import LabError
from lab.steps import Step


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_a_step_waits_for_what_it_needs() -> None:
    order: list[str] = []
    steps.run(
        [
            Step("last", lambda: order.append("last"), ("middle", "first")),
            Step("middle", lambda: order.append("middle"), ("first",)),
            Step("first", lambda: order.append("first")),
        ],
        quiet(),
    )
    assert order == ["first", "middle", "last"]


def test_independent_steps_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=5)
    steps.run([Step("a", lambda: str(both.wait())), Step("b", lambda: str(both.wait()))], quiet())


def test_what_a_step_did_is_shown() -> None:
    console = quiet()
    steps.run([Step("packages", lambda: "installed [3]")], console)
    assert "packages  installed [3]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_after_a_failure_no_step_begins(tmp_path: Path) -> None:
    begun: list[str] = []

    def fail() -> None:
        raise LabError("no room", tmp_path / "log")

    with pytest.raises(steps.StepFailedError, match="no room") as caught:
        steps.run([Step("first", fail), Step("second", lambda: begun.append("second"), ("first",))], quiet())
    assert (caught.value.step, caught.value.log, begun) == ("first", tmp_path / "log", [])


def test_steps_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(LabError, match="wait for each other"):
        steps.run([Step("a", lambda: None, ("b",)), Step("b", lambda: None, ("a",))], quiet())


def test_a_log_is_cut_down_to_its_errors(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "2026-01-01 10:00:00.000 7 INFO nova.service [-] starting\n"
        "2026-01-01 10:00:01.000 7 ERROR nova.service [-] no such driver\n"
        "2026-01-01 10:00:01.000 7 ERROR nova.service Traceback (most recent call last):\n"
        '2026-01-01 10:00:01.000 7 ERROR nova.service   File "service.py", line 1, in start\n'
        "2026-01-01 10:00:01.000 7 ERROR nova.service \n"
        "2026-01-01 10:00:01.000 7 INFO nova.service [-] error: only quoted\n"
    )
    assert steps.relevant_lines(log) == ["2026-01-01 10:00:01.000 7 ERROR nova.service [-] no such driver"]


def test_a_log_without_errors_shows_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert steps.relevant_lines(log, 2) == ["line 98", "line 99"]
