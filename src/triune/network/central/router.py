"""The service plugin `triune-router`: routers, floating IPs and routes as Neutron keeps them, without agents."""

from collections.abc import Collection
from typing import Any, Final

from neutron.db import dns_db, extraroute_db, l3_fip_pools_db, l3_fip_port_details, l3_gwmode_db
from neutron.db.availability_zone import router as zones
from neutron.db.models import l3 as models
from neutron.quota import resource_registry
from neutron_lib import constants
from neutron_lib.api.definitions import (
    dns,
    dvr,
    extraroute,
    extraroute_atomic,
    fip_port_details,
    floatingip_pools,
    l3,
    l3_ext_gw_mode,
    l3_ext_ha_mode,
    router_availability_zone,
    router_enable_snat,
)
from neutron_lib.db import api as database
from neutron_lib.plugins import constants as plugins
from neutron_lib.plugins import directory
from neutron_lib.services import base

from triune.network.central import fip_status, router_checks, router_kinds, router_reads, together
from triune.network.names import FLOATING_IP, ROUTER

EXTENSIONS: Final = (
    dns.ALIAS,
    dvr.ALIAS,
    extraroute.ALIAS,
    extraroute_atomic.ALIAS,
    fip_port_details.ALIAS,
    floatingip_pools.ALIAS,
    l3.ALIAS,
    l3_ext_gw_mode.ALIAS,
    l3_ext_ha_mode.ALIAS,
    router_availability_zone.ALIAS,
    router_enable_snat.ALIAS,
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
    """Routers in central Neutron's database. What is made of them in the pods is the worker's task."""

    __native_pagination_support = True
    __native_sorting_support = True

    supported_extension_aliases: Final = list(EXTENSIONS)

    @resource_registry.tracked_resources(router=models.Router, floatingip=models.FloatingIP)
    def __init__(self) -> None:
        super().__init__()
        router_kinds.subscribe()

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
        """The zones of the pods in which a router is; `router` is its row."""
        return list(together.ask(router, "zones", _zones))

    # Neutron asks for these before it changes anything: what is refused here is as it was.

    def _validate_gw_info(self, context: Any, info: Any, ext_ips: Any, router: Any) -> Any:
        network_id = super()._validate_gw_info(context, info, ext_ips, router)
        if network_id and not (router.gw_port and router.gw_port["network_id"] == network_id):
            router_checks.refuse_gateway(context, router.id, network_id)
            subnets = self._core_plugin.get_subnets_by_network(context, network_id)
            router_checks.refuse_subnets(subnet["cidr"] for subnet in subnets)
        return network_id

    def _add_interface_by_subnet(self, context: Any, router: Any, subnet_id: str, owner: str) -> Any:
        subnet = self._core_plugin.get_subnet(context, subnet_id)
        self._refuse_interface(context, router, subnet["network_id"], [subnet])
        return super()._add_interface_by_subnet(context, router, subnet_id, owner)

    def _add_interface_by_port(self, context: Any, router: Any, port_id: str, owner: str) -> Any:
        port = self._core_plugin.get_port(context, port_id)
        subnets = [self._core_plugin.get_subnet(context, each["subnet_id"]) for each in port["fixed_ips"]]
        self._refuse_interface(context, router, port["network_id"], subnets)
        return super()._add_interface_by_port(context, router, port_id, owner)

    def _refuse_interface(self, context: Any, router: Any, network_id: str, subnets: Collection[Any]) -> None:
        router_checks.refuse_network(context, router.id, network_id)
        router_checks.refuse_subnets(subnet["cidr"] for subnet in subnets)

    @database.retry_if_session_inactive()
    def get_floatingips(
        self,
        context: Any,
        filters: Any = None,
        fields: Any = None,
        sorts: Any = None,
        limit: Any = None,
        marker: Any = None,
        page_reverse: bool = False,
    ) -> Any:
        """Floating IPs, with the status that is seen in the pods, which can be a filter as well."""
        # All in one session, so that what is known of the pods is asked once.
        with database.CONTEXT_READER.using(context):
            filters = fip_status.filters(context, filters or {})
            return super().get_floatingips(context, filters, fields, sorts, limit, marker, page_reverse)

    def _make_floatingip_dict(self, floatingip: Any, fields: Any = None, process_extensions: bool = True) -> Any:
        shown = super()._make_floatingip_dict(floatingip, fields, process_extensions)
        if "status" in shown:
            pods = together.ask(floatingip.db_obj, FLOATING_IP, fip_status.pods)
            shown["status"] = fip_status.status(floatingip.router_id, pods)
        return shown


def _zones(session: Any, router_ids: Collection[str]) -> dict[str, list[str]]:
    return together.zones(session, router_reads.pods_of_twins(session, ROUTER, router_ids))
