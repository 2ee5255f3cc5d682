"""Nova's old proxies to the network service, which end with microversion 2.35 (actions on floating IPs with 2.43)."""

from typing import Final

from triune.gateway.call import Call
from triune.gateway.compute.networks import has_networks
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.strategies import Anywhere

# The collections; removed ones, which Nova answers itself with 410, are not among them.
NETWORK_PROXIES: Final = (
    "os-floating-ip-pools",
    "os-floating-ips",
    "os-networks",
    "os-security-group-rules",
    "os-security-groups",
    "os-tenant-networks",
)
# Actions on servers.
NETWORK_ACTIONS: Final = frozenset({"addFloatingIp", "removeFloatingIp"})


class NetworkProxy:
    """Where there are networks of the central region, there is none of this, as from the next microversion on.

    A pod would tell of twins, by ids that nobody knows, and of what else only it has.
    """

    def __init__(self) -> None:
        self._anywhere = Anywhere()

    async def __call__(self, call: Call) -> Response:
        if await has_networks(call):
            raise gone()
        return await self._anywhere(call)


def gone() -> ApiError:
    """Nova's answer to an API that a microversion does not have."""
    return ApiError(404, "The resource could not be found.")
