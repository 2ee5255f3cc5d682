"""Host aggregates of the fake Nova (nova/api/openstack/compute/aggregates.py)."""

import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .hosts import Hosts


class Aggregates(Hosts):
    """Host aggregates, whose ids are counted."""

    def aggregate_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/os-aggregates", self._list_aggregates),
            On("POST", f"{ROOT}/os-aggregates", self._create_aggregate),
            On("GET", f"{ROOT}/os-aggregates/([^/]+)", self._show_aggregate),
            On("PUT", f"{ROOT}/os-aggregates/([^/]+)", self._change_aggregate),
            On("DELETE", f"{ROOT}/os-aggregates/([^/]+)", self._remove_aggregate),
            On("POST", f"{ROOT}/os-aggregates/([^/]+)/action", self._act_on_aggregate),
            On("POST", f"{ROOT}/os-aggregates/([^/]+)/images", self._cache_images),
        )

    def add_aggregate(self, name: str, *hosts: str, **metadata: str) -> Record:
        """One that is there already."""
        record = {
            "id": self.next_aggregate, "uuid": str(uuid.uuid4()), "name": name, "hosts": list(hosts),
            "metadata": metadata, "created_at": "2026-11-20T15:30:22.000000", "updated_at": None, "deleted": False,
            "deleted_at": None,
        }  # fmt: skip
        self.next_aggregate += 1
        self.aggregates.append(record)
        return record

    def _aggregate_view(self, asked: Asked, record: Record) -> dict[str, Any]:
        view = {**record, "availability_zone": record["metadata"].get("availability_zone")}
        if not self._at_least(asked, "2.41"):
            del view["uuid"]
        return view

    def _aggregate(self, asked: Asked, rule: str) -> Record:
        self._administrators(asked, f"os_compute_api:os-aggregates:{rule}")
        value = asked.parameters[0]
        self._require_number(value)
        record = next((known for known in self.aggregates if known["id"] == int(value)), None)
        if record is None:
            raise fault(404, f"Aggregate {value} could not be found.")
        return record

    def _list_aggregates(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-aggregates:index")
        return Answer(200, {"aggregates": [self._aggregate_view(asked, record) for record in self.aggregates]})

    def _show_aggregate(self, asked: Asked) -> Answer:
        return Answer(200, {"aggregate": self._aggregate_view(asked, self._aggregate(asked, "show"))})

    def _require_free(self, name: str, record: Record | None = None) -> None:
        if any(known["name"] == name and known is not record for known in self.aggregates):
            raise fault(409, f"Aggregate {name} already exists.")

    def _create_aggregate(self, asked: Asked) -> Answer:
        wanted = self.body(asked, "aggregate")
        if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str) or not wanted["name"]:
            raise fault(400, f"Invalid input for field/attribute aggregate. Value: {wanted}.")
        self._administrators(asked, "os_compute_api:os-aggregates:create")
        self._require_free(wanted["name"])
        zone = wanted.get("availability_zone")
        view = self._aggregate_view(
            asked, self.add_aggregate(wanted["name"], **({"availability_zone": zone} if zone else {}))
        )
        del view["hosts"], view["metadata"]
        return Answer(200, {"aggregate": view})

    def _change_aggregate(self, asked: Asked) -> Answer:
        wanted = self.body(asked, "aggregate")
        if not isinstance(wanted, dict) or not wanted or wanted.keys() - {"name", "availability_zone"}:
            raise fault(400, f"Invalid input for field/attribute aggregate. Value: {wanted}.")
        record = self._aggregate(asked, "update")
        if "name" in wanted:
            self._require_free(wanted["name"], record)
            record["name"] = wanted["name"]
        if "availability_zone" in wanted:
            self._set_zone(record, wanted["availability_zone"], "Cannot update aggregate")
        return Answer(200, {"aggregate": self._aggregate_view(asked, record)})

    @staticmethod
    def _set_zone(record: Record, zone: str | None, refusal: str) -> None:
        if not zone:
            reason = f"Aggregate {record['name']} does not support empty named availability zone"
            raise fault(400, f"{refusal} {record['id']}. Reason: {reason}.")
        record["metadata"]["availability_zone"] = zone

    def _remove_aggregate(self, asked: Asked) -> Answer:
        record = self._aggregate(asked, "delete")
        if record["hosts"]:
            told = f"Cannot remove host from aggregate {record['id']}. Reason: Host aggregate is not empty."
            raise fault(400, told)
        self.aggregates.remove(record)
        return Answer(200)

    def _act_on_aggregate(self, asked: Asked) -> Answer:
        body = self._object(asked)
        action = next(iter(body), "")
        if action not in ("add_host", "remove_host", "set_metadata"):
            raise fault(400, f"There is no such action: {action}")
        value = body[action]
        known = {"metadata"} if action == "set_metadata" else {"host"}
        if (
            len(body) != 1
            or not isinstance(value, dict)
            or value.keys() != known
            or not isinstance(value.get("host", ""), str)
        ):
            raise fault(400, f"Invalid input for field/attribute {action}. Value: {value}.")
        record = self._aggregate(asked, action)
        if action == "set_metadata":
            self._set_metadata(record, value["metadata"])
        elif action == "add_host":
            host = self.compute_service(value["host"])["host"]
            if host in record["hosts"]:
                raise fault(409, f"Aggregate {record['id']} already has host {host}.")
            record["hosts"].append(host)
        else:
            if value["host"] not in record["hosts"]:
                raise fault(404, f"Cannot remove host {value['host']} in aggregate {record['id']}")
            record["hosts"].remove(value["host"])
        return Answer(200, {"aggregate": self._aggregate_view(asked, record)})

    def _set_metadata(self, record: Record, metadata: Any) -> None:
        if not isinstance(metadata, dict) or not all(isinstance(each, str | None) for each in metadata.values()):
            raise fault(400, f"Invalid input for field/attribute metadata. Value: {metadata}.")
        for key, value in metadata.items():
            if key == "availability_zone":
                self._set_zone(record, value, "Cannot update metadata of aggregate")
            elif value is None:
                record["metadata"].pop(key, None)
            else:
                record["metadata"][key] = value

    def _cache_images(self, asked: Asked) -> Answer:
        if not self._at_least(asked, "2.81"):
            raise fault(404, "The resource could not be found.")
        images = self._object(asked).get("cache")
        if not isinstance(images, list) or not images:
            raise fault(400, f"Invalid input for field/attribute cache. Value: {images}.")
        record = self._aggregate(asked, "images")
        self.cached.append((record["name"], [image["id"] for image in images]))
        return Answer(202)
