"""The whole: Keystone and pods."""

from dataclasses import dataclass

from .cinder import Cinder
from .glance import Glance
from .keystone import Keystone
from .neutron import Neutron
from .nova import Nova
from .placement import Placement
from .service import Fault, Service

REGIONS = ("RegionOne", "RegionTwo", "RegionThree")


@dataclass
class PodCloud:
    """The services of one region."""

    region: str
    nova: Nova
    cinder: Cinder
    glance: Glance
    neutron: Neutron
    placement: Placement

    @property
    def services(self) -> tuple[Service, ...]:
        return (self.nova, self.cinder, self.glance, self.neutron, self.placement)

    def fails(self, fault: Fault | None) -> None:
        """The same fault for all services."""
        for service in self.services:
            service.fails(fault)

    async def stop(self) -> None:
        """Refuse connections."""
        for service in self.services:
            await service.stop()

    async def start(self) -> None:
        """Take connections again."""
        for service in self.services:
            await service.start()


class Cloud:
    """Some regions with one Keystone, and central Neutron in the region `CentralRegion`."""

    def __init__(self, regions: int) -> None:
        self.keystone = Keystone()
        self.pods = [self._pod(name) for name in REGIONS[:regions]]
        self.central = Neutron(self.keystone, max_mtu=1450, ovn=False)

    def _pod(self, region: str) -> PodCloud:
        cinder, glance = Cinder(self.keystone), Glance(self.keystone)
        cinder.glance = glance
        neutron = Neutron(self.keystone)
        nova = Nova(self.keystone, cinder, glance, neutron)
        return PodCloud(region, nova, cinder, glance, neutron, Placement(self.keystone))

    async def start(self) -> None:
        """Bring everything up, and fill the catalog."""
        await self.keystone.start()
        await self.central.start()
        self.keystone.register("CentralRegion", "network", self.central.root)
        for pod in self.pods:
            await pod.start()
            for service_type, url in (
                ("compute", f"{pod.nova.root}/v2.1"),
                ("volumev3", f"{pod.cinder.root}/v3/%(project_id)s"),
                ("image", pod.glance.root),
                ("network", pod.neutron.root),
                ("placement", f"{pod.placement.root}/"),
            ):
                self.keystone.register(pod.region, service_type, url)

    async def stop(self) -> None:
        """Take everything down."""
        for pod in self.pods:
            await pod.stop()
        await self.central.stop()
        await self.keystone.stop()
