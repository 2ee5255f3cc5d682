"""The one error the lab shows to its user."""

from pathlib import Path


class LabError(Exception):
    """Something failed that the user can read about: a sentence, and the log that tells more."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
