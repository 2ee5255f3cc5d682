"""`triune worker`: the process that brings pods to what is wanted."""

import asyncio
import signal

import uvloop
from oslo_config import cfg

from triune.cli import engine
from triune.cli.database import require_schema
from triune.cli.gateway import gateway
from triune.work.worker import Worker


def run(conf: cfg.ConfigOpts) -> None:
    """Work until a signal asks to stop."""
    uvloop.run(_work(conf))


async def _work(conf: cfg.ConfigOpts) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway(conf) as shared:
        await require_schema(shared.database)
        worker = Worker(shared.runner, engine.periodic(shared), engine.chores(shared))
        await worker.run(stop)
