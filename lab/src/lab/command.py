"""Commands that come to an end: their output goes to a log, their failure becomes a ``LabError``."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

SECONDS = 600.0


def run(
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    stdin: Path | None = None,
) -> None:
    """Run a command, its output appended to ``log``. Raises ``LabError`` if it fails or takes too long."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    title = " ".join([Path(words[0]).name, *words[1:3]])
    with log.open("ab") as output, (stdin or Path(os.devnull)).open("rb") as source:
        try:
            done = subprocess.run(
                words,
                stdin=source,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{title} took longer than {seconds:.0f} s", log) from None
    if done.returncode:
        raise LabError(f"{title} failed (exit status {done.returncode})", log)
