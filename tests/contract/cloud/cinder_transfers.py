"""What a fake Cinder knows of transfers (cinder.api.contrib.volume_transfer, cinder.api.v3.volume_transfer)."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .cinder_types import ROOT
from .pod_service import Record, numbers
from .service import Answer, Asked, On, fault

PATHS = "(volume-transfers|os-volume-transfer)"


class Transfers:
    """Volumes that are offered to another project."""

    records: dict[str, dict[str, Record]]

    def _find(self, asked: Asked, kind: str, id_: str) -> Record:
        raise NotImplementedError

    def _links(self, asked: Asked, path: str) -> list[dict[str, str]]:
        raise NotImplementedError

    def transfer_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("GET", f"{ROOT}/{PATHS}(|/detail)", self._list_transfers)
        yield On("POST", f"{ROOT}/{PATHS}", self._offer)
        yield On("GET", f"{ROOT}/{PATHS}/([^/]+)", self._show_transfer)
        yield On("DELETE", f"{ROOT}/{PATHS}/([^/]+)", self._withdraw)
        yield On("POST", f"{ROOT}/{PATHS}/([^/]+)/accept", self._accept)

    def _list_transfers(self, asked: Asked) -> Answer:
        path, detail = asked.parameters
        found = sorted(self.records["transfer"].values(), key=lambda record: (record["created_at"], record["id"]))
        if not asked.user.is_admin or asked.first("all_tenants") is None:
            found = [record for record in found if record["project_id"] == asked.user.project_id]
        is_paged = path == "volume-transfers" and numbers(asked.headers["version"]) >= (3, 59)
        paging = ("limit", "marker", "offset", "sort", "sort_key", "sort_dir") if is_paged else ()
        filters = {key: value for key, value in asked.query if key not in (*paging, "all_tenants")}
        found = [record for record in found if all(str(record.get(key)) == value for key, value in filters.items())]
        if is_paged:
            found = found[::-1]
            if (marker := asked.first("marker")) is not None:
                ids = [record["id"] for record in found]
                if marker not in ids:
                    raise fault(404, f"Transfer {marker} could not be found.")
                found = found[ids.index(marker) + 1 :]
            found = found[: int(asked.first("limit") or len(found))]
        return Answer(200, {"transfers": [self._view_transfer(asked, record, bool(detail)) for record in found]})

    def _view_transfer(self, asked: Asked, record: Record, detail: bool = True) -> Record:
        names = ("id", "created_at", "name", "volume_id") if detail else ("id", "name", "volume_id")
        links = self._links(asked, f"{asked.parameters[0]}/{record['id']}")
        return {**{name: record[name] for name in names}, "links": links}

    def _offer(self, asked: Asked) -> Answer:
        wanted: dict[str, Any] = json.loads(asked.body)["transfer"]
        volume = self._find(asked, "volume", wanted["volume_id"])
        if volume["status"] != "available":
            raise fault(400, "Invalid volume: status must be available")
        volume["status"] = "awaiting-transfer"
        record = {
            "id": str(uuid.uuid4()), "name": wanted.get("name"), "volume_id": volume["id"], "key": uuid.uuid4().hex,
            "project_id": asked.user.project_id, "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        }  # fmt: skip
        self.records["transfer"][record["id"]] = record
        return Answer(202, {"transfer": {**self._view_transfer(asked, record), "auth_key": record["key"]}})

    def _transfer(self, asked: Asked, id_: str) -> Record:
        record = self.records["transfer"].get(id_)
        if record is None or not (asked.user.is_admin or record["project_id"] == asked.user.project_id):
            raise fault(404, f"Transfer {id_} could not be found.")
        return record

    def _show_transfer(self, asked: Asked) -> Answer:
        return Answer(200, {"transfer": self._view_transfer(asked, self._transfer(asked, asked.parameters[1]))})

    def _withdraw(self, asked: Asked) -> Answer:
        record = self._transfer(asked, asked.parameters[1])
        self.records["volume"][record["volume_id"]]["status"] = "available"
        del self.records["transfer"][record["id"]]
        return Answer(202)

    def _accept(self, asked: Asked) -> Answer:
        # Whoever accepts it cannot see it: the key is what counts.
        record = self.records["transfer"].get(asked.parameters[1])
        if record is None:
            raise fault(404, f"Transfer {asked.parameters[1]} could not be found.")
        if json.loads(asked.body)["accept"]["auth_key"] != record["key"]:
            raise fault(400, "Invalid auth key: Attempt to transfer with invalid auth key.")
        volume = self.records["volume"][record["volume_id"]]
        volume |= {"status": "available", "project_id": asked.user.project_id}
        del self.records["transfer"][record["id"]]
        view = {name: record[name] for name in ("id", "name", "volume_id")}
        return Answer(202, {"transfer": {**view, "links": self._links(asked, f"{asked.parameters[0]}/{record['id']}")}})
