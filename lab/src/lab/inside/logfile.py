"""Logs that cannot fill a disk: what is large when a service starts is put aside, and only one such file is kept."""

from pathlib import Path
from typing import BinaryIO

LIMIT_BYTES = 32 * 2**20


def append(path: Path) -> BinaryIO:
    """Open a log to write at its end; a large one becomes ``<name>.log.old`` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LIMIT_BYTES:
        path.replace(path.with_name(path.name + ".old"))
    return path.open("ab", buffering=0)
