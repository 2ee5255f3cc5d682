"""`/os-volumes_boot`: another name of `/servers`, to microversion 2.102.

Source: nova/api/openstack/compute/volumes_boot.py. Nova answers with links to `/servers` there as well.
"""

from collections.abc import Iterable
from typing import Final

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.routes import Route, Strategy
from triune.gateway.since import Since
from triune.gateway.strategies import Anywhere

NAME: Final = "/os-volumes_boot"
_SERVERS: Final = "/servers"
_PATHS: Final = ("/servers", "/servers/detail", "/servers/{server_id}", "/servers/{server_id}/action")
# What it is from the next microversion on: nothing, which any pod says.
GONE_SINCE: Final = "2.103"
# The actions that it has.
ACTIONS: Final = frozenset(
    {
        "confirmResize", "createImage", "os-start", "os-stop", "reboot", "rebuild", "resize", "revertResize",
        "trigger_crash_dump",
    }
)  # fmt: skip


class AsServers:
    """What is done at `/servers`, by the strategy of that path."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    async def __call__(self, call: Call) -> Response:
        if call.path.endswith("/action") and not ACTIONS.issuperset(await call.json() or {}):
            return await Anywhere()(call)
        call.path = f"{_SERVERS}{call.path.removeprefix(NAME)}"
        return await self.strategy(call)


def volumes_boot(routes: Iterable[Route]) -> Iterable[Route]:
    """Those of the routes of servers that there are under the other name."""
    for route in routes:
        if route.path in _PATHS:
            path = f"{NAME}{route.path.removeprefix(_SERVERS)}"
            yield Route(route.methods, path, Since(GONE_SINCE, Anywhere(), AsServers(route.strategy)))
