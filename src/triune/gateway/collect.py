"""Short lists that no API pages: those of all pods, one behind the other."""

from typing import Any

import msgspec

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.strategies import ask_all, first_refusal


class Collect:
    """The lists of all pods under the same key, in the order of the pods' region names."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        documents = await ask_all(call, [call.target(pod, deadline=deadline) for pod in pods])
        if (refusal := first_refusal(documents, but=())) is not None:
            return await call.respond(refusal)
        call.settle_missing(answered=bool(documents))
        items: list[Any] = []
        for document in documents:
            translation = call.translation(document.pod, await call.endpoint(document.pod))
            items += translation.document(document.json()[self._name])
        response = await call.respond(documents[0])
        response.body = msgspec.json.encode({self._name: items})
        return response
