"""What a pod's Neutron can: its list of extensions, kept for a while."""

from cachetools import TTLCache

from triune.network.neutron import Neutron

# Seconds for which it is believed; an upgrade of a pod shows after that.
KEEP = 300.0


class Features:
    """The extensions of each pod's Neutron."""

    def __init__(self, keep: float = KEEP) -> None:
        self._known: TTLCache[str, frozenset[str]] = TTLCache(maxsize=1000, ttl=keep)

    async def of(self, neutron: Neutron) -> frozenset[str]:
        """The extensions of a pod. Raises `PodUnreachable`, `Refused`."""
        found = self._known.get(neutron.pod.id)
        if found is None:
            found = self._known[neutron.pod.id] = await neutron.extensions()
        return found
