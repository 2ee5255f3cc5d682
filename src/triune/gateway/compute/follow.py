"""Following what happens to servers whose ports are those of central Neutron."""

from cachetools import TTLCache
from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.gateway.call import Call
from triune.gateway.compute.networks import has_networks
from triune.gateway.http import Response
from triune.gateway.routes import Strategy
from triune.gateway.strategies import Owner
from triune.network.asking import ask_for, waiting
from triune.network.names import SERVER as KIND
from triune.network.presence import Presence
from triune.pods.locate import SERVER
from triune.pods.registry import Pod
from triune.work.handler import KeyFailed
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

# Seconds after which the worker looks: what is asked for here takes its time, and the forward comes first.
DELAY = 1.0
# Seconds that a client waits for the ports of a server that is gone.
PATIENCE = 10.0
# Deleted servers are remembered for so many seconds, and so many of them.
REMEMBERED = 300.0
MOST = 10_000


async def follow(call: Call, pod: Pod, server_id: str) -> None:
    """Have the worker look at a server's ports, before the pod gets the request that changes something."""
    gateway = call.gateway
    if await has_networks(call) and await Presence(gateway.database).has_ports(pod.id):
        key = Key(KIND, server_id, pod.id)
        await ask_for(gateway.database, gateway.journal, [key], call.caller.project_id, call.request.request_id, DELAY)


class Gone:
    """Servers that were deleted here, until their ports are gone too."""

    def __init__(self) -> None:
        self._keys: TTLCache[tuple[str | None, str], Key] = TTLCache(MOST, REMEMBERED)

    def note(self, call: Call, pod: Pod, server_id: str) -> None:
        """A server is being deleted."""
        self._keys[call.caller.project_id, server_id] = Key(KIND, server_id, pod.id)

    async def settle_unlisted(self, call: Call, response: Response) -> None:
        """Who does not see a deleted server in a list any more may delete its network next."""
        if not self._keys or response.status != 200 or not isinstance(response.body, bytes):
            return
        for (project_id, server_id), key in list(self._keys.items()):
            if project_id == call.caller.project_id and server_id.encode() not in response.body:
                await settle(call, key)
                self._keys.pop((project_id, server_id), None)


async def settle(call: Call, key: Key) -> None:
    """Let the ports of a server that is gone go, if anything is still to be done."""
    try:
        await call.gateway.runner.now(key, PATIENCE, demand=False)
    except (KeyFailed, SQLAlchemyError) as error:
        LOG.warning("The ports of server %s are left to the worker: %s", key.resource_id, error)


class OneServer:
    """`/servers/{server_id}`: the pod that holds it answers, and its ports follow it.

    Before anybody is told that a server is not there, its ports are gone, as with Nova: who waits for that deletes the
    network next.
    """

    def __init__(self, gone: Gone) -> None:
        self._gone = gone
        self._owner = Owner(SERVER, "server_id", check=self._before)

    async def __call__(self, call: Call) -> Response:
        response = await self._owner(call)
        if response.status == 404 and await has_networks(call):
            for key in await waiting(call.gateway.database, KIND, call.parameters["server_id"]):
                await settle(call, key)
        return response

    async def _before(self, call: Call, pod: Pod) -> None:
        if call.request.method == "DELETE":
            server_id = call.parameters["server_id"]
            await follow(call, pod, server_id)
            self._gone.note(call, pod, server_id)


class Listed:
    """A list of servers."""

    def __init__(self, gather: Strategy, gone: Gone) -> None:
        self._gather = gather
        self._gone = gone

    async def __call__(self, call: Call) -> Response:
        response = await self._gather(call)
        await self._gone.settle_unlisted(call, response)
        return response
