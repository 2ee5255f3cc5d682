"""Migrations of all pods, newest first."""

from triune.gateway.collection import Collection
from triune.gateway.paging import SortKey

# nova.api.openstack.compute.migrations sorts by these, both descending, and takes the uuid as marker.
MIGRATIONS = Collection(
    "migrations",
    "/v2.1/os-migrations",
    None,
    lambda parameters: [SortKey("created_at", descending=True), SortKey("id", descending=True)],
    marker="uuid",
)
