"""Servers, volumes and the like for the length of a test: made on entering, gone on leaving."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .people import Person
from .waiting import wait_until


@contextmanager
def server(person: Person, **request: Any) -> Iterator[Any]:
    """A server that is ACTIVE; without `networks` it has none."""
    made = person.central.compute.create_server(**{"networks": "none", **request})
    try:
        yield server_is(person, made.id, "ACTIVE")
    finally:
        remove_server(person, made.id)


@contextmanager
def servers(person: Person, *requests: dict[str, Any]) -> Iterator[list[Any]]:
    """Several servers that are ACTIVE, booted side by side."""
    made = []
    try:
        for request in requests:
            made.append(person.central.compute.create_server(**request))
        yield [server_is(person, each.id, "ACTIVE") for each in made]
    finally:
        for each in made:
            person.central.compute.delete_server(each.id, ignore_missing=True)
        for each in made:
            remove_server(person, each.id)


def server_is(person: Person, server_id: str, status: str) -> Any:
    """Wait until a server has a status and nothing is done to it any more."""
    get = person.central.compute.get_server
    found = get(server_id)

    def look() -> bool:
        nonlocal found
        found = get(server_id)
        if found.status == "ERROR":
            raise AssertionError(f"server {server_id}: {found.fault}")
        return found.status == status and not found.task_state

    wait_until(f"server {server_id} {status}", look)
    return found


def remove_server(person: Person, server_id: str) -> None:
    """Delete a server and wait until it is gone; one that is gone already is fine."""
    compute = person.central.compute
    compute.delete_server(server_id, ignore_missing=True)
    wait_until(f"the end of server {server_id}", lambda: compute.find_server(server_id, ignore_missing=True) is None)


@contextmanager
def stored(person: Person, kind: str, **request: Any) -> Iterator[Any]:
    """A volume, snapshot or backup that is available."""
    storage = person.central.block_storage
    made = getattr(storage, f"create_{kind}")(**request)
    try:
        yield available(person, kind, made.id)
    finally:
        getattr(storage, f"delete_{kind}")(made.id, ignore_missing=True)
        find = getattr(storage, f"find_{kind}")
        wait_until(f"the end of {kind} {made.id}", lambda: find(made.id, ignore_missing=True) is None)


def available(person: Person, kind: str, identifier: str) -> Any:
    """Wait until a volume, snapshot or backup is available."""
    get = getattr(person.central.block_storage, f"get_{kind}")
    found = get(identifier)

    def look() -> bool:
        nonlocal found
        found = get(identifier)
        if found.status.startswith("error"):
            raise AssertionError(f"{kind} {identifier} is {found.status}: {found}")
        return bool(found.status == "available")

    wait_until(f"{kind} {identifier} available", look)
    return found


@contextmanager
def image(person: Person, name: str, data: bytes) -> Iterator[Any]:
    """An image that holds these bytes."""
    made = person.central.image.create_image(name, data=data, disk_format="raw", container_format="bare")
    try:
        # As it is now that the bytes are there.
        yield person.central.image.get_image(made.id)
    finally:
        person.central.image.delete_image(made.id, ignore_missing=True)


@contextmanager
def flavor(person: Person, name: str, ram: int, disk: int = 1) -> Iterator[Any]:
    """A flavor of one processor, `ram` MB and `disk` GB."""
    made = person.central.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=disk)
    try:
        yield made
    finally:
        person.central.compute.delete_flavor(made.id)


@contextmanager
def attached(person: Person, server: Any, volume: Any) -> Iterator[str]:
    """A volume attached to a server, under the device name that this gives, e.g. `vdb`."""
    compute = person.central.compute
    compute.create_volume_attachment(server, volume_id=volume.id)
    wait_until(f"volume {volume.id} in use", lambda: _status(person, volume) == "in-use")
    try:
        (attachment,) = [each for each in compute.volume_attachments(server) if each.volume_id == volume.id]
        yield str(attachment.device).rpartition("/")[2]
    finally:
        compute.delete_volume_attachment(server, volume.id)
        available(person, "volume", volume.id)


def _status(person: Person, volume: Any) -> str:
    return str(person.central.block_storage.get_volume(volume.id).status)
