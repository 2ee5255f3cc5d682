"""Image data, streamed to all pods at once in flat memory."""

import asyncio
from collections.abc import AsyncIterator

from triune.gateway.call import Call, response_headers
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import HANDS_OFF
from triune.gateway.forward import unreachable
from triune.gateway.http import Response
from triune.gateway.image.made import want
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod

# Chunks that wait for one pod; the slowest pod sets the pace, so this bounds the memory of an upload.
QUEUED_CHUNKS = 8
# The largest text with which a pod refuses data.
MAX_REFUSAL = 64 * 1024


class _Branch:
    """The stream to one pod. A pod that stands still is given up by the client's stall timeout."""

    def __init__(self, call: Call, pod: Pod) -> None:
        self.pod = pod
        self._call = call
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED_CHUNKS)
        self.task = asyncio.create_task(self._send())

    async def _send(self) -> Document:
        call = self._call
        # The pod may still have to write out and hash what it has got.
        target = call.target(self.pod, deadline=call.gateway.conf.pods.store_deadline)
        answer = await call.gateway.client.send(target, call.headers(), self._chunks())
        return Document(self.pod, answer.service, answer.status, answer.headers, await answer.read(MAX_REFUSAL))

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self._queue.get()) is not None:
            yield chunk

    async def put(self, chunk: bytes | None) -> None:
        """Hand on a piece (None: the end), unless the pod has answered already."""
        putting = asyncio.ensure_future(self._queue.put(chunk))
        try:
            await asyncio.wait({putting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()


async def upload(call: Call) -> Response:
    """`PUT /images/{id}/file` and `/stage`: the data goes to every pod that knows the image.

    Succeeds when one pod has stored all of it; pods that were lost on the way, or refused, are named in the answer. A
    pod's refusal is the answer when no pod stored the data.
    """
    branches = [_Branch(call, pod) for pod in await call.pods()]
    try:
        async for chunk in call.request.stream():
            listening = [branch for branch in branches if not branch.task.done()]
            if not listening:
                break
            await asyncio.gather(*(branch.put(chunk) for branch in listening))
        await asyncio.gather(*(branch.put(None) for branch in branches))
        results = await asyncio.gather(*(branch.task for branch in branches), return_exceptions=True)
    finally:
        # Where the client went away, ending the streams half-way tells the pods to drop what they have got.
        for branch in branches:
            branch.task.cancel()
        await asyncio.gather(*(branch.task for branch in branches), return_exceptions=True)
    response = _outcome(call, results)
    if call.missing and (response.status < 300 or response.status == 409) and call.path.endswith("/file"):
        # What they did not store comes to them from those that did, now or (409) in an earlier upload.
        await want(call, call.missing.values(), HANDS_OFF)
    return response


def _outcome(call: Call, results: list[Document | BaseException]) -> Response:
    stored: list[Document] = []
    refusals: list[Document] = []
    failure: PodUnreachable | None = None
    for result in results:
        if isinstance(result, Document):
            (stored if result.ok else refusals).append(result)
        elif isinstance(result, PodUnreachable):
            call.lost(result)
            failure = result
        else:
            raise result
    if stored:
        # 409: this pod has the data already, from an earlier upload that not all pods stored.
        call.missing.update({refusal.pod.id: refusal.pod for refusal in refusals if refusal.status != 409})
    if failure is not None and not stored and all(refusal.status == 404 for refusal in refusals):
        # The pod that knows the image may be the one that is away.
        raise unreachable(failure)
    if stored or refusals:
        # A pod that does not know the image says less than one that refuses the data.
        document = stored[0] if stored else min(refusals, key=lambda refusal: refusal.status == 404)
        response = Response(document.status, document.body, response_headers(document.headers))
        response.headers.popall("Content-Length", None)
        return response
    raise ApiError(503, "No pod took the data.")
