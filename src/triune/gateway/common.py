"""What all pods have: an answer that promises no more than each of them does."""

from collections.abc import Iterable
from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import ask_all, compose, read_all, usable
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable

JSON = dict[str, Any]


class Common:
    """The items of a list that every pod tells, known by their field `key`; `inner` is a field with a list of names.

    Of that, too, only what every pod has is told.
    """

    def __init__(self, name: str, key: str, inner: str | None = None) -> None:
        self._name = name
        self._key = key
        self._inner = inner

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        targets = [call.target(pod, deadline=deadline) for pod in pods]
        answers = await read_all(call, targets, self._decode)
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        first = answers[0][0]
        items = in_all([items for _, items in answers], self._key, self._inner)
        translation = call.translation(first.pod, await call.endpoint(first.pod))
        return compose(first, translation.document({self._name: items}))

    def _decode(self, document: Document) -> list[JSON]:
        items = document.part(self._name)
        if not isinstance(items, list) or not all(isinstance(item, dict) and self._is_whole(item) for item in items):
            raise PodUnreachable(document.pod, document.service, f"no list of {self._name}")
        return items

    def _is_whole(self, item: JSON) -> bool:
        inner = item.get(self._inner) if self._inner is not None else []
        return isinstance(item.get(self._key), str) and isinstance(inner, list)


class InAll:
    """What every pod shows is shown; the first pod that has it not decides (404)."""

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        documents = await ask_all(call, [call.target(pod, deadline=deadline) for pod in pods])
        unknown = next((document for document in documents if document.status == 404), None)
        if unknown is not None:
            call.missing.clear()
            return await call.respond(unknown)
        answers = usable(call, documents)
        if isinstance(answers, Document):
            return await call.respond(answers)
        if not answers:
            raise ApiError(503, f"No answer from {call.missing_names()}.")
        return await call.respond(answers[0])


def in_all(lists: Iterable[list[JSON]], key: str, inner: str | None = None) -> list[JSON]:
    """The items that stand in all of these lists, as the first has them and in its order."""
    first, *others = lists
    tables = [{item.get(key): item for item in other} for other in others]
    common = [item for item in first if all(item.get(key) in table for table in tables)]
    if inner is None:
        return common
    return [
        {**item, inner: [name for name in item[inner] if all(name in table[item[key]][inner] for table in tables)]}
        for item in common
    ]
