"""What the data plane needs to know of a region."""

from pathlib import Path
from typing import Protocol


class Region(Protocol):
    """One OpenStack region of the lab. `directory` holds its state, `host` is its chassis, nova host and namespace."""

    @property
    def name(self) -> str: ...

    @property
    def index(self) -> int: ...

    @property
    def directory(self) -> Path: ...

    @property
    def host(self) -> str: ...
