"""Searches: lists that are refused with 404 where nothing matches."""

from typing import Any

from triune.gateway.call import Call
from triune.gateway.fanout import ask_all, compose, usable
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable


class Matching:
    """The lists of all pods under the same key; a pod's 404 means that nothing matches there.

    404 only where every pod says so. While one is away, what matches in the others is told, even if that is nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        documents = await ask_all(call, [call.target(pod, deadline=deadline) for pod in pods])
        empty = [document for document in documents if document.status == 404]
        others = usable(call, [document for document in documents if document.status != 404])
        if isinstance(others, Document):
            return await call.respond(others)
        items: list[Any] = []
        answered = list(empty)
        for document in others:
            try:
                found = document.part(self._name)
            except PodUnreachable as error:
                call.lost(error)
                continue
            answered.append(document)
            items += call.translation(document.pod, await call.endpoint(document.pod)).document(found)
        call.settle_missing(answered=bool(answered))
        if len(empty) == len(answered) and not call.missing:
            return await call.respond(empty[0])
        told = compose(answered[-1], {self._name: items})
        # The headers may be those of a 404: what they say of the body is no longer so.
        told.headers["Content-Type"] = "application/json"
        return told
