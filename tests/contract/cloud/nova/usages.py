"""Usage of projects in the fake Nova (nova/api/openstack/compute/simple_tenant_usage.py)."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..pod_service import Record, query
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .hosts import Hosts

PERIOD = ("2026-01-01T00:00:00", "2026-01-02T00:00:00")


class Usages(Hosts):
    """Usage that servers made."""

    def usage_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/os-simple-tenant-usage", self._list_usages),
            On("GET", f"{ROOT}/os-simple-tenant-usage/([^/]+)", self._show_usage),
            On("GET", f"{ROOT}/os-instance_usage_audit_log", self._list_audit_logs),
            On("GET", f"{ROOT}/os-instance_usage_audit_log/([^/]+)", self._show_audit_log),
        )

    def add_usage(self, project_id: str, instance_id: str, hours: float = 2.5) -> Record:
        """A server that ran, and may be gone."""
        record = {
            "instance_id": instance_id, "tenant_id": project_id, "name": f"vm {instance_id[:4]}", "hours": hours,
            "flavor": "small", "memory_mb": 512, "local_gb": 3, "vcpus": 2, "started_at": f"{PERIOD[0]}.000000",
            "ended_at": None, "state": "active", "uptime": 9000,
        }  # fmt: skip
        self.usages.append(record)
        return record

    def _period(self, asked: Asked) -> tuple[str, str]:
        start, end = asked.first("start") or PERIOD[0], asked.first("end") or PERIOD[1]
        try:
            moments = [datetime.fromisoformat(each) for each in (start, end)]
        except ValueError:
            raise fault(400, "Invalid datetime string: Datetime is in invalid format") from None
        if not moments[0] < moments[1]:
            raise fault(400, "Invalid start time. The start time cannot occur after the end time.")
        return start, end

    def _servers(self, asked: Asked, project_id: str | None) -> list[Record]:
        records = sorted(self.usages, key=lambda each: (each["tenant_id"], each["instance_id"]))
        if self._at_least(asked, "2.40"):
            marker, limit = asked.first("marker"), self._limit(asked)
            if marker:
                # The server need not be of the project (nova.db.main.api, instance_get_active_by_window_joined).
                known = next((each for each in records if each["instance_id"] == marker), None)
                if known is None:
                    raise fault(400, f"Marker {marker} could not be found.")
                place = (known["tenant_id"], known["instance_id"])
                records = [each for each in records if (each["tenant_id"], each["instance_id"]) > place]
        else:
            limit = self.max_limit
        return [each for each in records if project_id in (None, each["tenant_id"])][:limit]

    def _summaries(self, asked: Asked, servers: list[Record], detailed: bool) -> list[dict[str, Any]]:
        start, stop = self._period(asked)
        projects: dict[str, Any] = {}
        for server in servers:
            summary = projects.setdefault(
                server["tenant_id"],
                {
                    "tenant_id": server["tenant_id"], **({"server_usages": []} if detailed else {}),
                    "total_local_gb_usage": 0, "total_vcpus_usage": 0, "total_memory_mb_usage": 0, "total_hours": 0,
                    "start": start, "stop": stop,
                },
            )  # fmt: skip
            for name in ("local_gb", "vcpus", "memory_mb"):
                summary[f"total_{name}_usage"] += server[name] * server["hours"]
            summary["total_hours"] += server["hours"]
            if detailed:
                summary["server_usages"].append(server)
        return list(projects.values())

    def _usage_links(self, asked: Asked, servers: list[Record], name: str, path: str) -> dict[str, Any]:
        limit = self._limit(asked) if self._at_least(asked, "2.40") else 0
        if not limit or len(servers) != limit:
            return {}
        link = f"{self._url(asked, path)}?{query(asked, servers[-1]['instance_id'])}"
        return {f"{name}_links": [{"rel": "next", "href": link}]}

    def _check_query(self, asked: Asked, *names: str) -> None:
        # From 2.75 on the schema has no additional properties.
        if self._at_least(asked, "2.75") and (others := {key for key, _ in asked.query} - set(names)):
            raise fault(400, f"Additional properties are not allowed ({sorted(others)} were unexpected)")

    def _list_usages(self, asked: Asked) -> Answer:
        self._check_query(asked, "start", "end", "limit", "marker", "detailed")
        self._administrators(asked, "os_compute_api:os-simple-tenant-usage:list")
        self._period(asked)
        servers = self._servers(asked, None)
        usages = self._summaries(asked, servers, asked.first("detailed") == "1")
        links = self._usage_links(asked, servers, "tenant_usages", "os-simple-tenant-usage")
        return Answer(200, {"tenant_usages": usages, **links})

    def _show_usage(self, asked: Asked) -> Answer:
        self._check_query(asked, "start", "end", "limit", "marker")
        project_id = asked.parameters[0]
        if project_id != asked.user.project_id:
            self._administrators(asked, "os_compute_api:os-simple-tenant-usage:show")
        self._period(asked)
        servers = self._servers(asked, project_id)
        usages = self._summaries(asked, servers, True)
        links = self._usage_links(asked, servers, "tenant_usage", f"os-simple-tenant-usage/{quote(project_id)}")
        return Answer(200, {"tenant_usage": usages[0] if usages else {}, **links})

    # -- the audit log

    def _audit_log(self) -> Record:
        hosts = {each["host"] for each in self.services if each["binary"] == "nova-compute"}
        done = {host for host in hosts if host not in self.not_audited}
        entry = {"state": "DONE", "instances": 3, "errors": 1, "message": "Instance usage audit ran"}
        return {
            "period_beginning": "2026-10-01 00:00:00", "period_ending": "2026-11-01 00:00:00",
            "num_hosts": len(hosts), "num_hosts_done": len(done), "num_hosts_running": 0,
            "num_hosts_not_run": len(hosts - done), "hosts_not_run": sorted(hosts - done),
            "total_instances": 3 * len(done), "total_errors": len(done),
            "overall_status": f"{'ALL' if done == hosts else f'{len(done)} of {len(hosts)}'} hosts done. "
            f"{len(done)} errors.",
            "log": dict.fromkeys(sorted(done), entry),
        }  # fmt: skip

    def _list_audit_logs(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-instance-usage-audit-log:list")
        return Answer(200, {"instance_usage_audit_logs": self._audit_log()})

    def _show_audit_log(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-instance-usage-audit-log:show")
        value = asked.parameters[0]
        if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", value) is None:
            raise fault(400, f"Invalid timestamp for date {value}")
        return Answer(200, {"instance_usage_audit_log": self._audit_log()})
