"""`addFloatingIp` and `removeFloatingIp`: a server's floating IPs are changed in central Neutron."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from triune.gateway.call import Call
from triune.gateway.compute.proxies.as_caller import JSON, neutron, told
from triune.gateway.compute.proxies.floating_ips import PATH, by_address, server_of
from triune.gateway.compute.proxies.schema import Schema
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.network.neutron import Refused

Owner = Callable[[Call], Awaitable[Response]]

_ADDRESS: Final[Schema] = {"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}


def _schema(action: str, **properties: Schema) -> Schema:
    inner = {"type": "object", "properties": properties, "required": ["address"], "additionalProperties": False}
    return {"type": "object", "properties": {action: inner}, "required": [action], "additionalProperties": False}


SCHEMAS: Final = {
    "addFloatingIp": _schema("addFloatingIp", address=_ADDRESS, fixed_address=_ADDRESS),
    "removeFloatingIp": _schema("removeFloatingIp", address=_ADDRESS),
}


@dataclass(frozen=True, slots=True)
class OnServer:
    """What an action is done to: a server as its pod shows it, and its ports in central Neutron."""

    shown: JSON
    ports: list[JSON]

    @property
    def id(self) -> str:
        """The server's id."""
        return str(self.shown["id"])

    def fixed_addresses(self) -> dict[str, str]:
        """Fixed addresses and the ports that have them, in the order in which the pod tells them, as Nova has them."""
        ports = {fixed_ip["ip_address"]: port["id"] for port in self.ports for fixed_ip in port["fixed_ips"]}
        shown = (each["addr"] for network in (self.shown.get("addresses") or {}).values() for each in network)
        return {address: ports[address] for address in shown if address in ports}


async def add_floating_ip(call: Call, value: JSON, server: OnServer, owner: Owner) -> Response:
    """Give a server a floating IP, whoever has it now."""
    address = value["address"]
    found = await by_address(call, address)
    if not found and not server.ports:
        # Both are the pod's own, or nowhere.
        return await owner(call)
    fixed_address, port_id = _fixed(value, server)
    if not found:
        raise ApiError(404, "floating IP not found")
    try:
        if len(found) > 1:
            raise _unable(value, server, fixed_address, _many(address))
        await neutron(call).update(PATH, found[0]["id"], {"port_id": port_id, "fixed_ip_address": fixed_address})
    except Refused as error:
        if error.status == 409:
            raise ApiError(400, told(error)) from error
        if error.status == 403 or error.status >= 500:
            raise
        raise _unable(value, server, fixed_address, told(error)) from error
    return call.marked(Response(202))


async def remove_floating_ip(call: Call, value: JSON, server: OnServer, owner: Owner) -> Response:
    """Take a floating IP from a server, if it has it."""
    address = value["address"]
    found = await by_address(call, address)
    if not found and not server.ports:
        return await owner(call)
    if not found:
        raise ApiError(404, f"Floating IP not found for address {address}.")
    if len(found) > 1:
        raise ApiError(409, _many(address))
    if server_of(found[0]) != server.id:
        raise ApiError(409, f"Floating IP {address} is not associated with instance {server.id}.")
    await neutron(call).update(PATH, found[0]["id"], {"port_id": None})
    return call.marked(Response(202))


def _fixed(value: JSON, server: OnServer) -> tuple[str, str]:
    """The fixed address that is to be reached, and its port. Raises `ApiError` 400."""
    if not server.shown.get("addresses"):
        raise ApiError(400, "Instance network is not ready yet")
    known = server.fixed_addresses()
    if not known:
        raise ApiError(400, "No fixed IPs associated to instance")
    if (wanted := value.get("fixed_address")) is not None:
        if wanted not in known:
            raise ApiError(400, "Specified fixed address not assigned to instance")
        return wanted, known[wanted]
    for address, port_id in known.items():
        if ip_address(address).version == 4:
            return address, port_id
    raise ApiError(
        400,
        f"Unable to associate floating IP {value['address']} to any fixed IPs for instance {server.id}. Instance has "
        "no fixed IPv4 addresses to associate.",
    )


def _many(address: str) -> str:
    return f"Multiple floating IPs are found for address {address}."


def _unable(value: JSON, server: OnServer, fixed_address: str, reason: str) -> ApiError:
    return ApiError(
        400,
        f"Unable to associate floating IP {value['address']} to fixed IP {fixed_address} for instance {server.id}. "
        f"Error: {reason}",
    )
