"""How pods call their own zone, where the operator has not said so."""

from cachetools import TTLCache
from oslo_log import log as logging

from triune.pods.client import PodUnreachable
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser

LOG = logging.getLogger(__name__)

# Seconds for which a pod's zone is believed, which hardly ever changes, and how many are kept.
BELIEVED = 300.0
MOST = 1000


class OwnZones:
    """Asks with Triune's own rights: who may make servers may perhaps do nothing else."""

    def __init__(self, user: ServiceUser, deadline: float) -> None:
        self._user = user
        self._deadline = deadline
        self._known: TTLCache[str, str] = TTLCache(MOST, BELIEVED)

    async def of(self, pod: Pod) -> str:
        """The zone of the pod's Nova that the zone of the top stands for; empty where it cannot be said.

        That is the one of the pod's entry, or else the only one that Nova has. Takes the deadline at most.
        """
        if pod.pod_az_name:
            return pod.pod_az_name
        if (known := self._known.get(pod.id)) is not None:
            return known
        try:
            document = await self._user.fetch(
                pod, "compute", "GET", "/v2.1/os-availability-zone", deadline=self._deadline
            )
            zones = {str(zone["zoneName"]) for zone in document.part("availabilityZoneInfo")}
        except (PodUnreachable, KeyError, TypeError) as error:
            LOG.info("%s does not tell its zones: %s", pod.region_name, error)
            return ""
        self._known[pod.id] = zones.pop() if len(zones) == 1 else ""
        return self._known[pod.id]
