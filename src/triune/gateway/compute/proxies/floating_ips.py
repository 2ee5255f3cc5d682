"""`/os-floating-ips`: the floating IPs that the caller sees in central Neutron."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from triune.gateway.call import Call
from triune.gateway.compute.proxies.as_caller import JSON, neutron
from triune.gateway.compute.proxies.floating_ip_pools import find_pool
from triune.gateway.compute.proxies.schema import Schema, body_of
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.network.neutron import Refused
from triune.network.top_ports import boot_of

PATH: Final = "floatingips"
CREATED: Final[Schema] = {
    "type": ["object", "null"],
    "properties": {"pool": {"type": ["string", "null"]}},
}
# Neutron's refusals for want of addresses.
_NO_MORE: Final = frozenset({"ExternalIpAddressExhausted", "IpAddressGenerationFailure"})


async def list_floating_ips(call: Call) -> Response:
    """`GET /os-floating-ips`: the project's own."""
    found = await neutron(call).list(PATH, [("tenant_id", call.caller.project_id or "")])
    return Response.json({"floating_ips": await _views(call, found)})


async def show_floating_ip(call: Call) -> Response:
    """`GET /os-floating-ips/{floating_ip_id}`."""
    try:
        found = await neutron(call).get(PATH, call.parameters["floating_ip_id"])
    except Refused as error:
        raise _unknown(call, error) from error
    return await _shown(call, found)


async def create_floating_ip(call: Call) -> Response:
    """`POST /os-floating-ips`."""
    pool = (await body_of(call, CREATED) or {}).get("pool")
    pool_id = await find_pool(call, pool or call.gateway.conf.network.default_floating_pool)
    try:
        made = await neutron(call).create(PATH, {"floating_network_id": pool_id})
    except Refused as error:
        if error.type in _NO_MORE:
            raise ApiError(404, f"No more floating IPs {f'in pool {pool}' if pool else 'available'}.") from error
        if error.type == "OverQuota":
            raise ApiError(403, f"IP allocation over quota{f' in pool {pool}' if pool else ''}.") from error
        raise
    return await _shown(call, made)


async def delete_floating_ip(call: Call) -> Response:
    """`DELETE /os-floating-ips/{floating_ip_id}`."""
    try:
        await neutron(call).remove(PATH, call.parameters["floating_ip_id"])
    except Refused as error:
        raise _unknown(call, error) from error
    return Response(202)


def _unknown(call: Call, error: Refused) -> Exception:
    if error.status == 404:
        return ApiError(404, f"Floating IP not found for ID {call.parameters['floating_ip_id']}")
    return error


async def by_address(call: Call, address: str) -> list[JSON]:
    """The floating IPs with an address. Raises `Refused`, `PodUnreachable`."""
    return await neutron(call).list(PATH, [("floating_ip_address", address)])


async def _shown(call: Call, floating_ip: JSON) -> Response:
    (shown,) = await _views(call, [floating_ip])
    return Response.json({"floating_ip": shown})


async def _views(call: Call, floating_ips: Iterable[JSON]) -> list[JSON]:
    found = list(floating_ips)
    ids = {each["floating_network_id"] for each in found}
    networks = await neutron(call).of("networks", "id", ids, ["name"])
    pools = {network["id"]: network["name"] for network in networks}
    return [view(each, pools) for each in found]


def view(floating_ip: Mapping[str, Any], pools: Mapping[str, str]) -> JSON:
    """A floating IP of Neutron as Nova tells it; a pool without a name, or that is not seen, is told by its id."""
    network_id = floating_ip["floating_network_id"]
    return {
        "id": floating_ip["id"],
        "ip": floating_ip["floating_ip_address"],
        "fixed_ip": floating_ip["fixed_ip_address"],
        "instance_id": server_of(floating_ip),
        "pool": pools.get(network_id) or network_id,
    }


def server_of(floating_ip: Mapping[str, Any]) -> str | None:
    """The server whose port has a floating IP; None where the port is nobody's, or of a server on its way."""
    port = floating_ip["port_details"] or {}
    return None if boot_of(port) is not None else port.get("device_id")
