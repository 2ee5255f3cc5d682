"""External networks that a pod has itself: used as they are, where central Neutron has one on the same segment.

Whoever has built a region has given it the network by which it reaches the world, and two networks cannot have one
segment. It stays the region's own: nothing of it is changed, tagged or removed. Only who hands out which addresses has
to be agreed, by allocation pools that do not overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from triune.network.model import Network
from triune.network.names import TAG
from triune.network.neutron import Neutron

JSON = dict[str, Any]

_PROVIDER: Final = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")


@dataclass(frozen=True, slots=True)
class Adopted:
    """A pod's own network, and its subnets by the ids of those at the top that have the same prefix."""

    network: JSON
    subnets: Mapping[str, JSON]

    def lacks(self, model: Network) -> list[str]:
        """The prefixes that central Neutron knows, and the pod does not."""
        return sorted(each["cidr"] for each in model.subnets if each["id"] not in self.subnets)


async def adopted(neutron: Neutron, model: Network) -> Adopted | None:
    """The pod's own network in place of the twin of an external one, where it has one.

    Raises `PodUnreachable`, `Refused`.
    """
    if not model.shown.get("router:external"):
        return None
    filters = [(name, str(model.shown[name])) for name in _PROVIDER if model.shown.get(name) is not None]
    if not filters:
        return None
    networks = await neutron.list("networks", [*filters, ("router:external", "true")])
    own = next((each for each in networks if TAG not in each.get("tags", ())), None)
    if own is None:
        return None
    found = await neutron.list("subnets", [("network_id", own["id"])])
    by_prefix = {ip_network(each["cidr"]): each for each in found}
    subnets = {each["id"]: by_prefix.get(ip_network(each["cidr"])) for each in model.subnets}
    return Adopted(own, {top_id: each for top_id, each in subnets.items() if each is not None})
