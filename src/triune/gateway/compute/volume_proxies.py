"""Nova's proxies to the block storage service, to microversion 2.35: volumes and snapshots in Nova's words.

Source: nova/api/openstack/compute/volumes.py and snapshots.py. A pod's Nova asks its own Cinder; which pod that is, is
found as for block storage itself.
"""

from dataclasses import replace
from typing import Final

from triune.gateway.collect import Collect
from triune.gateway.paging import SortKey
from triune.gateway.routes import Route, Strategy
from triune.gateway.since import Since
from triune.gateway.strategies import Anywhere, Owner
from triune.gateway.volume import create
from triune.gateway.volume.create import CreateIn
from triune.gateway.volume.volume_quota import VOLUMES_USED, New
from triune.gateway.within import Within
from triune.pods.locate import SNAPSHOT, VOLUME

GONE_SINCE: Final = "2.36"
# Cinder's own order, of which Nova shows this much.
_NEWEST = (SortKey("createdAt", descending=True), SortKey("id", descending=True))
# Nova's proxy knows no other source.
_VOLUMES = replace(create.VOLUMES, sources={"snapshot_id": SNAPSHOT})


def _to_235(strategy: Strategy) -> Since:
    """From the next microversion on there is none of this, which any pod says."""
    return Since(GONE_SINCE, Anywhere(), strategy)


ROUTES = (
    Route("GET", "/os-volumes", _to_235(Collect("volumes", is_sliced=True, order=_NEWEST))),
    Route("GET", "/os-volumes/detail", _to_235(Collect("volumes", is_sliced=True, order=_NEWEST))),
    Route("POST", "/os-volumes", _to_235(Within(VOLUMES_USED, New("volume"), CreateIn(_VOLUMES)))),
    Route("GET DELETE", "/os-volumes/{volume_id}", _to_235(Owner(VOLUME, "volume_id"))),
    Route("GET", "/os-snapshots", _to_235(Collect("snapshots", is_sliced=True, order=_NEWEST))),
    Route("GET", "/os-snapshots/detail", _to_235(Collect("snapshots", is_sliced=True, order=_NEWEST))),
    Route("POST", "/os-snapshots", _to_235(Within(VOLUMES_USED, New("snapshot"), CreateIn(create.SNAPSHOTS)))),
    Route("GET DELETE", "/os-snapshots/{snapshot_id}", _to_235(Owner(SNAPSHOT, "snapshot_id"))),
)
