"""The DHCP clients of a server. They run inside its namespace and end with it."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from lab_drivers.shell import execute, processes_in, send_signal
from lab_drivers.state import Nic

SCRIPTS = Path(__file__).parent / "scripts"
STATEFUL = "dhcpv6-stateful"
STATELESS = "dhcpv6-stateless"


def ipv4_client(nic: Nic, directory: Path) -> list[str]:
    """The command line of udhcpc, which stays to renew the lease."""
    return [
        *("busybox", "udhcpc", "-f", "-i", nic.device, "-t", "5", "-T", "1", "-A", "20"),
        *("-O", "staticroutes", "-O", "mtu", "-s", str(SCRIPTS / "udhcpc"), "-p", str(_pid_file(directory, nic, 4))),
    ]


def ipv6_client(nic: Nic, directory: Path) -> list[str]:
    """The command line of dhclient: for an address, or, where the router announces addresses, for settings only."""
    mode = ["-S"] if nic.ipv6_mode == STATELESS else []
    return [
        *("dhclient", "-6", *mode, "-d", "-q", "-cf", "/dev/null", "-sf", str(SCRIPTS / "dhclient")),
        *("-lf", str(directory / f"{nic.device}.leases6"), "-pf", str(_pid_file(directory, nic, 6))),
        *("-e", f"SERVER_DIRECTORY={directory.parent}", nic.device),
    ]


class DhcpClients:
    """The clients of one server; their files are in `directory`, below the server's own."""

    def __init__(self, namespace: str, directory: Path) -> None:
        self._namespace = namespace
        self._directory = directory

    def start(self, nics: Sequence[Nic]) -> None:
        """Start the clients that the interfaces need, and return at once.

        SLAAC needs none: the kernel listens to the router.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        for nic in nics:
            self._lease_file(nic).unlink(missing_ok=True)
            if nic.ipv4:
                self._spawn(ipv4_client(nic, self._directory))
            if nic.ipv6_mode in (STATEFUL, STATELESS):
                self._spawn(ipv6_client(nic, self._directory))

    def wait(self, nics: Sequence[Nic], seconds: float) -> None:
        """Give the IPv4 clients up to so many seconds for their first lease; they go on trying afterwards."""
        deadline = time.monotonic() + seconds
        waiting = [nic for nic in nics if nic.ipv4]
        while waiting and time.monotonic() < deadline:
            waiting = [nic for nic in waiting if not self._lease_file(nic).exists()]
            if waiting:
                time.sleep(0.02)

    def stop(self, nic: Nic) -> None:
        """End the clients of one interface."""
        living = set(processes_in(self._namespace))
        for family in (4, 6):
            path = _pid_file(self._directory, nic, family)
            if path.exists() and (text := path.read_text().strip()).isdigit() and int(text) in living:
                send_signal([int(text)], signal.SIGKILL)
            path.unlink(missing_ok=True)

    def _lease_file(self, nic: Nic) -> Path:
        return self._directory / f"{nic.device}.lease"

    def _spawn(self, client: Sequence[str]) -> None:
        # Forked away from nova-compute, whose end the client outlives, and cut off from its output, which would
        # otherwise stay open.
        execute(
            *("env", f"SERVER_DIRECTORY={self._directory.parent}", f"PATH={os.environ.get('PATH', os.defpath)}"),
            *("nsenter", f"--net=/run/netns/{self._namespace}", "setsid", "--fork"),
            *("sh", "-c", 'exec "$@" </dev/null >/dev/null 2>&1', "sh", *client),
        )


def _pid_file(directory: Path, nic: Nic, family: int) -> Path:
    return directory / f"{nic.device}.client{family}.pid"
