"""What Tempest's servers are made of: images and flavors made through Triune, so that every region has them."""

import secrets
from dataclasses import dataclass

from openstack.connection import Connection

IMAGES = ("tempest", "tempest-other")
# Name and MiB of memory.
FLAVORS = (("tempest.small", 64), ("tempest.large", 128))
IMAGE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Prepared:
    """The ids of what has been made."""

    image: str
    other_image: str
    flavor: str
    larger_flavor: str


def prepare(cloud: Connection) -> Prepared:
    """Make what is not there yet, as an administrator of the central region."""
    images = [_image(cloud, name) for name in IMAGES]
    flavors = [_flavor(cloud, name, memory) for name, memory in FLAVORS]
    return Prepared(*images, *flavors)


def remove(cloud: Connection) -> None:
    """Remove it again, wherever it is."""
    for name in IMAGES:
        for image in cloud.image.images(name=name):
            cloud.image.delete_image(image)
    for name, _ in FLAVORS:
        flavor = cloud.compute.find_flavor(name)
        if flavor is not None:
            cloud.compute.delete_flavor(flavor)


def _image(cloud: Connection, name: str) -> str:
    for image in cloud.image.images(name=name, status="active"):
        return str(image.id)
    data = secrets.token_bytes(IMAGE_BYTES)
    made = cloud.image.create_image(
        name, data=data, disk_format="raw", container_format="bare", visibility="public", validate_checksum=False
    )
    return str(made.id)


def _flavor(cloud: Connection, name: str, memory: int) -> str:
    known = cloud.compute.find_flavor(name)
    return str((known or cloud.compute.create_flavor(name=name, ram=memory, vcpus=1, disk=1)).id)
