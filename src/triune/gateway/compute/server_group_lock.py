"""One at a time makes a twin of a server group, or its first member where all must be in one pod, or removes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.shared.server_groups import SERVER_GROUP_CHANGE
from triune.work.handler import KeyFailed
from triune.work.requests import Key
from triune.work.runner import Held


@asynccontextmanager
async def changing(call: Call, group_id: str) -> AsyncIterator[None]:
    """Keep others, in whichever gateway, from changing a group while the block runs.

    Raises `ApiError` 503 when it is not this request's turn in time, or when its turn was taken from it, the database
    being away for long; `DatabaseUnavailable` where it was away from the first.
    """
    busy = f"Server group {group_id} is being changed by other requests. Try again."
    try:
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(call.gateway.conf.pods.request_deadline):
                    hold = await _turn(call, Key(SERVER_GROUP_CHANGE, group_id.lower()), stack)
            except TimeoutError as error:
                raise ApiError(503, busy) from error
            try:
                yield
            finally:
                # Whatever became of it, nothing is left to do.
                hold.settled = True
    except KeyFailed as error:
        raise ApiError(503, busy) from error


async def _turn(call: Call, key: Key, stack: AsyncExitStack) -> Held:
    """Take the key. The caller has a deadline."""
    runner, patience = call.gateway.runner, call.gateway.conf.pods.request_deadline
    while True:
        try:
            return await stack.enter_async_context(runner.held(key, call.caller.project_id))
        except KeyFailed:
            # Whoever is at it ends, or has died and is taken over; then the fastest of those who wait goes on.
            await runner.now(key, patience, demand=False)
