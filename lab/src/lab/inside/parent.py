"""One parent per service family: import the code once, fork a process for every service of every region.

Importing a service's code takes seconds and a hundred megabytes. The forks share both. A fork is an ordinary service
afterwards: a session of its own, its own log, its own locked pid file, and it outlives its parent.

Usage: ``python -m lab.inside.parent FAMILY SOCKET``. Each datagram on the socket is one order (see ``Order``).
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

from lab.inside import logfile, pidfile
from lab.inside.order import Order

# What is safe to import (and, after a colon, to call) before the configuration is known. Manager modules are left out:
# the decorators of their periodic tasks read settings at import.
FAMILIES: dict[str, tuple[str, ...]] = {
    "keystone": ("keystone.server.wsgi", "keystone.server.flask.core"),
    "placement": ("placement.deploy", "placement.handler", "placement.objects.allocation_candidate"),
    "glance": ("glance.common.wsgi_app", "glance.api.v2.router", "glance.async_.flows.api_image_import"),
    "neutron": ("neutron.server.api", "neutron.plugins.ml2.models", "neutron.common.ovn.utils", "neutron.wsgi"),
    "nova": (
        "nova.cmd.compute",
        "nova.cmd.conductor",
        "nova.cmd.scheduler",
        "nova.api.openstack.compute.routes",
        "nova.api.openstack.wsgi_app",
    ),
    "cinder-api": ("cinder.wsgi.wsgi", "cinder.objects:register_all", "cinder.api.v3.router"),
    "cinder": ("cinder.cmd.scheduler", "cinder.cmd.volume", "cinder.cmd.backup"),
}


def become(order: Order) -> None:
    """Turn this fresh fork into the service, and end with it."""
    os.setsid()
    # Among them the lock of the parent's own pid file, which must end with the parent.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    with logfile.append(Path(order.log)) as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Kept in a variable: closing the file would give up the lock that says "this service runs".
    held = pidfile.hold(Path(order.pid_file))
    os.environ.update(order.environment)
    tempfile.tempdir = None
    sys.argv = list(order.argv)
    if "eventlet" in sys.modules and order.runner == "daemon":
        # An epoll descriptor shared with the parent would mix up the events of all forks.
        importlib.import_module("eventlet.hubs").use_hub()
    importlib.import_module(f"lab.inside.{order.runner}").run(order.entry, **order.options)
    held.close()


def live(order: Order) -> NoReturn:
    """``become``, and leave nothing behind whichever way the service ends."""
    status = 1
    try:
        become(order)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the last frame of the process: whatever it was belongs into the log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Threads of the service must not keep a finished process alive.
        os._exit(status)


def preload(name: str) -> None:
    module, _, function = name.partition(":")
    loaded = importlib.import_module(module)
    if function:
        getattr(loaded, function)()


def main() -> None:
    family, address = sys.argv[1:]
    control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for name in FAMILIES[family]:
        preload(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    # Frozen objects are never visited by a collection, so their pages stay shared with the forks.
    gc.freeze()
    control.bind(address)
    while True:
        order = Order(**json.loads(control.recv(1 << 16)))
        if os.fork() == 0:
            live(order)


if __name__ == "__main__":
    main()
