"""The servers of the lab: namespaces, found through the state files that the compute driver keeps."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.dataplane.errors import DataplaneError
from lab.dataplane.namespace import Namespace, delete_all

RUNNING = "running"
STATE_FILE = "server.json"
RESOLVERS = Path("/etc/netns")


@dataclass(frozen=True)
class Server:
    """One server; `power_state` is `running`, `paused`, `suspended` or `shutdown`."""

    uuid: str
    name: str
    region: str
    power_state: str
    directory: Path
    addresses: tuple[str, ...]

    @property
    def namespace(self) -> Namespace:
        return Namespace(f"vm-{self.uuid}")


def list_servers(lab_dir: Path) -> list[Server]:
    """The servers of all regions, sorted by region and name."""
    found = [
        server
        for state_file in lab_dir.glob(f"regions/*/servers/*/{STATE_FILE}")
        if (server := _read(state_file)) is not None
    ]
    return sorted(found, key=lambda server: (server.region, server.name, server.uuid))


def find_server(known: list[Server], name_or_id: str) -> Server:
    """The one server of that id or name; DataplaneError when there is none or more than one."""
    matches = [server for server in known if server.uuid == name_or_id]
    matches = matches or [server for server in known if server.name == name_or_id]
    if not matches:
        raise DataplaneError(f"no server is named {name_or_id} or has that id")
    if len(matches) > 1:
        choices = "\n".join(f"  {server.uuid}  ({server.region}, {server.power_state})" for server in matches)
        raise DataplaneError(f"{len(matches)} servers are named {name_or_id}; give one of these ids:\n{choices}")
    return matches[0]


def exec_in_server(lab_dir: Path, name_or_id: str, argv: list[str]) -> int:
    """Run a command inside a running server, on the caller's terminal, and return its exit code.

    The command finds the server's disks in the directory that `SERVER_DISKS` names. Raises DataplaneError when the
    server is unknown, ambiguous or not running.
    """
    server = find_server(list_servers(lab_dir), name_or_id)
    if server.power_state != RUNNING or not server.namespace.exists():
        raise DataplaneError(
            f"server {server.name} ({server.region}) does not run, its power state is {server.power_state}"
        )
    environment = {**os.environ, "SERVER_DISKS": str(server.directory / "disks")}
    enter = ["ip", "netns", "exec", server.namespace.name]
    return subprocess.run([*enter, *argv], env=environment, check=False).returncode


def end_servers(region_directory: Path) -> None:
    """Remove the namespaces of a region's servers, as a power cut would; the compute driver makes them anew."""
    directories = (region_directory / "servers").glob("*-*-*-*-*")
    namespaces = [Namespace(f"vm-{directory.name}") for directory in directories]
    delete_all(namespaces)
    for namespace in namespaces:
        (RESOLVERS / namespace.name).unlink(missing_ok=True)


def _read(state_file: Path) -> Server | None:
    """A server as its state file says; None when the server is being deleted at this moment."""
    try:
        content = json.loads(state_file.read_text())
    except FileNotFoundError:
        return None
    return Server(
        uuid=content["uuid"],
        name=content["name"],
        region=state_file.parents[2].name,
        power_state=content["power_state"],
        directory=state_file.parent,
        addresses=tuple(address for nic in content["nics"] for address in nic["addresses"]),
    )
