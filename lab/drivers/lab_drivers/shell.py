"""Short-lived commands of the compute driver."""

import os
import signal
import time
from collections.abc import Sequence

from oslo_concurrency import processutils

TIMEOUT_SECONDS = 30
END_PATIENCE_SECONDS = 2.0


def execute(*argv: str, stdin: str | None = None, timeout: int = TIMEOUT_SECONDS) -> str:
    """Run a command and return its standard output.

    Raises ProcessExecutionError when it fails, subprocess.TimeoutExpired when it takes longer than `timeout` seconds.
    """
    output, _ = processutils.execute(*argv, process_input=stdin, timeout=timeout)
    return str(output)


def ip_batch(lines: Sequence[str], *, namespace: str | None = None, force: bool = False) -> None:
    """Run `ip` commands in one process; with `force`, those that fail are passed over."""
    options = (["-n", namespace] if namespace else []) + (["-force"] if force else [])
    if lines:
        try:
            execute("ip", *options, "-batch", "-", stdin="\n".join(lines) + "\n")
        except processutils.ProcessExecutionError:
            if not force:
                raise


def processes_in(namespace: str) -> list[int]:
    return [int(pid) for pid in execute("ip", "netns", "pids", namespace).split()]


def send_signal(pids: Sequence[int], number: int) -> None:
    """Send a signal to those of the processes that still exist."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def end_processes(namespace: str) -> None:
    """End every process in a namespace, the unwilling by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = processes_in(namespace)
        send_signal(pids, number)
        # A frozen process acts on SIGTERM only after it is continued.
        send_signal(pids, signal.SIGCONT)
        deadline = time.monotonic() + END_PATIENCE_SECONDS
        while pids and time.monotonic() < deadline:
            time.sleep(0.02)
            pids = processes_in(namespace)
        if not pids:
            return
