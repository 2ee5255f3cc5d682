"""The block storage API: every operation and how it is answered.

Source: https://docs.openstack.org/api-ref/block-storage/v3. Reading what is not listed
goes to any pod, which answers natively.
"""

from triune.gateway.collect import Collect
from triune.gateway.common import Common, InAll
from triune.gateway.compute.zones import availability_zones
from triune.gateway.errors import volume_fault
from triune.gateway.gather import Gather
from triune.gateway.quotas import RemoveQuota, SetQuota, ShowQuota, show_defaults, show_limits
from triune.gateway.routes import ANY, Route
from triune.gateway.service import Microversions, Service
from triune.gateway.since import Since
from triune.gateway.strategies import Anywhere, Here, Owner
from triune.gateway.sum import Sum
from triune.gateway.volume import collections, groups, hosts, types
from triune.gateway.volume.actions import VolumeActions
from triune.gateway.volume.create import (
    ATTACHMENTS,
    BACKUPS,
    SNAPSHOTS,
    TRANSFERS,
    VOLUMES,
    CreateIn,
    ImportRecord,
    volume_in_same_pod,
)
from triune.gateway.volume.volume_quota import VOLUMES_USED, Extension, New
from triune.gateway.within import Within
from triune.pods.locate import ATTACHMENT, BACKUP, MESSAGE, SNAPSHOT, VOLUME, VOLUME_TRANSFER

# Before it paged them, Cinder took every parameter, a limit, too, for a filter. The old name has stayed so.
ALL_TRANSFERS = Collect("transfers")
# Cinder neither paged nor sorted them then: the newest are the first.
ALL_MESSAGES = Collect("messages", order=collections.MESSAGES.order([]))

ROUTES = (
    Route("GET", "/volumes", Gather(collections.BRIEF_VOLUMES)),
    Route("GET", "/volumes/detail", Gather(collections.VOLUMES)),
    Route("GET", "/volumes/summary", Sum("volume-summary")),
    Route("POST", "/volumes", Within(VOLUMES_USED, New("volume"), CreateIn(VOLUMES))),
    Route(
        "POST",
        "/volumes/{volume_id}/action",
        Within(VOLUMES_USED, Extension(), VolumeActions()),
    ),
    Route(ANY, "/volumes/{volume_id}/{rest:path}", Owner(VOLUME, "volume_id")),
    Route("GET", "/snapshots", Gather(collections.BRIEF_SNAPSHOTS)),
    Route("GET", "/snapshots/detail", Gather(collections.SNAPSHOTS)),
    Route("POST", "/snapshots", Within(VOLUMES_USED, New("snapshot"), CreateIn(SNAPSHOTS))),
    Route(ANY, "/snapshots/{snapshot_id}/{rest:path}", Owner(SNAPSHOT, "snapshot_id")),
    Route("GET", "/backups", Gather(collections.BRIEF_BACKUPS)),
    Route("GET", "/backups/detail", Gather(collections.BACKUPS)),
    Route("POST", "/backups", Within(VOLUMES_USED, New("backup"), CreateIn(BACKUPS))),
    Route("POST", "/backups/import_record", ImportRecord()),
    Route("POST", "/backups/{backup_id}/restore", Owner(BACKUP, "backup_id", check=volume_in_same_pod)),
    Route(ANY, "/backups/{backup_id}/{rest:path}", Owner(BACKUP, "backup_id")),
    Route("GET", "/volume-transfers", Since("3.59", Gather(collections.BRIEF_TRANSFERS), ALL_TRANSFERS)),
    Route("GET", "/volume-transfers/detail", Since("3.59", Gather(collections.TRANSFERS), ALL_TRANSFERS)),
    Route("GET", "/os-volume-transfer", ALL_TRANSFERS),
    Route("GET", "/os-volume-transfer/detail", ALL_TRANSFERS),
    *(
        route
        for name in ("volume-transfers", "os-volume-transfer")
        for route in (
            Route("POST", f"/{name}", CreateIn(TRANSFERS)),
            # Whoever accepts a transfer does not see it; the pod that knows it takes the key.
            Route("POST", f"/{name}/{{transfer_id}}/accept", Anywhere()),
            Route(ANY, f"/{name}/{{transfer_id}}/{{rest:path}}", Owner(VOLUME_TRANSFER, "transfer_id")),
        )
    ),
    Route("GET", "/attachments", Gather(collections.BRIEF_ATTACHMENTS)),
    Route("GET", "/attachments/detail", Gather(collections.ATTACHMENTS)),
    Route("POST", "/attachments", CreateIn(ATTACHMENTS)),
    Route(ANY, "/attachments/{attachment_id}/{rest:path}", Owner(ATTACHMENT, "attachment_id")),
    Route("GET", "/messages", Since("3.5", Gather(collections.MESSAGES), ALL_MESSAGES)),
    Route("GET DELETE", "/messages/{message_id}", Owner(MESSAGE, "message_id")),
    *types.ROUTES,
    Route("GET", "/os-availability-zone", Here(availability_zones)),
    Route("GET", "/limits", Here(show_limits)),
    Route("GET", "/extensions", Common("extensions", "alias")),
    Route("GET", "/extensions/{alias}", InAll()),
    Route("GET", "/resource_filters", Common("resource_filters", "resource", "filters")),
    *groups.ROUTES,
    *hosts.ROUTES,
    Route("GET", "/os-quota-sets/{project_id}", ShowQuota()),
    Route("GET", "/os-quota-sets/{project_id}/defaults", Here(show_defaults)),
    Route("PUT", "/os-quota-sets/{project_id}", SetQuota()),
    Route("DELETE", "/os-quota-sets/{project_id}", RemoveQuota()),
    Route("GET", "/os-quota-class-sets/{quota_class}", ShowQuota()),
    Route("PUT", "/os-quota-class-sets/{quota_class}", SetQuota()),
)

VOLUME_SERVICE = Service(
    name="volume",
    prefix="/volume",
    version="v3",
    fault=volume_fault,
    routes=ROUTES,
    microversions=Microversions("volume", default="3.0"),
    guarded_documents=("/v3/",),
)
