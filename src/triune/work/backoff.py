"""How long to wait before a key is tried again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling pauses, in seconds, with jitter so that keys that failed together do not come back together."""

    first: float
    longest: float

    def pause(self, attempts: int, spread: float | None = None) -> float:
        """The pause after so many failed attempts; `spread` in [0, 1] replaces the random part."""
        whole = min(self.first * 2.0 ** min(attempts, 32), self.longest)
        return whole * (0.5 + 0.5 * (random.random() if spread is None else spread))
