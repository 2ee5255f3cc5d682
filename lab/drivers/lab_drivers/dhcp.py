"""The DHCP clients of a server. They run inside its namespace and end with it."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from lab_drivers.plumbing import dhcp_clients, pid_file
from lab_drivers.shell import execute, processes_in, send_signal
from lab_drivers.state import Nic


class DhcpClients:
    """The clients of one server; their files are in `directory`, below the server's own."""

    def __init__(self, namespace: str, directory: Path) -> None:
        self._namespace = namespace
        self._directory = directory

    def start(self, nics: Sequence[Nic]) -> None:
        """Start the clients that the interfaces need, and return at once."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for nic in nics:
            self._lease_file(nic).unlink(missing_ok=True)
            for client in dhcp_clients(nic, self._directory):
                self._spawn(client)

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
        for version in (4, 6):
            path = pid_file(self._directory, nic, version)
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
