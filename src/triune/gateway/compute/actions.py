"""Actions on servers: most are their pod's affair; what they do to ports is followed, or done in central Neutron."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final
from urllib.parse import quote

from triune.gateway.call import Call
from triune.gateway.compute.follow import followed, settle
from triune.gateway.compute.interfaces import ports_of
from triune.gateway.compute.networks import NO_GROUPS_THERE, ask, away, find_group, has_networks
from triune.gateway.compute.prepare import prepare_flavor, prepare_keypair
from triune.gateway.compute.proxies.as_caller import refusal
from triune.gateway.compute.proxies.floating_ip_actions import (
    SCHEMAS,
    OnServer,
    add_floating_ip,
    remove_floating_ip,
)
from triune.gateway.compute.proxies.proxy import gone
from triune.gateway.compute.proxies.schema import check
from triune.gateway.compute.server_group_ids import with_top_groups
from triune.gateway.compute.server_zones import unshelved_in_pod
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.image.bring import bring
from triune.gateway.image.made import with_image_of_server
from triune.gateway.place import JSON
from triune.gateway.service import parse_version
from triune.gateway.strategies import Owner, find
from triune.network.names import PORT
from triune.network.neutron import Refused
from triune.network.top import NETWORK_SERVICE, central
from triune.network.top_ports import fault
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SERVER
from triune.pods.registry import Pod
from triune.work.requests import Key

# Actions after which ports may be up or down, on another host, or free.
MOVING: Final = frozenset(
    {
        "confirmResize", "evacuate", "forceDelete", "migrate", "os-migrateLive", "os-resetState", "os-start",
        "os-stop", "pause", "reboot", "rebuild", "rescue", "resize", "restore", "resume", "revertResize", "shelve",
        "shelveOffload", "suspend", "unpause", "unrescue", "unshelve",
    }
)  # fmt: skip
# What the pod of a server may lack for an action, and where the action names it.
NEEDED: Final = {
    "resize": (("flavorRef", prepare_flavor),),
    "rebuild": (("key_name", prepare_keypair), ("imageRef", bring)),
    "rescue": (("rescue_image_ref", bring),),
}
# Actions that make an image in the pod of the server.
MAKING_IMAGES: Final = frozenset({"createImage", "createBackup"})
# The actions on addresses, and the last microversion that has them.
ENDED: Final = frozenset({"addFixedIp", "removeFixedIp", *SCHEMAS})
_LAST_ADDRESSES: Final = (2, 43)


class Actions:
    """`POST /servers/{server_id}/action`."""

    def __init__(self) -> None:
        self._owner = Owner(SERVER, "server_id", around=self._around)

    async def __call__(self, call: Call) -> Response:
        body = await call.json() or {}
        name, value = next(iter(body.items())) if len(body) == 1 else ("", None)
        if name in MAKING_IMAGES:
            return await with_image_of_server(call, await self._owner(call))
        handler = HERE.get(name)
        if handler is None or not await has_networks(call):
            # A rebuilt server is told.
            return await with_top_groups(call, await self._owner(call))
        if name in ENDED and parse_version(call.microversion) > _LAST_ADDRESSES:
            raise gone()
        schema = SCHEMAS.get(name)
        if schema is not None:
            check(body, schema, relaxed=call.legacy_pods is not None)
        if not isinstance(value, dict):
            return await self._owner(call)
        server_id = call.parameters["server_id"]
        pod = await find(call, SERVER, server_id)
        if isinstance(pod, Response):
            return pod
        try:
            shown, ports = await asyncio.gather(
                call.fetch(call.target(pod, "GET", SERVER.show(server_id))), ports_of(call, server_id)
            )
            if not shown.ok:
                return await call.respond(shown)
            if not ports and schema is None:
                return await self._owner(call)
            response = await handler(call, value, OnServer(shown.part("server"), ports), self._owner)
            await _arrived(call, pod, ports)
            return response
        except Refused as error:
            raise refusal(error) from error
        except PodUnreachable as error:
            raise (away(error) if error.pod.is_central else error) from error

    @asynccontextmanager
    async def _around(self, call: Call, pod: Pod) -> AsyncIterator[None]:
        await unshelved_in_pod(call, pod)
        body = await call.json() or {}
        for name in NEEDED.keys() & body:
            for attribute, prepare in NEEDED[name]:
                if isinstance(value := body[name], dict):
                    await prepare(call, pod, value.get(attribute))
        async with followed(call, pod, call.parameters["server_id"]) if MOVING.intersection(body) else nullcontext():
            yield


async def _arrived(call: Call, pod: Pod, ports: list[JSON]) -> None:
    """Let a change of ports arrive in the pod of their server, which shows it from then on, as with one Nova."""
    keys = [Key(PORT, port["id"], pod.id) for port in ports]
    await asyncio.gather(*(settle(call, key, demand=True) for key in keys))


async def add_group(call: Call, value: JSON, server: OnServer, owner: Owner) -> Response:
    """Put a security group on all ports of a server (nova/network/security_group_api.py, `add_to_instance`)."""
    name = value.get("name")
    if not isinstance(name, str) or value.keys() != {"name"} or not name.strip():
        return await owner(call)
    group_id = await _group_id(call, name)
    for port in server.ports:
        has_address = port.get("fixed_ips") or port.get("ip_allocation") == "deferred"
        if not has_address or not port.get("port_security_enabled", True):
            raise ApiError(400, NO_GROUPS_THERE)
        groups = list(dict.fromkeys([*port.get("security_groups", ()), group_id]))
        document = await _update(call, port, {"security_groups": groups})
        if not document.ok:
            raise ApiError(document.status if document.status == 409 else 400, fault(document)[1])
    return call.marked(Response(202))


async def remove_group(call: Call, value: JSON, server: OnServer, owner: Owner) -> Response:
    """Take a security group off all ports of a server (`remove_from_instance`)."""
    name = value.get("name")
    if not isinstance(name, str) or value.keys() != {"name"} or not name.strip():
        return await owner(call)
    group_id = await _group_id(call, name)
    having = [port for port in server.ports if group_id in port.get("security_groups", ())]
    if not having:
        raise ApiError(404, f"Security group {name} not associated with the instance {server.id}")
    for port in having:
        rest = [known for known in port["security_groups"] if known != group_id]
        _require(await _update(call, port, {"security_groups": rest}))
    return call.marked(Response(202))


async def _group_id(call: Call, name: str) -> str:
    try:
        return await find_group(call, name)
    except LookupError as error:
        project_id = call.caller.project_id
        raise ApiError(404, f"Security group {name} is not found for project {project_id}") from error


async def add_address(call: Call, value: JSON, server: OnServer, owner: Owner) -> Response:
    """Give a server one more address on a network (nova/network/neutron.py, `add_fixed_ip_to_instance`)."""
    network_id = value.get("networkId")
    if not isinstance(network_id, str | int) or value.keys() != {"networkId"}:
        return await owner(call)
    there = [port for port in server.ports if port["network_id"] == network_id]
    if there:
        document = await ask(call, "/v2.0/subnets", [("network_id", str(network_id))])
        for subnet in _require(document).part("subnets"):
            fixed_ips = [*there[0]["fixed_ips"], {"subnet_id": subnet["id"]}]
            if (await _update(call, there[0], {"fixed_ips": fixed_ips})).ok:
                return call.marked(Response(202))
    raise ApiError(404, f"Network could not be found for instance {server.id}.")


async def remove_address(call: Call, value: JSON, server: OnServer, owner: Owner) -> Response:
    """Take an address from a server (`remove_fixed_ip_from_instance`)."""
    address = value.get("address")
    if not isinstance(address, str) or value.keys() != {"address"}:
        return await owner(call)
    for port in server.ports:
        rest = [fixed_ip for fixed_ip in port["fixed_ips"] if fixed_ip["ip_address"] != address]
        if len(rest) < len(port["fixed_ips"]):
            _require(await _update(call, port, {"fixed_ips": rest}))
            return call.marked(Response(202))
    raise ApiError(400, f"Instance {server.id} does not have fixed IP '{address}'.")


async def _update(call: Call, port: JSON, changes: dict[str, Any]) -> Document:
    """Change a port with the caller's rights."""
    path = f"/v2.0/ports/{quote(port['id'], safe='')}"
    target = call.target(central(call.gateway.conf), "PUT", path, service=NETWORK_SERVICE)
    return await call.fetch(target, {"port": changes})


def _require(document: Document) -> Document:
    if not document.ok:
        raise ApiError(document.status if document.status < 500 else 503, fault(document)[1])
    return document


# Actions that are done in central Neutron, where it has the networks.
HERE: Final = {
    "addFixedIp": add_address,
    "addFloatingIp": add_floating_ip,
    "addSecurityGroup": add_group,
    "removeFixedIp": remove_address,
    "removeFloatingIp": remove_floating_ip,
    "removeSecurityGroup": remove_group,
}
