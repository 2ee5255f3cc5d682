"""Operations on what all pods hold under one name, with an id of its own in each pod.

Tenants see the id of one pod, and may use that of any: it leads to a pod, that to the name, and the name to the id in
every other pod.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from triune.gateway.call import Call, quoted
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import HANDS_OFF, JSON, CreateEverywhere, Shared
from triune.gateway.fanout import ask_all, first_refusal
from triune.gateway.http import Response
from triune.gateway.strategies import Anywhere
from triune.pods.client import Document, PodUnreachable, Target
from triune.pods.locate import Kind, NotInAnyPod, PodsMissing
from triune.pods.registry import Pod
from triune.shared.named import Named, find_by_name
from triune.work.requests import Key

# Whether a pod, where the resource has this id, may refuse a call that others would not.
Doubt = Callable[[Call, Pod, str], Awaitable[bool]]
# The service that has resources of this kind.
SERVICE = "volume"
# Refusals of a pod that had it before, or has nothing to change, where others have done it.
PASSED_OVER = (404, 409)


@dataclass(frozen=True, slots=True)
class Known:
    """A resource of a name, and its id in each pod that has it; the pod whose id was given comes first."""

    name: str
    ids: Mapping[str, str]


async def by_name(call: Call, pods: list[Pod], named: Named, name: str) -> dict[str, JSON]:
    """What pods show of the resource of a name, by the pod's id. Pods that do not answer are noted as missing."""
    deadline = call.gateway.conf.pods.list_deadline

    # Volumes are created by Nova's proxies, too.
    service = None if call.service.name == SERVICE else SERVICE

    async def ask(pod: Pod, method: str, path: str, query: str) -> Document:
        return await call.fetch(call.target(pod, method, f"/v3{path}", query, service=service, deadline=deadline))

    async def find(pod: Pod) -> JSON | None:
        try:
            return await find_by_name(ask, pod, named, name)
        except PodUnreachable as error:
            call.lost(error)
            return None

    found = await asyncio.gather(*(find(pod) for pod in pods))
    return {pod.id: item for pod, item in zip(pods, found, strict=True) if item is not None}


async def name_of(call: Call, kind: Kind, item: str, resource_id: str) -> tuple[Pod, str] | Document:
    """The pod in which a resource has this id now, and its name; or the native refusal. Raises `ApiError` 503."""
    try:
        shown = await call.search(kind, resource_id)
    except NotInAnyPod as error:
        if error.document is None:
            raise ApiError(404, f"{kind.name} {resource_id} could not be found.") from error
        return error.document
    except PodsMissing as error:
        raise ApiError(
            503, f"{kind.name} {resource_id} could not be found in the pods that answer: {error}."
        ) from error
    return shown.pod, str(shown.part(item, "name"))


async def known(call: Call, kind: Kind, named: Named, resource_id: str) -> Known | Document:
    """Where a resource is, by its id in any pod; or the native refusal. Raises `ApiError` 503."""
    found = await name_of(call, kind, named.item, resource_id)
    if isinstance(found, Document):
        return found
    pod, name = found
    others = await by_name(call, [other for other in await call.pods() if other.id != pod.id], named, name)
    return Known(name, {pod.id: resource_id, **{pod_id: str(item["id"]) for pod_id, item in others.items()}})


class _Led:
    """What one pod judges and does first, and the others after it."""

    def __init__(self, kind: Kind, named: Named, parameter: str, doubt: Doubt | None) -> None:
        self._kind = kind
        self._named = named
        self._parameter = parameter
        self._doubt = doubt

    async def _known(self, call: Call) -> Known | Document:
        return await known(call, self._kind, self._named, call.parameters[self._parameter])

    async def _targets(self, call: Call, found: Known) -> list[Target]:
        """This call in the words of each pod that has the resource; pods that may refuse it come first."""
        pods = {pod.id: pod for pod in await call.pods()}
        has_it = [pods[pod_id] for pod_id in found.ids if pod_id in pods]
        doubts = await asyncio.gather(*(self._doubts(call, pod, found.ids[pod.id]) for pod in has_it))
        order = sorted(zip(doubts, has_it, strict=True), key=lambda pair: not pair[0])
        queries = await self._queries(call, found, [pod for _, pod in order])
        return [
            call.target(pod, None, f"/{call.service.version}{with_id(call.path, found.ids[pod.id])}", queries[pod.id])
            for _, pod in order
            if pod.id in queries
        ]

    async def _queries(self, call: Call, _found: Known, pods: list[Pod]) -> dict[str, str]:
        """The query for each pod that is to be asked."""
        return {pod.id: call.request.query for pod in pods}

    async def _doubts(self, call: Call, pod: Pod, resource_id: str) -> bool:
        try:
            return self._doubt is not None and await self._doubt(call, pod, resource_id)
        except PodUnreachable as error:
            call.lost(error)
            return False


class ChangeNamed(_Led):
    """Every pod that has the resource does it, each under its own id.

    One pod judges the request, and one that refuses it ends it; pods that may refuse are asked first (`doubt`). When a
    pod is away the others do it and the answer is 503, naming the pod: the request can be repeated, and `is_done` tells
    refusals (besides 404 and 409) of a pod that did it before. `is_whole` tells of a request that all pods must do.
    `references` are parameters of the query that name something which has another id in each pod.
    """

    def __init__(
        self,
        kind: Kind,
        named: Named,
        parameter: str,
        doubt: Doubt | None = None,
        is_done: Callable[[Document], bool] = lambda document: document.status in PASSED_OVER,
        is_whole: Callable[[Call, str], Awaitable[bool]] | None = None,
        references: Mapping[str, tuple[Kind, Named]] | None = None,
    ) -> None:
        super().__init__(kind, named, parameter, doubt)
        self._is_done = is_done
        self._is_whole = is_whole
        self._references = references or {}

    async def __call__(self, call: Call) -> Response:
        body = await call.request.body(call.gateway.conf.gateway.max_request_body)
        found = await self._known(call)
        if isinstance(found, Document):
            return await call.respond(found)
        if call.missing and self._is_whole is not None and await self._is_whole(call, found.name):
            raise ApiError(503, f"No answer from {call.missing_names()}; a name is changed in all pods or in none.")
        targets = await self._targets(call, found)
        if not targets:
            # What the request refers to is in no pod with the resource, or in none: refused natively.
            return await Anywhere()(call)
        lead = await ask_all(call, targets[:1], body)
        if lead and not lead[0].ok and not self._is_done(lead[0]):
            return await call.respond(lead[0])
        documents = [*lead, *await ask_all(call, targets[1:], body)]
        done = [document for document in documents if document.ok]
        refusals = [document for document in documents if not document.ok]
        decisive = [document for document in refusals if not (done and self._is_done(document))]
        if decisive:
            return await call.respond(decisive[0])
        if call.missing:
            others = "; the other pods have done this. Repeat the request." if done else "."
            raise ApiError(503, f"No answer from {call.missing_names()}{others}")
        return await call.respond(done[0])

    async def _queries(self, call: Call, found: Known, pods: list[Pod]) -> dict[str, str]:
        parameters = parse_qsl(call.request.query, keep_blank_values=True)
        queries = {pod.id: parameters for pod in pods}
        for parameter, (kind, named) in self._references.items():
            value = dict(parameters).get(parameter)
            if not value:
                continue
            referred = await known(call, kind, named, value)
            ids = {} if isinstance(referred, Document) else referred.ids
            queries = {
                pod_id: [(key, ids[pod_id] if key == parameter else value) for key, value in query]
                for pod_id, query in queries.items()
                if pod_id in ids
            }
        return {pod_id: urlencode(query) for pod_id, query in queries.items()}


class RemoveNamed(_Led):
    """The resource is removed from all pods that have it, each under its own id.

    A pod that may refuse is asked first, so that nothing is removed where it does; then the removal is written down,
    and the work engine removes it from pods that are away when they return.
    """

    async def __call__(self, call: Call) -> Response:
        found = await self._known(call)
        if isinstance(found, Document):
            return await call.respond(found)
        targets = await self._targets(call, found)
        while targets:
            if lead := await ask_all(call, [targets.pop(0)]):
                return await self._follow(call, found, lead[0], targets) if lead[0].ok else await call.respond(lead[0])
        raise ApiError(503, f"No answer from {call.missing_names()}.")

    async def _follow(self, call: Call, found: Known, lead: Document, targets: list[Target]) -> Response:
        intents, request_id = call.gateway.intents, call.request.request_id
        keys = [Key(self._named.kind, found.name, pod.id) for pod in await call.pods()]
        await intents.removed(keys, call.caller.project_id, request_id, HANDS_OFF)
        documents = await ask_all(call, targets)
        if (refusal := first_refusal(documents)) is not None:
            # Not removed after all: pods that have let go of it get it back.
            await intents.wanted(keys, call.caller.project_id, request_id, 0.0)
            return await call.respond(refusal)
        await call.gateway.journal.done([key for key in keys if key.pod_id not in call.missing])
        for resource_id in found.ids.values():
            await call.gateway.locator.forget(self._kind, resource_id)
        return await call.respond(lead)


class CreateNamed(CreateEverywhere):
    """A new resource of one name in every pod: as `CreateEverywhere`, but each pod chooses its id."""

    def __init__(self, named: Named) -> None:
        super().__init__(
            Shared(
                kind=named.kind,
                resource_id=lambda call, answer: str((answer or {})[named.item]["name"]),
                place=lambda call, answer: (named.place(str(answer[named.item]["id"])), ""),
            )
        )
        self._named = named

    async def _refusal(self, call: Call, answer: JSON, documents: list[Document]) -> Document | None:
        named, wanted = self._named, answer[self._named.item]
        for document in documents:
            if document.ok:
                continue
            if document.status != 409:
                return document
            shown = (await by_name(call, [document.pod], named, str(wanted["name"]))).get(document.pod.id)
            if shown is None or named.definition(shown) != named.definition(wanted):
                return document
        return None

    async def _undo(self, call: Call, answer: JSON, keys: list[Key], documents: list[Document]) -> None:
        created = {document.pod.id: document for document in documents if document.ok}
        keys = [key for key in keys if key.pod_id in created]
        await call.gateway.intents.removed(keys, call.caller.project_id, call.request.request_id, HANDS_OFF)
        removed = await ask_all(call, [self._removal(call, document) for document in created.values()])
        done = {document.pod.id for document in removed}
        await call.gateway.journal.done([key for key in keys if key.pod_id in done])

    def _removal(self, call: Call, created: Document) -> Target:
        place = self._named.place(str(created.part(self._named.item, "id")))
        return call.target(created.pod, "DELETE", f"/{call.service.version}{place}")


def with_id(path: str, resource_id: str) -> str:
    """A path such as `/types/{id}/extra_specs` with another id: it is always the second segment."""
    root, name, _, *rest = path.split("/")
    return "/".join([root, name, quoted(resource_id), *rest])
