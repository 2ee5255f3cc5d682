"""The pods of the fabric, remembered so that it can be taken down and shown without its makers."""

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.dataplane.region import Region

# Regions come up side by side, in threads of one process.
_changing = threading.Lock()


@dataclass(frozen=True)
class Pod:
    """A region as the fabric remembers it."""

    name: str
    index: int
    directory: Path
    host: str

    @classmethod
    def of(cls, region: Region) -> "Pod":
        return cls(region.name, region.index, Path(region.directory), region.host)


class PodRecord:
    """The list of pods in a JSON file; a missing or damaged file is an empty list."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Pod]:
        try:
            rows = json.loads(self._path.read_text())
            return [Pod(row["name"], row["index"], Path(row["directory"]), row["host"]) for row in rows]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return []

    def add(self, pod: Pod) -> None:
        with _changing:
            others = [known for known in self.read() if known.host != pod.host]
            self._write(sorted([*others, pod], key=lambda known: known.index))

    def remove(self, pod: Pod) -> None:
        with _changing:
            self._write([known for known in self.read() if known.host != pod.host])

    def _write(self, pods: list[Pod]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps([{**asdict(pod), "directory": str(pod.directory)} for pod in pods], indent=1))
        partial.replace(self._path)
