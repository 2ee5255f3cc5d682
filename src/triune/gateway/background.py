"""Work that goes on when a request has been answered."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

T = TypeVar("T")


class Background:
    """Keeps hold of such work until it is done. What is cut off by the end of the process, the worker takes up."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin with a piece of work; who started it may wait for it, or not."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, seconds: float) -> None:
        """Wait for all of it, at most for so long; then cancel the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        rest = list(self._tasks)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Most often the client has been told.
            LOG.info("%s: %s", type(error).__name__, error)
