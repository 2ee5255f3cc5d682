"""One attempt to give a server its ports: in the first pod that takes them, and nothing left over where none does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Call
from triune.gateway.compute.ports import BootPorts, PodRefused
from triune.gateway.errors import ApiError
from triune.gateway.place import JSON, PassesOver
from triune.network.top_ports import TopRefused
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod
from triune.work.handler import KeyFailed

LOG = logging.getLogger(__name__)

# What keeps an attempt from being settled here.
UNSETTLED = (PodUnreachable, TopRefused, TimeoutError, DatabaseUnavailable)


class Left(Exception):
    """What became of an attempt is for the worker to find out; `outcome` is for the client."""

    def __init__(self, outcome: Document | Exception) -> None:
        super().__init__("left to the worker")
        self.outcome = outcome


@dataclass(slots=True)
class Attempt:
    """How to ask a pod for something that takes ports.

    `prepare` makes a pod ready for all but the ports, and gives the request in its words; `send` asks the pod, when the
    twins of the ports are there; `server_id` is that of the server in its answer; `passes_over` may say, where there is
    another pod, that this one has nobody any more who has the ports.
    """

    call: Call
    ports: BootPorts
    prepare: Callable[[Pod], Awaitable[JSON]]
    send: Callable[[Pod, JSON], Awaitable[Document]]
    server_id: Callable[[Document], str]
    settles: bool = False
    passes_over: PassesOver | None = None

    async def run(self, pods: Sequence[Pod]) -> Document:
        """Try the pods in turn; what a pod refuses is returned, with the ids of the top.

        Unless `settles` is set, the answer does not wait for what the ports at the top shall say of their server.
        Raises `ApiError`, `PodUnreachable`.
        """
        answered: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        working = self.call.gateway.background.start(self._work(pods, answered))
        try:
            await asyncio.wait({working} if self.settles else {working, answered}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            working.cancel()
            raise
        return answered.result() if answered.done() else working.result()

    async def _work(self, pods: Sequence[Pod], answered: asyncio.Future[Document]) -> Document:
        """The whole attempt, under its key; `answered` is set as soon as a pod has taken the request."""
        ports = self.ports
        try:
            async with self.call.gateway.runner.held(ports.key, self.call.caller.project_id) as hold:
                try:
                    document = await self._in_one_of(pods)
                except (ApiError, PodUnreachable) as error:
                    await self._given_up(error)
                    hold.settled = True
                    raise
                if document.ok:
                    answered.set_result(document)
                    await self._adopted(document)
                else:
                    await self._given_up(document)
                return document
        except Left as left:
            if isinstance(left.outcome, Exception):
                raise left.outcome from left
            return left.outcome
        except KeyFailed as error:
            raise ApiError(503, "The database was away for too long while the server got its ports.") from error

    async def _in_one_of(self, pods: Sequence[Pod]) -> Document:
        """The answer of the pod that was asked. Raises `Left` where a server may have the ports by now."""
        failure: Exception | None = None
        for pod in pods:
            try:
                body = await self._prepared(pod)
            except PodRefused as error:
                failure = failure or error.error
                continue
            except PodUnreachable as error:
                if error.pod.id != pod.id:
                    raise
                self.call.lost(error)
                # Whatever preparing has sent, the request itself was not.
                failure = PodUnreachable(pod, error.service, error.reason, sent=False)
                continue
            try:
                document = await self.send(pod, body)
                if self.passes_over is not None and pod is not pods[-1] and await self.passes_over(document):
                    continue
            except PodUnreachable as error:
                self.call.lost(error)
                if error.sent:
                    raise Left(error) from error
                failure = error
                continue
            self.call.missing.clear()
            document = replace(document, body=self.ports.translated(document.body))
            if document.status >= 500:
                # It may have begun before it failed.
                raise Left(document)
            return document
        assert failure is not None
        raise failure

    async def _prepared(self, pod: Pod) -> JSON:
        """A pod that is ready, and the request in its words."""
        body, placed = await asyncio.gather(self.prepare(pod), self.ports.place(pod), return_exceptions=True)
        # Both have ended by now, so what follows meets nothing that is still on its way.
        for result in (placed, body):
            if isinstance(result, BaseException):
                raise result
        assert isinstance(body, dict)
        return body

    async def _adopted(self, document: Document) -> None:
        """The server has its ports; what goes wrong here is left to the worker, for it exists. Raises `Left`."""
        server_id = self.server_id(document)
        try:
            await self.ports.adopt(server_id, document.pod)
        except UNSETTLED as error:
            LOG.warning("The ports of server %s are left to the worker: %s", server_id, error)
            raise Left(document) from error

    async def _given_up(self, outcome: Document | Exception) -> None:
        """Nobody has the ports. Raises `Left` where the worker has to see to it."""
        try:
            await self.ports.give_up()
        except UNSETTLED as error:
            LOG.warning("The ports of attempt %s are left to the worker: %s", self.ports.id, error)
            raise Left(outcome) from error
