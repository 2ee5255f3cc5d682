"""Merged lists whose items cannot be shown by what the API takes as a marker: the pods are asked who knows it."""

from functools import partial

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import ask_all, read_all
from triune.gateway.gather import MAX_SCAN, Gather
from triune.gateway.http import Response
from triune.gateway.order import Parameters
from triune.gateway.paging import Item, SortKey, item_id
from triune.gateway.strategies import Anywhere
from triune.pods.registry import Pod


class Probing(Gather):
    """A merged list. A plain marker is tried in every pod; those that do not know it refuse it.

    A marker that is a number may be one in several pods, and is then refused: where the list goes on is not clear. The
    markers in our own links say it.
    """

    async def _shown(
        self, call: Call, parameters: Parameters, order: list[SortKey], pods: list[Pod], marker: str
    ) -> tuple[Pod, Item] | Response:
        tried = dict.fromkeys((pod.id for pod in pods), marker)
        documents = await ask_all(call, self._targets(call, pods, parameters, tried, 1))
        knowing = [document.pod for document in documents if document.ok]
        if len(knowing) > 1:
            names = ", ".join(pod.region_name for pod in knowing)
            raise ApiError(400, f"marker [{marker}] is one in several pods: {names}.")
        if not knowing:
            if call.missing:
                raise ApiError(503, f"marker [{marker}] could not be found; no answer from {call.missing_names()}.")
            return await Anywhere()(call)
        # Where pods stand one behind the other, nothing of the item needs to be known.
        return (knowing[0], {}) if not order else await self._read_until(call, parameters, knowing[0], marker)

    async def _read_until(
        self, call: Call, parameters: Parameters, pod: Pod, marker: str
    ) -> tuple[Pod, Item] | Response:
        """The item of a pod that is named by a marker, with all that the list tells of it."""
        position = None
        for _ in range(MAX_SCAN):
            most = call.gateway.conf.gateway.max_limit
            answers = await read_all(
                call,
                self._targets(call, [pod], parameters, {pod.id: position}, most),
                partial(self._decode, limit=most),
            )
            if isinstance(answers, Response):
                return answers
            call.settle_missing(answered=bool(answers))
            _, found = answers[0]
            for item in found.items:
                position = item_id(item, self._collection.marker)
                if position == marker:
                    return pod, item
            if not found.has_more:
                break
        # The pod knows it, but the filters of this list do not let it through.
        raise ApiError(400, f"marker [{marker}] not found")
