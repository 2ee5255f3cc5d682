"""The families' parents (see ``lab.inside.parent``), seen from the lab."""

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from lab import process
from lab.errors import LabError
from lab.inside.order import Order
from lab.layout import DRIVERS, PROJECT, Layout

READY_SECONDS = 120.0


@dataclass(frozen=True)
class Service:
    """One process of OpenStack.

    ``entry`` is a module with ``application`` (wsgi) or ``module:function`` (daemon); ``port`` is set for wsgi.
    """

    name: str
    family: str
    runner: Literal["wsgi", "daemon"]
    entry: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    threads: int = 8
    scratch: Path | None = None
    """A directory for temporary files, emptied before each start."""


def parent_of(family: str) -> str:
    """The name under which the lab knows the parent of a family."""
    return f"family/{family}"


def _socket(layout: Layout, family: str) -> Path:
    return layout.run / "family" / f"{family}.sock"


def environment(layout: Layout) -> dict[str, str]:
    """What every OpenStack process of the lab finds in its environment."""
    search = os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    return {
        "PATH": f"{layout.shims}:{layout.venv / 'bin'}:/usr/local/sbin:/usr/sbin:/sbin:{search}",
        "PYTHONPATH": f"{PROJECT / 'lab' / 'src'}:{DRIVERS}",
        "PYTHONUNBUFFERED": "1",
        # Arenas of many threads would keep far more memory than the services use.
        "MALLOC_ARENA_MAX": "2",
        # A proxy of the machine has no business between the lab's services.
        "no_proxy": "127.0.0.1,localhost",
    }


def start_parent(layout: Layout, family: str) -> None:
    """Start a family's parent unless it runs; returns when it takes orders."""
    name, address = parent_of(family), _socket(layout, family)
    if process.pid_of(layout, name) is None:
        address.parent.mkdir(parents=True, exist_ok=True)
        address.unlink(missing_ok=True)
        process.start(layout, name, [layout.python, "-m", "lab.inside.parent", family, address], environment(layout))
    deadline = time.monotonic() + READY_SECONDS
    while not address.exists():
        if process.pid_of(layout, name) is None or time.monotonic() > deadline:
            raise LabError(f"the parent of the {family} services did not start", layout.log(name))
        time.sleep(process.POLL_SECONDS)


def start(layout: Layout, service: Service) -> None:
    """Have the family's parent fork the service, unless it runs; returns when its process is there."""
    if process.pid_of(layout, service.name) is not None:
        return
    start_parent(layout, service.family)
    pid_file = layout.pid_file(service.name)
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    extra = dict(service.environment)
    if service.scratch:
        _empty(service.scratch)
        extra["TMPDIR"] = str(service.scratch)
    order = Order(
        runner=service.runner,
        entry=service.entry,
        argv=[service.name.rpartition("/")[2], *service.argv],
        environment=extra,
        options={} if service.port is None else {"port": service.port, "threads": service.threads},
        log=str(layout.log(service.name)),
        pid_file=str(pid_file),
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        control.settimeout(process.START_SECONDS)
        control.sendto(json.dumps(asdict(order)).encode(), str(_socket(layout, service.family)))
    process.wait_started(layout, service.name)


def _empty(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for entry in directory.iterdir():
        if not entry.is_dir():
            entry.unlink()
