"""A fake Cinder: volumes, snapshots, backups, types (cinder/api of release 29)."""

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .cinder_actions import Actions
from .cinder_attachments import Attachments
from .cinder_groups import Groups
from .cinder_hosts import Hosts
from .cinder_quotas import Quotas
from .cinder_told import Told
from .cinder_transfers import Transfers
from .keystone import Keystone
from .pod_service import Record, microversion, numbers, ordered, page, query
from .service import Answer, Asked, On, Refusal, fault

SORT_KEYS = {
    "id": "id", "created_at": "created_at", "updated_at": "updated_at", "name": "name", "display_name": "name",
    "size": "size", "status": "status", "availability_zone": "availability_zone",
}  # fmt: skip
KINDS = ("volume", "snapshot", "backup", "group", "group_snapshot", "transfer", "attachment", "message")


def now() -> str:
    """The time as Cinder writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000")


def error(code: int, message: str) -> Refusal:
    """An error of Cinder."""
    return fault(code, message)


class Cinder(Actions, Groups, Hosts, Transfers, Attachments, Told, Quotas):
    """The block storage service of one pod."""

    lowest = "3.0"

    def __init__(self, keystone: Keystone, zone: str = "nova", highest: str = "3.71") -> None:
        super().__init__(keystone)
        self.zone = zone
        self.highest = highest
        self.records: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}
        self.services: list[Record] = []
        self.extensions = ["os-hosts", "os-quota-sets"]
        self.filters = {"volume": ["name", "status"], "backup": ["name"]}

    def add(self, kind: str, project_id: str, **fields: Any) -> Record:
        """A volume, snapshot or backup that is there already."""
        record = {
            "id": str(uuid.uuid4()), "name": kind, "project_id": project_id, "status": "available", "size": 1,
            "created_at": now(), "updated_at": now(), "availability_zone": self.zone, "metadata": {},
            "volume_type": "__DEFAULT__", "snapshot_id": None, "source_volid": None, "description": None, **fields,
        }  # fmt: skip
        self.records[kind][record["id"]] = record
        return record

    def is_used(self, kind: str, record: Record) -> bool:
        if kind == "group_type":
            return any(group["group_type"] == record["id"] for group in self.records["group"].values())
        return any(volume["volume_type"] == record["name"] for volume in self.records["volume"].values())

    def routes(self) -> Iterable[On]:
        root = r"/v3(?:/[0-9a-f]{32})?"
        yield On("GET", "/", lambda _asked: Answer(300, self._versions()))
        yield On("GET", "/v3/", lambda _asked: Answer(200, self._versions()))
        yield from self.told_routes()
        yield On("GET", f"{root}/(volume|snapshot|backup)s(|/detail)", self._list)
        yield On("POST", f"{root}/(volume|snapshot|backup)s", self._create)
        yield On("GET", f"{root}/(volume|snapshot|backup)s/([^/]+)", self._show)
        yield On("DELETE", f"{root}/(volume|snapshot|backup)s/([^/]+)", self._delete)
        yield On("POST", f"{root}/backups/([^/]+)/restore", self._restore)
        yield from self.action_routes()
        yield from self.type_routes()
        yield from self.group_routes()
        yield from self.host_routes()
        yield from self.transfer_routes()
        yield from self.attachment_routes()
        yield On("GET", f"{root}/os-availability-zone", self._zones)
        yield from self.quota_routes()
        yield On("GET", f"{root}/extensions", self._extensions)
        yield On("GET", f"{root}/extensions/([^/]+)", self._extensions)
        yield On("GET", f"{root}/resource_filters", self._resource_filters)

    def before(self, asked: Asked) -> None:
        if asked.path == "/":
            asked.headers["accepted"] = self.lowest
            return
        token = self.authenticate(asked)
        named = asked.headers.get("openstack-api-version", "volume")
        if "volume" not in named:
            # cinder.api.openstack.wsgi, set_api_version_request
            raise fault(404, "The resource could not be found.")
        asked.headers["version"] = microversion(asked, "volume", None, self.lowest, self.highest)
        asked.headers["accepted"] = asked.headers["version"]
        found = re.match(r"/v3/([0-9a-f]{32})(?:/|$)", asked.path)
        asked.headers["project"] = found.group(1) if found else ""
        if found is not None and found.group(1) != token.project_id:
            raise error(400, "Malformed request url")

    def finish(self, asked: Asked, answer: Answer) -> None:
        super().finish(asked, answer)
        if (version := asked.headers.get("accepted")) is not None and "html" not in answer.content_type:
            answer.headers["OpenStack-API-Version"] = f"volume {version}"
            answer.headers["Vary"] = "OpenStack-API-Version"

    def _versions(self) -> Record:
        entry = {
            "id": "v3.0", "status": "CURRENT", "version": self.highest, "min_version": self.lowest,
            "updated": "2023-08-31T00:00:00Z",
            "links": [
                {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                {"rel": "self", "href": f"{self.root}/v3/"},
            ],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}],
        }  # fmt: skip
        return {"versions": [entry]}

    def _url(self, asked: Asked, path: str) -> str:
        project = f"/{asked.headers['project']}" if asked.headers["project"] else ""
        return f"{self.root}/v3{project}/{path}"

    def _links(self, asked: Asked, path: str) -> list[dict[str, str]]:
        bookmark = self._url(asked, path).replace("/v3/", "/", 1)
        return [{"rel": "self", "href": self._url(asked, path)}, {"rel": "bookmark", "href": bookmark}]

    def _find(self, asked: Asked, kind: str, id_: str) -> Record:
        record = self.records[kind].get(id_)
        if record is None or not (asked.user.is_admin or record["project_id"] == asked.user.project_id):
            raise error(404, f"{kind.capitalize()} {id_} could not be found.")
        return record

    def _limit(self, asked: Asked) -> int:
        value = asked.first("limit")
        if value is None:
            return self.max_limit
        try:
            limit = int(value)
        except ValueError:
            raise error(400, "limit param must be an integer") from None
        if limit < 0:
            raise error(400, "limit param must be positive")
        return min(limit, self.max_limit)

    def _sort(self, asked: Asked) -> tuple[list[str], list[str]]:
        if (sort := asked.first("sort")) is not None:
            pairs = [part.strip().partition(":") for part in sort.split(",")]
            keys, directions = [key for key, _, _ in pairs], [direction or "desc" for _, _, direction in pairs]
        else:
            keys, directions = [asked.first("sort_key") or "created_at"], [asked.first("sort_dir") or "desc"]
        if any(key not in SORT_KEYS for key in keys):
            raise error(400, "Invalid input received: Invalid sort key")
        for key in ("created_at", "id"):
            if key not in keys:
                keys, directions = [*keys, key], [*directions, directions[0]]
        return [SORT_KEYS[key] for key in keys], directions

    def _list(self, asked: Asked) -> Answer:
        kind, detail = asked.parameters[0], bool(asked.parameters[1])
        limit = self._limit(asked)
        keys, directions = self._sort(asked)
        everything = asked.first("all_tenants") is not None and asked.user.is_admin
        records = [
            record
            for record in self.records[kind].values()
            if everything or record["project_id"] == asked.user.project_id
        ]
        if (type_id := asked.first("volume_type_id")) is not None:
            named = self.types.get(type_id)
            records = [record for record in records if named is not None and record["volume_type"] == named["name"]]
        total = len(records)
        records = ordered(records, keys, directions)
        records = page(
            records,
            asked.first("marker"),
            limit,
            lambda marker: error(404, f"{kind.capitalize()} {marker} could not be found."),
        )
        body: Record = {f"{kind}s": [self._view(asked, kind, record, detail) for record in records]}
        if records and limit <= len(records):
            path = f"{kind}s/detail" if detail else f"{kind}s"
            link = f"{self._url(asked, path)}?{query(asked, records[-1]['id'])}"
            body[f"{kind}s_links"] = [{"rel": "next", "href": link}]
        if asked.first("with_count"):
            body["count"] = total
        return Answer(200, body)

    def _view(self, asked: Asked, kind: str, record: Record, detail: bool) -> Record:
        view = {"id": record["id"], "name": record["name"]}
        if kind == "snapshot":
            return view | {key: record[key] for key in ("created_at", "status", "size", "metadata")}
        view["links"] = self._links(asked, f"{kind}s/{record['id']}")
        if detail:
            view |= {
                key: record[key]
                for key in (
                    "status", "size", "availability_zone", "created_at", "updated_at", "description", "metadata",
                    "volume_type", "snapshot_id", "source_volid",
                )
            }  # fmt: skip
            view["os-vol-tenant-attr:tenant_id"] = record["project_id"]
        return view

    def _create(self, asked: Asked) -> Answer:
        kind = asked.parameters[0]
        wanted = self.body(asked, kind)
        zone = wanted.get("availability_zone") or self.zone
        if zone != self.zone:
            raise error(400, f"Availability zone '{zone}' is invalid.")
        for name, source in (("volume_id", "volume"), ("source_volid", "volume"), ("snapshot_id", "snapshot")):
            if wanted.get(name):
                self._find(asked, source, wanted[name])
        if kind == "volume" and wanted.get("imageRef"):
            self.require_image(wanted["imageRef"])
        volume_type = wanted.get("volume_type") or "__DEFAULT__"
        if volume_type != "__DEFAULT__":
            known = self.by_name_or_id("volume_type", volume_type)
            volume_type = known["name"]
        if kind == "snapshot":
            source = self.records["volume"][wanted["volume_id"]]
            volume_type, wanted["size"] = source["volume_type"], source["size"]
        self.require_quota(asked.user.project_id, kind, wanted.get("size", 1), volume_type)
        record = self.add(
            kind, asked.user.project_id, name=wanted.get("name"), size=wanted.get("size", 1), volume_type=volume_type,
            snapshot_id=wanted.get("snapshot_id"), source_volid=wanted.get("source_volid"),
        )  # fmt: skip
        return Answer(202, {kind: self._view(asked, kind, record, detail=True)})

    def _show(self, asked: Asked) -> Answer:
        kind, id_ = asked.parameters
        return Answer(200, {kind: self._view(asked, kind, self._find(asked, kind, id_), detail=True)})

    def _delete(self, asked: Asked) -> Answer:
        kind, id_ = asked.parameters
        del self.records[kind][self._find(asked, kind, id_)["id"]]
        return Answer(202)

    def _restore(self, asked: Asked) -> Answer:
        backup = self._find(asked, "backup", asked.parameters[0])
        volume_id = self.body(asked, "restore").get("volume_id")
        self._find(asked, "volume", volume_id)
        return Answer(202, {"restore": {"backup_id": backup["id"], "volume_id": volume_id, "volume_name": "a"}})

    def _zones(self, _asked: Asked) -> Answer:
        return Answer(200, {"availabilityZoneInfo": [{"zoneName": self.zone, "zoneState": {"available": True}}]})

    def _extensions(self, asked: Asked) -> Answer:
        listed = [
            {"alias": alias, "name": alias, "description": "", "updated": "2011-06-09T00:00:00+00:00", "links": []}
            for alias in self.extensions
        ]
        if not asked.parameters:
            return Answer(200, {"extensions": listed})
        found = [each for each in listed if each["alias"] == asked.parameters[0]]
        if not found:
            raise error(404, "The resource could not be found.")
        return Answer(200, {"extension": found[0]})

    def _resource_filters(self, asked: Asked) -> Answer:
        if numbers(asked.headers["version"]) < (3, 33):
            raise error(404, "The resource could not be found.")
        wanted = asked.first("resource")
        told = [
            {"resource": resource, "filters": filters}
            for resource, filters in self.filters.items()
            if not wanted or resource == wanted
        ]
        return Answer(200, {"resource_filters": told})
