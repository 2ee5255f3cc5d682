"""A running server: a network namespace with its interfaces and DHCP clients."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from lab_drivers.console import Console
from lab_drivers.dhcp import DhcpClients
from lab_drivers.pod_switch import PodSwitch
from lab_drivers.shell import end_processes, execute, ip_batch, processes_in, send_signal
from lab_drivers.state import Nic, ServerState

NAMESPACES = Path("/run/netns")
RESOLVERS = Path("/etc/netns")

# Nobody else has these addresses, and a guest that waits for proof of it boots seconds later.
SYSCTLS = (
    "net.ipv6.conf.default.dad_transmits=0",
    "net.ipv6.conf.default.router_solicitation_delay=0",
)


class Guest:
    """One server as a machine that can be switched on and off. The caller keeps the state file up to date."""

    def __init__(self, state: ServerState, directory: Path, switch: PodSwitch) -> None:
        self._state = state
        self._directory = directory
        self._switch = switch
        self._namespace = state.namespace
        self._clients = DhcpClients(self._namespace, directory / "dhcp")
        self.console = Console(directory / "console.log")

    def is_on(self) -> bool:
        """Whether the namespace exists; a plain file that a reboot left behind is none."""
        try:
            return (NAMESPACES / self._namespace).stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
        except FileNotFoundError:
            return False

    def is_whole(self) -> bool:
        """Whether the namespace exists with every interface in it and on the switch."""
        if not self.is_on():
            return False
        inside = {link["ifname"] for link in json.loads(execute("ip", "-n", self._namespace, "-json", "link", "show"))}
        plugged = self._switch.owners()
        return all(nic.device in inside and nic.tap in plugged for nic in self._state.nics)

    def switch_on(self) -> None:
        """Make the namespace and plug the interfaces; nothing inside runs yet."""
        if self.is_on():
            self.switch_off()
        (NAMESPACES / self._namespace).unlink(missing_ok=True)
        self._write_resolver()
        execute("ip", "netns", "add", self._namespace)
        execute("ip", "netns", "exec", self._namespace, "sysctl", "-e", "-q", "-w", *SYSCTLS)
        ip_batch(["link set lo up"], namespace=self._namespace)
        self._switch.plug(self._state.uuid, self._namespace, self._state.nics)

    def boot(self, lease_seconds: float) -> None:
        """What a machine does once it has power: say so and ask for addresses, for so many seconds at most."""
        self.console.say(*self._boot_lines())
        self.configure(self._state.nics, lease_seconds)
        self.console.say(f"{self._state.name} is up", f"{self._state.name} login:")

    def configure(self, nics: Sequence[Nic], lease_seconds: float) -> None:
        """Bring wired interfaces up and get their addresses, waiting for so many seconds at most."""
        # Only now: the kernel asks for IPv6 routers when the link comes up, and asks again only seconds later.
        ip_batch([f"link set {nic.device} up" for nic in nics], namespace=self._namespace)
        self._clients.start(nics)
        self._clients.wait(nics, lease_seconds)

    def reboot(self, lease_seconds: float) -> None:
        """End all that runs inside and boot again; the interfaces stay plugged."""
        self.console.say("reboot: restarting system")
        end_processes(self._namespace)
        for command in ("addr flush dev {}", "link set {} down"):
            ip_batch([command.format(nic.device) for nic in self._state.nics], namespace=self._namespace)
        self.boot(lease_seconds)

    def switch_off(self) -> None:
        """End everything inside and remove the namespace and its interfaces, whatever is there of them."""
        if self.is_on():
            end_processes(self._namespace)
        self._switch.unplug([nic.tap for nic in self._state.nics])
        if self.is_on():
            execute("ip", "netns", "delete", self._namespace)
        (NAMESPACES / self._namespace).unlink(missing_ok=True)
        (RESOLVERS / self._namespace).unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop all processes and all traffic; addresses and memory stay."""
        self._switch.disconnect(self._state.nics)
        send_signal(processes_in(self._namespace), signal.SIGSTOP)

    def thaw(self) -> None:
        send_signal(processes_in(self._namespace), signal.SIGCONT)
        self._switch.connect(self._state.nics)

    def wait_wired(self, nics: Sequence[Nic], timeout: int) -> bool:
        """Wait until OVN carries the interfaces' packets; False when that takes longer than `timeout` seconds."""
        return self._switch.wait_wired(nics, timeout)

    def attach(self, nic: Nic) -> None:
        """Plug one more interface into the running server."""
        self._switch.plug(self._state.uuid, self._namespace, [nic])

    def detach(self, nic: Nic) -> None:
        if self.is_on():
            self._clients.stop(nic)
        self._switch.unplug([nic.tap])

    def _write_resolver(self) -> None:
        # `ip netns exec` shows a command the files of this directory in place of those in /etc.
        resolver = self._directory / "etc"
        resolver.mkdir(parents=True, exist_ok=True)
        (resolver / "resolv.conf").write_text("")
        RESOLVERS.mkdir(parents=True, exist_ok=True)
        link = RESOLVERS / self._namespace
        link.unlink(missing_ok=True)
        link.symlink_to(resolver)

    def _boot_lines(self) -> list[str]:
        state = self._state
        return [
            f"power on: server {state.uuid}",
            f"{os.uname().sysname} {os.uname().release}, network namespace {self._namespace}",
            f"hostname {state.name}, instance {state.instance_name}",
            f"{state.vcpus} vCPU, {state.memory_mb} MB memory, {state.disk_gb} GB root disk",
            *(f"{disk.device}: {disk.source}" for disk in state.disks),
            f"booting from {'the rescue image' if state.rescued else 'the root disk'}",
            "lo: up, 127.0.0.1/8",
            *(f"{nic.device}: {nic.mac}, mtu {nic.mtu}, port {nic.port_id}, wired" for nic in state.nics),
            "starting the network",
        ]
