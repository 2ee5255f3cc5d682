"""Server groups: one id at the top, and a part in each pod where servers of it are.

The part that was there first, the home, gives its id to the top. A part in another pod, a twin, is made when a server
of the group goes there, and is known by its name (`triune.shared.server_groups`); so nothing needs to be remembered to
find it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, Final
from urllib.parse import urlencode

from triune.gateway.call import Call, quoted
from triune.gateway.errors import ApiError
from triune.gateway.fanout import usable
from triune.gateway.service import parse_version
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import is_uuid
from triune.pods.registry import Pod
from triune.shared.server_groups import MAX_PAGES, OWNED, PATH, SERVER_GROUP, parsed

JSON = dict[str, Any]

# What all pods are asked for where everybody's groups are meant; Nova gives it to administrators.
ALL_PROJECTS: Final = ("all_projects", "true")


@dataclass(frozen=True)
class Part:
    """A server group of a pod, as the pod shows it from 2.13 on."""

    pod: Pod
    shown: JSON

    @property
    def id(self) -> str:
        """Its id in the pod."""
        return str(self.shown["id"])

    @property
    def project_id(self) -> str:
        """Whose it is."""
        return str(self.shown["project_id"])

    @property
    def members(self) -> list[str]:
        """Its servers."""
        return list(self.shown["members"])

    @property
    def path(self) -> str:
        """Where its pod shows it."""
        return f"{PATH}/{quoted(self.id)}"

    @cached_property
    def name(self) -> str:
        """Its name at the top."""
        return parsed(str(self.shown["name"]))[0]

    @cached_property
    def top_id(self) -> str | None:
        """The id at the top of what it is a twin of; None where it is no twin."""
        return parsed(str(self.shown["name"]))[1]


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """A server group of the top and its parts: the home first, where it is known."""

    id: str
    parts: tuple[Part, ...]

    @property
    def home(self) -> Part:
        """The part that tells what is the same in all. Without a home it is a twin, which tells the same."""
        return self.parts[0]

    @property
    def members(self) -> list[str]:
        """The servers of all parts."""
        return list(dict.fromkeys(chain.from_iterable(part.members for part in self.parts)))

    def part_in(self, pod: Pod) -> Part | None:
        """Its part in a pod, the eldest where an accident has made several."""
        return next((part for part in self.parts if part.pod.id == pod.id), None)

    def view(self) -> JSON:
        """What is shown of it."""
        return {**self.home.shown, "id": self.id, "name": self.home.name, "members": self.members}


def grouped(parts: Iterable[Part]) -> list[ServerGroup]:
    """The groups that are made of some parts: in the order of their homes, then those whose home is not among them.

    A twin belongs to its own project's groups only, whatever it is called.
    """
    parts = list(parts)
    found: dict[tuple[str, str], list[Part]] = {
        (part.project_id, part.id): [part] for part in parts if part.top_id is None
    }
    for part in parts:
        if part.top_id is not None:
            found.setdefault((part.project_id, part.top_id), []).append(part)
    return [ServerGroup(group_id, tuple(each)) for (_, group_id), each in found.items()]


class Refused(Exception):
    """The pods do not tell of groups; `document` is the native answer of one of them."""

    def __init__(self, document: Document) -> None:
        super().__init__(f"{document.pod.region_name} answers HTTP {document.status}")
        self.document = document


def owned(call: Call) -> Call:
    """The same call at a microversion in which groups tell whose they are."""
    if parse_version(call.microversion) >= OWNED:
        return call
    return replace(call, microversion=".".join(map(str, OWNED)))


async def read_groups(
    call: Call, parameters: Iterable[tuple[str, str]] = ()
) -> tuple[list[ServerGroup], list[Document]]:
    """The groups of all pods that the caller may see, and the answers that tell of them.

    Pods that do not answer are noted as missing. Raises `Refused`, and `ApiError` 503 where none answers.
    """
    call, parameters = owned(call), list(parameters)
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    results = await asyncio.gather(*(_read(call, pod, parameters) for pod in pods), return_exceptions=True)
    found: dict[str, tuple[Document, list[JSON]]] = {}
    for result in results:
        if isinstance(result, PodUnreachable):
            call.lost(result)
        elif isinstance(result, BaseException):
            raise result
        else:
            found[result[0].pod.id] = result
    documents = usable(call, [document for document, _ in found.values()])
    if isinstance(documents, Document):
        raise Refused(documents)
    if not documents:
        raise ApiError(503, f"No answer from {call.missing_names()}.")
    parts = [Part(document.pod, shown) for document in documents for shown in found[document.pod.id][1]]
    return grouped(parts), documents


async def _read(call: Call, pod: Pod, parameters: Iterable[tuple[str, str]]) -> tuple[Document, list[JSON]]:
    """All groups of one pod and its last answer. There are no links: the list ends where a page is empty or shorter."""
    deadline = call.gateway.conf.pods.list_deadline
    found: list[JSON] = []
    longest = 0
    for _ in range(MAX_PAGES):
        query = urlencode([*parameters, *([("offset", str(len(found)))] if found else [])])
        document = await call.fetch(call.target(pod, "GET", PATH, query, deadline=deadline))
        if not document.ok:
            break
        page = document.part("server_groups")
        if not isinstance(page, list) or not all(isinstance(each, dict) and each.keys() >= _FIELDS for each in page):
            raise PodUnreachable(pod, call.service.name, "no list of server groups")
        found += page
        if not page or len(page) < longest:
            break
        longest = len(page)
    return document, found


_FIELDS: Final = frozenset({"id", "name", "members", "project_id"})


async def find_group(call: Call, group_id: str, refusal: Callable[[str], ApiError]) -> ServerGroup:
    """The group of an id at the top. `refusal` makes the error for one that is not there of Nova's text.

    Raises `ApiError`, 503 where the group may be in a pod that does not answer; and `Refused`.
    """
    if not is_uuid(group_id):
        # Clients try a name as an id before they look for it in the list.
        raise refusal(_unknown(group_id))
    found = _named((await read_groups(call))[0], group_id)
    if found is None and call.caller.is_admin:
        found = _named((await read_groups(call, [ALL_PROJECTS]))[0], group_id)
    if found is not None:
        return found
    if call.missing:
        raise ApiError(
            503,
            f"Server group {group_id} could not be found in the pods that answer; "
            f"no answer from {call.missing_names()}.",
        )
    raise refusal(_unknown(group_id))


def _named(groups: Iterable[ServerGroup], group_id: str) -> ServerGroup | None:
    """The group of an id; one that has its home comes before what others may have called the same."""
    wanted = group_id.lower()
    return next((group for group in groups if group.id == wanted), None)


def _unknown(group_id: str) -> str:
    # nova.exception.InstanceGroupNotFound
    return f"Instance group {group_id} could not be found."


async def known_in(call: Call, group: ServerGroup, pods: Iterable[Pod]) -> list[Pod]:
    """Those of some pods of which the routings tell that the group has a part there."""
    routings = call.gateway.routings
    return [pod for pod in pods if await routings.bottom(SERVER_GROUP, group.id, pod.id) is not None]
