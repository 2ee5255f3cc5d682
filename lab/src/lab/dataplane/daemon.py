"""The long-living processes of Open vSwitch and OVN."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.dataplane.command import run
from lab.dataplane.errors import DataplaneError
from lab.dataplane.namespace import Namespace, all_processes, end_processes, is_alive, namespace_inode

START_TIMEOUT_SECONDS = 30.0
LOG_LIMIT_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Daemon:
    """One daemon of the Open vSwitch family, which detaches itself once it is ready to serve.

    `name` names its pid file and its log. With a `namespace` it runs inside of it. A daemon without a `control_socket`
    makes one where its environment says.
    """

    name: str
    argv: tuple[str, ...]
    run_directory: Path
    log_directory: Path
    control_socket: Path | None = None
    namespace: Namespace | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def pid_file(self) -> Path:
        return self.run_directory / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        return self.log_directory / f"{self.name}.log"

    @property
    def pid_option(self) -> str:
        return f"--pidfile={self.pid_file}"

    def command(self) -> list[str]:
        """The full command line."""
        enter = ["nsenter", f"--net={self.namespace.path}"] if self.namespace else []
        return [
            *enter,
            *self.argv,
            "--detach",
            # A crash is followed by a new start at once: userspace connection tracking has assertions that NAT can hit.
            "--monitor",
            "--no-chdir",
            self.pid_option,
            *([f"--unixctl={self.control_socket}"] if self.control_socket else []),
            f"--log-file={self.log_file}",
            "-vconsole:off",
            "-vsyslog:off",
        ]

    def find_pid(self) -> int | None:
        """The running process, found by its pid file, or, when that was lost, by the option that names the file."""
        candidates = [int(text)] if (text := _read(self.pid_file).strip()).isdigit() else []
        for pid in candidates if any(map(self._is_mine, candidates)) else all_processes():
            if self._is_mine(pid):
                return pid
        return None

    def is_running(self) -> bool:
        """Whether it runs, in the namespace where it belongs, with the directory it works in not deleted under it."""
        pid = self.find_pid()
        if pid is None or (self.control_socket and not self.control_socket.exists()):
            return False
        return self.namespace is None or namespace_inode(pid) == self.namespace.inode()

    def start(self) -> bool:
        """Start it unless it runs already; True when it was started. Returns when it is ready."""
        if self.is_running():
            return False
        self.stop()
        for directory in (self.run_directory, self.log_directory):
            directory.mkdir(parents=True, exist_ok=True)
        self._rotate_log()
        try:
            run(self.command(), timeout=START_TIMEOUT_SECONDS, environment={**os.environ, **self.environment})
        except DataplaneError as error:
            raise DataplaneError(f"{self.name} did not start: {error}", log=self.log_file) from error
        return True

    def stop(self) -> None:
        """End it if it runs, and remove its pid file and control socket."""
        pid = self.find_pid()
        if pid is not None:
            end_processes([pid])
        self.pid_file.unlink(missing_ok=True)
        if self.control_socket:
            self.control_socket.unlink(missing_ok=True)

    def _is_mine(self, pid: int) -> bool:
        return self.pid_option in _read(Path(f"/proc/{pid}/cmdline")).split("\0") and is_alive(pid)

    def _rotate_log(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
