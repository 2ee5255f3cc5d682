"""How API operations are answered: by the pod that owns a resource, by any, by adding up, or by Triune itself."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec
from multidict import CIMultiDict

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.forward import forward, unreachable
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable, Target
from triune.pods.locate import Kind, NotInAnyPod, PodsMissing, owner_of
from triune.pods.registry import Pod

JSON = dict[str, Any]
T = TypeVar("T")


async def find(call: Call, kind: Kind, resource_id: str) -> Pod | Response:
    """The pod that holds a resource, or the native refusal where there is none. Raises `ApiError` 503."""
    try:
        return await call.locate(kind, resource_id)
    except NotInAnyPod as error:
        if error.document is None:
            raise ApiError(404, f"{kind.name} {resource_id} could not be found.") from error
        return await call.respond(error.document)
    except PodsMissing as error:
        for pod in error.missing:
            call.missing[pod.id] = pod
        raise ApiError(
            503,
            f"{kind.name} {resource_id} could not be found in the pods that answer; "
            f"no answer from {', '.join(pod.region_name for pod in error.missing)}.",
        ) from error


class Owner:
    """The pod that holds the resource answers.

    `check` may refuse a call before it is passed on, by raising `ApiError`.
    """

    def __init__(self, kind: Kind, parameter: str, check: Callable[[Call, Pod], Awaitable[None]] | None = None) -> None:
        self._kind = kind
        self._parameter = parameter
        self._check = check

    async def __call__(self, call: Call) -> Response:
        resource_id = call.parameters[self._parameter]
        found = await find(call, self._kind, resource_id)
        if isinstance(found, Response):
            return found
        response = await self._ask(call, found)
        if response.status == 404 and (moved := await self._moved(call, resource_id, found)) is not None:
            response = await self._ask(call, moved)
        if call.request.method == "DELETE" and response.status < 300 and self._is_all_of(call, resource_id):
            await call.gateway.locator.forget(self._kind, resource_id)
        return response

    async def _ask(self, call: Call, pod: Pod) -> Response:
        if self._check is not None:
            await self._check(call, pod)
        return await forward(call, pod)

    async def _moved(self, call: Call, resource_id: str, pod: Pod) -> Pod | None:
        """Where a resource is that was remembered in a pod that does not have it; None where it is not elsewhere.

        A 404 may as well be about a tag or a key of a resource that is there.
        """
        locator = call.gateway.locator
        try:
            shown = await call.search(self._kind, resource_id)
        except PodsMissing:
            return None
        except NotInAnyPod:
            await locator.forget(self._kind, resource_id)
            return None
        if shown.pod.id == pod.id:
            return None
        await locator.forget(self._kind, resource_id)
        await locator.remember(self._kind, resource_id, shown.pod, owner_of(shown) or call.caller.project_id)
        return shown.pod if call.request.is_repeatable else None

    def _is_all_of(self, call: Call, resource_id: str) -> bool:
        return f"/{call.service.version}{call.path}".rstrip("/").endswith(self._kind.show(resource_id))


class Anywhere:
    """Any pod answers; one that lacks the resource (404) gives way to the next.

    When none that answers has it, it is not there, even if pods are away: what is the same everywhere is judged by the
    pods that answer, and clients that try a name as an id rely on the 404.
    """

    async def __call__(self, call: Call) -> Response:
        if call.request.has_body:
            await call.request.body(call.gateway.conf.gateway.max_request_body)
        reading = call.request.method in ("GET", "HEAD")
        # Where the next pod can be asked, a slow one need not be waited for as long as where it alone can answer.
        deadline = call.gateway.conf.pods.list_deadline if reading else None
        refusal: Response | None = None
        failure: PodUnreachable | None = None
        for pod in await call.pods():
            try:
                response = await forward(call, pod, deadline)
            except ApiError as error:
                if not isinstance(error.__cause__, PodUnreachable) or (error.__cause__.sent and not reading):
                    raise
                failure = error.__cause__
                call.lost(failure)
                continue
            if response.status != 404:
                call.missing.clear()
                return response
            refusal = refusal or response
        if refusal is not None:
            return refusal
        assert failure is not None
        raise unreachable(failure) from failure


class Sum:
    """Numbers of all pods, added up.

    `path` leads to the object whose integers are added; a negative number (-1: unlimited) stays what it is.
    """

    def __init__(self, *path: str) -> None:
        self._path = path

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        targets = [call.target(pod, deadline=deadline) for pod in await call.pods()]
        answers = await read_all(call, targets, lambda document: (document.json(), document.part(*self._path)))
        if isinstance(answers, Response):
            return answers
        call.settle_missing(answered=bool(answers))
        first, (total, _) = answers[0]
        inner = total
        for key in self._path:
            inner = inner[key]
        for _, (_, part) in answers[1:]:
            add(inner, part)
        response = await call.respond(first)
        response.body = msgspec.json.encode(total)
        return response


class Here:
    """Triune answers."""

    def __init__(self, handler: Callable[[Call], Awaitable[Response]]) -> None:
        self._handler = handler

    async def __call__(self, call: Call) -> Response:
        return await self._handler(call)


async def ask_all(
    call: Call, targets: Iterable[Target], body: bytes = b"", headers: CIMultiDict[str] | None = None
) -> list[Document]:
    """Ask pods in parallel; answers in the order of the targets. Pods that do not answer are noted as missing.

    Without `headers` the caller's own go along.
    """
    headers = call.headers(with_body=False) if headers is None else headers
    if body:
        headers["Content-Type"] = call.request.headers.get("Content-Type", "application/json")
    questions = [call.gateway.client.fetch(target, headers, body or None) for target in targets]
    documents: list[Document] = []
    for result in await asyncio.gather(*questions, return_exceptions=True):
        if isinstance(result, PodUnreachable):
            call.lost(result)
        elif isinstance(result, BaseException):
            raise result
        else:
            documents.append(result)
    return documents


async def read_all(
    call: Call, targets: Iterable[Target], decode: Callable[[Document], T]
) -> list[tuple[Document, T]] | Response:
    """Ask pods for something that is put together from their answers.

    A pod that refuses decides the whole answer. Pods that are away, broken (5xx) or talk nonsense are noted as missing.
    """
    answers: list[tuple[Document, T]] = []
    for document in await ask_all(call, targets):
        try:
            if document.status >= 500:
                raise PodUnreachable(document.pod, document.service, f"HTTP {document.status}")
            if not document.ok:
                return await call.respond(document)
            answers.append((document, decode(document)))
        except PodUnreachable as error:
            call.lost(error)
    return answers


def first_refusal(documents: Iterable[Document], but: Iterable[int] = (404,)) -> Document | None:
    """The first answer that refuses, those with a status in `but` aside."""
    passed_over = set(but)
    return next((document for document in documents if not document.ok and document.status not in passed_over), None)


def add(total: JSON, other: JSON) -> None:
    """Add the integers of `other` to those of `total`, recursively; keys that are new are taken over."""
    for key, value in other.items():
        mine = total.get(key)
        if isinstance(value, dict) and isinstance(mine, dict):
            add(mine, value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            total.setdefault(key, value)
        elif isinstance(mine, int | float) and not isinstance(mine, bool):
            total[key] = -1 if mine < 0 or value < 0 else mine + value
        else:
            total[key] = value
