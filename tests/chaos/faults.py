"""What can happen to a request between the gateway and a service of a pod, and how often."""

import random
from dataclasses import dataclass
from enum import Enum

# Of so many requests one meets a fault.
ONE_OF = 8
# Seconds of a delay that no deadline notices.
DELAY = (0.0, 0.3)
# Seconds for which nobody listens.
ABSENCE = (0.2, 1.2)


class Fault(Enum):
    """One fault. Those that end in `before` meet the request before the service gets it; the others its answer.

    Who is asked too much (`TOO_MANY`) has done nothing, so that one is there before only: a 429 for what was done is no
    fault but a lie, against which nobody can promise anything. Likewise a corrupted answer keeps its status.
    """

    DELAY = "delayed"
    HANG_BEFORE = "hangs before"
    HANG = "hangs"
    RESET_BEFORE = "resets before"
    RESET = "resets"
    ABSENT = "refuses connections before"
    ERROR_BEFORE = "500 before"
    ERROR = "500"
    BAD_GATEWAY_BEFORE = "502 before"
    BAD_GATEWAY = "502"
    UNAVAILABLE_BEFORE = "503 before"
    UNAVAILABLE = "503"
    TOO_MANY = "429 before"
    CUT = "cuts its answer"
    TRUNCATED = "truncated JSON"
    HTML = "a page instead of JSON"
    HUGE_BEFORE = "a huge 500 before"
    HUGE = "a huge 500"
    GZIP = "gzip that nobody asked for"

    @property
    def is_before(self) -> bool:
        """Whether the service does not get the request."""
        return self.value.endswith(" before")


_WEIGHTS: dict[Fault, int] = {
    Fault.DELAY: 8,
    # Each costs the gateway a deadline.
    Fault.HANG_BEFORE: 1,
    Fault.HANG: 2,
    Fault.RESET_BEFORE: 3,
    Fault.RESET: 5,
    Fault.ABSENT: 2,
    Fault.ERROR_BEFORE: 2,
    Fault.ERROR: 4,
    Fault.BAD_GATEWAY_BEFORE: 2,
    Fault.BAD_GATEWAY: 4,
    Fault.UNAVAILABLE_BEFORE: 3,
    Fault.UNAVAILABLE: 4,
    Fault.TOO_MANY: 4,
    Fault.CUT: 4,
    Fault.TRUNCATED: 4,
    Fault.HTML: 3,
    Fault.HUGE_BEFORE: 1,
    Fault.HUGE: 1,
    Fault.GZIP: 2,
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault, and for how many seconds it lasts where it lasts."""

    fault: Fault
    seconds: float = 0.0


class Plan:
    """Chooses faults; the same seed the same ones, in the order in which requests come."""

    def __init__(self, seed: str, one_of: int = ONE_OF) -> None:
        self._random = random.Random(seed)
        self._one_of = one_of

    def next(self) -> Planned | None:
        """What the next request meets; None: nothing."""
        if self._random.randrange(self._one_of):
            return None
        (fault,) = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        span = {Fault.DELAY: DELAY, Fault.ABSENT: ABSENCE}.get(fault)
        return Planned(fault, self._random.uniform(*span) if span else 0.0)
