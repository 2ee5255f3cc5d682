"""Whether a network may be present in a pod."""

from collections.abc import Collection
from typing import Final

from triune.network.central.pods import Pod

# Networks of these types have the same segment in every pod that has the physical network. Those of all other types
# exist inside one pod only.
STRETCHED: Final = frozenset({"flat", "vlan"})


def is_stretched(types: Collection[str]) -> bool:
    """Whether a network whose segments are of these types may be in several pods at the same time."""
    return bool(types) and STRETCHED.issuperset(types)


def refusal(
    pod_id: str, pods: Collection[Pod], hints: Collection[str], types: Collection[str], elsewhere: Collection[str]
) -> str | None:
    """Why a port may not be placed in a pod; None where it may.

    `hints` and `types` are the availability zone hints and the types of the segments of the port's network;
    `elsewhere` are the ids of other pods in which the network is present.
    """
    by_id = {pod.id: pod for pod in pods}
    pod = by_id.get(pod_id)
    if pod is None:
        return f"there is no pod {pod_id}"
    if not pod.is_in(hints):
        return (
            f"the network may be in {_names(hints)} only (availability_zone_hints), and {pod.region_name} is in "
            f"availability zone {pod.az_name}"
        )
    if elsewhere and not is_stretched(types):
        regions = sorted(by_id[other].region_name if other in by_id else other for other in elsewhere)
        return (
            f"a network of type {_names(types)} is in one region at a time, and it is in {_names(regions)}; networks "
            f"of type {_names(STRETCHED)} can span regions"
        )
    return None


def _names(names: Collection[str]) -> str:
    return " or ".join(sorted(names))
