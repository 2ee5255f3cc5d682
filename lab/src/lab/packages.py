"""Debian packages."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import command
from lab.errors import LabError
from lab.layout import Layout

PACKAGES = (
    "arping",
    "busybox-static",
    "ethtool",
    "iperf3",
    "iproute2",
    "iputils-ping",
    "isc-dhcp-client",
    "mariadb-server",
    "memcached",
    "openvswitch-switch",
    "ovn-central",
    "ovn-host",
    "procps",
    "qemu-utils",
    "rabbitmq-server",
    "tcpdump",
)

# The machine may be installing something of its own at this moment.
APT = ("apt-get", "--option", "DPkg::Lock::Timeout=120")
NONINTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive"}
NEVER_START = Path("/usr/sbin/policy-rc.d")


def ensure(layout: Layout, names: tuple[str, ...] = PACKAGES) -> str:
    """Install what is missing; says what it did. Raises ``LabError`` where apt cannot."""
    missing = sorted(set(names) - installed(names))
    if not missing:
        return f"{len(names)} packages are there"
    log = layout.log("apt")
    with _no_autostart():
        try:
            _install(missing, log)
        except LabError:
            # The lists may be older than the archive, or not be there at all.
            command.run([*APT, "update"], log, NONINTERACTIVE)
            _install(missing, log)
    return f"installed {len(missing)} packages"


def _install(names: list[str], log: Path) -> None:
    command.run([*APT, "install", "--yes", "--no-install-recommends", *names], log, NONINTERACTIVE)


def installed(names: tuple[str, ...] = PACKAGES) -> set[str]:
    """Those of some packages that are installed."""
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev} ${Package}\n", *names],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return {line.split()[1] for line in listing.stdout.splitlines() if line.startswith("ii ")}


@contextmanager
def _no_autostart() -> Iterator[None]:
    """Keep apt from starting the daemons it installs; leaves a policy that is already there alone."""
    if NEVER_START.exists():
        yield
        return
    NEVER_START.write_text("#!/bin/sh\nexit 101\n")
    NEVER_START.chmod(0o755)
    try:
        yield
    finally:
        NEVER_START.unlink(missing_ok=True)
