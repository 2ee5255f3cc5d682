"""New members of server groups: what the policy says of their pod, and the group's part there.

Servers in different pods are on different hosts, so anti-affinity needs nothing but that each pod keeps its own
members apart; affinity holds where all members are in one pod.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from triune.gateway.call import Call
from triune.gateway.compute.server_group_lock import changing
from triune.gateway.compute.server_groups import Part, Refused, ServerGroup, find_group, known_in
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import is_uuid
from triune.pods.placement import Anchor
from triune.pods.registry import Pod
from triune.shared.server_groups import PATH, SERVER_GROUP, twin_name

JSON = dict[str, Any]

AFFINITY: Final = "affinity"
# How policies weigh the members that a pod has already.
WEIGHTS: Final[Mapping[str, int]] = {"soft-affinity": 1, "soft-anti-affinity": -1, "anti-affinity": -1, AFFINITY: 1}
# As Nova looks for them: where the first is given, the second counts for nothing.
HINTS: Final = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
# The microversion in which groups have a policy with rules, and are made so.
_RULED: Final = "2.64"


def hinted(body: JSON) -> str | None:
    """The id of the group that a request for servers names; what Nova does not take for one is left to it."""
    hints = next((body[name] for name in HINTS if name in body), None)
    hint = hints.get("group") if isinstance(hints, dict) else None
    if isinstance(hint, list) and len(hint) == 1:
        hint = hint[0]
    return hint if isinstance(hint, str) and is_uuid(hint) else None


def with_hint(body: JSON, group_id: str) -> JSON:
    """The request with another group's id in its hint."""
    name = next(name for name in HINTS if name in body)
    hint = [group_id] if isinstance(body[name]["group"], list) else group_id
    return {**body, name: {**body[name], "group": hint}}


def weighed(pods: Sequence[Pod], group: ServerGroup) -> list[Pod]:
    """Candidates as the policy prefers them, and else as they stand."""
    weight = WEIGHTS.get(str(group.home.shown.get("policy")), 0)
    counts = {pod.id: sum(len(part.members) for part in group.parts if part.pod.id == pod.id) for pod in pods}
    return sorted(pods, key=lambda pod: -weight * counts[pod.id])


@dataclass(frozen=True, slots=True)
class Joining:
    """A request for servers that are to be members of a group, or of none.

    `is_changing`: no other request changes the group until this one has ended.
    """

    call: Call
    group: ServerGroup | None = None
    is_changing: bool = False
    _named: set[str] = field(default_factory=set)

    def anchors(self) -> list[Anchor]:
        """The pod of the members, where all must be in one."""
        group = self.group
        if group is None or group.home.shown.get("policy") != AFFINITY:
            return []
        there = next((part for part in group.parts if part.members), None)
        if there is None:
            return []
        return [Anchor(f"server group {group.id}", there.pod, there.path, "compute")]

    def ordered(self, pods: Sequence[Pod]) -> list[Pod]:
        """The candidates, the best first. Raises `ApiError` where the group can be in none of them."""
        group = self.group
        if group is None:
            return list(pods)
        if not self._can_spread():
            pods = [pod for pod in pods if group.part_in(pod) is not None]
            if not pods:
                zones = ", ".join(sorted({part.pod.az_name for part in group.parts}))
                raise ApiError(400, f"Server group {group.id} can be in availability zone {zones} only.")
        health = self.call.gateway.health
        return sorted(weighed(pods, group), key=lambda pod: health.breaker(pod.id, "compute").is_open)

    async def in_pod(self, pod: Pod, body: JSON) -> JSON:
        """The request with the id that the group has in a pod, where it gets a part if it has none.

        Raises `ApiError`, `PodUnreachable`.
        """
        if self.group is None:
            return body
        part = self.group.part_in(pod) or await self._twin(self.group.id, pod)
        self._named.add(part.id)
        return with_hint(body, part.id)

    def told(self, response: Response) -> Response:
        """The answer; a refusal names the group as the request did: nobody but Triune gave a pod another id for it."""
        if self.group is not None and response.status >= 400 and isinstance(response.body, bytes):
            for part_id in self._named:
                response.body = response.body.replace(part_id.encode(), self.group.id.encode())
            response.headers.popall("Content-Length", None)
        return response

    def _can_spread(self) -> bool:
        """Whether the caller can make a twin: it becomes his project's, and Nova makes none without a policy."""
        assert self.group is not None
        home = self.group.home
        return home.project_id == self.call.caller.project_id and home.shown.get("policy") in WEIGHTS

    async def _twin(self, group_id: str, pod: Pod) -> Part:
        if self.is_changing:
            return await self._ensured(group_id, pod)
        async with changing(self.call, group_id):
            return await self._ensured(group_id, pod)

    async def _ensured(self, group_id: str, pod: Pod) -> Part:
        """The group's part in a pod, made if need be, with nobody else at it."""
        call = replace(self.call, microversion=_RULED, missing={})
        group = await _find(call, group_id)
        if (part := group.part_in(pod)) is None:
            if pod.id in call.missing:
                raise PodUnreachable(pod, "compute", "it does not list its server groups", sent=False)
            part = await _made(call, group, pod)
        routings = call.gateway.routings
        await routings.put(SERVER_GROUP, group.id, pod.id, part.id, part.project_id)
        return part


@asynccontextmanager
async def joining(call: Call, body: JSON) -> AsyncIterator[Joining]:
    """The group that new servers are to be in, for as long as they are made.

    Where all must be in one pod, the first chooses it, and others wait for that. Raises `ApiError` as Nova does for a
    group that is not there, 503 where it is not known which pod has members.
    """
    group_id = hinted(body)
    if group_id is None:
        yield Joining(call)
        return
    asked = replace(call, microversion=_RULED, missing={})
    group = await _find(asked, group_id)
    if not _is_free(group):
        yield Joining(call, group)
        return
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(changing(call, group_id))
        asked = replace(asked, missing={})
        group = await _find(asked, group_id)
        if not _is_free(group):
            await stack.aclose()
            yield Joining(call, group)
            return
        if away := await known_in(call, group, asked.missing.values()):
            names = ", ".join(sorted(pod.region_name for pod in away))
            raise ApiError(503, f"Server group {group.id} may have members in {names}, which does not answer.")
        yield Joining(call, group, is_changing=True)


def _is_free(group: ServerGroup) -> bool:
    """Whether the first member is still to choose the pod of all."""
    return group.home.shown.get("policy") == AFFINITY and not group.members


async def _find(call: Call, group_id: str) -> ServerGroup:
    try:
        return await find_group(call, group_id, lambda text: ApiError(400, text))
    except Refused as refused:
        raise _told(refused.document) from refused


async def _made(call: Call, group: ServerGroup, pod: Pod) -> Part:
    """A new twin. Raises `ApiError` with the words of a pod that refuses it, `PodUnreachable`."""
    home = group.home
    wanted = {"name": twin_name(home.name, group.id), "policy": home.shown["policy"]}
    if home.shown.get("rules"):
        wanted["rules"] = home.shown["rules"]
    document = await call.fetch(call.target(pod, "POST", PATH), {"server_group": wanted})
    if not document.ok:
        raise _told(document)
    return Part(pod, document.part("server_group"))


def _told(document: Document) -> ApiError:
    """A refusal of a pod, in its own words where it has any."""
    try:
        (fault,) = document.json().values()
        text = str(fault["message"])
    except (PodUnreachable, AttributeError, ValueError, TypeError, KeyError):
        text = f"HTTP {document.status}"
    return ApiError(document.status if document.status < 500 else 503, text)
