"""Short lists that no API pages: those of all pods, one behind the other."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from triune.gateway.call import Call
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response
from triune.gateway.paging import SortKey
from triune.gateway.union import sort


class Collect:
    """The lists of all pods under the same key, in the order of the pods' region names.

    `is_sliced`: the API cuts a piece out of the list by `offset` and `limit`, without links to the next one. `order` is
    in which order the items stand instead.
    """

    def __init__(self, name: str, is_sliced: bool = False, order: Iterable[SortKey] = ()) -> None:
        self._name = name
        self._is_sliced = is_sliced
        self._order = list(order)

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        parameters = parse_qsl(call.request.query, keep_blank_values=True)
        cut = {key: int(value) for key, value in parameters if self._cuts(key, value)}
        query = urlencode([(key, value) for key, value in parameters if not self._cuts(key, value)])
        path = f"/{call.service.version}{call.path}"
        targets = [call.target(pod, None, path, query, deadline=deadline) for pod in pods]
        answers = await read_all(call, targets, lambda document: document.part(self._name))
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        items: list[Any] = []
        for document, found in answers:
            translation = call.translation(document.pod, await call.endpoint(document.pod))
            items += translation.document(found)
        if self._order:
            items = sort(items, self._order)
        if self._is_sliced:
            most = call.gateway.conf.gateway.max_limit
            # No limit and a limit of 0 are the same (`limited` in nova.api.openstack.common and cinder.api.common).
            items = items[cut.get("offset", 0) :][: min(cut.get("limit") or most, most)]
        return compose(answers[0][0], {self._name: items})

    def _cuts(self, key: str, value: str) -> bool:
        return self._is_sliced and key in ("offset", "limit") and value.isdecimal()
