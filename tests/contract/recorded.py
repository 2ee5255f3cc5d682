"""What a real region said (see record.py), and how it is compared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "recordings"
LARGE = "x" * 200_000


@dataclass(frozen=True)
class Exchange:
    """One question, with the answer of a real service."""

    service: str
    title: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def refused(self) -> bool:
        return bool(self.response["status"] >= 400)


def load(service: str) -> list[Exchange]:
    """All that was recorded of a service."""
    exchanges = json.loads((RECORDINGS / f"{service}.json").read_text())
    return [Exchange(service, e["title"], e["request"], e["response"]) for e in exchanges]


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put real values for the words in braces."""
    for word, value in {**words, "{large}": LARGE}.items():
        text = text.replace(word, value)
    return text


def shape(value: Any) -> Any:
    """The keys of a document, without its values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return None


def within(mine: Any, real: Any, path: str = "") -> list[str]:
    """Where a shape tells what the real one does not."""
    if isinstance(mine, dict) and isinstance(real, dict):
        new = [f"{path}/{key}" for key in mine if key not in real]
        return new + [fault for key in mine if key in real for fault in within(mine[key], real[key], f"{path}/{key}")]
    if isinstance(mine, list) and isinstance(real, list):
        return within(mine[0], real[0], f"{path}[]") if mine and real else []
    return []
