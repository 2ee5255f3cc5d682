"""Bodies that are still being produced while they are sent."""

import asyncio
from collections.abc import AsyncIterator


class Upload:
    """Sends a body, and holds the pod to its deadlines: for taking each piece, and for the answer after the last one.

    The time that the source takes for a piece is its own: a client that stalls says nothing about the pod. `limit` is
    the time limit of the request; it is moved from piece to piece, which takes no task of its own.
    """

    def __init__(self, source: AsyncIterator[bytes], limit: asyncio.Timeout, stall: float, answer: float) -> None:
        self._source = source
        self._limit: asyncio.Timeout | None = limit
        self._stall = stall
        self._answer = answer
        # What broke the source, as against what broke on the way to the pod.
        self.error: Exception | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        """The body. Keeps the error of its source in `error`."""
        self._expect(None)
        try:
            async for chunk in self._source:
                self._expect(self._stall)
                yield chunk
                self._expect(None)
        except Exception as error:
            self.error = error
            raise
        self._expect(self._answer)

    def answered(self) -> None:
        """The pod has begun to answer, perhaps before it took all."""
        self._limit = None

    def _expect(self, seconds: float | None) -> None:
        if self._limit is not None and not self._limit.expired():
            loop = asyncio.get_running_loop()
            self._limit.reschedule(None if seconds is None else loop.time() + seconds)
