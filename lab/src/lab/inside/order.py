"""What a family's parent is told to fork."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """One service to fork.

    ``runner`` names a module of this package with a function ``run``; ``entry`` and ``options`` are what it takes;
    ``argv`` becomes ``sys.argv``.
    """

    runner: str
    entry: str
    argv: list[str]
    environment: dict[str, str]
    options: dict[str, int]
    log: str
    pid_file: str
