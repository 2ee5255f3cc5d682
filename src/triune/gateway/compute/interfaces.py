"""Interfaces of servers: those on networks of central Neutron are known by the ids of the top."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import msgspec

from triune.gateway.call import Call, quoted
from triune.gateway.compute.attempt import Attempt
from triune.gateway.compute.follow import followed
from triune.gateway.compute.networks import Interface, Refusal, Resolved, ask, away, has_networks, resolve
from triune.gateway.compute.ports import BootPorts
from triune.gateway.compute.requested import Malformed, Requested, interface
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.gateway.place import JSON
from triune.gateway.strategies import Owner, find
from triune.gateway.written import written
from triune.network.names import PORT
from triune.network.port_twins import twins
from triune.network.presence import Presence, allowed
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SERVER
from triune.pods.registry import Pod

_OWNER = Owner(SERVER, "server_id")
Strategy = Callable[[Call], Awaitable[Response]]


async def ports_of(call: Call, server_id: str) -> list[JSON]:
    """The ports of a server in central Neutron, as the caller sees them. Raises `PodUnreachable`, `ApiError`."""
    return await _ports(call, [("device_id", server_id)])


async def _ports(call: Call, filters: Iterable[tuple[str, str]]) -> list[JSON]:
    document = await ask(call, "/v2.0/ports", filters)
    if not document.ok:
        raise ApiError(503, f"The network service answers HTTP {document.status}.")
    ports: list[JSON] = document.part("ports")
    return ports


class Interfaces:
    """`/servers/{server_id}/os-interface` and what is below it."""

    async def __call__(self, call: Call) -> Response:
        if not await has_networks(call):
            return await _OWNER(call)
        try:
            if "port_id" in call.parameters:
                return await self._one(call)
            if call.request.method == "POST":
                return await attach(call)
            return await self._all(call)
        except PodUnreachable as error:
            raise (away(error) if error.pod.is_central else error) from error

    async def _all(self, call: Call) -> Response:
        response, ports = await asyncio.gather(_OWNER(call), ports_of(call, call.parameters["server_id"]))
        return await _shown(call, response, ports)

    async def _one(self, call: Call) -> Response:
        """Show or detach the interface of a port."""
        server_id, port_id = call.parameters["server_id"], call.parameters["port_id"]
        pod = await find(call, SERVER, server_id)
        if isinstance(pod, Response):
            return pod
        twin_id = await twin_of(call, pod, port_id)
        if twin_id is None:
            if await call.gateway.routings.twins(PORT, [port_id.lower()]):
                raise ApiError(404, f"Port id {port_id} could not be found.")
            return await _OWNER(call)
        path = f"/servers/{quoted(server_id)}/os-interface/{twin_id}"
        async with followed(call, pod, server_id) if call.request.method == "DELETE" else nullcontext():
            response = await _OWNER(replace(call, path=path))
        if response.status >= 400:
            return with_bytes(response, twin_id, port_id)
        if call.request.method == "DELETE":
            # It is done, and there is nothing to be told that would have to be looked up.
            return response
        return await _shown(call, response, await _ports(call, [("id", port_id)]))


async def twin_of(call: Call, pod: Pod, port_id: str) -> str | None:
    """The id that a port of central Neutron has in a pod; None for one that central Neutron does not know."""
    gateway = call.gateway
    known = await gateway.routings.bottom(PORT, port_id, pod.id)
    if known is not None:
        return known if known != port_id else None
    ports = await _ports(call, [("id", port_id)])
    found = await twins(gateway.service_user, pod, ports)
    return str(found[port_id]["id"]) if port_id in found else None


async def attach(call: Call) -> Response:
    """Give a server one more interface."""
    body, server_id = await call.json(), call.parameters["server_id"]
    pod = await find(call, SERVER, server_id)
    if isinstance(pod, Response):
        return pod
    try:
        attachment = (body or {}).get("interfaceAttachment", {}) if body is not None else None
        nic = interface(attachment, call.microversion)
    except Malformed:
        return await _OWNER(call)
    named = nic is not None and (nic.network_id or nic.port_id)
    shown = await call.fetch(call.target(pod, "GET", SERVER.show(server_id)))
    if not shown.ok:
        return await call.respond(shown)
    # Whoever asks, the server's project gets it.
    project_id = shown.part("server").get("tenant_id")
    resolved = await _resolved(call, Requested((nic,) if nic is not None and named else None), project_id)
    if resolved.is_of_pod:
        return await _OWNER(call)
    if not resolved.of_top:
        raise ApiError(400, f"No specific network was requested and none are available for project '{project_id}'.")
    await _require_there(call, resolved.of_top[0], pod, server_id)
    ports = BootPorts(call, resolved.of_top, (), project_id)
    tag = {"tag": nic.tag} if nic is not None and nic.tag is not None else {}

    async def prepare(_pod: Pod) -> JSON:
        return {}

    async def send(pod: Pod, _body: JSON) -> Document:
        (twin_id,) = ports.twin_ids()
        return await call.fetch(call.target(pod), {"interfaceAttachment": {"port_id": twin_id, **tag}})

    try:
        document = await Attempt(call, ports, prepare, send, lambda _document: server_id, settles=True).run([pod])
    except Refusal as error:
        raise ApiError(error.attaching, error.message) from error
    return await _shown(call, await call.respond(document), ports.tops())


async def _resolved(call: Call, wanted: Requested, project_id: str | None) -> Resolved:
    try:
        return await resolve(call, wanted, project_id)
    except Refusal as error:
        raise ApiError(error.attaching, error.message) from error


async def _require_there(call: Call, wanted: Interface, pod: Pod, server_id: str) -> None:
    """Refuse a network that cannot be where the server is. Raises `ApiError` 400."""
    network = wanted.network
    present = await Presence(call.gateway.database).of_networks([network["id"]])
    pods = await call.gateway.registry.pods()
    if pod.id not in allowed(network, pods, present[network["id"]]):
        raise ApiError(
            400, f"Network {network['id']} cannot be in availability zone {pod.az_name}, where server {server_id} is."
        )


# -- words


async def _shown(call: Call, response: Response, ports: list[JSON]) -> Response:
    """An answer of a pod that shows interfaces, with the ids of the top."""
    if response.status >= 300 or not isinstance(response.body, bytes) or not response.body:
        return response
    body = msgspec.json.decode(response.body)
    shown = body.get("interfaceAttachments", [body["interfaceAttachment"]] if "interfaceAttachment" in body else [])
    missing = [item for item in shown if match(item, ports) is None]
    if missing:
        # On their way to the server, or the pod's own.
        pod = await find(call, SERVER, call.parameters["server_id"])
        if isinstance(pod, Pod):
            known = await call.gateway.routings.tops(PORT, pod.id, [item["port_id"] for item in missing])
            if known:
                ports = [*ports, *await _ports(call, [("id", port_id) for port_id in known.values()])]
    for item in shown:
        if (port := match(item, ports)) is not None:
            item |= translated(item, port)
    response.body = written(body)
    response.headers.popall("Content-Length", None)
    return response


def match(item: JSON, ports: Iterable[JSON]) -> JSON | None:
    """The port at the top of an interface that a pod shows: they have the same MAC, and the same addresses."""
    same = [port for port in ports if port["mac_address"].lower() == str(item.get("mac_addr", "")).lower()]
    addresses = _addresses(item)
    return next((port for port in same if _addresses(port) == addresses), same[0] if same else None)


def _addresses(item: JSON) -> set[str]:
    return {fixed_ip.get("ip_address") for fixed_ip in item.get("fixed_ips") or ()}


def translated(item: JSON, port: JSON) -> JSON:
    """What of an interface is told in the words of the top."""
    subnets = {fixed_ip["ip_address"]: fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]}
    fixed_ips: Any = item.get("fixed_ips")
    if isinstance(fixed_ips, list):
        fixed_ips = [
            {**fixed_ip, "subnet_id": subnets.get(fixed_ip["ip_address"], fixed_ip["subnet_id"])}
            for fixed_ip in fixed_ips
        ]
    return {"port_id": port["id"], "net_id": port["network_id"], "fixed_ips": fixed_ips}


def with_bytes(response: Response, bottom_id: str, top_id: str) -> Response:
    """A pod's refusal with the id that the caller knows."""
    if isinstance(response.body, bytes):
        response.body = response.body.replace(bottom_id.encode(), top_id.encode())
        response.headers.popall("Content-Length", None)
    return response
