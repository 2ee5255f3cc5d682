"""Running Tempest against a region."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.credentials import write_private

from . import results
from .environment import Programs
from .settings import Sections, text

WORKERS = 2


@dataclass(frozen=True)
class Run:
    """The outcomes of a run, and how many seconds it took."""

    region: str
    outcomes: results.Outcomes
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
        (self.directory / ".stestr.conf").write_text(self.programs.stestr_conf)
        write_private(self._settings, text(settings))

    def run(self, tests: list[str], seconds: float) -> Run:
        """Run tests that are selected by words of `stestr run`; shows each as it ends.

        Raises `subprocess.TimeoutExpired` after some seconds.
        """
        began = time.monotonic()
        # A failure of a test is no failure of the run: the report tells.
        self._call(str(self.programs.stestr), "run", f"--concurrency={WORKERS}", *tests, seconds=seconds)
        took = time.monotonic() - began
        subunit, report = self.directory / "last.subunit", self.directory / "report.csv"
        with subunit.open("wb") as output:
            self._call(str(self.programs.stestr), "last", "--subunit", output=output)
        with subunit.open("rb") as source, report.open("wb") as output:
            self._call(str(self.programs.subunit2csv), "--no-passthrough", source=source, output=output)
        return Run(self.region, results.read(report), took)

    @property
    def _settings(self) -> Path:
        return self.directory / "tempest.conf"

    def _call(
        self, *command: str, seconds: float = 60, source: IO[bytes] | None = None, output: IO[bytes] | None = None
    ) -> None:
        environment = {
            **os.environ,
            "TEMPEST_CONFIG_DIR": str(self.directory),
            "TEMPEST_CONFIG": self._settings.name,
        }
        subprocess.run(command, cwd=self.directory, env=environment, timeout=seconds, stdin=source, stdout=output)
