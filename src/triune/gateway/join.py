"""Requests that every pod answers with lists, which are told as one."""

from collections.abc import Awaitable, Callable
from typing import Any

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.fanout import ask_all, compose, usable
from triune.gateway.http import Response
from triune.pods.client import Document


class Join:
    """Every pod gets the request with its body; the lists in their answers stand one behind the other.

    `check` may refuse a call before anybody is asked, by raising `ApiError`. `passed_over` are statuses of pods that
    have nothing to do where others have.
    """

    def __init__(
        self,
        *names: str,
        check: Callable[[Call], Awaitable[None]] | None = None,
        passed_over: tuple[int, ...] = (),
    ) -> None:
        self._names = names
        self._check = check
        self._passed_over = passed_over

    async def __call__(self, call: Call) -> Response:
        body = await call.request.body(call.gateway.conf.gateway.max_request_body)
        if self._check is not None:
            await self._check(call)
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        documents = await ask_all(call, [call.target(pod) for pod in pods], body)
        if any(document.ok for document in documents):
            documents = [document for document in documents if document.status not in self._passed_over]
        answers = usable(call, documents)
        if isinstance(answers, Document):
            return await call.respond(answers)
        if not answers:
            raise ApiError(503, f"No answer from {call.missing_names()}.")
        joined: dict[str, list[Any]] = {
            name: [item for document in answers for item in document.part(name)] for name in self._names
        }
        response = compose(answers[0], joined)
        response.status = answers[0].status
        return response
