"""One question to a real service with its answer, and the files that hold them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from multidict import CIMultiDict

from triune.gateway.compute.table import COMPUTE
from triune.gateway.volume.table import VOLUME_SERVICE

_MICROVERSIONS = {each.name: each.microversions for each in (COMPUTE, VOLUME_SERVICE)}
RECORDINGS = Path(__file__).parents[1] / "recordings"
SERVICES = ("compute", "volume", "image")

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Caller:
    """Who asked; the ids are those of the recorded region."""

    project_id: str
    user_id: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A question, `path` with its query as it was sent, and the answer.

    Words in braces stand for addresses: `{compute}`, `{volume}`, `{image}` for the roots of the region's services,
    `{keystone}` for that of Keystone. Bodies are kept as they were said, but for secrets (see `blank.py`).
    """

    service: str
    operation: str
    caller: Caller
    method: str
    path: str
    headers: Headers
    body: str
    status: int
    answer_headers: Headers
    answer: str

    @property
    def microversion(self) -> str:
        """The number that was asked for, `2.69`, or nothing."""
        microversions = _MICROVERSIONS.get(self.service)
        return (microversions.asked(CIMultiDict(self.headers)) if microversions is not None else None) or ""

    @property
    def title(self) -> str:
        """How a test calls it."""
        return f"{self.operation} {self.microversion}: {self.status}".replace(" :", ":")


def path_of(service: str) -> Path:
    """The file of a service's pairs."""
    return RECORDINGS / f"pairs-{service}.json"


def load(service: str) -> list[Pair]:
    """All that was recorded of a service."""
    path = path_of(service)
    return [read(service, told) for told in json.loads(path.read_text())] if path.exists() else []


def read(service: str, told: dict[str, Any]) -> Pair:
    """A pair from its JSON."""
    caller = told["caller"]
    words = {
        **told,
        "service": service,
        "caller": Caller(caller["project_id"], caller["user_id"], tuple(caller["roles"])),
        "headers": [(name, value) for name, value in told["headers"]],
        "answer_headers": [(name, value) for name, value in told["answer_headers"]],
    }
    return Pair(**words)


def write(service: str, pairs: Iterable[Pair]) -> None:
    """Put pairs into the file of a service, one behind the other, so that two recordings can be compared."""
    ordered = sorted(pairs, key=lambda pair: (pair.operation, pair.microversion, pair.status))
    told = [{key: value for key, value in asdict(pair).items() if key != "service"} for pair in ordered]
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in told)
    path_of(service).write_text(f"[\n{lines}\n]\n")
