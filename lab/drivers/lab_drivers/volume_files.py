"""The files of the volume driver: one per volume and snapshot, sparse, readable by nobody else."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FILE_MODE = 0o600
BYTES_PER_GB = 1024**3
BYTES_PER_BLOCK = 512
COPY_TIMEOUT_SECONDS = 3600
PARTIAL_SUFFIX = ".partial"


def gigabytes(size_bytes: int) -> int:
    """The size that a volume must have to hold so many bytes."""
    return -(-size_bytes // BYTES_PER_GB)


class VolumeFiles:
    """A file under its final name is always whole: copies are made under another name first.

    `execute` runs a command, given as words, within `timeout` seconds.
    """

    def __init__(self, directory: Path, execute: Callable[..., Any]) -> None:
        self.directory = directory
        self._execute = execute

    def prepare(self) -> None:
        """Make the directory, and remove what copies that were cut short left behind."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for partial in self.directory.glob(f"*{PARTIAL_SUFFIX}"):
            partial.unlink()

    def path(self, name: str) -> Path:
        return self.directory / name

    def create(self, name: str, size_gb: int) -> None:
        """A file of zeros that takes no room. Raises FileExistsError when there is one of that name."""
        path = self.path(name)
        path.touch(mode=FILE_MODE, exist_ok=False)
        os.truncate(path, size_gb * BYTES_PER_GB)

    def copy(self, source: str, target: str) -> None:
        """Copy a file's bytes; holes stay holes. Replaces the target as a whole."""
        partial = self.path(target + PARTIAL_SUFFIX)
        partial.unlink(missing_ok=True)
        partial.touch(mode=FILE_MODE)
        self._execute(
            *("cp", "--sparse=always", "--reflink=auto", str(self.path(source)), str(partial)),
            timeout=COPY_TIMEOUT_SECONDS,
        )
        partial.replace(self.path(target))

    def overwrite(self, source: str, target: str) -> None:
        """Give an existing file another's bytes and size, in place: who has it open goes on with the new bytes."""
        self._execute(
            *("cp", "--sparse=always", str(self.path(source)), str(self.path(target))), timeout=COPY_TIMEOUT_SECONDS
        )

    def grow(self, name: str, size_gb: int) -> None:
        """Make a file at least so large; it never shrinks, and what does not exist stays so."""
        path = self.path(name)
        if path.exists() and path.stat().st_size < size_gb * BYTES_PER_GB:
            os.truncate(path, size_gb * BYTES_PER_GB)

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def rename(self, old: str, new: str) -> None:
        self.path(old).rename(self.path(new))

    def adopt(self, name: str, new: str) -> None:
        """Take a file over under another name, with the size and mode of a volume."""
        self.rename(name, new)
        self.path(new).chmod(FILE_MODE)
        self.grow(new, gigabytes(self.path(new).stat().st_size))

    def all(self) -> Iterator[tuple[str, int]]:
        """Name and size in bytes of every whole file."""
        for path in sorted(self.directory.iterdir()):
            if path.is_file() and not path.name.endswith(PARTIAL_SUFFIX):
                yield path.name, path.stat().st_size

    def provisioned_gb(self) -> int:
        return sum(gigabytes(size) for _, size in self.all())

    def allocated_gb(self) -> float:
        """What the files really take."""
        blocks = sum(self.path(name).stat().st_blocks for name, _ in self.all())
        return blocks * BYTES_PER_BLOCK / BYTES_PER_GB
