"""Host aggregates: one id at the top, and a part in each pod that has hosts of it.

The id of an aggregate is a number that each pod counts for itself. The top has a number of its own, which follows from
the region and the id of the aggregate that was there first, its home. Parts in other pods carry that number in their
metadata, so nothing needs to be remembered to find them (docs/decisions/0020-ids-of-aggregates.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from triune.gateway.call import Call
from triune.gateway.compute.services import number
from triune.gateway.errors import ApiError
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response
from triune.gateway.numbers import top_number
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod

JSON = dict[str, Any]

# The type of routings: which pods hold a part, for as long as one is away.
KIND = "aggregate"
# The metadata key of a part that is not the home; its value is the id at the top.
TAG = "triune:aggregate"
ZONE = "availability_zone"


@dataclass(frozen=True, slots=True)
class Part:
    """An aggregate of a pod, as the pod shows it."""

    pod: Pod
    shown: JSON

    @property
    def bottom_id(self) -> int:
        """Its id in the pod."""
        return int(self.shown["id"])

    @property
    def tag(self) -> int | None:
        """The id at the top that it is marked with: it is not the home."""
        return number(str(self.shown.get("metadata", {}).get(TAG, "")))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate of the top and its parts, the home first where it is known."""

    id: int
    parts: tuple[Part, ...]

    @property
    def home(self) -> Part:
        """The part that tells what is the same in all."""
        return self.parts[0]

    @property
    def zone(self) -> str | None:
        """Its availability zone, in the words of the top."""
        return self.home.pod.az_name if self.home.shown.get(ZONE) else None

    def part_in(self, pod: Pod) -> Part | None:
        """Its part in a pod."""
        return next((part for part in self.parts if part.pod.id == pod.id), None)

    def with_part(self, part: Part) -> "Aggregate":
        """The same with a part as it is now."""
        if self.part_in(part.pod) is None:
            return replace(self, parts=(*self.parts, part))
        return replace(self, parts=tuple(part if each.pod.id == part.pod.id else each for each in self.parts))

    def view(self) -> JSON:
        """What is shown of it: the home's words, and the hosts of all parts."""
        shown = {**self.home.shown, "id": self.id}
        if ZONE in shown:
            shown[ZONE] = self.zone
        # The answer to making one has neither.
        if "hosts" in shown:
            shown["hosts"] = [host for part in self.parts for host in part.shown["hosts"]]
        if "metadata" in shown:
            shown["metadata"] = {
                name: self.zone if name == ZONE else value for name, value in shown["metadata"].items() if name != TAG
            }
        return shown


def grouped(parts: Iterable[Part]) -> list[Aggregate]:
    """The aggregates that are made of some parts, in the order of their homes.

    Two homes of one number (which a digest does not rule out) stay two, and neither can be named.
    """
    parts = list(parts)
    homes = [(top_number(part.pod.region_name, part.bottom_id), part) for part in parts if part.tag is None]
    known = {aggregate_id for aggregate_id, _ in homes}
    # The home may be away, or removed in its pod; then the first of the others stands for it.
    orphans = {part.tag: part for part in reversed(parts) if part.tag is not None and part.tag not in known}
    heads = [*homes, *((tag, part) for tag, part in reversed(orphans.items()) if tag is not None)]
    return [
        Aggregate(aggregate_id, (head, *(part for part in parts if part.tag == aggregate_id and part is not head)))
        for aggregate_id, head in heads
    ]


async def all_aggregates(call: Call) -> tuple[list[Aggregate], list[Document]] | Response:
    """The aggregates of all pods and the answers that tell of them, or a refusal. Raises `ApiError` 503."""
    deadline = call.gateway.conf.pods.list_deadline
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    path = f"/{call.service.version}/os-aggregates"
    answers = await read_all(call, [call.target(pod, "GET", path, deadline=deadline) for pod in pods], _listed)
    if isinstance(answers, Response):
        return answers
    call.settle_missing(answered=bool(answers))
    parts = [Part(document.pod, shown) for document, listed in answers for shown in listed]
    return grouped(parts), [document for document, _ in answers]


async def named(call: Call) -> tuple[Aggregate, list[Aggregate], list[Document]] | Response:
    """The aggregate of a path, all there are, and the answers that tell of them; or a refusal.

    Raises `ApiError` as Nova does for an id that is none, and 503 where it may be in a pod that does not answer.
    """
    told = await all_aggregates(call)
    if isinstance(told, Response):
        return told
    everything, documents = told
    value = call.parameters["aggregate_id"]
    wanted = number(value)
    if wanted is None:
        raise ApiError(400, "Invalid input received: id must be an integer")
    found = [aggregate for aggregate in everything if aggregate.id == wanted]
    if not found and call.missing:
        raise ApiError(
            503, f"Aggregate {value} could not be found in the pods that answer; no answer from {call.missing_names()}."
        )
    if not found:
        raise ApiError(404, f"Aggregate {value} could not be found.")
    if len(found) > 1:
        names = ", ".join(aggregate.home.pod.region_name for aggregate in found)
        raise ApiError(400, f"Aggregate id {value} refers to multiple aggregates: {names}.")
    return found[0], everything, documents


def _listed(document: Document) -> list[JSON]:
    listed = document.part("aggregates")
    if not isinstance(listed, list) or not all(isinstance(each, dict) and "id" in each for each in listed):
        raise PodUnreachable(document.pod, document.service, "no list of aggregates")
    return listed


async def list_aggregates(call: Call) -> Response:
    """`GET /os-aggregates`."""
    told = await all_aggregates(call)
    if isinstance(told, Response):
        return told
    everything, documents = told
    return compose(documents[0], {"aggregates": [aggregate.view() for aggregate in everything]})


async def show_aggregate(call: Call) -> Response:
    """`GET /os-aggregates/{aggregate_id}`."""
    found = await named(call)
    if isinstance(found, Response):
        return found
    aggregate, _, documents = found
    return compose(documents[0], {"aggregate": aggregate.view()})
