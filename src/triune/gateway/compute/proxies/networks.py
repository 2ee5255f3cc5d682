"""`/os-networks` and `/os-tenant-networks`: the networks that the caller sees in central Neutron."""

from collections.abc import Mapping
from typing import Any, Final

from triune.gateway.call import Call
from triune.gateway.compute.proxies.as_caller import JSON, neutron
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.network.neutron import Refused

_SHOWN: Final = ("name",)
# Attributes of nova-network, of which Neutron's networks have none.
_EMPTY: Final = (
    "cidr", "netmask", "gateway", "broadcast", "dns1", "dns2", "cidr_v6", "gateway_v6", "netmask_v6",
)  # fmt: skip
_EMPTY_FOR_ADMINISTRATORS: Final = (
    "created_at", "updated_at", "deleted_at", "deleted", "injected", "bridge", "vlan", "vpn_public_address",
    "vpn_public_port", "vpn_private_address", "dhcp_start", "project_id", "host", "bridge_interface", "multi_host",
    "priority", "rxtx_base", "mtu", "dhcp_server", "enable_dhcp", "share_address",
)  # fmt: skip


async def list_networks(call: Call) -> Response:
    """`GET /os-networks`."""
    found = await neutron(call).list("networks", fields=_SHOWN)
    return Response.json({"networks": [view(network, call.caller.is_admin) for network in found]})


async def show_network(call: Call) -> Response:
    """`GET /os-networks/{network_id}`."""
    return Response.json({"network": view(await _network(call), call.caller.is_admin)})


async def list_tenant_networks(call: Call) -> Response:
    """`GET /os-tenant-networks`."""
    found = await neutron(call).list("networks", fields=_SHOWN)
    return Response.json({"networks": [brief_view(network) for network in found]})


async def show_tenant_network(call: Call) -> Response:
    """`GET /os-tenant-networks/{network_id}`."""
    return Response.json({"network": brief_view(await _network(call))})


async def _network(call: Call) -> JSON:
    try:
        return await neutron(call).get("networks", call.parameters["network_id"])
    except Refused as error:
        if error.status == 404:
            raise ApiError(404, "Network not found") from error
        raise


def view(network: Mapping[str, Any], is_admin: bool) -> JSON:
    """A network of Neutron as Nova tells it."""
    empty = (*_EMPTY, *_EMPTY_FOR_ADMINISTRATORS) if is_admin else _EMPTY
    return {"id": network["id"], "label": network["name"], **dict.fromkeys(empty)}


def brief_view(network: Mapping[str, Any]) -> JSON:
    """The same as tenants' networks have it; that there is no CIDR is told in letters."""
    return {"id": network["id"], "label": network["name"], "cidr": "None"}
