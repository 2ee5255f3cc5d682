"""New volumes, snapshots, backups, transfers and groups: their source decides their pod."""

import base64
import copy
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.place import JSON, MAX_ANCHORS, anchors, create, ordered_candidates, require_same_pod, with_images
from triune.gateway.strategies import Anywhere
from triune.gateway.volume.types import group_type_name, type_name, with_types
from triune.pods.locate import (
    ATTACHMENT,
    BACKUP,
    CONSISTENCY_GROUP,
    CONSISTENCY_GROUP_SNAPSHOT,
    GROUP,
    GROUP_SNAPSHOT,
    SNAPSHOT,
    VOLUME,
    VOLUME_TRANSFER,
    Kind,
)
from triune.pods.registry import Pod


@dataclass(frozen=True, slots=True)
class Creation:
    """A kind of request that creates something.

    `body_key` is the object in the request, and `answer_key` that in the answer where it is another; `sources` names
    its fields that hold something of one pod; `has_zone` tells whether tenants name an availability zone. `names` gives
    those fields by name that may hold an id of another pod.
    """

    kind: Kind
    body_key: str
    sources: Mapping[str, Kind]
    has_zone: bool = False
    answer_key: str = ""
    names: Callable[[Call, JSON], Awaitable[JSON]] | None = None


async def _volume(call: Call, volume: JSON) -> JSON:
    return {"volume_type": await type_name(call, volume["volume_type"])} if "volume_type" in volume else {}


async def _group(call: Call, group: JSON) -> JSON:
    types = group.get("volume_types")
    named: JSON = {}
    if isinstance(types, list):
        named["volume_types"] = [await type_name(call, value) for value in types[:MAX_ANCHORS]] + types[MAX_ANCHORS:]
    if "group_type" in group:
        named["group_type"] = await group_type_name(call, group["group_type"])
    return named


async def _consistency_group(call: Call, group: JSON) -> JSON:
    """Its volume types are one text, with commas between them and perhaps behind."""
    types = group.get("volume_types")
    if not isinstance(types, str):
        return {}
    named = (await _group(call, {"volume_types": types.rstrip(",").split(",")}))["volume_types"]
    return {"volume_types": ",".join(named)}


VOLUMES = Creation(
    VOLUME,
    "volume",
    {
        "snapshot_id": SNAPSHOT,
        "source_volid": VOLUME,
        "backup_id": BACKUP,
        "group_id": GROUP,
        "consistencygroup_id": CONSISTENCY_GROUP,
    },
    has_zone=True,
    names=_volume,
)
SNAPSHOTS = Creation(SNAPSHOT, "snapshot", {"volume_id": VOLUME})
BACKUPS = Creation(BACKUP, "backup", {"volume_id": VOLUME, "snapshot_id": SNAPSHOT})
TRANSFERS = Creation(VOLUME_TRANSFER, "transfer", {"volume_id": VOLUME})
ATTACHMENTS = Creation(ATTACHMENT, "attachment", {"volume_uuid": VOLUME})
GROUPS = Creation(GROUP, "group", {}, has_zone=True, names=_group)
GROUPS_FROM = Creation(
    GROUP, "create-from-src", {"source_group_id": GROUP, "group_snapshot_id": GROUP_SNAPSHOT}, answer_key="group"
)
GROUP_SNAPSHOTS = Creation(GROUP_SNAPSHOT, "group_snapshot", {"group_id": GROUP})
CONSISTENCY_GROUPS = Creation(CONSISTENCY_GROUP, "consistencygroup", {}, has_zone=True, names=_consistency_group)
CONSISTENCY_GROUPS_FROM = Creation(
    CONSISTENCY_GROUP,
    "consistencygroup-from-src",
    {"source_cgid": CONSISTENCY_GROUP, "cgsnapshot_id": CONSISTENCY_GROUP_SNAPSHOT},
    answer_key="consistencygroup",
)
CONSISTENCY_GROUP_SNAPSHOTS = Creation(
    CONSISTENCY_GROUP_SNAPSHOT, "cgsnapshot", {"consistencygroup_id": CONSISTENCY_GROUP}
)


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
        named = await creation.names(call, wanted) if creation.names is not None else {}
        pods = await with_types(call, pods, named)

        async def prepare(pod: Pod) -> JSON:
            result = in_pod(body, creation, pod)
            result[creation.body_key].update(named)
            return result

        return await create(call, pods, creation.kind, creation.answer_key or creation.body_key, prepare)


class ImportRecord:
    """A backup of which only its record is left: it comes to the pod that has it, or has its volume.

    The same backup in two pods would be two resources of one id.
    """

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        wanted = (body or {}).get("backup-record")
        if body is None or not isinstance(wanted, dict):
            return await Anywhere()(call)
        record = read_record(wanted.get("backup_url"))
        needed = await anchors(call, [(BACKUP, record.get("id"))])
        needed = needed or await anchors(call, [(VOLUME, record.get("volume_id"))])
        pods = await ordered_candidates(call, needed[0].pod.az_name if needed else None, needed)

        async def prepare(_pod: Pod) -> JSON:
            return body

        return await create(call, pods, BACKUP, "backup", prepare)


def read_record(url: object) -> JSON:
    """What the record of a backup says; nothing where it is none.

    Source: cinder.objects.backup.Backup.encode_record.
    """
    try:
        record = json.loads(base64.b64decode(url, validate=True)) if isinstance(url, str) else {}
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def in_pod(body: JSON, creation: Creation, pod: Pod) -> JSON:
    """The request in the words of a pod: its own zone, or none so that it takes its default."""
    body = copy.deepcopy(body)
    if creation.has_zone:
        body[creation.body_key].pop("availability_zone", None)
        if pod.pod_az_name:
            body[creation.body_key]["availability_zone"] = pod.pod_az_name
    return body


async def volumes_in_same_pod(call: Call, pod: Pod) -> None:
    """Refuse to put volumes of another pod into a group. Raises `ApiError` 400 naming both zones."""
    for key, parameter in (("group", "group_id"), ("consistencygroup", "consistencygroup_id")):
        changed = (await call.json() or {}).get(key)
        added = changed.get("add_volumes") if isinstance(changed, dict) else None
        if isinstance(added, str) and parameter in call.parameters:
            for volume_id in added.split(",")[:MAX_ANCHORS]:
                await require_same_pod(call, f"Group {call.parameters[parameter]}", pod, VOLUME, volume_id.strip())


async def volume_in_same_pod(call: Call, pod: Pod) -> None:
    """Refuse to restore a backup into a volume of another pod. Raises `ApiError` 400 naming both zones."""
    restore = (await call.json() or {}).get("restore")
    volume_id = restore.get("volume_id") if isinstance(restore, dict) else None
    await require_same_pod(call, f"Backup {call.parameters['backup_id']}", pod, VOLUME, volume_id)
