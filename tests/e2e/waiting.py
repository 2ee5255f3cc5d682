"""Waiting for something to become true: every wait has a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Nova and Cinder take one to ten seconds for most things; on a busy machine with two processors some take longer.
SECONDS = 120.0
INTERVAL = 0.5


def wait_until(what: str, look: Callable[[], T], seconds: float = SECONDS, interval: float = INTERVAL) -> T:
    """The first true value that `look` returns. Raises `TimeoutError` naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if seen := look():
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(interval)
