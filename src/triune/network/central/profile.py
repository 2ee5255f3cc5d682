"""The part of a port's `binding:profile` that says in which pod the port is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from triune.network.names import PROFILE

# Statuses of a port in Neutron.
STATUSES: Final = ("ACTIVE", "BUILD", "DOWN", "ERROR")


class BadProfile(ValueError):
    """The profile says something about the pod that cannot be understood; the text tells what."""


@dataclass(frozen=True, slots=True)
class Place:
    """In which pod a port is placed, and the port's status there."""

    pod_id: str
    status: str = "DOWN"


def place(profile: Mapping[str, Any] | None) -> Place | None:
    """What a profile says of the port's pod; None where it says nothing. Raises `BadProfile`."""
    if not profile or PROFILE not in profile:
        return None
    said = profile[PROFILE]
    if not isinstance(said, Mapping):
        raise BadProfile(f'"{PROFILE}" in binding:profile is no object')
    pod_id, status = said.get("pod"), said.get("status", "DOWN")
    if not isinstance(pod_id, str) or not pod_id:
        raise BadProfile(f'"{PROFILE}" in binding:profile names no "pod"')
    if not isinstance(said.get("keep", False), bool):
        raise BadProfile(f'"keep" of "{PROFILE}" in binding:profile is neither true nor false')
    if status not in STATUSES:
        raise BadProfile(f'"status" of "{PROFILE}" in binding:profile is none of {", ".join(STATUSES)}')
    return Place(pod_id, status)
