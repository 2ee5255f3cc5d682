"""`GET /healthcheck`: whether this process can answer, for load balancers."""

import asyncio

from multidict import CIMultiDict
from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Gateway
from triune.gateway.http import Response
from triune.identity import IdentityUnavailable

LOG = logging.getLogger(__name__)

# Seconds until a load balancer gets an answer.
DEADLINE = 5.0


async def healthcheck(gateway: Gateway) -> Response:
    """200, or 503 where the database or Keystone was never reached: what was read once serves while they are away."""
    try:
        async with asyncio.timeout(DEADLINE):
            await gateway.registry.pods()
            await gateway.endpoints.load()
    except (DatabaseUnavailable, IdentityUnavailable, TimeoutError) as error:
        LOG.warning("Not healthy: %s %s", type(error).__name__, error)
        return _plain(503, "UNAVAILABLE")
    return _plain(200, "OK")


def _plain(status: int, text: str) -> Response:
    return Response(status, text.encode(), CIMultiDict({"Content-Type": "text/plain; charset=UTF-8"}))
