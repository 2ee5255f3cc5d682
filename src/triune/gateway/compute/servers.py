"""Servers: lists over all pods, and what may not be done with one because of where it is."""

from triune.gateway.call import Call, encode
from triune.gateway.collection import Collection
from triune.gateway.errors import ApiError
from triune.gateway.order import server_order
from triune.gateway.place import UNKNOWN_ZONE, require_same_pod
from triune.pods.locate import SERVER, VOLUME
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
