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
    def stestr(self) -> Path:
        """Runs tests, and knows the results of the last run."""
        return self.directory / "stestr"

    @property
    def subunit2csv(self) -> Path:
        """Turns results into a table."""
        return self.directory / "subunit2csv"

    @property
    def stestr_conf(self) -> str:
        """The settings of `stestr`: where Tempest's tests are; those of a class run one after the other."""
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        package = self.directory.parent / "lib" / python / "site-packages" / "tempest"
        words = f"test_path={package}/test_discover\ntop_dir={package.parent}\n"
        return f"[DEFAULT]\n{words}group_regex=([^\\.]*\\.)*\n"


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
