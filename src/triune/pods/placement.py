"""Choosing the pod for a new resource: pure decisions over what was found out before."""

from collections.abc import Iterable, Mapping
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


def candidates(
    pods: Iterable[Pod],
    zone: str | None,
    anchors: Iterable[Anchor],
    used: Mapping[str, int],
    limits: Iterable[Limit] = (),
) -> list[Pod]:
    """The pods that may take a new resource, the best first.

    `zone` is the availability zone that the tenant named, or None for any; `used` counts the project's resources in
    each pod, for a project stays together where it can. Raises `NoCandidate`.
    """
    pods = list(pods)
    anchors = list(anchors)
    limits = list(limits)
    in_zone = [pod for pod in pods if zone is None or pod.az_name == zone]
    if not in_zone:
        raise UnknownZone(zone)
    fitting = in_zone
    for anchor in anchors:
        fitting = [pod for pod in fitting if pod.id == anchor.pod.id]
        if not fitting:
            raise NoCandidate(_contradiction(anchor, anchors, zone))
    for limit in limits:
        allowed = [pod for pod in fitting if pod.id in limit.pod_ids]
        if not allowed:
            raise Limited(_beyond(limit, limits, anchors, pods, zone))
        fitting = allowed
    enabled = [pod for pod in fitting if pod.enabled]
    if not enabled:
        raise UnknownZone(zone)
    return sorted(enabled, key=lambda pod: (-used.get(pod.id, 0), pod.region_name))


def _contradiction(anchor: Anchor, anchors: list[Anchor], zone: str | None) -> str:
    if zone is not None and anchor.pod.az_name != zone:
        return f"{anchor.description} is in availability zone {anchor.pod.az_name}, not in {zone}."
    other = next(other for other in anchors if other.pod.id != anchor.pod.id)
    return (
        f"{anchor.description} is in availability zone {anchor.pod.az_name}, "
        f"but {other.description} is in availability zone {other.pod.az_name}."
    )


def _beyond(limit: Limit, limits: list[Limit], anchors: list[Anchor], pods: list[Pod], zone: str | None) -> str:
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


def _zones(limit: Limit, pods: list[Pod]) -> str:
    names = sorted({pod.az_name for pod in pods if pod.id in limit.pod_ids})
    if not names:
        return "no availability zone"
    return f"availability zone {names[0]}" if len(names) == 1 else f"availability zones {', '.join(names)}"
