"""New servers: what they need decides their pod, which is prepared and gets the request."""

import asyncio
import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from triune.gateway.call import Call
from triune.gateway.compute.boot import Boot, with_groups
from triune.gateway.compute.destination import at_destination, destination, near_servers, same_hosts
from triune.gateway.compute.legacy import known
from triune.gateway.compute.networks import Resolved, allocated, away, has_networks, resolve, unknown
from triune.gateway.compute.prepare import prepare_flavor, prepare_keypair
from triune.gateway.compute.requested import DESCRIBED, EXPLICIT, Malformed, Requested, requested
from triune.gateway.compute.scheduling import Scheduling
from triune.gateway.compute.server_group_members import Joining, joining
from triune.gateway.http import Response
from triune.gateway.place import JSON, MAX_ANCHORS, anchors, create, ordered_candidates, with_images
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere
from triune.gateway.volume.types import type_name
from triune.network.presence import Presence, allowed
from triune.pods.client import PodUnreachable
from triune.pods.locate import NETWORK, PORT, SERVER, SNAPSHOT, VOLUME, Kind, is_uuid
from triune.pods.placement import Limit
from triune.pods.registry import Pod

# Where the disks of a request may have tags: here, and again from there on.
ONCE_WITH_TAGS = (2, 32)
DISKS_WITH_TAGS = (2, 42)


class CreateServer:
    """Choose a pod, see that it has the flavor, the keypair and the networks, pass the request on."""

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        server = (body or {}).get("server")
        if body is None or not isinstance(server, dict):
            return await Anywhere()(call)
        body = await with_type_names(call, body)
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
                await _candidates(call, body, group, needs(body, {**server, "networks": []}))
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
    if call.legacy_pods is not None:
        # Some of it is said in a microversion that refuses what it does not know.
        body = known(body)
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
        # Disks have tags in one microversion of these, which has to be a later one than others.
        newer = DISKS_WITH_TAGS if parse_version(call.microversion) == ONCE_WITH_TAGS else EXPLICIT
        newer_call = replace(call, microversion=".".join(map(str, newer)))
        response = call.marked(
            await _in_pod_alone(newer_call, {**body, "server": {**named, "networks": "none"}}, group)
        )
    return with_groups(response, server)


async def _in_pod_alone(call: Call, body: JSON, group: Joining) -> Response:
    """A server that is its pod's own affair, with networks that only the pod knows or none."""
    server = body["server"]
    pods = await _candidates(call, body, group, needs(body, server))

    async def prepare(pod: Pod) -> JSON:
        await prepare_flavor(call, pod, server.get("flavorRef"))
        await prepare_keypair(call, pod, server.get("key_name"))
        return await group.in_pod(pod, await in_pod(call, body, pod))

    scheduling = Scheduling(call, several="min_count" in server or "max_count" in server)
    return await create(call, pods, SERVER, "server", prepare, scheduling.passes_over)


async def _candidates(
    call: Call, body: JSON, group: Joining, needed: Iterable[tuple[Kind, Any]], limits: Iterable[Limit] = ()
) -> list[Pod]:
    """The pods that a server may be in, the best first. Raises `ApiError`."""
    server = body["server"]
    (zone, hosts), near, found = await asyncio.gather(
        at_destination(call, destination(server, call.microversion)),
        near_servers(call, same_hosts(body)),
        anchors(call, needed),
    )
    flavor_id, boots_from_volume = flavor_of(server.get("flavorRef")), has_root_volume(server)

    async def room(pods: Sequence[Pod]) -> Mapping[str, bool]:
        return await call.gateway.capacity.of(pods, flavor_id, boots_from_volume) if flavor_id else {}

    there = [*found, *group.anchors()]
    pods = group.ordered(await ordered_candidates(call, zone, there, [*limits, *hosts, *near], body, room))
    return await with_images(call, pods, images(server))


async def _on_networks(call: Call, body: JSON, group: Joining, wanted: Requested, resolved: Resolved) -> Response:
    """A server on networks of central Neutron, perhaps on some of its pod's own besides."""
    server = body["server"]
    networks = {interface.network["id"]: interface.network for interface in resolved.of_top}
    named = {**server, "networks": [{"uuid": nic.network_id, "port": nic.port_id} for nic in resolved.of_pod]}
    present, _ = await asyncio.gather(
        Presence(call.gateway.database).of_networks(networks), _require_known(call, resolved)
    )
    pods = await call.gateway.registry.pods()
    limits = [_limit(network, pods, present[network_id]) for network_id, network in networks.items()]
    chosen = await _candidates(call, body, group, needs(body, named), limits)

    async def prepare(pod: Pod) -> JSON:
        await asyncio.gather(
            prepare_flavor(call, pod, server.get("flavorRef")), prepare_keypair(call, pod, server.get("key_name"))
        )
        return await group.in_pod(pod, await in_pod(call, body, pod))

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


async def in_pod(call: Call, body: JSON, pod: Pod) -> JSON:
    """The request in the words of a pod: its own zone, or none so that it takes its default; a host stays.

    Nova keeps a server in the zone that a request names, so one that names none at the top names none there, unless
    the pod's entry says which.
    """
    body = copy.deepcopy(body)
    server = body["server"]
    zone = server.get("availability_zone")
    if "availability_zone" in server and not (isinstance(zone, str) and zone):
        # The pod's to refuse.
        return body
    wanted = destination(server, None)
    server.pop("availability_zone", None)
    own = await call.gateway.own_zones.of(pod) if wanted.zone else pod.pod_az_name
    if own or wanted.rest:
        server["availability_zone"] = f"{own}{wanted.rest}"
    return body


async def with_type_names(call: Call, body: JSON) -> JSON:
    """The request with the names of volume types in place of their ids, which are each pod's own. Raises `ApiError`."""
    devices = body["server"].get("block_device_mapping_v2")
    types = (each.get("volume_type") for each in _objects(body["server"], "block_device_mapping_v2"))
    wanted = list(dict.fromkeys(each for each in types if isinstance(each, str) and is_uuid(each)))[:MAX_ANCHORS]
    if not wanted:
        return body
    names = dict(zip(wanted, await asyncio.gather(*(type_name(call, each) for each in wanted)), strict=True))
    named = [
        {**each, "volume_type": names.get(each["volume_type"], each["volume_type"])}
        if isinstance(each, dict) and isinstance(each.get("volume_type"), str)
        else each
        for each in devices
    ]
    return {**body, "server": {**body["server"], "block_device_mapping_v2": named}}


def flavor_of(reference: Any) -> str:
    """The id of a flavor as Nova takes it, an id or a URL that ends in one; empty for what is neither."""
    if not isinstance(reference, str | int) or isinstance(reference, bool):
        return ""
    return str(reference).rstrip("/").rpartition("/")[2]


def has_root_volume(server: JSON) -> bool:
    """Whether a server boots from a volume, which takes no disk of its host."""
    for device in _objects(server, "block_device_mapping_v2"):
        if device.get("boot_index") in (0, "0"):
            return bool(device.get("destination_type") == "volume" or device.get("source_type") == "volume")
    return not server.get("imageRef") and any(True for _ in _objects(server, "block_device_mapping"))


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
