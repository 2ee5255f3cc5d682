"""Running Tempest against a region."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab.credentials import write_private

from . import results
from .environment import Programs
from .settings import Sections, text

WORKERS = 2


@dataclass(frozen=True)
class Run:
    """The outcomes of a run, its JUnit report, and how many seconds it took."""

    region: str
    outcomes: results.Outcomes
    report: Path
    seconds: float


@dataclass(frozen=True)
class Suite:
    """Tempest with its settings for one region, in a directory of its own."""

    programs: Programs
    region: str
    directory: Path

    def configure(self, settings: Sections) -> None:
        """Begin with an empty directory and these settings."""
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "locks").mkdir(parents=True)
        self._call(str(self.programs.tempest), "init", "--name", self.region, str(self.directory), quiet=True)
        write_private(self.directory / "etc" / "tempest.conf", text(settings))

    def run(self, tests: list[str], seconds: float) -> Run:
        """Run tests that are selected by words of `tempest run`; shows each as it ends.

        Raises `subprocess.TimeoutExpired` after some seconds.
        """
        began = time.monotonic()
        self._call(str(self.programs.tempest), "run", f"--concurrency={WORKERS}", *tests, seconds=seconds)
        took = time.monotonic() - began
        subunit = self.directory / "last.subunit"
        with subunit.open("wb") as stream:
            command = [str(self.programs.stestr), "last", "--subunit"]
            subprocess.run(command, cwd=self.directory, stdout=stream, timeout=60)
        report = self.directory / "report.xml"
        with subunit.open("rb") as stream, report.open("wb") as output:
            command = [str(self.programs.subunit2junitxml), "--no-passthrough"]
            subprocess.run(command, cwd=self.directory, stdin=stream, stdout=output, timeout=60)
        return Run(self.region, results.read(report), report, took)

    def _call(self, *command: str, quiet: bool = False, seconds: float = 60) -> None:
        # A failure of a test is no failure of the run: the report tells.
        subprocess.run(command, cwd=self.directory, timeout=seconds, capture_output=quiet)
