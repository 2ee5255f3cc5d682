"""When something is looked at again that is still in use: seldom, once it has been so for long.

A user's own port in a pod may keep a network there for weeks.
"""

import time
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from triune.work.handler import Again
from triune.work.requests import Key

# Seconds between looks at the least and at the most; between, this part of the time that it has taken already.
IN_USE_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0
PART: Final = 0.25
# Seconds after which who has said nothing begins anew, and keys that are remembered.
KEEP: Final = 3 * LONGEST_PAUSE
MOST_KEYS: Final = 10_000


class Patience:
    """Since when each key has been waiting; what is forgotten of it costs some looks."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._since: TTLCache[Key, float] = TTLCache(MOST_KEYS, KEEP, timer)

    def again(self, key: Key, why: str, least: float = IN_USE_PAUSE) -> Again:
        """Not yet; `least` is the first pause."""
        now = self._timer()
        # Written anew each time, so that it is kept.
        since = self._since[key] = self._since.get(key, now)
        return Again(min(max(PART * (now - since), least), LONGEST_PAUSE), why)

    def over(self, key: Key) -> None:
        """It is in use no more."""
        self._since.pop(key, None)
