"""`triune gateway`: the API process."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from oslo_config import cfg
from oslo_log import log as logging

from triune import policy
from triune.cli import engine
from triune.cli.database import require_schema
from triune.db.engine import Database
from triune.gateway.app import App
from triune.gateway.background import Background
from triune.gateway.call import Gateway
from triune.identity import Identity
from triune.pods.capacity import Capacity
from triune.pods.client import PodClient
from triune.pods.endpoints import Endpoints
from triune.pods.health import Health, Limits
from triune.pods.locate import Locator
from triune.pods.own_zones import OwnZones
from triune.pods.registry import Registry
from triune.pods.routings import Routings
from triune.pods.service_user import ServiceUser
from triune.quota.limits import Limits as QuotaLimits
from triune.quota.room import Rooms
from triune.scheduler import scheduler
from triune.shared.changes import Changes
from triune.shared.intents import Intents
from triune.work.away import Away
from triune.work.journal import Journal
from triune.work.runner import Handler, Runner

LOG = logging.getLogger(__name__)

# Seconds that a client's idle connection is kept, as Nova and Cinder do (client_socket_timeout). A connection that ends
# just when its next request comes costs the client an error, for a POST is not repeated.
CLIENT_IDLE = 900
# Seconds that an idle connection to a pod is used again, for the same reason fewer than Apache and uWSGI keep it (5).
POD_IDLE = 4.0
# Seconds that requests under way have when the process is asked to end.
GRACE = 30
# The same for what goes on when its request has been answered.
BACKGROUND_GRACE = 5.0


def run(conf: cfg.ConfigOpts) -> None:
    """Serve until a signal asks to stop."""
    try:
        import uvloop

        uvloop.run(_serve(conf))
    except KeyboardInterrupt:
        sys.exit(130)


async def _serve(conf: cfg.ConfigOpts) -> None:
    async with gateway(conf) as shared:
        await require_schema(shared.database)
        config = uvicorn.Config(
            App(shared),
            host=conf.gateway.bind_host,
            port=conf.gateway.bind_port,
            http="httptools",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=conf.gateway.trusted_proxies,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=CLIENT_IDLE,
        )
        await uvicorn.Server(config).serve()


@asynccontextmanager
async def gateway(conf: cfg.ConfigOpts) -> AsyncIterator[Gateway]:
    """What all calls share, wired together; closed at the end of the block."""
    database = Database(conf.database.connection)
    # No cookies, no redirects, no decompression: what a pod says is passed on as it is.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=POD_IDLE),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
    )
    identity = Identity(conf, session)
    endpoints = Endpoints(identity, conf.keystone.interface, conf.keystone.catalog_cache_time)
    health = Health(Limits(conf.pods.breaker_failures, conf.pods.breaker_pause, conf.pods.breaker_max_pause))
    client = PodClient(conf, session, endpoints, health)
    registry = Registry(database, conf.pods.refresh_interval)
    routings = Routings(database)
    journal = Journal(database)
    handlers: dict[str, Handler] = {}
    background = Background()
    service_user = ServiceUser(identity, client)
    try:
        shared = Gateway(
            conf=conf,
            database=database,
            identity=identity,
            registry=registry,
            routings=routings,
            endpoints=endpoints,
            health=health,
            client=client,
            locator=Locator(conf, registry, routings, endpoints, client),
            policy=policy.enforcer(conf),
            service_user=service_user,
            scheduler=scheduler.load(conf.gateway.enabled_filters, conf.gateway.enabled_weighers),
            capacity=Capacity(service_user, conf.gateway.capacity_deadline),
            own_zones=OwnZones(service_user, conf.pods.list_deadline),
            journal=journal,
            intents=Intents(database, journal),
            changes=Changes(database, journal),
            limits=QuotaLimits(database, journal),
            rooms=Rooms(),
            runner=Runner(journal, handlers, engine.pace(conf), Away(health)),
            background=background,
        )
        handlers.update(engine.handlers(shared))
        yield shared
    finally:
        await background.finish(BACKGROUND_GRACE)
        await session.close()
        await database.close()
        # aiohttp closes its connections in the next turn of the loop.
        await asyncio.sleep(0)
