"""Asking many pods at once, and what to make of different answers."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from multidict import CIMultiDict

from triune.gateway.call import Call, response_headers
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable, Target

T = TypeVar("T")

# Refusals that tell of one pod (its version, its policy, its own trouble with tokens) rather than of the request.
OF_THE_POD = frozenset({401, 403, 404, 406, 429})


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
    """Ask pods for something that is put together from their answers; see `usable` for those that refuse."""
    return await read_answers(call, await ask_all(call, targets), decode)


async def read_answers(
    call: Call, documents: Iterable[Document], decode: Callable[[Document], T]
) -> list[tuple[Document, T]] | Response:
    """What pods have answered, or the refusal that decides the whole."""
    good = usable(call, documents)
    if isinstance(good, Document):
        return await call.respond(good)
    answers: list[tuple[Document, T]] = []
    for document in good:
        try:
            answers.append((document, decode(document)))
        except PodUnreachable as error:
            call.lost(error)
    return answers


def usable(call: Call, documents: Iterable[Document]) -> list[Document] | Document:
    """The answers that something can be put together from, or the refusal that decides the whole.

    Broken pods (5xx) are noted as missing, and so are pods that refuse for a reason of their own where others answer.
    """
    good: list[Document] = []
    refusals: list[Document] = []
    for document in documents:
        if document.status >= 500:
            call.missing[document.pod.id] = document.pod
        else:
            (good if document.ok else refusals).append(document)
    decisive = [refusal for refusal in refusals if not good or refusal.status not in OF_THE_POD]
    if decisive:
        return decisive[0]
    call.missing.update({refusal.pod.id: refusal.pod for refusal in refusals})
    return good


def first_refusal(documents: Iterable[Document], but: Iterable[int] = (404,)) -> Document | None:
    """The first answer that refuses, those with a status in `but` aside."""
    passed_over = set(but)
    return next((document for document in documents if not document.ok and document.status not in passed_over), None)


def compose(document: Document, body: Any) -> Response:
    """An answer that was put together from those of pods, with the headers of one of them."""
    # Glance alone writes UTF-8 (glance.api.v2.images.ResponseSerializer).
    response = Response.json(body, ascii_only=document.service != "image")
    response.headers = response_headers(document.headers)
    response.headers.popall("Content-Length", None)
    return response
