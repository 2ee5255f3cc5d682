"""Nova's old proxies to the network service, which end with microversion 2.35 (actions on floating IPs with 2.43).

And what there was once, and Nova itself answers with 410 (`HTTPGone`) in every microversion.
"""

from typing import Final

from triune.gateway.call import Call
from triune.gateway.compute.networks import has_networks
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.routes import Strategy
from triune.gateway.strategies import Anywhere, Refuse

# The collections that could be written, too.
NETWORK_PROXIES: Final = (
    "os-floating-ip-pools",
    "os-floating-ips",
    "os-security-group-rules",
    "os-security-groups",
)
# Of these only reading is left: writing is 410.
READ_ONLY_PROXIES: Final = ("os-networks", "os-tenant-networks")
# Removed as a whole: nova.api.openstack.compute.agents, cells, certificates and so on.
REMOVED: Final = (
    "os-agents",
    "os-cells",
    "os-certificates",
    "os-cloudpipe",
    "os-fixed-ips",
    "os-floating-ip-dns",
    "os-floating-ips-bulk",
    "os-fping",
    "os-security-group-default-rules",
)
# Actions on servers.
NETWORK_ACTIONS: Final = frozenset({"addFloatingIp", "removeFloatingIp"})


class NetworkProxy:
    """Where there are networks of the central region, there is none of this, as from the next microversion on.

    A pod would tell of twins, by ids that nobody knows, and of what else only it has. Without central Neutron any pod
    tells of its own, but none is chosen by chance to be changed.
    """

    def __init__(self) -> None:
        self._reading: Strategy = Anywhere()
        self._writing: Strategy = Refuse()

    async def __call__(self, call: Call) -> Response:
        if await has_networks(call):
            raise gone()
        return await (self._reading if call.request.method in ("GET", "HEAD") else self._writing)(call)


def gone() -> ApiError:
    """Nova's answer to an API that a microversion does not have."""
    return ApiError(404, "The resource could not be found.")
