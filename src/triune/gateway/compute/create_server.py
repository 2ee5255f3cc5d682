"""New servers: what they need decides their pod, which is prepared and gets the request."""

import asyncio
import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from triune.gateway.call import Call
from triune.gateway.compute.boot import Boot, with_groups
from triune.gateway.compute.networks import Resolved, allocated, away, has_networks, resolve, unknown
from triune.gateway.compute.prepare import prepare_flavor, prepare_keypair
from triune.gateway.compute.requested import DESCRIBED, EXPLICIT, Malformed, Requested, requested
from triune.gateway.compute.server_group_members import Joining, joining
from triune.gateway.http import Response
from triune.gateway.place import JSON, anchors, create, ordered_candidates, with_images
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere
from triune.network.presence import Presence, allowed
from triune.pods.client import PodUnreachable
from triune.pods.locate import NETWORK, PORT, SERVER, SNAPSHOT, VOLUME, Kind
from triune.pods.placement import Limit
from triune.pods.registry import Pod


class CreateServer:
    """Choose a pod, see that it has the flavor, the keypair and the networks, pass the request on."""

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        server = (body or {}).get("server")
        if body is None or not isinstance(server, dict):
            return await Anywhere()(call)
        async with joining(call, body) as group:
            return group.told(await self._create(call, body, group))

    async def _create(self, call: Call, body: JSON, group: Joining) -> Response:
        server = body["server"]
        try:
            if not await has_networks(call):
                return await _in_pod_alone(call, body, group)
            wanted = requested(server, call.microversion)
            resolved = await resolve(call, wanted, call.caller.project_id)
            if resolved.allocates:
                # What can be in no pod is refused before a network is made for it.
                await _candidates(call, server, group, needs(body, {**server, "networks": []}))
                resolved = await allocated(call, resolved, call.caller.project_id)
            if resolved.of_top:
                return await _on_networks(call, body, group, wanted, resolved)
            if resolved.is_of_pod:
                return await _in_pod_alone(call, body, group)
            return await _without_networks(call, body, group)
        except Malformed:
            # The pod refuses it in its own words.
            return await _in_pod_alone(call, body, group)
        except PodUnreachable as error:
            raise (away(error) if error.pod.is_central else error) from error


async def _without_networks(call: Call, body: JSON, group: Joining) -> Response:
    """A server with no network: the pod must not choose one of its own, nor look for the top's security groups."""
    server = body["server"]
    named = {name: value for name, value in server.items() if name != "security_groups"}
    if server.get("networks") == "none":
        response = await _in_pod_alone(call, {**body, "server": named}, group)
    elif parse_version(call.microversion) >= EXPLICIT:
        response = await _in_pod_alone(call, {**body, "server": {**named, "networks": "none"}}, group)
    else:
        if parse_version(call.microversion) < DESCRIBED:
            # What Nova does where nobody can say it.
            named.setdefault("description", server["name"])
        newer = replace(call, microversion=".".join(map(str, EXPLICIT)))
        response = call.marked(await _in_pod_alone(newer, {**body, "server": {**named, "networks": "none"}}, group))
    return with_groups(response, server)


async def _in_pod_alone(call: Call, body: JSON, group: Joining) -> Response:
    """A server that is its pod's own affair, with networks that only the pod knows or none."""
    server = body["server"]
    _, host = split_zone(server.get("availability_zone"))
    pods = await _candidates(call, server, group, needs(body, server))

    async def prepare(pod: Pod) -> JSON:
        await prepare_flavor(call, pod, server.get("flavorRef"))
        await prepare_keypair(call, pod, server.get("key_name"))
        return await group.in_pod(pod, in_pod(body, pod, host))

    return await create(call, pods, SERVER, "server", prepare)


async def _candidates(
    call: Call, server: JSON, group: Joining, needed: Iterable[tuple[Kind, Any]], limits: Iterable[Limit] = ()
) -> list[Pod]:
    """The pods that a server may be in, the best first. Raises `ApiError`."""
    zone, _ = split_zone(server.get("availability_zone"))
    there = [*await anchors(call, needed), *group.anchors()]
    pods = group.ordered(await ordered_candidates(call, zone, there, limits))
    return await with_images(call, pods, images(server))


async def _on_networks(call: Call, body: JSON, group: Joining, wanted: Requested, resolved: Resolved) -> Response:
    """A server on networks of central Neutron, perhaps on some of its pod's own besides."""
    server = body["server"]
    _, host = split_zone(server.get("availability_zone"))
    networks = {interface.network["id"]: interface.network for interface in resolved.of_top}
    named = {**server, "networks": [{"uuid": nic.network_id, "port": nic.port_id} for nic in resolved.of_pod]}
    present, _ = await asyncio.gather(
        Presence(call.gateway.database).of_networks(networks), _require_known(call, resolved)
    )
    pods = await call.gateway.registry.pods()
    limits = [_limit(network, pods, present[network_id]) for network_id, network in networks.items()]
    chosen = await _candidates(call, server, group, needs(body, named), limits)

    async def prepare(pod: Pod) -> JSON:
        await asyncio.gather(
            prepare_flavor(call, pod, server.get("flavorRef")), prepare_keypair(call, pod, server.get("key_name"))
        )
        return await group.in_pod(pod, in_pod(body, pod, host))

    return await Boot(call, body, wanted, resolved, prepare).in_one_of(chosen)


def _limit(network: JSON, pods: Iterable[Pod], present: Iterable[str]) -> Limit:
    """The pods that a network allows."""
    there = allowed(network, pods, present)
    kept = "" if there == allowed(network, pods, ()) else ", whose type keeps it in one region,"
    return Limit(f"Network {network['id']}{kept}", there)


async def _require_known(call: Call, resolved: Resolved) -> None:
    """Refuse what neither central Neutron nor a pod has. Raises `ApiError`."""
    for nic in resolved.of_pod:
        if not await anchors(call, [(PORT, nic.port_id), (NETWORK, nic.network_id)]):
            raise unknown(nic)


def split_zone(value: Any) -> tuple[str | None, str]:
    """An availability zone as Nova takes it, `zone[:host[:node]]`, as the zone and the rest with its colon."""
    if not isinstance(value, str) or not value:
        return None, ""
    zone, colon, host = value.partition(":")
    return zone or None, colon + host


def in_pod(body: JSON, pod: Pod, host: str) -> JSON:
    """The request in the words of a pod: its own zone, or none so that it takes its default."""
    body = copy.deepcopy(body)
    server = body["server"]
    server.pop("availability_zone", None)
    if pod.pod_az_name or host:
        server["availability_zone"] = f"{pod.pod_az_name}{host}"
    return body


def needs(body: JSON, server: JSON) -> Iterator[tuple[Kind, Any]]:
    """What a new server needs that lives in one pod."""
    for network in _objects(server, "networks"):
        yield NETWORK, network.get("uuid")
        yield PORT, network.get("port")
    for device in _objects(server, "block_device_mapping_v2"):
        kind = {"volume": VOLUME, "snapshot": SNAPSHOT}.get(str(device.get("source_type")))
        if kind is not None:
            yield kind, device.get("uuid")
    for device in _objects(server, "block_device_mapping"):
        yield VOLUME, device.get("volume_id")
        yield SNAPSHOT, device.get("snapshot_id")


def images(server: JSON) -> Iterator[Any]:
    """The images that a new server is made of: its own, and those that volumes are made of."""
    yield server.get("imageRef")
    for device in _objects(server, "block_device_mapping_v2"):
        if device.get("source_type") == "image":
            yield device.get("uuid")


def _objects(server: JSON, name: str) -> Iterator[JSON]:
    """The objects of a list in the request; what is of another type is left to the pod to refuse."""
    items = server.get(name)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
