"""Private database servers for tests: started in a directory of their own, reached by unix socket.

Their Debian packages are installed where they are missing.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import packages
from lab.layout import Layout

READY_SECONDS = 60.0


@contextmanager
def mariadb(directory: Path) -> Iterator[str]:
    """A MariaDB server; yields the SQLAlchemy URL of an empty database."""
    packages.ensure(Layout(directory), ("mariadb-server",))
    data, socket = directory / "data", directory / "mariadb.sock"
    _run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db")
    options = ["--skip-networking", "--max-connections=500", "--innodb-flush-log-at-trx-commit=2"]
    command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket}", *options]
    client = ["mariadb", "--no-defaults", f"--socket={socket}"]
    with _running(command, lambda: _succeeds(*client, "-e", "CREATE DATABASE IF NOT EXISTS engine")):
        yield f"mysql+aiomysql://root@localhost/engine?unix_socket={socket}"


@contextmanager
def postgresql(directory: Path) -> Iterator[str]:
    """A PostgreSQL server, which root may not run; yields the SQLAlchemy URL of an empty database."""
    packages.ensure(Layout(directory), ("postgresql",))
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    user = pwd.getpwnam("postgres")
    # Not below pytest's own directory, into which only its owner may look.
    home = Path("/tmp") / f"triune-engine-{os.getpid()}"
    home.mkdir(mode=0o700)
    try:
        os.chown(home, user.pw_uid, user.pw_gid)
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        _run(*become, str(binaries / "initdb"), "--auth=trust", "--username=postgres", str(home / "data"))
        options = ["-k", str(home), "-c", "listen_addresses=", "-c", "max_connections=300", "-c", "fsync=off"]
        command = [*become, str(binaries / "postgres"), "-D", str(home / "data"), *options]
        with _running(command, lambda: _succeeds(str(binaries / "pg_isready"), "-h", str(home), "-q")):
            yield f"postgresql+asyncpg://postgres@/postgres?host={home}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(command: list[str], is_ready: Callable[[], bool]) -> Iterator[None]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready():
            assert server.poll() is None, f"{command[0]} ended while it started"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            time.sleep(0.1)
        yield
    finally:
        # Both end at once at SIGINT or SIGTERM, with what they hold written or not: it is thrown away.
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(timeout=20)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, timeout=30, cwd="/").returncode == 0
