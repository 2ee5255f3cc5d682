"""Work that many ask for at once is done once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs the work of a key once for all who wait for it, and remembers a failure for a moment.

    So a service that hangs costs everybody one deadline, and not one after the other's.
    """

    def __init__(self, deadline: float, failure_time: float, failure: type[Exception]) -> None:
        """Times in seconds; `failure` is remembered, and raised where the deadline passes."""
        self._deadline = deadline
        self._failure = failure
        self._flights: dict[Hashable, asyncio.Task[T]] = {}
        self._failures: TTLCache[Hashable, str] = TTLCache(maxsize=10_000, ttl=failure_time)

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The outcome of the work. Raises `failure`, and whatever else the work raises."""
        if (reason := self._failures.get(key)) is not None:
            raise self._failure(reason)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fly(key, work))
            flight.add_done_callback(_seen)
        # Whoever loses interest ends its own waiting, not the work that others wait for.
        return await asyncio.shield(flight)

    async def _fly(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await work()
        except TimeoutError as error:
            self._failures[key] = reason = f"no answer in {self._deadline:g} s"
            raise self._failure(reason) from error
        except self._failure as error:
            self._failures[key] = str(error)
            raise
        finally:
            del self._flights[key]


def _seen(flight: asyncio.Task[Any]) -> None:
    """Nobody may be left to hear of the failure, which is no reason to complain."""
    if not flight.cancelled():
        flight.exception()
