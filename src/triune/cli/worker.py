"""`triune worker`: the process that brings pods to what is wanted."""

import asyncio
import signal

import uvloop
from oslo_config import cfg

from triune.cli.database import require_schema
from triune.cli.gateway import gateway
from triune.shared.convergence import Convergence
from triune.work.backoff import Backoff
from triune.work.worker import Pace, Worker


def run(conf: cfg.ConfigOpts) -> None:
    """Work until a signal asks to stop."""
    uvloop.run(_work(conf))


async def _work(conf: cfg.ConfigOpts) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway(conf) as shared:
        await require_schema(shared.database)
        convergence = Convergence(shared.registry, shared.service_user, shared.intents)
        worker = Worker(shared.journal, convergence.handlers(), pace(conf), tidy=shared.intents.prune)
        await worker.run(stop)


def pace(conf: cfg.ConfigOpts) -> Pace:
    """How the settings want a worker to work."""
    settings = conf.worker
    return Pace(
        poll_interval=settings.poll_interval,
        lease_time=settings.lease_time,
        attempt_deadline=settings.attempt_deadline,
        keys_at_once=settings.keys_at_once,
        keys_per_pod=settings.keys_per_pod,
        keep_finished=settings.keep_finished,
        backoff=Backoff(settings.first_pause, settings.longest_pause),
    )
