"""The running lab: its regions, and stopping, freezing and killing its processes."""

import configparser
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import central_neutron, layout, mariadb

from .waiting import wait_until

GATEWAY = "triune-gateway"
WORKER = "triune-worker"
CENTRAL_NEUTRON = central_neutron.NAME
DATABASE = "mariadb"
BUSY = "another lab command is at work"
# A cold start installs everything.
UP_SECONDS = 1500.0
COMMAND_SECONDS = 120.0


@dataclass(frozen=True)
class Lab:
    """The lab of this checkout."""

    directory: Path
    summary: dict[str, Any]

    @property
    def regions(self) -> list[str]:
        """The names of the regions."""
        return [region["name"] for region in self.summary["regions"]]

    @property
    def zones(self) -> dict[str, str]:
        """The region behind each availability zone: every region is a zone of its own."""
        return {f"az{region['index']}": region["name"] for region in self.summary["regions"]}

    def account(self, cloud: str) -> dict[str, str]:
        """How to log in to one of the clouds in the lab's `clouds.yaml`."""
        clouds: dict[str, Any] = json.loads(Path(self.summary["clouds_file"]).read_text())["clouds"]
        auth: dict[str, str] = clouds[cloud]["auth"]
        return auth

    def endpoint(self, region: str, service: str) -> str:
        """The address of a service of a region."""
        (found,) = [each for each in self.summary["regions"] if each["name"] == region]
        return str(found["endpoints"][service])

    # -- processes

    def pid(self, service: str) -> int:
        """The process of a service that runs."""
        return int((Path(self.summary["pid_directory"]) / f"{service}.pid").read_text().split()[0])

    def stop(self, service: str) -> None:
        """Stop a service."""
        run("stop", service)

    def start(self, service: str) -> None:
        """Start a service; it answers when this returns."""
        run("start", service)

    def restart(self, service: str) -> None:
        """Stop a service and start it again."""
        self.stop(service)
        self.start(service)

    def kill(self, service: str) -> None:
        """End a service as a power cut would."""
        pid = self.pid(service)
        os.kill(pid, signal.SIGKILL)
        wait_until(f"the end of {service}", lambda: not is_running(pid), seconds=10, interval=0.05)

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """A service that refuses connections."""
        self.stop(service)
        try:
            yield
        finally:
            self.start(service)

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """A service that accepts connections and never answers."""
        pid = self.pid(service)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def run_inside(self, server_id: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside a server."""
        return run("exec", server_id, "--", *command, check=False)

    # -- Triune

    def query(self, sql: str) -> list[list[str]]:
        """Run SQL in the database of Triune and central Neutron; the rows."""
        return mariadb.query(layout.Layout(self.directory), f"USE {central_neutron.DATABASE}; {sql}")

    @property
    def gateway_log(self) -> Path:
        """The gateway's log."""
        return Path(self.summary["log_directory"]) / f"{GATEWAY}.log"

    def setting(self, section: str, option: str, default: float) -> float:
        """A number in Triune's settings, or its default."""
        settings = configparser.ConfigParser(interpolation=None)
        settings.read(self.directory / "triune" / "triune.conf")
        return settings.getfloat(section, option, fallback=default)


def up() -> Lab:
    """Bring the lab up, or find it up."""

    def try_it() -> bool:
        done = run("up", seconds=UP_SECONDS, check=False)
        if done.returncode and BUSY not in done.stderr:
            raise RuntimeError(f"lab up: {done.stdout[-2000:]}{done.stderr}")
        return done.returncode == 0

    wait_until("a turn at the lab", try_it, seconds=UP_SECONDS, interval=5)
    place = layout.default()
    return Lab(place.directory, json.loads(place.summary.read_text()))


def run(*words: str, seconds: float = COMMAND_SECONDS, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command `lab`. Raises `RuntimeError` with what it said where it fails and `check` is set."""
    program = Path(sys.executable).with_name("lab")
    done = subprocess.run(
        [program, *words], capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"lab {' '.join(words)}: {done.stdout}{done.stderr}")
    return done


def is_running(pid: int) -> bool:
    """Whether a process is alive; one that waits to be buried is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
