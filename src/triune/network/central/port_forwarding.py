"""The service plugin `triune-port-forwarding`: Neutron's own, which by itself knows no router plugin but Neutron's."""

from typing import Final

from neutron.services.portforwarding.pf_plugin import PortForwardingPlugin


class PortForwarding(PortForwardingPlugin):
    """Port forwardings of floating IPs of the plugin `triune-router`, without agents to tell."""

    # Neutron asks for these by the name of the class itself, so they are not inherited.
    __native_pagination_support = True
    __native_sorting_support = True

    required_service_plugins: Final = ["triune-router"]
    _rpc_notifications_required: Final = False
