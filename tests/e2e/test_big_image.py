"""Image data streams through the gateway in flat memory, whatever its size."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .lab import GATEWAY, Lab
from .people import Person

MIB = 1024 * 1024
SIZE = 2 * 1024 * MIB
BLOCK = 16 * MIB
Recorder = Callable[[str, object], None]

# What the gateway may grow by.
GROWTH = 50 * MIB
SAMPLE_SECONDS = 0.2


def resident(pid: int) -> int:
    """The memory that a process has now, in bytes."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """Samples of a process's memory, taken all the time."""
    samples = [resident(pid)]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            samples.append(resident(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples
    finally:
        ended.set()
        watcher.join()


@pytest.fixture
def big_file(tmp_path: Path) -> Iterator[Path]:
    """A file of 2 GiB in which no two blocks are the same."""
    path, block = tmp_path / "big", os.urandom(BLOCK)
    with path.open("wb") as file:
        for number in range(SIZE // BLOCK):
            file.write(number.to_bytes(8, "big") + block[8:])
    yield path
    path.unlink()


def digest(path: Path) -> str:
    """The SHA-512 of a file, as Glance tells it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def test_two_gibibytes_up_and_down(
    tenant: Person,
    lab: Lab,
    big_file: Path,
    prefix: str,
    tmp_path: Path,
    record_testsuite_property: Recorder,
) -> None:
    name, saved = f"{prefix}-big", tmp_path / "saved"
    pid = lab.pid(GATEWAY)
    wanted = digest(big_file)
    try:
        with watched(pid) as samples:
            tenant.run("image create --disk-format raw --file", str(big_file), name)
        record_testsuite_property("upload_growth_bytes", max(samples) - samples[0])
        assert max(samples) - samples[0] < GROWTH, "the gateway grew with the upload"
        image = tenant.central.image.find_image(name, ignore_missing=False)
        for region in lab.regions:
            copy = tenant.pod(region).image.get_image(image.id)
            assert (copy.status, copy.size, copy.hash_value) == ("active", SIZE, wanted)
        with watched(pid) as samples:
            tenant.run("image save --file", str(saved), image.id)
        record_testsuite_property("download_growth_bytes", max(samples) - samples[0])
        assert max(samples) - samples[0] < GROWTH, "the gateway grew with the download"
        assert digest(saved) == wanted
    finally:
        saved.unlink(missing_ok=True)
        found = tenant.central.image.find_image(name, ignore_missing=True)
        if found is not None:
            tenant.central.image.delete_image(found.id)
    assert lab.pid(GATEWAY) == pid
