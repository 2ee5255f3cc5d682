"""The files of the volume driver."""

import subprocess
from pathlib import Path

import pytest
from lab_drivers.volume_files import BYTES_PER_GB, VolumeFiles, gigabytes


def execute(*command: str, timeout: float) -> None:
    subprocess.run(command, timeout=timeout, check=True)


@pytest.fixture
def files(tmp_path: Path) -> VolumeFiles:
    found = VolumeFiles(tmp_path / "volumes", execute)
    found.prepare()
    return found


def write(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)


def read(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (1, 1), (BYTES_PER_GB, 1), (BYTES_PER_GB + 1, 2)])
def test_gigabytes_are_rounded_up(size: int, expected: int) -> None:
    assert gigabytes(size) == expected


def test_new_volume_is_sparse_and_private(files: VolumeFiles) -> None:
    files.create("volume-1", 3)
    found = files.path("volume-1").stat()
    assert (found.st_size, found.st_blocks, found.st_mode & 0o777) == (3 * BYTES_PER_GB, 0, 0o600)
    assert files.directory.stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileExistsError):
        files.create("volume-1", 3)


def test_copy_keeps_bytes_holes_and_privacy(files: VolumeFiles) -> None:
    files.create("volume-1", 1)
    write(files.path("volume-1"), b"data")
    files.copy("volume-1", "snapshot-1")
    found = files.path("snapshot-1").stat()
    assert read(files.path("snapshot-1"), 4) == b"data"
    assert found.st_size == BYTES_PER_GB
    assert found.st_blocks * 512 < BYTES_PER_GB
    assert found.st_mode & 0o777 == 0o600


def test_failed_copy_leaves_the_target_alone(files: VolumeFiles) -> None:
    files.create("volume-1", 1)
    write(files.path("volume-1"), b"data")
    with pytest.raises(subprocess.CalledProcessError):
        files.copy("volume-none", "volume-1")
    assert read(files.path("volume-1"), 4) == b"data"
    files.prepare()
    assert [name for name, _ in files.all()] == ["volume-1"]


def test_overwrite_reaches_who_has_the_file_open(files: VolumeFiles) -> None:
    files.create("volume-1", 1)
    files.copy("volume-1", "snapshot-1")
    write(files.path("snapshot-1"), b"older")
    with files.path("volume-1").open("rb") as attached:
        files.overwrite("snapshot-1", "volume-1")
        assert attached.read(5) == b"older"


def test_files_grow_and_never_shrink(files: VolumeFiles) -> None:
    files.create("volume-1", 2)
    files.grow("volume-1", 3)
    files.grow("volume-1", 1)
    files.grow("volume-none", 1)
    assert list(files.all()) == [("volume-1", 3 * BYTES_PER_GB)]


def test_adopted_file_gets_a_whole_size_and_privacy(files: VolumeFiles) -> None:
    (files.directory / "foreign").write_bytes(b"data")
    files.adopt("foreign", "volume-1")
    assert list(files.all()) == [("volume-1", BYTES_PER_GB)]
    assert files.path("volume-1").stat().st_mode & 0o777 == 0o600


def test_what_is_promised_and_what_is_taken(files: VolumeFiles) -> None:
    files.create("volume-1", 5)
    write(files.path("volume-1"), b"data")
    assert files.provisioned_gb() == 5
    assert 0 < files.allocated_gb() < 0.01


def test_delete_twice(files: VolumeFiles) -> None:
    files.create("volume-1", 1)
    files.delete("volume-1")
    files.delete("volume-1")
    assert list(files.all()) == []
