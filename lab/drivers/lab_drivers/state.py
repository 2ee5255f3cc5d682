"""What the compute driver knows of its servers; survives restarts of nova-compute and of the machine."""

import json
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STATE_FILE = "server.json"

RUNNING = "running"
PAUSED = "paused"
SUSPENDED = "suspended"
SHUTDOWN = "shutdown"
POWERED_STATES = frozenset({RUNNING, PAUSED, SUSPENDED})


@dataclass
class Nic:
    """One network interface: `device` inside the server, `tap` in the pod.

    `ipv4` says whether its port has IPv4 addresses; `ipv6_mode` is Neutron's ipv6_address_mode, empty without IPv6.
    """

    port_id: str
    device: str
    tap: str
    mac: str
    mtu: int
    ipv4: bool
    ipv6_mode: str
    addresses: list[str] = field(default_factory=list)


@dataclass
class Disk:
    """One disk: `device` such as vda; `source` names the image, the volume or the size it came from."""

    device: str
    source: str
    path: str
    volume_id: str = ""


@dataclass
class ServerState:
    uuid: str
    name: str
    instance_name: str
    power_state: str = SHUTDOWN
    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0
    root_device: str = "vda"
    disk_format: str = "raw"
    rescued: bool = False
    nics: list[Nic] = field(default_factory=list)
    disks: list[Disk] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return f"vm-{self.uuid}"

    def free_device(self) -> str:
        """The name of the next interface: the lowest ethN that is not taken."""
        taken = {nic.device for nic in self.nics}
        return next(name for number in range(len(taken) + 1) if (name := f"eth{number}") not in taken)

    def nic(self, port_id: str) -> Nic | None:
        return next((nic for nic in self.nics if nic.port_id == port_id), None)

    def replace_disk(self, disk: Disk) -> None:
        """Put a disk in the place of the one with the same device name, if there is one."""
        self.disks = sorted(
            [*(known for known in self.disks if known.device != disk.device), disk], key=lambda known: known.device
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "ServerState":
        """Raises ValueError, TypeError or KeyError when the text is not the state of a server."""
        content: Mapping[str, Any] = json.loads(text)
        return cls(
            **{
                **content,
                "nics": [Nic(**nic) for nic in content["nics"]],
                "disks": [Disk(**disk) for disk in content["disks"]],
            }
        )


class ServerStore:
    """One directory per server, with its state in a JSON file that is replaced as a whole."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._servers: dict[str, ServerState] = {}
        self._lock = threading.Lock()

    def load(self) -> list[Path]:
        """Read every server from disk and return the state files that could not be read."""
        self._root.mkdir(parents=True, exist_ok=True)
        damaged = []
        for path in self._root.glob(f"*/{STATE_FILE}"):
            try:
                state = ServerState.from_json(path.read_text())
            except (ValueError, TypeError, KeyError, OSError):
                damaged.append(path)
                continue
            self._servers[state.uuid] = state
        return damaged

    def directory(self, uuid: str) -> Path:
        return self._root / uuid

    def resize_directory(self, uuid: str) -> Path:
        """Where the disks of a resized server wait until the resize is confirmed or reverted."""
        return self._root / ".resize" / uuid

    def keep_for_revert(self, state: ServerState) -> None:
        """Write a server's state next to the disks that wait for a revert."""
        (self.resize_directory(state.uuid) / STATE_FILE).write_text(state.to_json())

    def kept_for_revert(self, uuid: str) -> ServerState:
        """Raises FileNotFoundError when the server was not resized."""
        return ServerState.from_json((self.resize_directory(uuid) / STATE_FILE).read_text())

    def get(self, uuid: str) -> ServerState | None:
        return self._servers.get(uuid)

    def all(self) -> list[ServerState]:
        with self._lock:
            return list(self._servers.values())

    def save(self, state: ServerState) -> None:
        """Keep a server; what is on disk is always a whole state, whenever the power goes."""
        directory = self.directory(state.uuid)
        directory.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._servers[state.uuid] = state
            partial = directory / f"{STATE_FILE}.partial"
            with partial.open("w") as file:
                file.write(state.to_json())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(directory / STATE_FILE)

    def remove(self, uuid: str) -> None:
        """Forget a server and delete its directory, disks included."""
        with self._lock:
            self._servers.pop(uuid, None)
            shutil.rmtree(self.directory(uuid), ignore_errors=True)

    def remove_resized(self, uuid: str) -> None:
        shutil.rmtree(self.resize_directory(uuid), ignore_errors=True)
