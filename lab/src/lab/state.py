"""What runs of the lab, and how much memory it takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from lab import central, family, health, memcached, ports, process, rabbitmq, services
from lab.dataplane.fabric import Fabric
from lab.settings import Lab

OTHER_PORTS = {rabbitmq.NAME: ports.RABBITMQ, memcached.NAME: ports.MEMCACHED, central.GATEWAY: central.PORT}


@dataclass(frozen=True)
class Part:
    """One process (or cable). ``word`` says what is wrong with it, or of what kind it is; ``memory`` is in bytes."""

    name: str
    up: bool
    pid: int | None = None
    word: str = ""
    port: int | None = None
    memory: int = 0


def show(lab: Lab, console: Console) -> bool:
    """Print all parts of the lab; true if none is missing."""
    table = Table("service", "pid", "port", "memory", box=None, pad_edge=False)
    parts = list(_parts(lab))
    for part in parts:
        state = " ".join(str(word) for word in (part.pid, part.word) if word)
        colour = "" if part.up and not (part.pid and part.word) else "yellow" if part.up else "red"
        table.add_row(part.name, state, str(part.port or ""), _megabytes(part.memory), style=colour)
    console.print(table)
    console.print(
        f"{_megabytes(sum(part.memory for part in parts))} in all (shared pages counted once)", highlight=False
    )
    return all(part.up for part in parts)


def _megabytes(memory: int) -> str:
    return f"{memory / 2**20:.0f} MB" if memory else ""


def _parts(lab: Lab) -> Iterator[Part]:
    listed = services.openstack(lab.layout, lab.regions)
    speaking = {service.name: service.port for service in listed if service.port} | {central.GATEWAY: central.PORT}
    names = [*services.INFRASTRUCTURE, *(family.parent_of(name) for name in services.FAMILIES)]
    for name in [*names, *(service.name for service in listed), *central.NAMES]:
        pid = process.pid_of(lab.layout, name)
        port = speaking.get(name, OTHER_PORTS.get(name))
        # A family's parent has the services themselves below it; they are listed one by one.
        measure = process.memory if name in names[len(services.INFRASTRUCTURE) :] else process.tree_memory
        word = "down" if pid is None else "no answer" if name in speaking and not health.answers(port) else ""
        yield Part(name, pid is not None, pid, word, port, measure(pid) if pid else 0)
    for component in Fabric(lab.layout.directory).status():
        memory = process.memory(component.pid) if component.pid else 0
        yield Part(
            component.name,
            component.state != "down",
            component.pid,
            "" if component.pid else component.state,
            memory=memory,
        )
