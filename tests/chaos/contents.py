"""What pods hold of somebody, asked of the pods themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .api import Api
from .ledger import Found

# Where flavors show their extra specs, and keypairs have pages.
VERSION = "2.61"
# How a group of the top is called in another pod than its own (docs/decisions/0022).
TWIN = " triune:"


class Unreadable(Exception):
    """A pod does not tell what it holds."""


@dataclass(frozen=True)
class Pod:
    """A region, as somebody and an administrator speak to it directly."""

    region: str
    mine: Api
    admin: Api

    async def holds(self) -> list[Found]:
        """Everything of theirs, but flavors. Raises `Unreadable`."""
        servers = await self._list("compute", "/servers/detail", "servers", version=VERSION)
        return [
            *(self._found("server", each, status=each["status"]) for each in servers),
            *[each for server in servers for each in await self._attachments(server["id"])],
            *await self._keypairs(),
            *await self._groups(),
            *(self._found("volume", each, **each["metadata"]) for each in await self._volumes("volumes")),
            *(self._found("snapshot", each) for each in await self._volumes("snapshots")),
            *await self._images(),
        ]

    async def flavors(self, prefix: str) -> list[Found]:
        """The flavors whose names begin so."""
        path = "/flavors/detail?is_public=None"
        found = await self._list("compute", path, "flavors", self.admin, version=VERSION)
        return [
            self._found("flavor", each, **_picked(each, ("ram", "vcpus", "disk")), **each["extra_specs"])
            for each in found
            if each["name"].startswith(prefix)
        ]

    def _found(self, kind: str, shown: Mapping[str, Any], **fields: Any) -> Found:
        return Found(self.region, kind, str(shown["name"]), str(shown["id"]), fields)

    async def _attachments(self, server_id: str) -> list[Found]:
        path = f"/servers/{server_id}/os-volume_attachments"
        found = await self._list("compute", path, "volumeAttachments")
        return [
            Found(self.region, "attachment", f"{server_id}/{each['volumeId']}", str(each["volumeId"])) for each in found
        ]

    async def _keypairs(self) -> list[Found]:
        found = await self._list("compute", "/os-keypairs", "keypairs", version="2.35")
        pairs = [each["keypair"] for each in found]
        return [
            Found(self.region, "keypair", each["name"], each["name"], _picked(each, ("public_key",))) for each in pairs
        ]

    async def _groups(self) -> list[Found]:
        """Homes only; a twin stands for a group whose home is elsewhere."""
        found = await self._list("compute", "/os-server-groups", "server_groups", version="2.64")
        groups = [each for each in found if TWIN not in each["name"]]
        twins = [each for each in found if TWIN in each["name"]]
        return [
            *(self._found("server_group", each) for each in groups),
            *(
                Found(self.region, "twin", each["name"].rpartition(TWIN)[2], each["id"], {"of": each["name"]})
                for each in twins
            ),
        ]

    async def _volumes(self, kind: str) -> list[Any]:
        return await self._list("volume", f"/{kind}/detail", kind)

    async def _images(self) -> list[Found]:
        found = await self._list("image", "/images?limit=1000", "images")
        return [
            self._found("image", each, **_picked(each, ("status", "checksum", "colour", "visibility", "disk_format")))
            for each in found
            if each["owner"] == self.mine.project_id
        ]

    async def _list(self, service: str, path: str, key: str, api: Api | None = None, **how: Any) -> list[Any]:
        reply = await (api or self.mine).ask(service, "GET", path, **how)
        if not reply.ok:
            raise Unreadable(f"{self.region}: GET {path}: {reply}")
        found: list[Any] = reply.json[key]
        return found


def _picked(shown: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: shown.get(name) for name in names}
