"""Logs that cannot fill a disk."""

from pathlib import Path

import pytest

from lab.inside import logfile


def test_a_log_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "RegionOne" / "service.log"
    for line in (b"one\n", b"two\n"):
        with logfile.append(path) as log:
            log.write(line)
    assert path.read_text() == "one\ntwo\n"


def test_a_large_log_is_put_aside_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LIMIT_BYTES", 4)
    path = tmp_path / "service.log"
    for line in (b"oldest\n", b"older\n", b"new\n"):
        with logfile.append(path) as log:
            log.write(line)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "service.log": "new\n",
        "service.log.old": "older\n",
    }
