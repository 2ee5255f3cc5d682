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
# The same while a pod is registered whose region is in no catalog.
UNKNOWN_REFRESH = 30.0


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

    Only the first use waits for Keystone. Later the catalog is read again in the background: every `cache_time`
    seconds, when an endpoint failed, and when a region is asked for that it does not know.
    """

    def __init__(self, identity: Identity, interface: str, cache_time: float) -> None:
        self._identity = identity
        self._interface = interface
        self._cache_time = cache_time
        self._found: dict[tuple[str, str], Endpoint] = {}
        self._regions: frozenset[str] = frozenset()
        # Regions that were looked for in vain: only the first to ask waits for a new catalog.
        self._unknown: set[str] = set()
        self._loaded = False
        self._read_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    async def get(self, region: str, service: str) -> Endpoint | None:
        """The endpoint, or None when the region has no such service. Raises `IdentityUnavailable` at first use only."""
        await self.load()
        if region not in self._regions:
            if region in self._unknown:
                self.refresh_soon(UNKNOWN_REFRESH)
            else:
                self._unknown.add(region)
                await self._refresh_quietly()
        return self._found.get((region, service))

    async def lacks(self, region: str, service: str) -> bool:
        """Whether the catalog says that a region has services, but not this one: then it is not to be missed."""
        if not self._loaded:
            try:
                await self.load()
            except IdentityUnavailable:
                return False
        return region in self._regions and (region, service) not in self._found

    async def load(self) -> None:
        """See to it that there is a catalog. Raises `IdentityUnavailable` where there never was one."""
        if not self._loaded:
            await self._refresh()
        elif time.monotonic() - self._read_at > self._cache_time:
            self.refresh_soon()

    def refresh_soon(self, older_than: float = MIN_REFRESH) -> None:
        """Read the catalog in the background, unless that was done in the last `older_than` seconds."""
        if time.monotonic() - self._read_at > older_than and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        try:
            await self._refresh()
        except IdentityUnavailable as error:
            LOG.warning("The catalog could not be refreshed, going on with the last one: %s", error)

    async def _refresh(self) -> None:
        self._read_at = time.monotonic()
        entries = await self._identity.catalog()
        self._found = select(entries, self._interface)
        self._regions = frozenset(entry.region for entry in entries)
        self._unknown -= self._regions
        self._loaded = True

    def known(self, region: str, service: str) -> Endpoint | None:
        """The endpoint as the last catalog has it, without looking further."""
        return self._found.get((region, service))
