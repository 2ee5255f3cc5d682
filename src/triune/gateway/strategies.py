"""How API operations are answered: by the pod that owns a resource, by any, or by Triune itself."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.forward import forward, unreachable
from triune.gateway.http import Response
from triune.pods.client import PodUnreachable
from triune.pods.locate import Kind, NotInAnyPod, PodsMissing, owner_of
from triune.pods.registry import Pod


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

    `check` may refuse a call before it is passed on, by raising `ApiError`; `around` is entered before and left after.
    """

    def __init__(
        self,
        kind: Kind,
        parameter: str,
        check: Callable[[Call, Pod], Awaitable[None]] | None = None,
        around: Callable[[Call, Pod], AbstractAsyncContextManager[None]] | None = None,
    ) -> None:
        self._kind = kind
        self._parameter = parameter
        self._check = check
        self._around = around

    async def __call__(self, call: Call) -> Response:
        resource_id = call.parameters[self._parameter]
        found = await find(call, self._kind, resource_id)
        if isinstance(found, Response):
            return found
        response = await self._ask(call, found)
        # A 404 to reading something below a resource is about a tag or a key, which clients may poll for.
        doubtful = response.status == 404 and (call.request.method != "GET" or self._is_all_of(call, resource_id))
        if doubtful and (moved := await self._moved(call, resource_id, found)) is not None:
            response = await self._ask(call, moved)
        if call.request.method == "DELETE" and response.status < 300 and self._is_all_of(call, resource_id):
            await call.gateway.locator.forget(self._kind, resource_id)
        return response

    async def _ask(self, call: Call, pod: Pod) -> Response:
        if self._check is not None:
            await self._check(call, pod)
        async with self._around(call, pod) if self._around is not None else nullcontext():
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
            # Whoever may not see a resource must not make others forget where theirs is.
            await locator.forget(self._kind, resource_id, None if call.caller.is_admin else call.caller.project_id)
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


class Refuse:
    """Nobody answers: what would be wrong or partial from any one pod, and is not put together yet."""

    async def __call__(self, call: Call) -> Response:
        raise ApiError(501, f"{call.request.method} {call.path} is not offered by this cloud.")


class Here:
    """Triune answers."""

    def __init__(self, handler: Callable[[Call], Awaitable[Response]]) -> None:
        self._handler = handler

    async def __call__(self, call: Call) -> Response:
        return await self._handler(call)
