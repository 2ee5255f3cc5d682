"""The block storage API: every operation and how it is answered.

Source: https://docs.openstack.org/api-ref/block-storage/v3. Reading what is not listed
goes to any pod, which answers natively.
"""

from triune.gateway.collect import Collect
from triune.gateway.compute.zones import availability_zones
from triune.gateway.errors import volume_fault
from triune.gateway.gather import Gather
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
from triune.pods.locate import ATTACHMENT, BACKUP, MESSAGE, SNAPSHOT, VOLUME, VOLUME_TRANSFER

# Before it paged them, Cinder took every parameter, a limit, too, for a filter. The old name has stayed so.
ALL_TRANSFERS = Collect("transfers")

ROUTES = (
    Route("GET", "/volumes", Gather(collections.BRIEF_VOLUMES)),
    Route("GET", "/volumes/detail", Gather(collections.VOLUMES)),
    Route("GET", "/volumes/summary", Sum("volume-summary")),
    Route("POST", "/volumes", CreateIn(VOLUMES)),
    Route("POST", "/volumes/{volume_id}/action", VolumeActions()),
    Route(ANY, "/volumes/{volume_id}/{rest:path}", Owner(VOLUME, "volume_id")),
    Route("GET", "/snapshots", Gather(collections.BRIEF_SNAPSHOTS)),
    Route("GET", "/snapshots/detail", Gather(collections.SNAPSHOTS)),
    Route("POST", "/snapshots", CreateIn(SNAPSHOTS)),
    Route(ANY, "/snapshots/{snapshot_id}/{rest:path}", Owner(SNAPSHOT, "snapshot_id")),
    Route("GET", "/backups", Gather(collections.BRIEF_BACKUPS)),
    Route("GET", "/backups/detail", Gather(collections.BACKUPS)),
    Route("POST", "/backups", CreateIn(BACKUPS)),
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
    Route("GET", "/messages", Gather(collections.MESSAGES)),
    Route("GET DELETE", "/messages/{message_id}", Owner(MESSAGE, "message_id")),
    *types.ROUTES,
    Route("GET", "/os-availability-zone", Here(availability_zones)),
    Route("GET", "/limits", Sum("limits", "absolute", limits=True)),
    *groups.ROUTES,
    *hosts.ROUTES,
    Route("GET", "/os-quota-sets/{rest:path}", Sum("quota_set", limits=True, least=("per_volume_gigabytes",))),
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
