"""Which services of which pods answer: one circuit breaker per pod and service."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """When a breaker opens and for how long, in failures and seconds."""

    failures: int
    pause: float
    max_pause: float


class Breaker:
    """Leaves out a service that keeps failing, and lets one request through from time to time to see it return.

    Closed: requests pass. Open (after `failures` failures in a row): requests are refused at once. Half open (after a
    pause that doubles with each failed trial): one trial request passes; its success closes the breaker.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._failures = 0
        self._pause = limits.pause
        self._retry_at = 0.0
        self.last_error = ""

    @property
    def is_open(self) -> bool:
        """Whether requests are refused, trials aside."""
        return self._failures >= self._limits.failures

    def allows(self) -> bool:
        """Whether a request may go now; while open, a `True` hands out the one trial of this pause."""
        if not self.is_open:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._pause
        return True

    def succeeded(self) -> None:
        """The service answered."""
        self._failures = 0
        self._pause = self._limits.pause
        self.last_error = ""

    def failed(self, error: str) -> None:
        """The service did not answer, or answered that it cannot work (502, 503, 504)."""
        was_open = self.is_open
        self._failures += 1
        self.last_error = error
        if self.is_open:
            if was_open:
                self._pause = min(self._pause * 2, self._limits.max_pause)
            self._retry_at = self._clock() + self._pause


class Health:
    """The breakers of all pods."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._breakers: dict[tuple[str, str], Breaker] = {}

    def breaker(self, pod_id: str, service: str) -> Breaker:
        """The breaker of one service in one pod."""
        key = (pod_id, service)
        breaker = self._breakers.get(key)
        if breaker is None:
            breaker = self._breakers[key] = Breaker(self._limits, self._clock)
        return breaker
