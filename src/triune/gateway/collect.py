"""Short lists that no API pages: those of all pods, one behind the other."""

from typing import Any

from triune.gateway.call import Call
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response


class Collect:
    """The lists of all pods under the same key, in the order of the pods' region names."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        targets = [call.target(pod, deadline=deadline) for pod in pods]
        answers = await read_all(call, targets, lambda document: document.part(self._name))
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        items: list[Any] = []
        for document, found in answers:
            translation = call.translation(document.pod, await call.endpoint(document.pod))
            items += translation.document(found)
        return compose(answers[0][0], {self._name: items})
