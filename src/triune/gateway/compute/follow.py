"""Following what happens to servers whose ports are those of central Neutron."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from cachetools import TTLCache
from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Call
from triune.gateway.compute.addresses import with_public_addresses
from triune.gateway.compute.networks import has_networks
from triune.gateway.compute.reservations import in_words_of_pods
from triune.gateway.compute.server_group_ids import with_top_groups
from triune.gateway.compute.server_zones import pinned_in_pod
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

# Seconds after which the worker looks: what a pod is asked for takes its time.
DELAY = 1.0
# Seconds that a client waits for the ports of a server that is gone.
PATIENCE = 10.0
# Deleted servers are remembered for so many seconds, and so many of them.
REMEMBERED = 300.0
MOST = 10_000
# So many of them are settled for one list.
AT_ONCE = 16
# With other parameters than these a list does not show every server.
_OF_WHOLE_LISTS = frozenset({"deleted", "all_tenants", "sort_key", "sort_dir"})


@asynccontextmanager
async def followed(call: Call, pod: Pod, server_id: str) -> AsyncIterator[None]:
    """Have the worker look at a server's ports while a pod is asked to change something.

    Asked for before, should this process not live to see the answer, and again with the answer: a look in between may
    find the server as it was. Without the database the pod's servers can be managed all the same: the comparison of the
    whole pod finds out later.
    """
    is_asked = await _ask_for(call, pod, server_id)
    try:
        yield
    finally:
        if is_asked:
            await _ask_for(call, pod, server_id)


async def _ask_for(call: Call, pod: Pod, server_id: str) -> bool:
    """Ask for a look at a server; whether there can be anything to see."""
    gateway = call.gateway
    key = Key(KIND, server_id, pod.id)
    project_id, request_id = call.caller.project_id, call.request.request_id
    try:
        if not await has_networks(call) or not await Presence(gateway.database).has_ports(pod.id):
            return False
        await ask_for(gateway.database, gateway.journal, [key], project_id, request_id, DELAY)
    except DatabaseUnavailable as error:
        LOG.warning("The ports of server %s are left to the comparison of its pod: %s", server_id, error)
    return True


class Gone:
    """Servers that were deleted here, until their ports are gone too."""

    def __init__(self) -> None:
        self._keys: TTLCache[tuple[str | None, str], Key] = TTLCache(MOST, REMEMBERED)

    def note(self, call: Call, pod: Pod, server_id: str) -> None:
        """A server is being deleted."""
        self._keys[call.caller.project_id, server_id] = Key(KIND, server_id, pod.id)

    async def settle_unlisted(self, call: Call, response: Response) -> None:
        """Who does not see a deleted server in a whole list any more may delete its network next."""
        body = response.body
        if not self._keys or response.status != 200 or not isinstance(body, bytes) or b'"servers_links"' in body:
            return
        if {name for name, _ in parse_qsl(call.request.query, keep_blank_values=True)} - _OF_WHOLE_LISTS:
            return
        project_id = call.caller.project_id
        mine = [place for place in self._keys if place[0] == project_id and place[1].encode() not in body]
        settled = await asyncio.gather(*(settle(call, self._keys[place]) for place in mine[:AT_ONCE]))
        for place, is_settled in zip(mine, settled, strict=False):
            if is_settled:
                self._keys.pop(place, None)


async def settle(call: Call, key: Key, demand: bool = False) -> bool:
    """Do what is to be done for a server's ports, if anything waits or it is asked for; whether that is done now."""
    try:
        await call.gateway.runner.now(key, PATIENCE, demand=demand)
    except (KeyFailed, DatabaseUnavailable) as error:
        LOG.warning("%s %s is left to the worker: %s", key.kind, key.resource_id, error)
        return False
    return True


class OneServer:
    """`/servers/{server_id}`: the pod that holds it answers, and its ports follow it.

    Before anybody is told that a server is not there, its ports are gone, as with Nova: who waits for that deletes the
    network next.
    """

    def __init__(self, gone: Gone) -> None:
        self._gone = gone
        self._owner = Owner(SERVER, "server_id", around=self._around)

    async def __call__(self, call: Call) -> Response:
        response = await self._owner(call)
        if response.status == 404 and await has_networks(call):
            await self._settle(call, call.parameters["server_id"])
        return await with_public_addresses(call, await with_top_groups(call, response))

    async def _settle(self, call: Call, server_id: str) -> None:
        try:
            for key in await waiting(call.gateway.database, KIND, server_id):
                await settle(call, key)
        except DatabaseUnavailable as error:
            LOG.warning("The ports of server %s are left to the worker: %s", server_id, error)

    @asynccontextmanager
    async def _around(self, call: Call, pod: Pod) -> AsyncIterator[None]:
        if call.request.method == "PUT":
            await pinned_in_pod(call, pod)
        if call.request.method != "DELETE":
            yield
            return
        server_id = call.parameters["server_id"]
        async with followed(call, pod, server_id):
            self._gone.note(call, pod, server_id)
            yield


class Listed:
    """A list of servers."""

    def __init__(self, gather: Strategy, gone: Gone) -> None:
        self._gather = gather
        self._gone = gone

    async def __call__(self, call: Call) -> Response:
        call.request.query = in_words_of_pods(call.request.query)
        response = await self._gather(call)
        await self._gone.settle_unlisted(call, response)
        return await with_public_addresses(call, await with_top_groups(call, response))
