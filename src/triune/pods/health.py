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


class Attempt:
    """One request that a breaker let pass; whoever got it says once how it ended.

    `trial`: the breaker is open, and this request finds out whether the service is back.
    """

    __slots__ = ("_breaker", "settled", "trial")

    def __init__(self, breaker: "Breaker", trial: bool) -> None:
        self._breaker = breaker
        self.trial = trial
        self.settled = False

    def succeeded(self) -> None:
        """The service answered."""
        if not self.settled:
            self.settled = True
            self._breaker.succeeded()

    def failed(self, error: str) -> None:
        """The service did not answer, or something in front of it said that it is away."""
        if not self.settled:
            self.settled = True
            self._breaker.failed(error, self.trial)

    def abandoned(self) -> None:
        """The request ended for a reason that says nothing about the service; the next one may be the trial."""
        if not self.settled:
            self.settled = True
            if self.trial:
                self._breaker.trial_abandoned()


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

    @property
    def refuses(self) -> bool:
        """Whether a request would be refused now: open, and the pause before the next trial is not over."""
        return self.is_open and self._clock() < self._retry_at

    def attempt(self) -> Attempt | None:
        """Leave for one request, or None; while open, one request in each pause gets it."""
        if not self.is_open:
            return Attempt(self, trial=False)
        if self.refuses:
            return None
        self._retry_at = self._clock() + self._pause
        return Attempt(self, trial=True)

    def succeeded(self) -> None:
        """The service answered."""
        self._failures = 0
        self._pause = self._limits.pause
        self.last_error = ""

    def failed(self, error: str, trial: bool = False) -> None:
        """The service did not answer. While open only the trial counts: the others were sent before it opened."""
        self.last_error = error
        if self.is_open and not trial:
            return
        if self.is_open:
            self._pause = min(self._pause * 2, self._limits.max_pause)
        self._failures += 1
        if self.is_open:
            self._retry_at = self._clock() + self._pause

    def trial_abandoned(self) -> None:
        """Nothing was found out: the next request is the trial."""
        self._retry_at = self._clock()


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

    def refusing(self) -> list[tuple[str, str, str]]:
        """The services that are left out now: pod id, service, last error."""
        return [
            (pod_id, service, breaker.last_error)
            for (pod_id, service), breaker in self._breakers.items()
            if breaker.refuses
        ]
