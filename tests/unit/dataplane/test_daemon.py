"""Daemons are known by their pid file, never by their name."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.dataplane.daemon import LOG_LIMIT_BYTES, Daemon
from lab.dataplane.errors import DataplaneError
from lab.dataplane.namespace import Namespace, is_alive


def daemon(directory: Path, *argv: str, **settings: object) -> Daemon:
    return Daemon("pod1-thing", argv or ("thing",), directory / "run", directory / "log", **settings)  # type: ignore[arg-type]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the pid option of the daemon under test."""
    script = "import time; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script, daemon(tmp_path).pid_option])
    yield process
    process.kill()
    process.wait()


def started(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process is past its exec, so that its command line is its own."""
    deadline = time.monotonic() + 10
    while b"--pidfile" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_command_detaches_and_names_its_files(tmp_path: Path) -> None:
    one = daemon(tmp_path, "ovsdb-server", "x.db", control_socket=tmp_path / "x.ctl")
    command = one.command()
    assert command[:4] == ["ovsdb-server", "x.db", "--detach", "--monitor"]
    assert f"--pidfile={tmp_path}/run/pod1-thing.pid" in command
    assert f"--log-file={tmp_path}/log/pod1-thing.log" in command
    assert f"--unixctl={tmp_path}/x.ctl" in command


def test_command_enters_the_namespace(tmp_path: Path) -> None:
    assert daemon(tmp_path, namespace=Namespace("pod1")).command()[:3] == ["nsenter", "--net=/run/netns/pod1", "thing"]


def test_stale_pid_file_of_another_process_is_not_believed(tmp_path: Path) -> None:
    one = daemon(tmp_path)
    one.pid_file.parent.mkdir()
    one.pid_file.write_text(str(os.getpid()))
    assert one.find_pid() is None
    assert not one.is_running()


def test_found_even_when_the_pid_file_is_lost(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    started(sleeper)
    assert daemon(tmp_path).find_pid() == sleeper.pid


def test_not_running_when_its_directory_was_deleted(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    started(sleeper)
    assert daemon(tmp_path).is_running()
    assert not daemon(tmp_path, control_socket=tmp_path / "gone.ctl").is_running()


def test_stop_ends_it_and_removes_its_files(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    started(sleeper)
    one = daemon(tmp_path)
    one.pid_file.parent.mkdir()
    one.pid_file.write_text(str(sleeper.pid))
    one.stop()
    assert not is_alive(sleeper.pid)
    assert not one.pid_file.exists()
    one.stop()


def test_failed_start_names_the_log(tmp_path: Path) -> None:
    one = daemon(tmp_path, "false")
    with pytest.raises(DataplaneError, match="pod1-thing did not start") as failure:
        one.start()
    assert failure.value.log == one.log_file


def test_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataplaneError, match="no-such-program is not installed"):
        daemon(tmp_path, "no-such-program").start()


def test_large_log_makes_room_at_the_next_start(tmp_path: Path) -> None:
    one = daemon(tmp_path, "true")
    one.log_file.parent.mkdir()
    one.log_file.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    one.start()
    assert not one.log_file.exists()
    assert one.log_file.with_suffix(".log.1").exists()
