"""What the fabric writes down."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.dataplane.errors import DataplaneError
from lab.dataplane.namespace import Namespace
from lab.dataplane.ownership import Ownership
from lab.dataplane.pods import Pod, PodRecord


def pod(index: int, directory: Path) -> Pod:
    name = f"Region{index}"
    return Pod.of(SimpleNamespace(name=name, index=index, directory=directory / name, host=f"pod{index}"))


def test_pods_are_remembered_in_order(tmp_path: Path) -> None:
    record = PodRecord(tmp_path / "pods.json")
    assert record.read() == []
    for index in (2, 1, 2):
        record.add(pod(index, tmp_path))
    assert record.read() == [pod(1, tmp_path), pod(2, tmp_path)]
    record.remove(pod(1, tmp_path))
    assert record.read() == [pod(2, tmp_path)]


@pytest.mark.parametrize("content", ["", "{", "[{}]", "[1]"])
def test_damaged_record_is_empty(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pods.json"
    path.write_text(content)
    assert PodRecord(path).read() == []


def ownership(tmp_path: Path, lab: str) -> Ownership:
    (tmp_path / lab).mkdir(exist_ok=True)
    return Ownership(tmp_path / lab, record=tmp_path / "owner.json")


def processes(monkeypatch: pytest.MonkeyPatch, living: list[int]) -> list[str]:
    """Let every namespace have these processes; returns the names of those that are deleted later."""
    deleted: list[str] = []
    monkeypatch.setattr(Namespace, "processes", lambda self: living)
    monkeypatch.setattr(Namespace, "delete", lambda self: deleted.append(self.name))
    return deleted


def test_a_running_lab_keeps_its_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes(monkeypatch, [1])
    ownership(tmp_path, "first").claim(Namespace("pod1"))
    ownership(tmp_path, "first").claim(Namespace("pod1"))
    with pytest.raises(DataplaneError, match=r"another lab runs on this machine, in .*/first"):
        ownership(tmp_path, "second").claim(Namespace("pod1"))


def test_a_dead_lab_is_succeeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted = processes(monkeypatch, [])
    ownership(tmp_path, "first").claim(Namespace("pod1"))
    ownership(tmp_path, "first").claim(Namespace("pod2"))
    ownership(tmp_path, "second").claim(Namespace("pod1"))
    assert deleted == ["pod1", "pod2"]
    assert json.loads((tmp_path / "owner.json").read_text()) == {
        "lab": str(tmp_path / "second"),
        "namespaces": ["pod1"],
    }


def test_a_deleted_lab_is_succeeded_though_its_processes_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted = processes(monkeypatch, [1])
    ownership(tmp_path, "first").claim(Namespace("pod1"))
    (tmp_path / "first").rmdir()
    ownership(tmp_path, "second").claim(Namespace("switch"))
    assert deleted == ["pod1"]


def test_nothing_remains_after_the_last_release(tmp_path: Path) -> None:
    owner = ownership(tmp_path, "first")
    owner.claim(Namespace("pod1"))
    ownership(tmp_path, "second").release(Namespace("pod1"))
    assert (tmp_path / "owner.json").exists()
    owner.release(Namespace("pod1"))
    assert not (tmp_path / "owner.json").exists()
