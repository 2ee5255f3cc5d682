"""Whether pods have room for a server: what their Placement says."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from cachetools import TTLCache
from oslo_log import log as logging

from triune.pods.client import PodUnreachable
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser
from triune.scheduler.resources import allocation_query

LOG = logging.getLogger(__name__)

# Seconds for which a flavor is believed, which hardly ever changes, and how many are kept.
FLAVOR_TIME = 60.0
FLAVORS = 1000
# Shows extra specs in a flavor.
_WITH_EXTRA_SPECS = "compute 2.61"
# Knows forbidden traits.
_PLACEMENT = "placement 1.22"


class Capacity:
    """Asks with Triune's own rights, for Placement is for administrators."""

    def __init__(self, user: ServiceUser, deadline: float) -> None:
        self._user = user
        self._deadline = deadline
        self._queries: TTLCache[tuple[str, bool], str] = TTLCache(FLAVORS, FLAVOR_TIME)

    async def of(self, pods: Sequence[Pod], flavor_id: str, boots_from_volume: bool) -> Mapping[str, bool]:
        """Whether a server of a flavor finds a host, by the ids of pods; those that cannot tell are left out.

        Takes twice the deadline at most, [gateway] capacity_deadline; 0 asks nobody.
        """
        if not self._deadline or flavor_id in (".", ".."):
            # The latter is no name of anything, but a way to other paths.
            return {}
        query = await self._query(pods, flavor_id, boots_from_volume)
        if not query:
            return {}
        answers = await asyncio.gather(*(self._has_room(pod, query) for pod in pods))
        return {pod.id: answer for pod, answer in zip(pods, answers, strict=True) if answer is not None}

    async def _query(self, pods: Sequence[Pod], flavor_id: str, boots_from_volume: bool) -> str:
        """The question to Placement, from the first pod that shows the flavor; empty where none does."""
        if (known := self._queries.get((flavor_id, boots_from_volume))) is not None:
            return known
        questions = [asyncio.create_task(self._flavor(pod, flavor_id, boots_from_volume)) for pod in pods]
        try:
            for question in asyncio.as_completed(questions):
                if (query := await question) is not None:
                    self._queries[flavor_id, boots_from_volume] = query
                    return query
        finally:
            for task in questions:
                task.cancel()
            await asyncio.gather(*questions, return_exceptions=True)
        return ""

    async def _flavor(self, pod: Pod, flavor_id: str, boots_from_volume: bool) -> str | None:
        path = f"/v2.1/flavors/{quote(flavor_id, safe='')}"
        try:
            document = await self._user.fetch(
                pod, "compute", "GET", path, microversion=_WITH_EXTRA_SPECS, deadline=self._deadline
            )
            return allocation_query(document.part("flavor"), boots_from_volume) if document.ok else None
        except (PodUnreachable, ValueError, KeyError, TypeError) as error:
            LOG.info("%s does not tell what flavor %s takes: %s", pod.region_name, flavor_id, error)
            return None

    async def _has_room(self, pod: Pod, query: str) -> bool | None:
        path = "/allocation_candidates"
        try:
            document = await self._user.fetch(
                pod, "placement", "GET", path, query=query, microversion=_PLACEMENT, deadline=self._deadline
            )
            return bool(document.part("allocation_requests")) if document.ok else None
        except PodUnreachable as error:
            LOG.info("It is not known whether there is room: %s", error)
            return None
