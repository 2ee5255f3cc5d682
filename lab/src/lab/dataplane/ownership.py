"""Namespaces have fixed names, so one machine runs one lab at a time; this says which one."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path

from lab.dataplane.errors import DataplaneError
from lab.dataplane.namespace import Namespace

RECORD = Path("/run/triune-lab/owner.json")

# Regions come up side by side, in threads of one process.
_changing = threading.Lock()


@dataclass(frozen=True)
class Ownership:
    """The record of the lab directory that the machine's namespaces belong to."""

    lab_directory: Path
    record: Path = RECORD

    def claim(self, namespace: Namespace) -> None:
        """Take a namespace name for this lab before it is made.

        What is left of a lab that was deleted without being taken down is removed. Raises DataplaneError while another
        lab runs.
        """
        with _changing:
            self._claim(namespace)

    def _claim(self, namespace: Namespace) -> None:
        owner, names = self._read()
        if owner != str(self.lab_directory):
            namespaces = [Namespace(name) for name in names]
            if owner and Path(owner).is_dir() and any(each.processes() for each in namespaces):
                raise DataplaneError(f"another lab runs on this machine, in {owner}: take it down first")
            for each in namespaces:
                each.delete()
            names = []
        if namespace.name not in names:
            self._write([*names, namespace.name])

    def release(self, namespace: Namespace) -> None:
        """Give a namespace name back after it was deleted."""
        with _changing:
            owner, names = self._read()
            if owner == str(self.lab_directory):
                self._write([name for name in names if name != namespace.name])

    def _read(self) -> tuple[str, list[str]]:
        try:
            content = json.loads(self.record.read_text())
            return str(content["lab"]), [str(name) for name in content["namespaces"]]
        except (FileNotFoundError, ValueError, KeyError):
            return "", []

    def _write(self, names: list[str]) -> None:
        if not names:
            self.record.unlink(missing_ok=True)
            return
        self.record.parent.mkdir(parents=True, exist_ok=True)
        partial = self.record.with_suffix(".partial")
        partial.write_text(json.dumps({"lab": str(self.lab_directory), "namespaces": names}))
        partial.replace(self.record)
