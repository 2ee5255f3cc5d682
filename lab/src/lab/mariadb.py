"""MariaDB: all databases of all regions, reached through a unix socket only."""

import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from lab import command, process
from lab.errors import LabError
from lab.layout import Layout

NAME = "mariadb"
READY_SECONDS = 60.0
SQL_SECONDS = 120.0

OPTIONS = (
    "skip-networking",
    "max-connections=2000",
    "character-set-server=utf8mb4",
    "innodb-buffer-pool-size=128M",
    "innodb-log-file-size=96M",
    # The lab may lose its last second at a power cut; every commit is faster for it.
    "innodb-flush-log-at-trx-commit=2",
    # One file for all tables: hundreds of them are made at the first start.
    "innodb-file-per-table=0",
    "performance-schema=0",
    "table-open-cache=400",
    "thread-cache-size=32",
)


def start(layout: Layout) -> None:
    """Start the server, making its data directory at the first time; returns when it answers."""
    home = layout.directory / NAME
    log = layout.log(NAME)
    if not (home / "installed").exists():
        # What an installation that was cut short left behind would be taken for a finished one.
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={home}", "--skip-test-db"]
        command.run([*install, "--auth-root-authentication-method=socket", "--auth-root-socket-user=root"], log)
        (home / "installed").touch()
    server = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={home}", f"--socket={layout.database_socket}"]
    process.start(layout, NAME, [*server, f"--pid-file={home / 'server.pid'}", *(f"--{word}" for word in OPTIONS)])
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(layout):
        if process.pid_of(layout, NAME) is None:
            raise LabError("MariaDB ended while it started", log)
        if time.monotonic() > deadline:
            raise LabError(f"MariaDB does not answer after {READY_SECONDS:.0f} s", log)
        time.sleep(0.1)


def create_account(layout: Layout, password: str) -> None:
    """The account of all services; safe to repeat."""
    query(
        layout,
        f"CREATE USER IF NOT EXISTS openstack@localhost; ALTER USER openstack@localhost IDENTIFIED BY '{password}';"
        "GRANT ALL PRIVILEGES ON *.* TO openstack@localhost; CREATE DATABASE IF NOT EXISTS lab;"
        "CREATE TABLE IF NOT EXISTS lab.loaded (name VARCHAR(64) PRIMARY KEY);",
    )


def query(layout: Layout, sql: str) -> list[list[str]]:
    """Run SQL as the administrator and return the rows. Raises ``LabError`` with the server's message."""
    done = subprocess.run(_client(layout), input=sql, capture_output=True, text=True, timeout=SQL_SECONDS)
    if done.returncode:
        raise LabError(f"MariaDB refuses: {done.stderr.strip()}", layout.log(NAME))
    return [line.split("\t") for line in done.stdout.splitlines()]


def load(layout: Layout, database: str, dump: Path) -> None:
    """Run the SQL of a file in a database."""
    command.run([*_client(layout), database], layout.log(NAME), stdin=dump, seconds=SQL_SECONDS)


def dump(layout: Layout, database: str, path: Path) -> None:
    """Write a database's tables and rows as SQL."""
    draft = path.with_name(path.name + ".new")
    options = ["--no-defaults", f"--socket={layout.database_socket}", "--skip-comments", "--single-transaction"]
    command.run(["mariadb-dump", *options, f"--result-file={draft}", database], layout.log(NAME))
    draft.replace(path)


def databases(layout: Layout) -> set[str]:
    """Names of the databases that are loaded completely."""
    return {row[0] for row in query(layout, "SELECT name FROM lab.loaded")}


def mark_loaded(layout: Layout, names: Iterable[str]) -> None:
    values = ", ".join(f"('{name}')" for name in names)
    query(layout, f"INSERT IGNORE INTO lab.loaded VALUES {values}")


def recreate(layout: Layout, names: Iterable[str]) -> None:
    """Make databases empty, whatever a half-finished run left in them."""
    query(layout, "".join(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name};" for name in names))


def _client(layout: Layout) -> list[str]:
    return ["mariadb", "--no-defaults", f"--socket={layout.database_socket}", "--batch", "--skip-column-names"]


def _answers(layout: Layout) -> bool:
    probe = subprocess.run([*_client(layout), "-e", "SELECT 1"], capture_output=True, timeout=SQL_SECONDS)
    return probe.returncode == 0
