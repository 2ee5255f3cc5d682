"""Where the lab keeps things."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
"""The checkout this code stands in (the lab is installed editable)."""

OPENSTACK = PROJECT / "lab" / "openstack"
DRIVERS = PROJECT / "lab" / "drivers"

SOCKET_PATH_LIMIT = 107
"""Bytes a unix socket's path may have (``sun_path`` of Linux, less the final zero)."""


@dataclass(frozen=True)
class Layout:
    """The tree of one lab's state below ``directory`` (``.lab`` of the checkout)."""

    directory: Path

    @property
    def venv(self) -> Path:
        return self.directory / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def shims(self) -> Path:
        return self.directory / "shims"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def logs(self) -> Path:
        return self.directory / "log"

    @property
    def regions(self) -> Path:
        return self.directory / "regions"

    @property
    def credentials(self) -> Path:
        return self.directory / "credentials.json"

    @property
    def summary(self) -> Path:
        return self.directory / "lab.json"

    @property
    def database_socket(self) -> Path:
        return self.run / "mariadb.sock"

    def pid_file(self, service: str) -> Path:
        return self.run / f"{service}.pid"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"


def default() -> Layout:
    """The lab of this checkout, or the one ``LAB_DIRECTORY`` names."""
    return Layout(Path(os.environ.get("LAB_DIRECTORY") or PROJECT / ".lab").resolve())


def cache() -> Path:
    """What is worth keeping across clones and ``lab destroy``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "triune-lab"
