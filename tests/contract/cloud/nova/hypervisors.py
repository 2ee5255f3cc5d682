"""Hypervisors and migrations of the fake Nova (nova/api/openstack/compute/hypervisors.py and migrations.py)."""

import json
import re
import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record, ordered, page, query
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .hosts import Hosts

MIGRATION_FIELDS = (
    "id", "source_node", "source_compute", "dest_node", "dest_compute", "dest_host", "status", "instance_uuid",
    "old_instance_type_id", "new_instance_type_id", "created_at", "updated_at",
)  # fmt: skip


class Hypervisors(Hosts):
    """Hypervisors of hosts, and migrations between them."""

    def hypervisor_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/os-hypervisors", self._list_hypervisors),
            On("GET", f"{ROOT}/os-hypervisors/detail", self._list_hypervisors),
            On("GET", f"{ROOT}/os-hypervisors/statistics", self._statistics),
            On("GET", f"{ROOT}/os-hypervisors/([^/]+)", self._show_hypervisor),
            On("GET", f"{ROOT}/os-hypervisors/([^/]+)/uptime", self._uptime),
            On("GET", f"{ROOT}/os-hypervisors/([^/]+)/(search|servers)", self._search),
            On("GET", f"{ROOT}/os-migrations", self._list_migrations),
        )

    def add_hypervisor(self, name: str) -> Record:
        """A host with its compute service that is there already, and the hypervisor on it."""
        service = self.add_service(name)
        record = {
            "id": len(self.hypervisors) + 1, "uuid": str(uuid.uuid4()), "hypervisor_hostname": name,
            "service": service, "uptime": "01:02:03 up 4 days",
        }  # fmt: skip
        self.hypervisors.append(record)
        return record

    def _hypervisor_view(
        self, asked: Asked, record: Record, detail: bool, with_servers: bool = False
    ) -> dict[str, Any]:
        key, service = "uuid" if self._at_least(asked, "2.53") else "id", record["service"]
        view = {
            "id": record[key], "hypervisor_hostname": record["hypervisor_hostname"], "state": "up",
            "status": "disabled" if service["disabled"] else "enabled",
        }  # fmt: skip
        if detail:
            view |= {"hypervisor_type": "QEMU", "hypervisor_version": 8002002, "host_ip": "192.0.2.1"}
            view["service"] = {"id": service[key], "host": service["host"], "disabled_reason": None}
            view |= {"uptime": record["uptime"]} if self._at_least(asked, "2.88") else {"vcpus": 4, "vcpus_used": 1}
        servers = [each for each in self.servers.values() if each["host"] == service["host"]] if with_servers else []
        if servers or (with_servers and self._at_least(asked, "2.75")):
            view["servers"] = [{"name": server["name"], "uuid": server["id"]} for server in servers]
        return view

    def _matching(self, pattern: str) -> list[Record]:
        found = [record for record in self.hypervisors if pattern in record["hypervisor_hostname"]]
        if not found:
            raise fault(404, f"No hypervisor matching '{pattern}' could be found.")
        return found

    def _list_hypervisors(self, asked: Asked) -> Answer:
        detail = asked.path.endswith("/detail")
        self._administrators(asked, f"os_compute_api:os-hypervisors:list{'-detail' if detail else ''}")
        paged, records, body = self._at_least(asked, "2.33"), self.hypervisors, {}
        with_servers, pattern = False, None
        if self._at_least(asked, "2.53"):
            pattern = asked.first("hypervisor_hostname_pattern")
            with_servers = (asked.first("with_servers") or "").lower() in ("1", "true", "yes")
        if pattern is not None:
            if asked.first("limit") is not None or asked.first("marker"):
                raise fault(
                    400,
                    "Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.",
                )
            records = self._matching(pattern)
        elif paged:
            key, limit = "uuid" if self._at_least(asked, "2.53") else "id", self._limit(asked)
            known = [{"mark": str(record[key]), "record": record} for record in records]
            known = page(known, asked.first("marker"), limit, lambda m: fault(400, f"marker [{m}] not found"), "mark")
            records = [each["record"] for each in known]
            if limit and len(records) == limit:
                path = "os-hypervisors/detail" if detail else "os-hypervisors"
                link = f"{self._url(asked, path)}?{query(asked, known[-1]['mark'])}"
                body["hypervisors_links"] = [{"rel": "next", "href": link}]
        listed = [self._hypervisor_view(asked, record, detail, with_servers) for record in records]
        return Answer(200, {"hypervisors": listed, **body})

    def _hypervisor(self, asked: Asked) -> Record:
        value, key = asked.parameters[0], "id"
        if self._at_least(asked, "2.53"):
            self._require_uuid(value)
            key = "uuid"
        record = next((known for known in self.hypervisors if str(known[key]) == value), None)
        if record is None:
            raise fault(404, f"Hypervisor with ID '{value}' could not be found.")
        return record

    def _show_hypervisor(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-hypervisors:show")
        with_servers = self._at_least(asked, "2.53") and (asked.first("with_servers") or "").lower() == "true"
        return Answer(200, {"hypervisor": self._hypervisor_view(asked, self._hypervisor(asked), True, with_servers)})

    def _uptime(self, asked: Asked) -> Answer:
        if self._at_least(asked, "2.88"):
            raise fault(404, "The resource could not be found.")
        self._administrators(asked, "os_compute_api:os-hypervisors:uptime")
        record = self._hypervisor(asked)
        if record["uptime"] is None:
            raise fault(400, f"Compute service of {record['hypervisor_hostname']} is unavailable at this time.")
        return Answer(200, {"hypervisor": {**self._hypervisor_view(asked, record, False), "uptime": record["uptime"]}})

    def _search(self, asked: Asked) -> Answer:
        pattern, what = asked.parameters
        if self._at_least(asked, "2.53"):
            raise fault(404, "The resource could not be found.")
        self._administrators(asked, f"os_compute_api:os-hypervisors:{what}")
        views = [self._hypervisor_view(asked, each, False, what == "servers") for each in self._matching(pattern)]
        return Answer(200, {"hypervisors": views})

    def _statistics(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-hypervisors:statistics")
        count = len(self.hypervisors)
        return Answer(200, {"hypervisor_statistics": {"count": count, "vcpus": 4 * count, "vcpus_used": count}})

    # -- migrations

    def add_migration(self, created_at: str, **fields: Any) -> Record:
        """A migration that was there; ids are counted as a database does."""
        record = {
            **dict.fromkeys(MIGRATION_FIELDS), "id": len(self.migrations) + 1, "uuid": str(uuid.uuid4()),
            "status": "completed", "instance_uuid": str(uuid.uuid4()), "migration_type": "live-migration",
            "created_at": created_at, "updated_at": created_at, **fields,
        }  # fmt: skip
        self.migrations.append(record)
        return record

    def _list_migrations(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-migrations:index")
        records = [
            each
            for each in self.migrations
            if all(each[name] == asked.first(name) for name in ("status", "instance_uuid") if asked.first(name))
        ]
        body: dict[str, Any] = {}
        fields = MIGRATION_FIELDS
        if self._at_least(asked, "2.23"):
            fields = (*fields, "migration_type")
        if self._at_least(asked, "2.59"):
            fields = (*fields, "uuid")
            if not re.fullmatch(r"(|[0-9a-f-]{36})", asked.first("marker") or ""):
                value = asked.first("marker")
                raise fault(
                    400,
                    f"Invalid input for query parameters marker. Value: {value}. {json.dumps(value)} is not a 'uuid'",
                )
            limit, marker = self._limit(asked), asked.first("marker")
            records = ordered(records, ["created_at", "id"], ["desc", "desc"])
            if marker and all(each["uuid"] != marker for each in records):
                # A marker need not pass the filters (nova.db.main.api.migration_get_all_by_filters).
                known = next((each for each in self.migrations if each["uuid"] == marker), None)
                if known is None:
                    raise fault(400, f"Marker {marker} could not be found.")
                place = (known["created_at"], known["id"])
                records = [each for each in records if (each["created_at"], each["id"]) < place][:limit]
            else:
                records = page(
                    records, marker or None, limit, lambda m: fault(400, f"Marker {m} could not be found."), "uuid"
                )
            if limit and len(records) == limit:
                link = f"{self._url(asked, 'os-migrations')}?{query(asked, records[-1]['uuid'])}"
                body["migrations_links"] = [{"rel": "next", "href": link}]
        return Answer(200, {"migrations": [{name: each[name] for name in fields} for each in records], **body})
