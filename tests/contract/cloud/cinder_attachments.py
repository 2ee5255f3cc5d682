"""Attachments of volumes in a fake Cinder (cinder/api/v3/attachments.py with its schema, cinder/volume/api.py)."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .cinder_types import ROOT
from .pod_service import Record, numbers, ordered, page
from .schema import Invalid, Schema, validate
from .service import Answer, Asked, On, fault

UUID: Schema = {"type": "string", "format": "uuid"}
# The filters of tenants (etc/cinder/resource_filters.json), and how the database calls them.
FILTERS = {"volume_id": "volume_id", "status": "status", "instance_id": "instance", "attach_status": "status"}
SORT_KEYS = {"id": "id", "created_at": "created_at", "attach_status": "status", "volume_id": "volume_id"}


def _closed(required: str, **properties: Schema) -> Schema:
    return {
        "type": "object", "properties": properties, "required": required.split(), "additionalProperties": False,
    }  # fmt: skip


class Attachments:
    """They are reserved, initialized with a connector, and completed."""

    records: dict[str, dict[str, Record]]

    def _find(self, asked: Asked, kind: str, id_: str) -> Record:
        raise NotImplementedError

    def _limit(self, asked: Asked) -> int:
        raise NotImplementedError

    def _since(self, asked: Asked, version: str) -> None:
        raise NotImplementedError

    def attachment_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("GET", f"{ROOT}/attachments(|/detail)", self._list_attachments)
        yield On("POST", f"{ROOT}/attachments", self._reserve)
        yield On("GET PUT DELETE", f"{ROOT}/attachments/([^/]+)", self._one_attachment)
        yield On("POST", f"{ROOT}/attachments/([^/]+)/action", self._complete)

    def add_attachment(self, project_id: str, volume_id: str, **fields: Any) -> Record:
        """An attachment that is there already."""
        record = {
            "id": str(uuid.uuid4()), "status": "reserved", "instance": None, "volume_id": volume_id, "attached_at": "",
            "detached_at": "", "attach_mode": None, "connection_info": {}, "project_id": project_id,
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"), **fields,
        }  # fmt: skip
        self.records["attachment"][record["id"]] = record
        return record

    def _view_attachment(self, record: Record, detail: bool = True) -> Record:
        more = ("attached_at", "detached_at", "attach_mode", "connection_info") if detail else ()
        return {name: record[name] for name in ("id", "status", "instance", "volume_id", *more)}

    def _attachment(self, asked: Asked, id_: str) -> Record:
        record = self.records["attachment"].get(id_)
        if record is None or not (asked.user.is_admin or record["project_id"] == asked.user.project_id):
            raise fault(404, f"Volume attachment could not be found with filter: attachment_id = {id_}.")
        return record

    def _list_attachments(self, asked: Asked) -> Answer:
        self._since(asked, "3.27")
        everything = asked.user.is_admin and asked.first("all_tenants") is not None
        records = [
            record
            for record in self.records["attachment"].values()
            if everything or record["project_id"] == asked.user.project_id
        ]
        for name, key in FILTERS.items():
            if (value := asked.first(name)) is not None:
                records = [record for record in records if record[key] == value]
        key, _, direction = (asked.first("sort") or "created_at:desc").partition(":")
        if key not in SORT_KEYS:
            raise fault(400, "Invalid input received: Invalid sort key")
        records = ordered(records, [SORT_KEYS[key], "id"], [direction or "desc"] * 2)
        records = page(
            records,
            asked.first("marker"),
            self._limit(asked),
            lambda marker: fault(404, f"Volume attachment could not be found with filter: attachment_id = {marker}."),
        )
        # Nothing tells of a next page.
        detail = bool(asked.parameters[0])
        return Answer(200, {"attachments": [self._view_attachment(record, detail) for record in records]})

    def _fitting(self, asked: Asked, schema: Schema, key: str) -> Any:
        """The body by its schema. Raises `Refusal` 400."""
        try:
            document = json.loads(asked.body)
            validate(_closed(key, **{key: schema}), document)
        except ValueError:
            raise fault(400, "Malformed request body") from None
        except Invalid as error:
            raise fault(400, error.text) from None
        return document[key]

    def _reserve(self, asked: Asked) -> Answer:
        self._since(asked, "3.27")
        newer = numbers(asked.headers["version"]) >= (3, 54)
        mode = {"mode": {"type": "string", "enum": ["rw", "ro"]}} if newer else {}
        schema = _closed(
            "volume_uuid", instance_uuid=UUID, volume_uuid=UUID, connector={"type": ["object", "null"]}, **mode
        )
        wanted = self._fitting(asked, schema, "attachment")
        volume = self._find(asked, "volume", wanted["volume_uuid"])
        if "error" in volume["status"]:
            raise fault(
                400,
                "Invalid volume: Volume attachments can not be created if the volume is in an error state. The Volume "
                f"{volume['id']} currently has a status of: {volume['status']} ",
            )
        volume["status"] = "reserved"
        record = self.add_attachment(
            asked.user.project_id, volume["id"], instance=wanted.get("instance_uuid"),
            attach_mode=wanted.get("mode", "null"),
        )  # fmt: skip
        if wanted.get("connector"):
            self._connect(record, wanted["connector"])
        return Answer(200, {"attachment": self._view_attachment(record)})

    def _connect(self, record: Record, connector: Record) -> None:
        record["status"] = "attaching"
        record["attach_mode"] = connector.get("mode") or record["attach_mode"]
        # The words of a driver are nobody's zone and nobody's link.
        record["connection_info"] = {
            "driver_volume_type": "iscsi", "target_portal": "192.0.2.9:3260", "availability_zone": "nova",
            "host": connector.get("host"), "attachment_id": record["id"],
        }  # fmt: skip

    def _one_attachment(self, asked: Asked) -> Answer:
        self._since(asked, "3.27")
        id_ = asked.parameters[0]
        if asked.method == "PUT":
            wanted = self._fitting(asked, _closed("connector", connector={"type": "object"}), "attachment")
            record = self._attachment(asked, id_)
            self._connect(record, wanted["connector"])
            return Answer(200, {"attachment": self._view_attachment(record)})
        record = self._attachment(asked, id_)
        if asked.method == "GET":
            return Answer(200, {"attachment": self._view_attachment(record)})
        del self.records["attachment"][id_]
        rest = [each for each in self.records["attachment"].values() if each["volume_id"] == record["volume_id"]]
        if not rest:
            self.records["volume"][record["volume_id"]]["status"] = "available"
        return Answer(200, {"attachments": [self._view_attachment(each, detail=False) for each in rest]})

    def _complete(self, asked: Asked) -> Answer:
        self._since(asked, "3.44")
        self._fitting(asked, {}, "os-complete")
        record = self._attachment(asked, asked.parameters[0])
        record["status"] = "attached"
        self.records["volume"][record["volume_id"]]["status"] = "in-use"
        return Answer(204)
