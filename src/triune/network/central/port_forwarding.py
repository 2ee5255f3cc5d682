"""The service plugin `triune-port-forwarding`: Neutron's own, which by itself knows no router plugin but Neutron's."""

from typing import Final

from neutron.services.portforwarding.pf_plugin import PortForwardingPlugin
from neutron_lib.api.definitions import fip_pf_detail


class PortForwarding(PortForwardingPlugin):
    """Port forwardings of floating IPs of the plugin `triune-router`, without agents to tell."""

    # Neutron asks for these by the name of the class itself, so they are not inherited.
    __native_pagination_support = True
    __native_sorting_support = True

    # Ids of port forwardings and of their ports are shown in floating IPs anyway.
    supported_extension_aliases: Final = [*PortForwardingPlugin.supported_extension_aliases, fip_pf_detail.ALIAS]

    required_service_plugins: Final = ["triune-router"]
    _rpc_notifications_required: Final = False
