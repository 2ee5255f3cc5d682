"""Named network namespaces."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.dataplane.command import ip_batch, run
from lab.dataplane.errors import DataplaneError

DIRECTORY = Path("/run/netns")
END_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Namespace:
    """One network namespace, by the name that `ip netns` knows it by."""

    name: str

    @property
    def path(self) -> Path:
        return DIRECTORY / self.name

    def inode(self) -> int | None:
        """The kernel's number of this namespace, None when it does not exist.

        A plain file of that name (left by a reboot where /run is on disk, or by a half-done `ip netns add`) is not a
        namespace.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino if found.st_dev == Path("/proc/self/ns/net").stat().st_dev else None

    def exists(self) -> bool:
        return self.inode() is not None

    def ensure(self) -> bool:
        """Make the namespace with its loopback up; True when it was not there before."""
        created = not self.exists()
        if created:
            self.path.unlink(missing_ok=True)
            run(["ip", "netns", "add", self.name])
        run(["ip", "-n", self.name, "link", "set", "lo", "up"])
        return created

    def mute(self) -> None:
        """Keep the kernel from speaking IPv6 on the ends of cables here, which belong to a switch of userspace."""
        words = [f"net.ipv6.conf.{which}.disable_ipv6=1" for which in ("all", "default")]
        run(["ip", "netns", "exec", self.name, "sysctl", "-e", "-q", "-w", *words])

    def processes(self) -> list[int]:
        """The processes that live in this namespace."""
        return processes_in([self])

    def delete(self) -> None:
        """End every process inside and remove the namespace; nothing happens when it does not exist."""
        delete_all([self])


def processes_in(namespaces: Sequence[Namespace]) -> list[int]:
    """The processes that live in any of these namespaces."""
    inodes = {inode for namespace in namespaces if (inode := namespace.inode()) is not None}
    return [pid for pid in all_processes() if namespace_inode(pid) in inodes] if inodes else []


def delete_all(namespaces: Sequence[Namespace]) -> None:
    """End every process in these namespaces, all at once, and remove them."""
    end_processes(processes_in(namespaces))
    ip_batch([f"netns delete {namespace.name}" for namespace in namespaces if namespace.exists()])
    for namespace in namespaces:
        namespace.path.unlink(missing_ok=True)


def all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def namespace_inode(pid: int) -> int | None:
    """The network namespace of a process, None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] != "Z"


def end_processes(pids: list[int]) -> None:
    """Ask processes to end, then make them; returns when all are gone, DataplaneError when one cannot be ended."""
    remaining = pids
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in remaining:
            try:
                os.kill(pid, number)
                # A stopped process acts on SIGTERM only after it is continued.
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + END_PATIENCE_SECONDS
        while remaining and time.monotonic() < deadline:
            remaining = [pid for pid in remaining if is_alive(pid)]
            if remaining:
                time.sleep(0.02)
        if not remaining:
            return
    raise DataplaneError(f"processes cannot be ended: {', '.join(map(str, remaining))}")
