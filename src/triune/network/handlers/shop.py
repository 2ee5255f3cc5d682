"""What the handlers of all kinds of twins share."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

from oslo_log import log as logging

from triune.db.engine import Database
from triune.log import current_request_id
from triune.network import names
from triune.network.features import Features
from triune.network.handlers.patience import IN_USE_PAUSE, Patience
from triune.network.handlers.users import busy_user
from triune.network.neutron import Neutron, Refused
from triune.network.plan import Ref
from triune.network.quotas import OwnQuotas
from triune.network.read import Read
from triune.network.realize import CONFLICT, Limits, Realizer
from triune.network.reserve import Reserve
from triune.network.resources import RESOURCES
from triune.network.routing.bridges import Bridges
from triune.network.routing.gateways import Gateways
from triune.network.routing.read import RoutingRead
from triune.pods.registry import Registry
from triune.pods.routings import Routings
from triune.pods.service_user import ServiceUser
from triune.portions import portions
from triune.work.handler import Again
from triune.work.journal import BATCH, Journal
from triune.work.requests import Key
from triune.work.runner import KeyWaits, Runner

LOG = logging.getLogger(__name__)

# Seconds that a key has for what it depends on.
DEPENDENCY_DEADLINE: Final = 120.0
# Where central Neutron keeps what the twin is of, if not under the same path.
TOPS: Final = {names.REMOTE_GROUP: "security-groups"}
# Seconds between looks at what somebody in the pod uses by himself.
FOREIGN_PAUSE: Final = 60.0

# Looks at something whose needs leave the pod while they are seen to, and seconds between them.
TRIES: Final = 3
TRY_PAUSE: Final = 0.2


class Left(Exception):
    """Something that is needed in a pod has left it meanwhile: what is wanted has to be looked at anew."""


async def tried(work: Callable[[], Awaitable[None]]) -> Again | None:
    """Do something that looks for itself what is wanted; again, a few times, where what it needs has left."""
    for number in range(TRIES):
        try:
            await work()
            return None
        except Left as error:
            why = str(error)
        await asyncio.sleep(TRY_PAUSE * (number + 1))
    return Again(IN_USE_PAUSE, why)


def still_lent(why: str | None) -> Again | None:
    """What is left to be done where a share could not be taken back (`parts.shares`)."""
    return Again(FOREIGN_PAUSE, why) if why is not None else None


class Shop:
    """The means of all handlers, and what they do alike."""

    def __init__(
        self,
        registry: Registry,
        routings: Routings,
        database: Database,
        journal: Journal,
        runner: Runner,
        user: ServiceUser,
        read: Read,
        reserve: Reserve,
        routing: RoutingRead,
        bridges: Bridges,
    ) -> None:
        self.read = read
        self.routing = routing
        self.bridges = bridges
        self.quotas = OwnQuotas(self.own_project)
        self.gateways = Gateways(read.central, routing, reserve, self.own_project)
        self.patience = Patience()
        self.reserve = reserve
        self._registry = registry
        self._routings = routings
        self._database = database
        self._journal = journal
        self._runner = runner
        self._user = user
        self._features = Features()
        self._limits = Limits()

    async def pod(self, pod_id: str) -> Realizer | None:
        """The means to realize twins in a pod; None where no such pod is registered any more.

        Raises `PodUnreachable`, `Refused`.
        """
        pod = next((each for each in await self._registry.pods() if each.id == pod_id), None)
        if pod is None:
            return None
        neutron = Neutron(self._user, pod)
        return Realizer(neutron, await self._features.of(neutron), self._routings, self._limits)

    async def own_project(self) -> str:
        """The project of Triune's own user. Raises `PodUnreachable`."""
        return await self._user.project()

    async def now(self, kind: str, resource_id: str, pod_id: str) -> None:
        """See to what a key depends on. Raises `KeyFailed`.

        What is there, with something left to do that has to wait, is good enough: callers look whether it is.
        """
        try:
            await self._runner.now(Key(kind, resource_id, pod_id), DEPENDENCY_DEADLINE)
        except KeyWaits as error:
            if await self._routings.bottom(kind, resource_id, pod_id) is None:
                raise
            LOG.info("%s", error)

    async def leave(self, pod: Realizer, kind: str, top_id: str) -> Again | None:
        """Remove what is not wanted in a pod any more; something may use it a little longer."""
        key = Key(kind, top_id, pod.pod_id)
        if (user := await busy_user(self._journal, kind, pod.pod_id)) is not None:
            return self.patience.again(key, f"{user.kind} {user.resource_id} is being changed")
        path = TOPS.get(kind, RESOURCES[kind].path)
        try:
            await pod.remove(kind, top_id, await self.read.owner(path, top_id))
        except Refused as error:
            if error.status != CONFLICT:
                raise
            return self.patience.again(key, str(error))
        self.patience.over(key)
        return None

    async def request(self, keys: Iterable[Key], backlog: bool = False) -> None:
        """Ask for keys that nobody waits for, some at a time: who fails on the way is run again, and asks again."""
        for some in portions(keys, BATCH):
            ask = partial(
                self._journal.request, keys=some, project_id=None, request_id=current_request_id(), backlog=backlog
            )
            await self._database.repeat(ask)

    async def waits(self, keys: Iterable[Key]) -> set[Key]:
        """Those of these keys that somebody has asked for and that are not done yet."""
        return await self._journal.waiting(keys)

    async def ids(self, pod_id: str, refs: Iterable[Ref]) -> dict[Ref, str]:
        """The ids of resources in a pod, as far as they are known."""
        asked = list(refs)
        found = await self._routings.bottoms(pod_id, ((ref.kind, ref.top_id) for ref in asked)) if asked else {}
        return {ref: found[ref.kind, ref.top_id] for ref in asked if (ref.kind, ref.top_id) in found}

    async def id(self, kind: str, top_id: str, pod: Realizer) -> str:
        """The id of a twin that was just seen to. Raises `Left`."""
        bottom_id = await self._routings.bottom(kind, top_id, pod.pod_id)
        if bottom_id is None:
            raise Left(f"{kind} {top_id} is not in {pod.neutron.pod.region_name}")
        return bottom_id
