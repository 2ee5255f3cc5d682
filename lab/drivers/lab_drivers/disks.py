"""The disks of a server: files and links in a directory of its own."""

import os
import shutil
from pathlib import Path
from typing import Any

from nova.image import glance
from nova.virt import driver
from oslo_concurrency import processutils
from oslo_log import log as logging
from oslo_utils import units

from lab_drivers.shell import execute
from lab_drivers.state import Disk, ServerState

LOG = logging.getLogger(__name__)

RESCUE = "rescue"
COPY_TIMEOUT_SECONDS = 600


def connected_path(connection_info: dict[str, Any]) -> str:
    """The file that holds a volume, as the volume driver tells it.

    Raises KeyError when the volume is of another kind than a local file.
    """
    return str(connection_info["data"]["device_path"])


def device_name(path: str) -> str:
    """`vdb` for `/dev/vdb`."""
    return path.rpartition("/")[2]


class Disks:
    """`disks/vda` is the root disk, a file with the image's bytes; a volume is a link to the volume's file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "disks"

    def path(self, device: str) -> Path:
        return self._directory / device

    def fetch(self, images: glance.API, context: Any, image_id: str, device: str) -> Path:
        """Download an image; a file that was there before is replaced once the image is here as a whole."""
        partial = self._fresh(device)
        images.download(context, image_id, dest_path=str(partial))
        _dig_holes(partial)
        return self._place(partial, device)

    def blank(self, device: str, size_bytes: int) -> Path:
        """A disk of zeros that takes no room."""
        partial = self._fresh(device)
        partial.touch(mode=0o600)
        os.truncate(partial, size_bytes)
        return self._place(partial, device)

    def link(self, device: str, target: str) -> None:
        """Show a volume under a device name."""
        partial = self._fresh(device)
        partial.symlink_to(target)
        self._place(partial, device)

    def attach(self, server: ServerState, connection_info: dict[str, Any], mountpoint: str) -> Disk:
        """Give the server a volume under the name of `mountpoint`, in place of what had that name."""
        path = connected_path(connection_info)
        volume_id = connection_info.get("serial") or connection_info["data"].get("volume_id", "")
        disk = Disk(device_name(mountpoint), f"volume {volume_id}", path, volume_id)
        self.link(disk.device, path)
        server.replace_disk(disk)
        return disk

    def detach(self, server: ServerState, mountpoint: str) -> str:
        """Take a disk away and return its device name."""
        device = device_name(mountpoint)
        self.path(device).unlink(missing_ok=True)
        server.disks = [disk for disk in server.disks if disk.device != device]
        return device

    def attach_all(self, server: ServerState, block_device_info: dict[str, Any] | None) -> None:
        """Give the server the volumes that Nova says it has."""
        for volume in driver.block_device_info_get_mapping(block_device_info):
            self.attach(server, volume["connection_info"], volume["mount_device"])

    def add_image(self, server: ServerState, images: glance.API, context: Any, image_id: str, device: str) -> None:
        """Give the server a disk with an image's bytes."""
        path = self.fetch(images, context, image_id, device)
        server.replace_disk(Disk(device, f"image {image_id}, {path.stat().st_size} bytes", str(path)))

    def add_blanks(self, server: ServerState, block_device_info: dict[str, Any] | None) -> None:
        """Give the server its ephemeral disks and its swap."""
        wanted = {
            device_name(each["device_name"]): each["size"] * units.Gi
            for each in driver.block_device_info_get_ephemerals(block_device_info)
        }
        swap = driver.block_device_info_get_swap(block_device_info)
        if driver.swap_is_usable(swap):
            wanted[device_name(swap["device_name"])] = swap["swap_size"] * units.Mi
        for device, size_bytes in wanted.items():
            server.replace_disk(Disk(device, f"{size_bytes} bytes of zeros", str(self.blank(device, size_bytes))))

    def save_to(self, directory: Path) -> None:
        """Keep a copy of the server's own disks and of its links in another directory."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _copy_tree(self._directory, directory)

    def restore_from(self, directory: Path) -> None:
        """Put back what `save_to` kept."""
        shutil.rmtree(self._directory, ignore_errors=True)
        _copy_tree(directory / self._directory.name, self._directory.parent)

    def _fresh(self, device: str) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        partial = self._directory / f".{device}.partial"
        partial.unlink(missing_ok=True)
        return partial

    def _place(self, partial: Path, device: str) -> Path:
        return partial.replace(self.path(device))


def copy_bytes(source: str, target: str) -> None:
    """Overwrite a file with another's bytes, in place; holes stay holes, and a larger target keeps its size."""
    size_bytes = Path(target).stat().st_size
    os.truncate(target, 0)
    os.truncate(target, size_bytes)
    execute("dd", f"if={source}", f"of={target}", "bs=1M", "conv=sparse,notrunc", timeout=COPY_TIMEOUT_SECONDS)


def _copy_tree(source: Path, into: Path) -> None:
    if source.exists():
        execute("cp", "--archive", "--sparse=always", str(source), str(into), timeout=COPY_TIMEOUT_SECONDS)


def _dig_holes(path: Path) -> None:
    try:
        execute("fallocate", "--dig-holes", str(path), timeout=COPY_TIMEOUT_SECONDS)
    except processutils.ProcessExecutionError as error:
        LOG.info("The file system of %s has no holes: %s", path, error.stderr)
