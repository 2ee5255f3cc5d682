"""Start, find and end the lab's processes. A service is known by its locked pid file, never by its name."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.inside import logfile, pidfile
from lab.layout import Layout

START_SECONDS = 10.0
POLL_SECONDS = 0.05


def pid_of(layout: Layout, service: str) -> int | None:
    """The pid of a running service, else ``None``."""
    return pidfile.running(layout.pid_file(service))


def start(
    layout: Layout, service: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> None:
    """Start a command as a daemon under the service's name, unless it runs already."""
    if pid_of(layout, service) is not None:
        return
    path = layout.pid_file(service)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = pidfile.hold(path)
    except pidfile.HeldError:
        return
    with held, logfile.append(layout.log(service)) as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            # The daemon inherits the lock and so holds it as long as it lives.
            pass_fds=(held.fileno(),),
            start_new_session=True,
        )
        pidfile.write(held, process.pid)


def wait_started(layout: Layout, service: str) -> None:
    """Wait until the service holds its pid file. Raises ``LabError`` after ``START_SECONDS``."""
    deadline = time.monotonic() + START_SECONDS
    while pid_of(layout, service) is None:
        if time.monotonic() > deadline:
            raise LabError(f"{service} did not start", layout.log(service))
        time.sleep(POLL_SECONDS)


def stop(layout: Layout, services: Sequence[str], seconds: float = 10.0) -> list[str]:
    """End services and the processes they started, all at the same time; those that ran are returned.

    SIGTERM first; whatever is left after ``seconds`` gets SIGKILL.
    """
    running = {service: pid for service in services if (pid := pid_of(layout, service)) is not None}
    # Collected before the first signal: children of a dead process can no longer be told from others'.
    trees = {service: descendants(pid) for service, pid in running.items()}
    for pid in running.values():
        _signal(pid, signal.SIGTERM)
    left = set(running)
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        left = {service for service in left if pid_of(layout, service) is not None}
        time.sleep(POLL_SECONDS)
    for service in left:
        for pid in {running[service], *trees[service], *holders(layout.pid_file(service))}:
            _signal(pid, signal.SIGKILL)
    for service in set(running) - left:
        for pid in trees[service]:
            _signal(pid, signal.SIGTERM)
    for service in services:
        layout.pid_file(service).unlink(missing_ok=True)
    return list(running)


def holders(path: Path) -> list[int]:
    """Every process that has the file open: the one it names, and whoever inherited the lock from it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and any(_target(link) == path for link in _links(entry / "fd")):
            found.append(int(entry.name))
    return found


def _links(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def _target(link: Path) -> Path | None:
    try:
        return link.readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def descendants(pid: int) -> list[int]:
    """All processes below ``pid``, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def _parent(entry: Path) -> int | None:
    try:
        # The command name may hold blanks and brackets, so the fields are counted from its end.
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def memory(pid: int) -> int:
    """Proportional set size of a process in bytes: shared pages are divided among those who share them."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


def tree_memory(pid: int) -> int:
    """``memory`` of a process and of all below it."""
    return sum(memory(each) for each in (pid, *descendants(pid)))
