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


@dataclass(frozen=True, slots=True)
class Anchor:
    """Something that exists in one pod already and that the new resource needs, e.g. a network or a volume.

    `path` and `service` are where the pod shows it.
    """

    description: str
    pod: Pod
    path: str
    service: str


def candidates(pods: Iterable[Pod], zone: str | None, anchors: Iterable[Anchor], used: Mapping[str, int]) -> list[Pod]:
    """The pods that may take a new resource, the best first.

    `zone` is the availability zone that the tenant named, or None for any; `used` counts the project's resources in
    each pod, for a project stays together where it can. Raises `NoCandidate`.
    """
    pods = list(pods)
    anchors = list(anchors)
    in_zone = [pod for pod in pods if zone is None or pod.az_name == zone]
    if not in_zone:
        raise UnknownZone(zone)
    fitting = in_zone
    for anchor in anchors:
        fitting = [pod for pod in fitting if pod.id == anchor.pod.id]
        if not fitting:
            raise NoCandidate(_contradiction(anchor, anchors, zone))
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
