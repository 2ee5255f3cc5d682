"""Quotas of Triune's own project: what it holds there it holds for tenants, whose own quotas bound it."""

from collections.abc import Awaitable, Callable
from typing import Final

from oslo_log import log as logging

from triune.network.neutron import Neutron, Refused

LOG = logging.getLogger(__name__)

# What is made in Triune's own project; -1 is no limit.
_UNBOUNDED: Final = {"network": -1, "subnet": -1, "port": -1, "rbac_policy": -1}


class OwnQuotas:
    """Lifts them, once for each region and process."""

    def __init__(self, own_project: Callable[[], Awaitable[str]]) -> None:
        self._own_project = own_project
        self._lifted: set[str] = set()

    async def lift(self, neutron: Neutron) -> None:
        """See to it that nothing of Triune's own is refused for its number. Raises `PodUnreachable`."""
        if neutron.pod.id in self._lifted:
            return
        try:
            await neutron.update("quotas", await self._own_project(), _UNBOUNDED)
        except Refused as error:
            # A Neutron without quotas has no limits; what is wrong otherwise is told where something is refused.
            LOG.info("Quotas of Triune's own project stay as they are: %s", error)
        self._lifted.add(neutron.pod.id)
