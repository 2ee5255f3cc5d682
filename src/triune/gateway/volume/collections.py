"""The lists of the block storage API."""

from dataclasses import replace
from itertools import takewhile

from triune.gateway.collection import Collection
from triune.gateway.order import Parameters, volume_order
from triune.gateway.paging import SortKey
from triune.gateway.union import SharedCollection, links_of
from triune.pods.locate import (
    ATTACHMENT,
    BACKUP,
    CONSISTENCY_GROUP,
    GROUP,
    GROUP_SNAPSHOT,
    MESSAGE,
    SNAPSHOT,
    VOLUME,
    VOLUME_TRANSFER,
)

_FIELDS = {"display_name": "name", "display_description": "description", "project_id": "os-vol-tenant-attr:tenant_id"}
_ATTACHMENT_FIELDS = {
    "attach_status": "status",
    "instance_uuid": "instance",
    "attach_time": "attached_at",
    "detach_time": "detached_at",
}
_SHOWN_OF_ATTACHMENTS = frozenset({"id", "volume_id", "attach_mode", *_ATTACHMENT_FIELDS.values()})
_GROUP_FIELDS = {"group_type_id": "group_type"}


def _order(parameters: Parameters) -> list[SortKey]:
    return volume_order(parameters, _FIELDS)


def attachment_order(parameters: Parameters) -> list[SortKey]:
    """As far as attachments show what they are sorted by; from there on the pods stand one behind the other.

    They do not show when they were made, by which Cinder sorts where nothing else is asked for.
    """
    return list(takewhile(lambda key: key.field in _SHOWN_OF_ATTACHMENTS, volume_order(parameters, _ATTACHMENT_FIELDS)))


VOLUMES = Collection("volumes", "/v3/volumes/detail", VOLUME, _order)
# The short lists do not show what they are sorted by, so the pods are asked for the long ones.
BRIEF_VOLUMES = replace(VOLUMES, fields=("id", "name", "links"))

SNAPSHOTS = Collection("snapshots", "/v3/snapshots/detail", SNAPSHOT, _order)
BRIEF_SNAPSHOTS = replace(SNAPSHOTS, path="/v3/snapshots")

BACKUPS = Collection("backups", "/v3/backups/detail", BACKUP, _order)
BRIEF_BACKUPS = replace(BACKUPS, fields=("id", "name", "links"))

ATTACHMENTS = Collection("attachments", "/v3/attachments/detail", ATTACHMENT, attachment_order, is_linked=False)
BRIEF_ATTACHMENTS = replace(ATTACHMENTS, fields=("id", "status", "instance", "volume_id"))
MESSAGES = Collection("messages", "/v3/messages", MESSAGE, _order)

GROUPS = Collection(
    "groups",
    "/v3/groups/detail",
    GROUP,
    lambda parameters: volume_order(parameters, _GROUP_FIELDS),
    links="group_links",
)
BRIEF_GROUPS = replace(GROUPS, fields=("id", "name"))
GROUP_SNAPSHOTS = Collection(
    "group_snapshots",
    "/v3/group_snapshots/detail",
    GROUP_SNAPSHOT,
    lambda parameters: volume_order(parameters, {}),
    links="group_snapshot_links",
)
BRIEF_GROUP_SNAPSHOTS = replace(GROUP_SNAPSHOTS, fields=("id", "name"))
CONSISTENCY_GROUPS = Collection(
    "consistencygroups",
    "/v3/consistencygroups/detail",
    CONSISTENCY_GROUP,
    lambda parameters: volume_order(parameters, {}),
    links="consistencygroup_links",
)
BRIEF_CONSISTENCY_GROUPS = replace(CONSISTENCY_GROUPS, fields=("id", "name"))


TRANSFERS = Collection("transfers", "/v3/volume-transfers/detail", VOLUME_TRANSFER, _order)
BRIEF_TRANSFERS = replace(TRANSFERS, fields=("id", "volume_id", "name", "links"))


def _named(name: str, links: str) -> SharedCollection:
    """What has an id of its own in each pod; its name says which it is. None shows when it was made."""
    envelope, next_link = links_of(links)
    return SharedCollection(
        name=name,
        identity=lambda item: str(item["name"]),
        order=_order,
        envelope=envelope,
        next_link=next_link,
        marker=lambda item: str(item["id"]),
        has_offset=True,
    )


VOLUME_TYPES = _named("volume_types", "volume_type")
GROUP_TYPES = _named("group_types", "group_type")
QOS_SPECS = _named("qos_specs", "qos_specs")

# Cinder neither sorts nor pages these. The type of a project has an id of its own in each pod.
DEFAULT_TYPES = SharedCollection(
    name="default_types",
    identity=lambda default: str(default["project_id"]),
    order=lambda parameters: [],
    envelope=lambda first, following: {},
    next_link=lambda document: None,
    marker=lambda default: str(default["project_id"]),
)
