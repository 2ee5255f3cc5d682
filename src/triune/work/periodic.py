"""What a worker does from time to time: chores of its own, and keys that are asked for at an interval."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.work.journal import Journal
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

# How often in its interval it is looked whether a periodic key is due; so late it may be.
LOOKS = 10


@dataclass(frozen=True, slots=True)
class Chore:
    """`work` every `interval` seconds, in each worker: must do no harm when several do it at once."""

    name: str
    interval: float
    work: Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class PeriodicKeys:
    """Keys that are looked at every `interval` seconds, once for all workers; `keys` tells which there are now."""

    name: str
    interval: float
    keys: Callable[[], Awaitable[Iterable[Key]]]

    def chore(self, journal: Journal) -> Chore:
        """What each worker does for it."""

        async def ask() -> None:
            await journal.request_if_older(list(await self.keys()), self.interval)

        return Chore(self.name, self.interval / LOOKS, ask)


async def repeat(chore: Chore) -> None:
    """Do a chore now and at each interval, until cancelled. A database that is away is told, and tried at the next."""
    while True:
        try:
            await chore.work()
        except SQLAlchemyError as error:
            LOG.error("%s: the database does not answer: %s", chore.name, error)
        except Exception:  # one that fails must not end the worker; the log has it all
            LOG.exception("%s failed", chore.name)
        await asyncio.sleep(chore.interval)
