"""The registered pods as central Neutron sees them: their zones and regions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the table `pods`, but not the entry of the central region."""

    id: str
    region_name: str
    az_name: str
    enabled: bool = True

    def is_in(self, hints: Iterable[str]) -> bool:
        """Whether hints, names of zones or regions, allow this pod; no hints allow every pod."""
        names = set(hints)
        return not names or bool(names & {self.az_name, self.region_name})


def zones(pods: Iterable[Pod]) -> Mapping[str, bool]:
    """What may be named as a zone: zones and regions, and whether at least one of their pods is enabled."""
    found: dict[str, bool] = {}
    for pod in pods:
        for name in (pod.az_name, pod.region_name):
            found[name] = found.get(name, False) or pod.enabled
    return found
