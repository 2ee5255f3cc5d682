"""Processes are known by their locked pid files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import process
from lab.inside import pidfile
from lab.layout import Layout

# What is started here is meant to go on without its starter.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def gone(pid: int) -> bool:
    """Whether a process has ended; the tests' own children stay as zombies until they are waited for."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            if not Path(f"/proc/{pid}").exists():
                return True
        time.sleep(0.02)
    return False


def test_a_started_service_is_found_and_stopped(layout: Layout) -> None:
    process.start(layout, "RegionOne/sleeper", ["sleep", "60"])
    pid = process.pid_of(layout, "RegionOne/sleeper")
    assert pid is not None
    process.start(layout, "RegionOne/sleeper", ["sleep", "60"])
    assert process.pid_of(layout, "RegionOne/sleeper") == pid
    assert process.stop(layout, ["RegionOne/sleeper", "RegionOne/absent"]) == ["RegionOne/sleeper"]
    assert process.pid_of(layout, "RegionOne/sleeper") is None
    assert gone(pid)


def test_a_file_left_by_a_killed_process_is_stale(layout: Layout) -> None:
    process.start(layout, "sleeper", ["sleep", "60"])
    pid = process.pid_of(layout, "sleeper")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert layout.pid_file("sleeper").exists()
    assert process.pid_of(layout, "sleeper") is None


def test_a_service_that_ignores_the_signal_is_killed(layout: Layout) -> None:
    process.start(layout, "stubborn", [sys.executable, "-c", STUBBORN])
    pid = process.pid_of(layout, "stubborn")
    assert pid is not None
    deadline = time.monotonic() + 5
    while "ready" not in layout.log("stubborn").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    child = process.descendants(pid)
    assert len(child) == 1
    process.stop(layout, ["stubborn"], seconds=0.2)
    assert gone(pid)
    assert gone(child[0])


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("ready", flush=True)
time.sleep(60)
"""


def test_a_held_pid_file_cannot_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pidfile, "PATIENCE", 0.1)
    path = tmp_path / "service.pid"
    with pidfile.hold(path), pytest.raises(pidfile.HeldError):
        pidfile.hold(path)
    assert pidfile.running(path) is None


def test_whoever_inherits_the_lock_is_found(tmp_path: Path) -> None:
    path = tmp_path / "service.pid"
    with pidfile.hold(path) as held:
        heir = subprocess.Popen(["sleep", "60"], pass_fds=(held.fileno(),))
    try:
        assert pidfile.running(path) == os.getpid()
        assert process.holders(path) == [heir.pid]
    finally:
        heir.kill()
        heir.wait()
    assert pidfile.running(path) is None


def test_memory_of_a_process_that_is_gone_is_nothing() -> None:
    assert process.memory(os.getpid()) > 0
    assert process.memory(2**22 + 1) == 0
