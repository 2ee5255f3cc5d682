"""What filters and weighers look at. Plain values: nothing here asks anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triune.pods.placement import Anchor, Limit
from triune.pods.registry import Pod


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """A request for a new resource.

    `service` is `compute` or `volume`; `zone` the availability zone that the tenant named, or None for any; `anchors`
    and `limits` are what decides the pod besides; `body` is what the tenant sent.
    """

    service: str
    project_id: str | None = None
    zone: str | None = None
    anchors: tuple[Anchor, ...] = ()
    limits: tuple[Limit, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PodState:
    """A pod and what is known of it for one request.

    `used` counts the project's resources there; `answers` is False while the service is left out after failures;
    `has_capacity` is what its Placement says of the request, or None where nobody asked or it could not tell.
    """

    pod: Pod
    used: int = 0
    answers: bool = True
    has_capacity: bool | None = None
