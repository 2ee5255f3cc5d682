"""What was done to a server."""

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.only_one import OnlyOne
from triune.gateway.service import parse_version
from triune.gateway.strategies import Owner
from triune.pods.locate import SERVER

# Nova tells it of deleted servers, too (instance_actions.py, _get_instance).
DELETED = (2, 21)


class InstanceActions:
    """The pod of the server answers; what was done to a deleted one is told by the pod that still knows it."""

    def __init__(self) -> None:
        self._owner = Owner(SERVER, "server_id")
        self._only_one = OnlyOne("Server", "server_id")

    async def __call__(self, call: Call) -> Response:
        response = await self._owner(call)
        if response.status != 404 or parse_version(call.microversion) < DELETED:
            return response
        return await self._only_one(call)
