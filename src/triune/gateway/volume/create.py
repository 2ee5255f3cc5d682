"""New volumes, snapshots, backups and transfers: their source decides their pod."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.place import JSON, anchors, create, ordered_candidates, require_same_pod, with_images
from triune.gateway.strategies import Anywhere
from triune.gateway.volume.types import type_name
from triune.pods.locate import (
    ATTACHMENT,
    BACKUP,
    GROUP,
    SNAPSHOT,
    VOLUME,
    VOLUME_TRANSFER,
    Kind,
)
from triune.pods.registry import Pod


@dataclass(frozen=True, slots=True)
class Creation:
    """A kind of request that creates something.

    `body_key` is the object in the request; `sources` names its fields that hold something of one pod; `has_zone`
    tells whether tenants name an availability zone.
    """

    kind: Kind
    body_key: str
    sources: Mapping[str, Kind]
    has_zone: bool = False


VOLUMES = Creation(
    VOLUME,
    "volume",
    {
        "snapshot_id": SNAPSHOT,
        "source_volid": VOLUME,
        "backup_id": BACKUP,
        "group_id": GROUP,
    },
    has_zone=True,
)
SNAPSHOTS = Creation(SNAPSHOT, "snapshot", {"volume_id": VOLUME})
BACKUPS = Creation(BACKUP, "backup", {"volume_id": VOLUME, "snapshot_id": SNAPSHOT})
TRANSFERS = Creation(VOLUME_TRANSFER, "transfer", {"volume_id": VOLUME})
ATTACHMENTS = Creation(ATTACHMENT, "attachment", {"volume_uuid": VOLUME})


class CreateIn:
    """A POST that creates something in the pod of its source, or of the zone that is named."""

    def __init__(self, creation: Creation) -> None:
        self._creation = creation

    async def __call__(self, call: Call) -> Response:
        creation = self._creation
        body = await call.json()
        wanted = (body or {}).get(creation.body_key)
        if body is None or not isinstance(wanted, dict):
            return await Anywhere()(call)
        zone = wanted.get("availability_zone") if creation.has_zone else None
        needed = await anchors(call, [(kind, wanted.get(name)) for name, kind in creation.sources.items()])
        pods = await ordered_candidates(call, zone if isinstance(zone, str) and zone else None, needed)
        pods = await with_images(call, pods, [wanted.get("imageRef") or wanted.get("image_id")])
        named_type = await type_name(call, wanted.get("volume_type"))

        async def prepare(pod: Pod) -> JSON:
            result = in_pod(body, creation, pod)
            wanted = result[creation.body_key]
            if "volume_type" in wanted:
                wanted["volume_type"] = named_type
            return result

        return await create(call, pods, creation.kind, creation.body_key, prepare)


def in_pod(body: JSON, creation: Creation, pod: Pod) -> JSON:
    """The request in the words of a pod: its own zone, or none so that it takes its default."""
    body = copy.deepcopy(body)
    if creation.has_zone:
        body[creation.body_key].pop("availability_zone", None)
        if pod.pod_az_name:
            body[creation.body_key]["availability_zone"] = pod.pod_az_name
    return body


async def volume_in_same_pod(call: Call, pod: Pod) -> None:
    """Refuse to restore a backup into a volume of another pod. Raises `ApiError` 400 naming both zones."""
    restore = (await call.json() or {}).get("restore")
    volume_id = restore.get("volume_id") if isinstance(restore, dict) else None
    await require_same_pod(call, f"Backup {call.parameters['backup_id']}", pod, VOLUME, volume_id)
