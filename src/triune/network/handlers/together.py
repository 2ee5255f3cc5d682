"""Waiting for several works of which each may run keys."""

import asyncio
from collections.abc import Awaitable
from typing import Any


async def together(*works: Awaitable[Any]) -> list[Any]:
    """The outcomes of all works, in their order. Raises the first failure when all have ended.

    Not before, as `asyncio.gather` does: what goes on behind its caller's back would hold keys that nobody waits for.
    """
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes
