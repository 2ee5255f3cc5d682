"""A pid file that cannot lie: whoever it names holds a lock on it for as long as it lives.

The kernel gives the lock up with the last process that inherited it, so a file left behind by ``kill -9`` or by a
reboot is recognised as stale, and a recycled pid is never taken for the service.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

PATIENCE = 2.0
"""Seconds to wait for a probe (which holds a shared lock for an instant) to let go."""


class HeldError(Exception):
    """Another process runs under this pid file."""


def hold(path: Path, pid: int | None = None) -> IO[str]:
    """Lock the file and write the pid (default: this process's own) into it.

    The lock lasts as long as the returned file, or a copy inherited by another process, stays open.
    Raises ``HeldError`` if a live process has it.
    """
    file = path.open("a+")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                raise HeldError(str(path)) from None
            time.sleep(0.02)
    write(file, pid or os.getpid())
    return file


def write(file: IO[str], pid: int) -> None:
    """Replace the pid in a file that is held."""
    file.seek(0)
    file.truncate()
    file.write(f"{pid}\n")
    file.flush()


def running(path: Path) -> int | None:
    """The pid of the live process that holds the file, else ``None``."""
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text else None
    except FileNotFoundError:
        pass
    return None
