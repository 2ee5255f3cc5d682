"""A worker in a process of its own, whose handler writes down when it begins and how it ends.

Usage: python process.py URL RECORD SECONDS: the database, a file to append to, and how long a key takes.
"""

import asyncio
import random
import signal
import sys
import time
from pathlib import Path

from triune.db.engine import Database
from triune.work.backoff import Backoff
from triune.work.journal import Journal
from triune.work.pace import Pace
from triune.work.requests import Key
from triune.work.runner import Runner
from triune.work.worker import Worker

LEASE_TIME = 2.0
PACE = Pace(0.05, LEASE_TIME, 60.0, 16, 8, 3600.0, Backoff(0.05, 0.2), 0.1)


async def main(url: str, record: Path, seconds: float) -> None:
    """Work until SIGTERM."""
    database = Database(url)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with record.open("a", buffering=1) as lines:

        def write(what: str, key: Key) -> None:
            # The monotonic clock is one for all processes of a machine.
            lines.write(f"{time.monotonic()} {what} {key.resource_id}\n")

        async def handler(key: Key) -> None:
            write("enters", key)
            try:
                await asyncio.sleep(seconds * random.uniform(0.5, 1.0))
            except asyncio.CancelledError:
                write("is-stopped", key)
                raise
            write("leaves", key)

        await Worker(Runner(Journal(database), {"k": handler}, PACE)).run(stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
