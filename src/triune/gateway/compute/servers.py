"""Servers: lists over all pods, and what may not be done with one because of where it is."""

from triune.gateway.call import Call
from triune.gateway.collection import Collection
from triune.gateway.order import server_order
from triune.gateway.place import require_same_pod
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


async def volume_in_same_pod(call: Call, pod: Pod) -> None:
    """Refuse to attach a volume of another pod. Raises `ApiError` 400 naming both zones."""
    attachment = (await call.json() or {}).get("volumeAttachment")
    volume_id = attachment.get("volumeId") if isinstance(attachment, dict) else None
    await require_same_pod(call, f"Server {call.parameters['server_id']}", pod, VOLUME, volume_id)
