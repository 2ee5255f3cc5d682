"""When a proxy of Nova's to the network service is answered, and by whom."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote

from triune.gateway.call import Call
from triune.gateway.compute.networks import away, has_networks
from triune.gateway.compute.proxies.as_caller import refusal
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.routes import Strategy
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere, Refuse
from triune.network.neutron import Refused
from triune.pods.client import PodUnreachable

Handler = Callable[[Call], Awaitable[Response]]

# The last microversion with them (nova.api.openstack.api_version_request.MAX_PROXY_API_SUPPORT_VERSION).
LAST: Final = (2, 35)


class NetworkProxy:
    """Where there are networks of the central region, `handler` answers from there; without one there is nothing.

    A pod would tell of twins, by ids that nobody knows, and of what else only it has. Without central Neutron any pod
    tells of its own, but none is chosen by chance to be changed.
    """

    def __init__(self, handler: Handler | None = None) -> None:
        self._handler = handler
        self._reading: Strategy = Anywhere()
        self._writing: Strategy = Refuse()

    async def __call__(self, call: Call) -> Response:
        if not await has_networks(call):
            return await (self._reading if call.request.method in ("GET", "HEAD") else self._writing)(call)
        require_own_project(call)
        if self._handler is None or parse_version(call.microversion) > LAST:
            raise gone()
        try:
            return call.marked(await self._handler(call))
        except Refused as error:
            raise refusal(error) from error
        except PodUnreachable as error:
            raise away(error) from error


def require_own_project(call: Call) -> None:
    """Refuse a path that names another project than the token. Raises `ApiError` 400."""
    project = None if call.project is None else unquote(call.project)
    if project not in (None, call.caller.project_id):
        raise ApiError(
            400,
            f"Malformed request URL: URL's project_id '{project}' doesn't match Context's project_id "
            f"'{call.caller.project_id}'",
        )


def gone() -> ApiError:
    """Nova's answer to an API that a microversion does not have."""
    return ApiError(404, "The resource could not be found.")
