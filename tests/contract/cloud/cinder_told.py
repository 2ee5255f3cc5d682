"""What a fake Cinder tells of what happened, of all volumes together, and of one volume's encryption.

Sources: cinder/api/v3/messages.py, volumes.py (`summary`) and cinder/api/contrib/volume_encryption_metadata.py.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from .cinder_types import ROOT
from .pod_service import Record, numbers, ordered, page, query
from .service import Answer, Asked, On, fault


class Told:
    """Messages, the summary of volumes, encryption."""

    records: dict[str, dict[str, Record]]
    types: dict[str, Record]

    def _find(self, asked: Asked, kind: str, id_: str) -> Record:
        raise NotImplementedError

    def _links(self, asked: Asked, path: str) -> list[dict[str, str]]:
        raise NotImplementedError

    def _url(self, asked: Asked, path: str) -> str:
        raise NotImplementedError

    def _limit(self, asked: Asked) -> int:
        raise NotImplementedError

    def _since(self, asked: Asked, version: str) -> None:
        raise NotImplementedError

    def told_routes(self) -> Iterable[On]:
        """Their part of the table; it goes before that of volumes."""
        yield On("GET", f"{ROOT}/messages", self._list_messages)
        yield On("GET DELETE", f"{ROOT}/messages/([^/]+)", self._message)
        yield On("GET", f"{ROOT}/volumes/summary", self._summary)
        yield On("GET", f"{ROOT}/volumes/([^/]+)/encryption", self._encryption_of)
        yield On("GET", f"{ROOT}/volumes/([^/]+)/encryption/([^/]+)", self._encryption_of)

    def add_message(self, project_id: str, created_at: str, **fields: Any) -> Record:
        """A message to a project."""
        record = {
            "id": str(uuid.uuid4()), "project_id": project_id, "event_id": "VOLUME_VOLUME_002_001",
            "user_message": "schedule allocate volume:No storage could be allocated for this volume request.",
            "message_level": "ERROR", "created_at": created_at, "guaranteed_until": "2027-01-01T00:00:00.000000",
            "request_id": f"req-{uuid.uuid4()}", "resource_type": "VOLUME",
            "resource_uuid": str(uuid.uuid4()), **fields,
        }  # fmt: skip
        self.records["message"][record["id"]] = record
        return record

    def _view_message(self, asked: Asked, record: Record) -> Record:
        view = {name: value for name, value in record.items() if name != "project_id"}
        return {**view, "links": self._links(asked, f"messages/{record['id']}")}

    def _list_messages(self, asked: Asked) -> Answer:
        self._since(asked, "3.3")
        records = [each for each in self.records["message"].values() if each["project_id"] == asked.user.project_id]
        limit = self._limit(asked)
        if numbers(asked.headers["version"]) < (3, 5):
            # Neither filters nor pages: only the link is made of what was asked for.
            records = ordered(records, ["created_at", "id"], ["desc", "desc"])
        else:
            key, _, direction = (asked.first("sort") or "created_at:desc").partition(":")
            if (wanted := asked.first("resource_uuid")) is not None:
                records = [each for each in records if each["resource_uuid"] == wanted]
            records = ordered(records, [key, "id"], [direction or "desc"] * 2)
            records = page(
                records,
                asked.first("marker"),
                limit,
                lambda marker: fault(404, f"Message {marker} could not be found."),
            )
        body: Record = {"messages": [self._view_message(asked, each) for each in records]}
        if records and limit <= len(records):
            link = f"{self._url(asked, 'messages')}?{query(asked, records[-1]['id'])}"
            body["messages_links"] = [{"rel": "next", "href": link}]
        return Answer(200, body)

    def _message(self, asked: Asked) -> Answer:
        self._since(asked, "3.3")
        record = self.records["message"].get(asked.parameters[0])
        if record is None or not (asked.user.is_admin or record["project_id"] == asked.user.project_id):
            raise fault(404, f"Message {asked.parameters[0]} could not be found.")
        if asked.method == "DELETE":
            del self.records["message"][record["id"]]
            return Answer(204)
        return Answer(200, {"message": self._view_message(asked, record)})

    def _summary(self, asked: Asked) -> Answer:
        self._since(asked, "3.12")
        everything = asked.user.is_admin and asked.first("all_tenants") in ("1", "true", "True")
        records = [
            each
            for each in self.records["volume"].values()
            if everything or each["project_id"] == asked.user.project_id
        ]
        summary: Record = {"total_count": len(records), "total_size": sum(each["size"] for each in records)}
        if numbers(asked.headers["version"]) >= (3, 36):
            distinct: dict[str, list[str]] = {}
            for each in records:
                for key, value in each["metadata"].items():
                    values = distinct.setdefault(key, [])
                    values += [value] if value not in values else []
            summary["metadata"] = distinct
        return Answer(200, {"volume-summary": summary})

    def _encryption_of(self, asked: Asked) -> Answer:
        volume = self._find(asked, "volume", asked.parameters[0])
        values = {"encryption_key_id": volume.get("encryption_key_id")}
        named = next((each for each in self.types.values() if each["name"] == volume["volume_type"]), None)
        if named is not None and named["encryption"]:
            values |= {
                name: named["encryption"][name] for name in ("control_location", "cipher", "key_size", "provider")
            }
        if len(asked.parameters) == 1:
            return Answer(200, values)
        if asked.parameters[1] not in values:
            # A KeyError that nobody expects.
            raise fault(500, "The server has either erred or is incapable of performing the requested operation.")
        # The method returns a text and no document, and WebOb makes a page of it.
        return Answer(200, text=str(values[asked.parameters[1]]), content_type="text/html")
