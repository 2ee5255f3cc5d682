"""Servers: lists over all pods, and choosing the pod of a new one."""

import copy
from collections.abc import Iterator
from typing import Any

from triune.gateway.call import Call, encode
from triune.gateway.compute.prepare import prepare_flavor, prepare_keypair
from triune.gateway.errors import ApiError
from triune.gateway.gather import Collection
from triune.gateway.http import Response
from triune.gateway.order import server_order
from triune.gateway.place import JSON, UNKNOWN_ZONE, anchors, create, ordered_candidates, require_same_pod, with_images
from triune.gateway.strategies import Anywhere
from triune.pods.locate import NETWORK, PORT, SERVER, SERVER_GROUP, SNAPSHOT, VOLUME, Kind
from triune.pods.registry import Pod

# Nova's sort keys and the fields of `GET /servers/detail` that show them.
_FIELDS = {
    "access_ip_v4": "accessIPv4",
    "access_ip_v6": "accessIPv6",
    "availability_zone": "OS-EXT-AZ:availability_zone",
    "created_at": "created",
    "display_description": "description",
    "display_name": "name",
    "host": "OS-EXT-SRV-ATTR:host",
    "hostname": "OS-EXT-SRV-ATTR:hostname",
    "kernel_id": "OS-EXT-SRV-ATTR:kernel_id",
    "launch_index": "OS-EXT-SRV-ATTR:launch_index",
    "launched_at": "OS-SRV-USG:launched_at",
    "node": "OS-EXT-SRV-ATTR:hypervisor_hostname",
    "power_state": "OS-EXT-STS:power_state",
    "project_id": "tenant_id",
    "ramdisk_id": "OS-EXT-SRV-ATTR:ramdisk_id",
    "root_device_name": "OS-EXT-SRV-ATTR:root_device_name",
    "task_state": "OS-EXT-STS:task_state",
    "terminated_at": "OS-SRV-USG:terminated_at",
    "updated_at": "updated",
    "uuid": "id",
    "vm_state": "OS-EXT-STS:vm_state",
}

SERVERS = Collection(
    name="servers",
    path="/v2.1/servers/detail",
    kind=SERVER,
    order=lambda parameters: server_order(parameters, _FIELDS),
    down_since=(2, 69),
)

# The short list does not show what it is sorted by, so the pods are asked for the long one.
BRIEF_SERVERS = Collection(
    name="servers",
    path="/v2.1/servers/detail",
    kind=SERVER,
    order=SERVERS.order,
    fields=("id", "name", "links"),
    down_since=(2, 69),
)


class CreateServer:
    """`POST /servers`: choose the pod, see that it has the flavor and the keypair, pass the request on."""

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        server = (body or {}).get("server")
        if body is None or not isinstance(server, dict):
            return await Anywhere()(call)
        zone, host = split_zone(server.get("availability_zone"))
        needed = await anchors(call, needs(body, server))
        pods = await ordered_candidates(call, zone, needed)
        pods = await with_images(call, pods, images(server))

        async def prepare(pod: Pod) -> JSON:
            await prepare_flavor(call, pod, server.get("flavorRef"))
            await prepare_keypair(call, pod, server.get("key_name"))
            return in_pod(body, pod, host)

        return await create(call, pods, SERVER, "server", prepare)


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
    for name in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        hints = body.get(name)
        if isinstance(hints, dict):
            yield SERVER_GROUP, hints.get("group")


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


async def zone_of_pod(call: Call, pod: Pod) -> None:
    """Put the zone in which a server is to be unshelved (2.77) in the words of its pod.

    Raises `ApiError` 400 for another zone: a server does not leave its pod.
    """
    body = await call.json()
    unshelve = (body or {}).get("unshelve")
    zone = unshelve.get("availability_zone") if isinstance(unshelve, dict) else None
    if body is None or not isinstance(unshelve, dict) or not isinstance(zone, str):
        return
    if zone != pod.az_name:
        raise ApiError(400, UNKNOWN_ZONE["compute"])
    rest = {name: value for name, value in unshelve.items() if name != "availability_zone"}
    if pod.pod_az_name:
        rest["availability_zone"] = pod.pod_az_name
    call.request.replace_body(encode({**body, "unshelve": rest or None}))


async def volume_in_same_pod(call: Call, pod: Pod) -> None:
    """Refuse to attach a volume of another pod. Raises `ApiError` 400 naming both zones."""
    attachment = (await call.json() or {}).get("volumeAttachment")
    volume_id = attachment.get("volumeId") if isinstance(attachment, dict) else None
    await require_same_pod(call, f"Server {call.parameters['server_id']}", pod, VOLUME, volume_id)
