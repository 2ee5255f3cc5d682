"""Operations on what all pods hold: done in every pod, and brought to those that were away by the work engine."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import ask_all, first_refusal
from triune.gateway.forward import unreachable
from triune.gateway.http import Response
from triune.gateway.strategies import Anywhere
from triune.pods.body import encode
from triune.pods.client import Document, PodUnreachable, Target
from triune.pods.registry import Pod
from triune.work.requests import Key

JSON = dict[str, Any]

# Seconds for which the worker leaves a key to the request that is at work on it. Both may do the same: it is harmless.
HANDS_OFF = 2.0


class Everywhere:
    """Every pod does it: changes of what all pods hold.

    Pods that lack the resource are passed over. When a pod is away the change is made in the others and the answer is
    503, naming the pod: the request can simply be repeated, for what is done already does no harm.
    """

    async def __call__(self, call: Call) -> Response:
        body = await call.request.body(call.gateway.conf.gateway.max_request_body)
        documents = await ask_all(call, [call.target(pod) for pod in await call.pods()], body)
        done = [document for document in documents if document.ok]
        # 409 where others have done it: this pod had it before, from an earlier try.
        refusal = first_refusal(documents, but=(404, 409) if done else (404,))
        if refusal is not None:
            return await call.respond(refusal)
        if call.missing:
            raise ApiError(
                503, f"No answer from {call.missing_names()}; the other pods have done this. Repeat the request."
            )
        return await call.respond(done[0] if done else documents[0])


@dataclass(frozen=True, slots=True)
class Shared:
    """A kind of resource that the work engine can bring to a pod, or remove from one.

    `resource_id` takes the call and, where the resource was just created, the answer. `place` is the path (below the
    version) and the query under which a created one is removed again. `is_named` tells whether a request says so much
    of what it creates that asking another pod the same makes the same, and `is_same` whether what a pod shows is what
    was created elsewhere.
    """

    kind: str
    resource_id: Callable[[Call, JSON | None], str]
    place: Callable[[Call, JSON], tuple[str, str]]
    is_named: Callable[[JSON], bool] = lambda body: True
    is_same: Callable[[JSON, JSON], bool] = lambda answer, shown: True

    async def keys(self, call: Call, answer: JSON | None = None) -> list[Key]:
        """The keys of the resource of a call, one for each pod."""
        resource_id = self.resource_id(call, answer)
        return [Key(self.kind, resource_id, pod.id) for pod in await call.pods()]


class CreateEverywhere:
    """A new resource in every pod, the same everywhere.

    One pod leads: it judges the request and generates what is not given (a private key). The others follow with the
    same content. A refusal anywhere removes what was created; a pod that is away is named in the answer, and gets the
    resource from the work engine, or when it is first needed there.

    `complete` puts what Triune must choose (an id) into the body before anything is sent; `follow` makes the body for
    the others out of the request and the leader's answer.
    """

    def __init__(
        self,
        shared: Shared,
        complete: Callable[[JSON], None] = lambda body: None,
        follow: Callable[[JSON, JSON], JSON] = lambda body, answer: body,
    ) -> None:
        self._shared = shared
        self._complete = complete
        self._follow = follow

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        if body is None:
            return await Anywhere()(call)
        body = copy.deepcopy(body)
        self._complete(body)
        lead = await self._lead(call, body)
        if not lead.ok:
            return await call.respond(lead)
        answer = lead.json()
        keys = await self._shared.keys(call, answer)
        await call.gateway.intents.wanted(keys, call.caller.project_id, call.request.request_id, HANDS_OFF)
        documents = await ask_all(call, _followers(call, lead, await call.pods()), encode(self._follow(body, answer)))
        if (refusal := await self._refusal(call, answer, documents)) is not None:
            await self._undo(call, answer, keys, [lead, *documents])
            return await call.respond(refusal)
        await call.gateway.journal.done(_answered(keys, [lead, *documents]))
        return await call.respond(lead)

    async def _refusal(self, call: Call, answer: JSON, documents: list[Document]) -> Document | None:
        """The answer of a pod that does not hold the same now.

        409 may mean that the pod has it already, from an earlier try or from its operator; or another under its name.
        """
        path, query = self._shared.place(call, answer)
        for document in documents:
            if document.ok:
                continue
            if document.status != 409:
                return document
            shown = await call.fetch(call.target(document.pod, "GET", f"/{call.service.version}{path}", query))
            if not shown.ok or not self._shared.is_same(answer, shown.json()):
                return document
        return None

    async def _lead(self, call: Call, body: JSON) -> Document:
        """The answer of the first pod that can be reached."""
        failure: PodUnreachable | None = None
        for pod in await call.pods():
            try:
                return await call.fetch(call.target(pod), body)
            except PodUnreachable as error:
                call.lost(error)
                failure = error
                if error.sent and not self._shared.is_named(body):
                    # It may have generated something that another pod would generate differently.
                    break
        assert failure is not None
        raise unreachable(failure) from failure

    async def _undo(self, call: Call, answer: JSON, keys: list[Key], documents: list[Document]) -> None:
        """Remove what this request created, and only that."""
        created = [document.pod for document in documents if document.ok]
        keys = [key for key in keys if key.pod_id in {pod.id for pod in created}]
        await call.gateway.intents.removed(keys, call.caller.project_id, call.request.request_id, HANDS_OFF)
        path, query = self._shared.place(call, answer)
        path = f"/{call.service.version}{path}"
        removed = await ask_all(call, [call.target(pod, "DELETE", path, query) for pod in created])
        await call.gateway.journal.done(_answered(keys, removed))


class RemoveEverywhere:
    """A resource that all pods hold is removed from all of them.

    The first pod that has it judges the request; then the removal is written down, and the others follow. The work
    engine removes it from pods that are away when they return.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def __call__(self, call: Call) -> Response:
        unknown: Document | None = None
        pods = await call.pods()
        for pod in pods:
            try:
                document = await call.fetch(call.target(pod))
            except PodUnreachable as error:
                call.lost(error)
                continue
            if document.ok:
                return await self._follow(call, document, pods)
            if document.status != 404:
                return await call.respond(document)
            unknown = unknown or document
        if unknown is None or call.missing:
            # It may be in a pod that is away, and would come from there to the others.
            raise ApiError(503, f"No answer from {call.missing_names()}.")
        return await call.respond(unknown)

    async def _follow(self, call: Call, lead: Document, pods: list[Pod]) -> Response:
        intents, journal = call.gateway.intents, call.gateway.journal
        keys = await self._shared.keys(call)
        await intents.removed(keys, call.caller.project_id, call.request.request_id, HANDS_OFF)
        documents = await ask_all(call, _followers(call, lead, pods))
        if (refusal := first_refusal(documents)) is not None:
            # Not removed after all: pods that have let go of it get it back.
            await intents.wanted(keys, call.caller.project_id, call.request.request_id, 0.0)
            return await call.respond(refusal)
        await journal.done(_answered(keys, [lead, *documents]))
        return await call.respond(lead)


def _followers(call: Call, lead: Document, pods: list[Pod]) -> list[Target]:
    return [call.target(pod) for pod in pods if pod.id != lead.pod.id and pod.id not in call.missing]


def _answered(keys: list[Key], documents: list[Document]) -> list[Key]:
    """The keys of those pods that are as wanted now."""
    pods = {document.pod.id for document in documents}
    return [key for key in keys if key.pod_id in pods]
