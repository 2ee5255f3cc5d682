"""What decides the pod of a new resource, and what a tenant is told where that is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from triune.pods.registry import Pod


class NoCandidate(Exception):
    """No pod can take the resource; the text is for the tenant."""


class UnknownZone(NoCandidate):
    """No pod of the zone takes new resources; each API has its own words for it."""

    def __init__(self, zone: str | None) -> None:
        super().__init__(f"availability zone {zone}")
        self.zone = zone


class Limited(NoCandidate):
    """What the tenant named himself, and sees, rules out every pod."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Something that exists in one pod already and that the new resource needs, e.g. a network or a volume.

    `path` and `service` are where the pod shows it.
    """

    description: str
    pod: Pod
    path: str
    service: str


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that lets a new resource be in some pods only, e.g. a network with availability zone hints.

    `pod_ids` are those pods.
    """

    description: str
    pod_ids: frozenset[str]


def contradiction(anchor: Anchor, anchors: Sequence[Anchor], zone: str | None) -> NoCandidate:
    """An anchor is not where the tenant wants to be, or not where another one is."""
    there = f"{anchor.description} is in availability zone {anchor.pod.az_name}"
    if zone is not None and anchor.pod.az_name != zone:
        return NoCandidate(f"{there}, not in {zone}.")
    others = [other for other in anchors if other.pod.id != anchor.pod.id]
    if not others:
        return NoCandidate(f"{there}, which cannot take what is asked for.")
    return NoCandidate(f"{there}, but {others[0].description} is in availability zone {others[0].pod.az_name}.")


def beyond(
    limit: Limit, limits: Sequence[Limit], anchors: Sequence[Anchor], pods: Sequence[Pod], zone: str | None
) -> str:
    """Why a limit leaves no pod."""
    there = f"{limit.description} can be in {_zones(limit, pods)}"
    if not any(pod.id in limit.pod_ids for pod in pods):
        return f"{there}."
    in_zone = [pod for pod in pods if pod.az_name == zone]
    if zone is not None and not any(pod.id in limit.pod_ids for pod in in_zone):
        return f"{there}, not in {zone}."
    for anchor in anchors:
        if anchor.pod.id not in limit.pod_ids:
            return f"{there}, but {anchor.description} is in availability zone {anchor.pod.az_name}."
    others = [other for other in limits if not other.pod_ids & limit.pod_ids and other is not limit]
    if others:
        return f"{there}, but {others[0].description} can be in {_zones(others[0], pods)}."
    return f"{there}, where not everything else that is named can be."


def _zones(limit: Limit, pods: Iterable[Pod]) -> str:
    names = sorted({pod.az_name for pod in pods if pod.id in limit.pod_ids})
    if not names:
        return "no availability zone"
    return f"availability zone {names[0]}" if len(names) == 1 else f"availability zones {', '.join(names)}"
