"""One request to one pod, streamed both ways."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from triune.gateway.call import Call, response_headers, translate_body, translate_location
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.pods.client import Answer, DocumentTooLarge, PodUnreachable
from triune.pods.registry import Pod


async def forward(call: Call, pod: Pod, deadline: float | None = None) -> Response:
    """Pass a call on and its answer back; `deadline` in seconds until the answer begins.

    Raises `ApiError` 503 when the pod cannot be reached, 504 when it may have got the request but did not answer.
    """
    try:
        answer = await call.send(pod, deadline)
        return await relay(call, answer)
    except PodUnreachable as error:
        raise unreachable(error) from error


async def relay(call: Call, answer: Answer) -> Response:
    """A pod's answer as ours: JSON documents are read and translated, everything else streams through."""
    response = Response(answer.status, headers=response_headers(answer.headers))
    translation = call.translation(answer.pod, answer.endpoint)
    translate_location(response, translation)
    size = int(answer.headers.get("Content-Length", 0))
    limit = call.gateway.conf.gateway.max_document
    if call.request.method == "HEAD" or answer.status in (204, 304):
        answer.close()
    elif answer.status >= 400 and not answer.is_json:
        # An error is short, and whoever asks several pods must be free to drop it.
        response.body = await answer.read(limit)
    elif answer.is_json and size <= limit and "Content-Encoding" not in answer.headers:
        response.body = translate_body(await answer.read(limit), translation)
        response.headers.popall("Content-Length", None)
    else:
        response.body = _stream(answer)
    return response


async def _stream(answer: Answer) -> AsyncGenerator[bytes, None]:
    async with aclosing(answer.stream()) as chunks:
        async for chunk in chunks:
            yield chunk


def unreachable(error: PodUnreachable) -> ApiError:
    """The error of a request whose one pod is away."""
    if isinstance(error, DocumentTooLarge):
        return ApiError(502, str(error))
    status = 504 if error.sent else 503
    return ApiError(status, f"Pod {error.pod.region_name} of availability zone {error.pod.az_name} does not answer.")
