"""The service plugin `triune-router`: routers, floating IPs and routes as Neutron keeps them, without agents."""

from typing import Any, Final

from neutron.db import dns_db, extraroute_db, l3_fip_pools_db, l3_fip_port_details, l3_gwmode_db
from neutron.db.availability_zone import router as zones
from neutron.db.models import l3 as models
from neutron.quota import resource_registry
from neutron_lib import constants
from neutron_lib.api.definitions import (
    dns,
    extraroute,
    extraroute_atomic,
    fip_port_details,
    floatingip_pools,
    l3,
    l3_ext_gw_mode,
    router_availability_zone,
)
from neutron_lib.plugins import constants as plugins
from neutron_lib.plugins import directory
from neutron_lib.services import base

# Neither `dvr` nor `l3-ha`: how a router is spread over hosts is each pod's own matter. Who asks for it is told that
# the attribute is unknown, as by every Neutron without these extensions.
EXTENSIONS: Final = (
    dns.ALIAS,
    extraroute.ALIAS,
    extraroute_atomic.ALIAS,
    fip_port_details.ALIAS,
    floatingip_pools.ALIAS,
    l3.ALIAS,
    l3_ext_gw_mode.ALIAS,
    router_availability_zone.ALIAS,
)


class Router(
    base.ServicePluginBase,
    extraroute_db.ExtraRoute_dbonly_mixin,
    l3_gwmode_db.L3_NAT_dbonly_mixin,
    dns_db.DNSDbMixin,
    l3_fip_port_details.Fip_port_details_db_mixin,
    l3_fip_pools_db.FloatingIPPoolsMixin,
    zones.RouterAvailabilityZoneMixin,
):
    """Routers in central Neutron's database. Nothing of them reaches a pod yet."""

    __native_pagination_support = True
    __native_sorting_support = True

    supported_extension_aliases: Final = list(EXTENSIONS)

    @resource_registry.tracked_resources(router=models.Router, floatingip=models.FloatingIP)
    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def get_plugin_type(cls) -> str:
        """By this, Neutron finds the plugin that keeps routers."""
        return str(plugins.L3)

    def get_plugin_description(self) -> str:
        """For Neutron's log."""
        return "Triune: routers that span pods"

    def create_floatingip(
        self, context: Any, floatingip: Any, initial_status: str = constants.FLOATINGIP_STATUS_DOWN
    ) -> Any:
        """A floating IP is DOWN until a pod answers under it."""
        return super().create_floatingip(context, floatingip, initial_status)

    def validate_availability_zones(self, context: Any, resource_type: str, availability_zones: list[str]) -> None:
        """Routers take the hints that networks take."""
        directory.get_plugin().validate_availability_zones(context, resource_type, availability_zones)

    def get_router_availability_zones(self, router: Any) -> list[str]:
        """The zones of the pods in which a router is: none yet."""
        return []
