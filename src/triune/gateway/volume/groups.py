"""Groups of volumes and their snapshots, under the names of two generations of the API."""

from triune.gateway.call import Call
from triune.gateway.collect import Collect
from triune.gateway.collection import Collection
from triune.gateway.gather import Gather
from triune.gateway.http import Response
from triune.gateway.routes import ANY, Route
from triune.gateway.service import parse_version
from triune.gateway.strategies import Owner
from triune.gateway.volume import collections, create
from triune.pods.locate import CONSISTENCY_GROUP, CONSISTENCY_GROUP_SNAPSHOT, GROUP, GROUP_SNAPSHOT


class GatherSince:
    """A merged list since the microversion in which the API began to page it; the whole lists of all pods before."""

    def __init__(self, since: tuple[int, int], collection: Collection) -> None:
        self._since = since
        self._paged = Gather(collection)
        self._whole = Collect(collection.name)

    async def __call__(self, call: Call) -> Response:
        pages = parse_version(call.microversion) >= self._since
        return await (self._paged if pages else self._whole)(call)


# cinder.api.microversions.GROUP_SNAPSHOT_PAGINATION
_PAGED = (3, 29)

ROUTES = (
    Route("GET", "/groups", Gather(collections.BRIEF_GROUPS)),
    Route("GET", "/groups/detail", Gather(collections.GROUPS)),
    Route("POST", "/groups", create.CreateIn(create.GROUPS)),
    Route("POST", "/groups/action", create.CreateIn(create.GROUPS_FROM)),
    Route("PUT", "/groups/{group_id}", Owner(GROUP, "group_id", check=create.volumes_in_same_pod)),
    Route(ANY, "/groups/{group_id}/{rest:path}", Owner(GROUP, "group_id")),
    Route("GET", "/group_snapshots", GatherSince(_PAGED, collections.BRIEF_GROUP_SNAPSHOTS)),
    Route("GET", "/group_snapshots/detail", GatherSince(_PAGED, collections.GROUP_SNAPSHOTS)),
    Route("POST", "/group_snapshots", create.CreateIn(create.GROUP_SNAPSHOTS)),
    Route(ANY, "/group_snapshots/{group_snapshot_id}/{rest:path}", Owner(GROUP_SNAPSHOT, "group_snapshot_id")),
    Route("GET", "/consistencygroups", Gather(collections.BRIEF_CONSISTENCY_GROUPS)),
    Route("GET", "/consistencygroups/detail", Gather(collections.CONSISTENCY_GROUPS)),
    Route("POST", "/consistencygroups", create.CreateIn(create.CONSISTENCY_GROUPS)),
    Route("POST", "/consistencygroups/create_from_src", create.CreateIn(create.CONSISTENCY_GROUPS_FROM)),
    *(
        Route("PUT", path, Owner(CONSISTENCY_GROUP, "consistencygroup_id", check=create.volumes_in_same_pod))
        for path in ("/consistencygroups/{consistencygroup_id}", "/consistencygroups/{consistencygroup_id}/update")
    ),
    Route(ANY, "/consistencygroups/{consistencygroup_id}/{rest:path}", Owner(CONSISTENCY_GROUP, "consistencygroup_id")),
    Route("GET", "/cgsnapshots", Collect("cgsnapshots", is_sliced=True)),
    Route("GET", "/cgsnapshots/detail", Collect("cgsnapshots", is_sliced=True)),
    Route("POST", "/cgsnapshots", create.CreateIn(create.CONSISTENCY_GROUP_SNAPSHOTS)),
    Route(ANY, "/cgsnapshots/{cgsnapshot_id}/{rest:path}", Owner(CONSISTENCY_GROUP_SNAPSHOT, "cgsnapshot_id")),
)
