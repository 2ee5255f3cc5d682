"""Where each pod's services answer, from Keystone's catalog."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from oslo_log import log as logging

from triune.identity import CatalogEntry, Identity, IdentityUnavailable

LOG = logging.getLogger(__name__)

# The service types under which a region may list each API, the preferred one first
# (https://specs.openstack.org/openstack/service-types-authority).
SERVICE_TYPES: Mapping[str, tuple[str, ...]] = {
    "compute": ("compute",),
    "volume": ("block-storage", "volumev3", "block-store"),
    "image": ("image",),
    "network": ("network",),
    "placement": ("placement",),
}
_PROJECT = re.compile(r"(?:%\((?:project|tenant)_id\)s|\$\((?:project|tenant)_id\)s)")
_TAIL = re.compile(r"(?:/v\d+(?:\.\d+)?)?(?:/(?:AUTH_)?(?:%|\$)\((?:project|tenant)_id\)s)?/*$")
# After a failure the catalog is read again, but not more often than this many seconds.
MIN_REFRESH = 2.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The root of one service in one pod: its URL without version and project."""

    root: str
    wants_project: bool


def parse(url: str) -> Endpoint:
    """Split a catalog URL such as `http://host/volume/v3/%(project_id)s` into its root and what it asks for."""
    return Endpoint(root=_TAIL.sub("", url), wants_project=_PROJECT.search(url) is not None)


def select(entries: list[CatalogEntry], interface: str) -> dict[tuple[str, str], Endpoint]:
    """The endpoint of each (region, service). Falls back to the public interface where the wanted one is missing."""
    found: dict[tuple[str, str], Endpoint] = {}
    for service, types in SERVICE_TYPES.items():
        # Later entries win: the preferred type and the wanted interface come last.
        for service_type in reversed(types):
            for wanted in ("public", interface):
                for entry in entries:
                    if entry.service_type == service_type and entry.interface == wanted:
                        found[entry.region, service] = parse(entry.url)
    return found


class Endpoints:
    """A cache of the catalog.

    Refreshed after `cache_time` seconds and when an endpoint failed; while Keystone is away the last catalog serves.
    """

    def __init__(self, identity: Identity, interface: str, cache_time: float) -> None:
        self._identity = identity
        self._interface = interface
        self._cache_time = cache_time
        self._found: dict[tuple[str, str], Endpoint] = {}
        self._loaded_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, region: str, service: str) -> Endpoint | None:
        """The endpoint, or None when the region has no such service. Raises `IdentityUnavailable` at first use only."""
        if time.monotonic() - self._loaded_at > self._cache_time:
            await self.refresh(self._cache_time)
        found = self._found.get((region, service))
        if found is None:
            await self.refresh(MIN_REFRESH)
            found = self._found.get((region, service))
        return found

    async def refresh(self, older_than: float = MIN_REFRESH) -> None:
        """Read the catalog unless that was done in the last `older_than` seconds."""
        async with self._lock:
            if time.monotonic() - self._loaded_at <= older_than:
                return
            try:
                self._found = select(await self._identity.catalog(), self._interface)
            except IdentityUnavailable as error:
                if not self._found:
                    raise
                LOG.warning("The catalog could not be refreshed, going on with the last one: %s", error)
            self._loaded_at = time.monotonic()

    def roots(self, service: str) -> list[str]:
        """The roots of one service in all regions."""
        return [endpoint.root for (_, name), endpoint in self._found.items() if name == service]
