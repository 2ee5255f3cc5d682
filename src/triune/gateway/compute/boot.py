"""Booting servers on networks of central Neutron: ports first, then the server, and nothing left over."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Call
from triune.gateway.compute.attempt import Attempt
from triune.gateway.compute.follow import followed
from triune.gateway.compute.networks import Interface, Resolved
from triune.gateway.compute.ports import BootPorts
from triune.gateway.compute.requested import Requested
from triune.gateway.compute.reservations import joined
from triune.gateway.compute.scheduling import RESERVATION, RESERVATIONS, Scheduling
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.written import written
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SERVER
from triune.pods.registry import Pod
from triune.work.handler import KeyFailed

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]
Prepare = Callable[[Pod], Awaitable[JSON]]

# Servers of one request that are made at the same time.
AT_ONCE = 4
# Seconds until a pod that does not answer is asked again to delete a server.
UNMAKE_PAUSES = (0.2, 1.0)
# What a request says of all its servers, and not of each of them.
_OF_ALL = ("min_count", "max_count", "return_reservation_id", "security_groups")


@dataclass(slots=True)
class Boot:
    """One request for servers.

    `prepare` makes a pod ready for all but the networks, and puts the body in the pod's words.
    """

    call: Call
    body: JSON
    wanted: Requested
    resolved: Resolved
    prepare: Prepare

    async def in_one_of(self, pods: Sequence[Pod]) -> Response:
        """The servers, in the first pod that takes them. Raises `ApiError`, `PodUnreachable`."""
        server = self.body["server"]
        # Nova only looks whether there is something, even where that is "no".
        wants_reservation = bool(server.get("return_reservation_id", False))
        if self.wanted.most == 1:
            return await self._answer([await self._one(pods, {})], wants_reservation)
        if any(device.get("source_type") == "volume" for device in _devices(server)):
            # nova/compute/api.py, _check_and_transform_bdm
            raise ApiError(400, "Cannot attach one or more volumes to multiple instances")
        return await self._answer(await self._several(pods), wants_reservation)

    # -- several

    async def _several(self, pods: Sequence[Pod]) -> list[Document]:
        """Several servers, named as Nova names them; or the one refusal.

        As with Nova, a quota that does not suffice for all of them makes fewer, and none where they would be too few.
        """
        # As Nova names them: without the blanks that may surround a name.
        name = self.body["server"]["name"].strip()
        first = await self._one(pods, {"name": f"{name}-1"})
        if not first.ok:
            return [first]
        # They have one password, which the first answer tells.
        password = {"adminPass": shown} if (shown := first.part("server").get("adminPass")) else {}
        made, refused = [first], list[Document | Exception]()
        # Shared by all who make them: so many as are asked for nobody may ever make.
        numbers = iter(range(2, self.wanted.most + 1))

        async def others() -> None:
            for number in numbers:
                try:
                    document = await self._one([first.pod], {"name": f"{name}-{number}", **password})
                    (made if document.ok else refused).append(document)
                except (ApiError, PodUnreachable, DatabaseUnavailable) as error:
                    refused.append(error)
                if refused:
                    return

        await asyncio.gather(*(others() for _ in range(AT_ONCE)))
        if any(_may_have_begun(refusal) for refusal in refused):
            # That server may be there, whatever becomes of the others: the worker finds out.
            return made
        if refused and not (len(made) >= self.wanted.least and all(_is_quota(refusal) for refusal in refused)):
            are_gone = await asyncio.gather(*(self._unmake(document) for document in made))
            stay = [_server_id(document) for document, is_gone in zip(made, are_gone, strict=True) if not is_gone]
            if stay:
                # A refusal would say that there is nothing.
                raise ApiError(504, f"Servers of a request that failed could not be deleted: {', '.join(stay)}.")
            if isinstance(refused[0], Exception):
                raise refused[0]
            return [refused[0]]
        return made

    async def _unmake(self, document: Document) -> bool:
        """Delete a server that was made for a request that failed as a whole; its ports follow it. Whether it is gone.

        That a pod does not answer is what requests fail of, so it is asked more than once.
        """
        pod, server_id = document.pod, _server_id(document)
        for pause in (*UNMAKE_PAUSES, None):
            outcome = await self._delete(pod, server_id)
            if outcome is None:
                await self.call.gateway.locator.forget(SERVER, server_id)
                return True
            if pause is None or (isinstance(outcome, Document) and outcome.is_decided):
                break
            await asyncio.sleep(pause)
        told = f"{pod.region_name} answers HTTP {outcome.status}" if isinstance(outcome, Document) else str(outcome)
        LOG.error("Server %s of a request that failed could not be deleted: %s", server_id, told)
        return False

    async def _delete(self, pod: Pod, server_id: str) -> Document | PodUnreachable | None:
        """Ask a pod to delete a server; what it says if it does not."""
        call = self.call
        try:
            async with followed(call, pod, server_id):
                answer = await call.fetch(call.target(pod, "DELETE", SERVER.show(server_id)))
        except PodUnreachable as error:
            return error
        return None if answer.ok or answer.status == 404 else answer

    # -- one

    async def _one(self, pods: Sequence[Pod], changes: JSON) -> Document:
        """One server. The pod's refusal is returned; raises `ApiError`, `PodUnreachable`."""
        call = self.call
        ports = BootPorts(call, self.resolved.of_top, self.resolved.group_ids, call.caller.project_id)

        async def send(pod: Pod, body: JSON) -> Document:
            return await call.fetch(call.target(pod), self._for_pod(body, ports, changes))

        passes_over = Scheduling(call).passes_over
        document = await Attempt(call, ports, self.prepare, send, _server_id, passes_over=passes_over).run(pods)
        if document.ok:
            await call.gateway.locator.remember(SERVER, _server_id(document), document.pod, call.caller.project_id)
        return document

    # -- words

    def _for_pod(self, body: JSON, ports: BootPorts, changes: JSON) -> JSON:
        """The body as the pod gets it: its own ports, and one server."""
        body = copy.deepcopy(body)
        server = body["server"]
        groups = server.get("security_groups")
        for name in _OF_ALL:
            server.pop(name, None)
        if groups is not None and any(nic.network_id is not None for nic in self.resolved.of_pod):
            # For the ports that the pod makes itself.
            server["security_groups"] = groups
        twins = iter(ports.twin_ids())
        networks: list[JSON] = []
        for interface in self.resolved.interfaces:
            nic = interface.nic if isinstance(interface, Interface) else interface
            if isinstance(interface, Interface):
                item = {"port": next(twins)}
            elif nic.port_id is not None:
                item = {"port": nic.port_id}
            else:
                item = {"uuid": nic.network_id or ""} | ({"fixed_ip": nic.fixed_ip} if nic.fixed_ip else {})
            networks.append(item | ({"tag": nic.tag} if nic.tag is not None else {}))
        server["networks"] = networks
        server.update(changes)
        return body

    async def _answer(self, made: Sequence[Document], wants_reservation: bool) -> Response:
        """What the client is told: of the first, or of all of them by their reservation."""
        response = await self.call.respond(made[0])
        if wants_reservation and made[0].ok:
            response.body = written({"reservation_id": await self._reservation(made)})
            for name in ("Location", "Content-Length"):
                response.headers.popall(name, None)
            return response
        return with_groups(response, self.body["server"])

    async def _reservation(self, made: Iterable[Document]) -> str:
        """What the servers can be found by."""
        at_once = asyncio.Semaphore(AT_ONCE)

        async def of(document: Document) -> str:
            async with at_once:
                return await self._reservation_of(document)

        return joined(await asyncio.gather(*(of(document) for document in made)))

    async def _reservation_of(self, document: Document) -> str:
        """The reservation that a server was made under, which Nova tells administrators only."""
        path = SERVER.show(_server_id(document))
        user = self.call.gateway.service_user
        try:
            shown = await user.fetch(document.pod, "compute", "GET", path, microversion=RESERVATIONS)
            return str(shown.part("server", RESERVATION))
        except PodUnreachable as error:
            # The server exists, whatever can be told of it.
            LOG.warning("The reservation of server %s is not known: %s", _server_id(document), error)
            return ""


def with_groups(response: Response, server: JSON) -> Response:
    """Nova's answer with the security groups that it was asked for, which is what Nova tells."""
    if response.status >= 400 or not isinstance(response.body, bytes):
        return response
    body = msgspec.json.decode(response.body)
    if "security_groups" in body.get("server", {}):
        body["server"]["security_groups"] = server.get("security_groups", [{"name": "default"}])
        response.body = written(body)
        response.headers.popall("Content-Length", None)
    return response


def _server_id(document: Document) -> str:
    return str(document.part("server", "id"))


def _devices(server: JSON) -> list[JSON]:
    devices = server.get("block_device_mapping_v2")
    return [device for device in devices if isinstance(device, dict)] if isinstance(devices, list) else []


def _is_quota(refusal: Document | Exception) -> bool:
    status = refusal.status if isinstance(refusal, Document | ApiError) else 0
    return status == 403


def _may_have_begun(refusal: Document | Exception) -> bool:
    """Whether the pod may have made the server all the same."""
    if isinstance(refusal, Document):
        return refusal.status >= 500
    if isinstance(refusal, PodUnreachable):
        return refusal.sent and not refusal.pod.is_central
    return isinstance(refusal.__cause__, KeyFailed)
