"""What is made must fit under the limits of the whole cloud, whichever pod it is made in.

Each pod looks after its own limits, which are the same numbers. So there is nothing to ask where there is only one pod,
where there is no limit, and where a project was seen a short while ago to use little of what it may.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import ask_all
from triune.gateway.http import Response
from triune.gateway.routes import Strategy
from triune.pods.client import Document, PodUnreachable
from triune.quota.numbers import JSON, in_use, merged
from triune.quota.room import Amounts, Quota, Room, Rooms, TooMuch
from triune.quota.scope import Scope


@dataclass(frozen=True, slots=True)
class Need:
    """What a request needs: an amount of some resources, `fewest` to `most` times."""

    one: Amounts
    fewest: int = 1
    most: int = 1


class Kind(Protocol):
    """How requests of a kind are looked at."""

    async def need(self, call: Call) -> Need | None:
        """What a call needs; None where that cannot be told: then a pod gives the native refusal."""

    def refusal(self, call: Call, need: Need, error: TooMuch) -> ApiError:
        """How the service refuses what does not fit."""

    def limit_to(self, call: Call, body: JSON, count: int) -> None:
        """Make a call ask for fewer."""


@dataclass(frozen=True, slots=True)
class Source:
    """The service whose quotas count, where pods tell them (`read` makes them of an answer), and their room."""

    service: str
    path: Callable[[Call], tuple[str, str]]
    read: Callable[[Document], JSON]
    room: Callable[[Rooms], Room]

    async def quotas(self, call: Call, limits: Mapping[str, int]) -> dict[str, Quota]:
        """The quotas of a project as the pods that answer tell them, with the limits that were set at the top."""
        path, query = self.path(call)
        deadline = call.gateway.conf.pods.list_deadline
        service = None if call.service.name == self.service else self.service
        targets = [
            call.target(pod, "GET", path, query, service=service, deadline=deadline) for pod in await call.pods()
        ]
        headers = call.headers(with_body=False, service=self.service)
        known = set(call.missing)
        parts = []
        for document in await ask_all(call, targets, headers=headers):
            try:
                parts.append(self.read(document) if document.ok else {})
            except PodUnreachable:
                continue
        # A pod that does not tell what is used may still get what is asked for.
        for pod_id in call.missing.keys() - known:
            del call.missing[pod_id]
        return {
            name: Quota(quota["limit"], in_use(quota))
            for name, quota in merged(parts, limits).items()
            if isinstance(quota, dict) and isinstance(quota.get("limit"), int)
        }


class Within:
    """A strategy for requests that must fit under the limits of the caller's project.

    Pods that are away are not counted; their limits hold in them all the same.
    """

    def __init__(self, source: Source, kind: Kind, strategy: Strategy) -> None:
        self.strategy = strategy
        self._source = source
        self._kind = kind

    async def __call__(self, call: Call) -> Response:
        project_id = call.caller.project_id
        if project_id is None or len(await call.pods()) < 2 or await call.json() is None:
            return await self.strategy(call)
        need = await self._kind.need(call)
        if need is None:
            return await self.strategy(call)
        source = self._source
        limits = await call.gateway.limits.of(Scope(source.service, project_id))

        async def look() -> Mapping[str, Quota]:
            return await source.quotas(call, limits)

        room = source.room(call.gateway.rooms)
        try:
            async with room.taken(project_id, need.one, need.fewest, need.most, limits, look) as count:
                if count < need.most:
                    self._kind.limit_to(call, await call.json() or {}, count)
                response = await self.strategy(call)
                if response.status >= 400:
                    raise _NotMade(response)
                return response
        except _NotMade as error:
            return error.response
        except TooMuch as error:
            raise self._kind.refusal(call, need, error) from error


class _NotMade(Exception):
    """Nothing was made, so that nothing has to settle."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response
