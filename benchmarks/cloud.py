"""The lab's clouds, as the benchmarks of real regions use them."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from openstack.connection import Connection

from lab import layout

CENTRAL = "CentralRegion"
POLL_SECONDS = 0.03
DEADLINE_SECONDS = 120.0


def connect(cloud: str, region: str) -> Any:
    """A connection as one of the users of the lab's `clouds.yaml`."""
    place = layout.default()
    clouds = json.loads((place.directory / "clouds.yaml").read_text())["clouds"]
    return Connection(auth=clouds[cloud]["auth"], region_name=region)


def wait(what: str, look: Callable[[], Any]) -> Any:
    """The first true value. Raises `TimeoutError`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(POLL_SECONDS)
    return seen


@contextmanager
def ingredients(admin: Any) -> Iterator[tuple[Any, Any]]:
    """An image and a flavor that everybody can boot."""
    image = admin.image.create_image("bench", data=os.urandom(1 << 20), disk_format="raw", visibility="public")
    try:
        flavor = admin.compute.create_flavor(name="bench", ram=64, vcpus=1, disk=1)
        try:
            yield image, flavor
        finally:
            admin.compute.delete_flavor(flavor.id)
    finally:
        admin.image.delete_image(image.id)
