"""Tempest's own Python environment: its dependencies are not Triune's."""

import sys
from dataclasses import dataclass
from pathlib import Path

from lab import environment
from lab.layout import Layout

LOCK = Path(__file__).with_name("requirements.lock")


@dataclass(frozen=True)
class Programs:
    """The programs of the environment."""

    directory: Path

    @property
    def tempest(self) -> Path:
        """Runs tests."""
        return self.directory / "tempest"

    @property
    def stestr(self) -> Path:
        """Knows the results of the last run."""
        return self.directory / "stestr"

    @property
    def subunit2junitxml(self) -> Path:
        """Turns results into a report."""
        return self.directory / "subunit2junitxml"


def ensure(layout: Layout) -> Programs:
    """Install what the lock file says, unless it is there."""
    venv = layout.directory / "tempest" / "venv"
    stamp = venv / "lock"
    if not stamp.exists() or stamp.read_text() != LOCK.read_text():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        environment.uv(layout, "venv", "--allow-existing", "--python", version, venv)
        environment.uv(layout, "pip", "sync", "--compile-bytecode", "--python", venv / "bin" / "python", LOCK)
        stamp.write_text(LOCK.read_text())
    return Programs(venv / "bin")
