"""What a fake Cinder knows of its services, hosts and clusters, and of what their back ends have.

Sources: cinder.api.v3.services, clusters, workers; cinder.api.contrib.hosts, capabilities, volume_manage,
snapshot_manage; cinder.api.common.get_cluster_host.
"""

import base64
import json
import uuid
from collections.abc import Iterable
from typing import Any

from .cinder_types import ROOT, Types
from .pod_service import Record, numbers
from .service import Answer, Asked, On, fault


class Hosts(Types):
    """The services of one pod."""

    zone: str
    records: dict[str, dict[str, Record]]
    services: list[Record]

    def add(self, kind: str, project_id: str, **fields: Any) -> Record:
        """Something that is there already."""
        raise NotImplementedError

    def add_service(self, host: str, cluster: str | None = None, binary: str = "cinder-volume") -> Record:
        """A service."""
        record: Record = {
            "id": len(self.services) + 1, "host": host, "cluster": cluster, "binary": binary, "zone": self.zone,
            "status": "enabled", "state": "up", "updated_at": None, "disabled_reason": None, "level": "INFO",
        }  # fmt: skip
        self.services.append(record)
        return record

    def host_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("GET", f"{ROOT}/os-services", self._list_services)
        yield On("PUT", f"{ROOT}/os-services/(get-log|set-log)", self._log)
        yield On("PUT", f"{ROOT}/os-services/([^/]+)", self._change_service)
        yield On("GET", f"{ROOT}/os-hosts", self._list_hosts)
        yield On("GET PUT", f"{ROOT}/os-hosts/([^/]+)", self._host)
        yield On("GET", f"{ROOT}/capabilities/([^/]+)", self._capabilities)
        yield On("GET", f"{ROOT}/scheduler-stats/get_pools", self._pools)
        yield On("GET", f"{ROOT}/clusters(|/detail)", self._clusters)
        yield On("PUT", f"{ROOT}/clusters/(enable|disable)", self._change_cluster)
        yield On("GET", f"{ROOT}/clusters/([^/]+)", self._show_cluster)
        yield On("GET", f"{ROOT}/(os-|manageable_)(volume|snapshot)(?:-manage|s)(?:/detail)?", self._manageable)
        yield On("POST", f"{ROOT}/(os-|manageable_)(volume|snapshot)(?:-manage|s)", self._manage)
        yield On("POST", f"{ROOT}/workers/cleanup", self._cleanup)
        yield On("POST", f"{ROOT}/backups/import_record", self._import)
        yield On("GET", f"{ROOT}/backups/([^/]+)/export_record", self._export)

    def _manager(self, asked: Asked, action: str, version: str = "3.0") -> None:
        if numbers(asked.headers["version"]) < numbers(version):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        if not asked.user.is_admin:
            raise fault(403, f"Policy doesn't allow {action} to be performed.")

    def _cluster_or_host(self, asked: Asked, fields: Any, version: str | None) -> list[Record]:
        clustered = version is not None and numbers(asked.headers["version"]) >= numbers(version)
        cluster, host = fields.get("cluster") if clustered else None, fields.get("host")
        if bool(cluster) == bool(host):
            text = "One and only one of cluster and host must be set." if clustered else "Host field is missing."
            raise fault(400, f"Invalid input received: {text}")
        name = (host or cluster).partition("#")[0]
        return [each for each in self.services if each["host" if host else "cluster"] == name]

    def _shown_service(self, asked: Asked, record: Record) -> Record:
        hidden = {"id", "level"} | ({"cluster"} if numbers(asked.headers["version"]) < (3, 7) else set())
        return {key: value for key, value in record.items() if key not in hidden}

    def _list_services(self, asked: Asked) -> Answer:
        self._manager(asked, "volume_extension:services:index")
        return Answer(200, {"services": [self._shown_service(asked, each) for each in self.services]})

    def _change_service(self, asked: Asked) -> Answer:
        self._manager(asked, "volume_extension:services:update")
        action, body = asked.parameters[0], json.loads(asked.body)
        if action in ("freeze", "thaw", "failover_host"):
            found = self._cluster_or_host(asked, body, "3.26")
            if not found:
                raise fault(400, f"Invalid input received: Service {body.get('host')} could not be found.")
            for each in found:
                each["did"] = action
            return Answer(202 if action == "failover_host" else 200)
        found = [each for each in self._cluster_or_host(asked, body, None) if each["binary"] == body.get("binary")]
        if not found:
            raise fault(404, f"Service {body.get('binary')} could not be found on host {body['host']}.")
        status = "enabled" if action == "enable" else "disabled"
        found[0] |= {"status": status, "disabled_reason": body.get("disabled_reason")}
        return Answer(200, {"host": body["host"], "service": "", "binary": body["binary"], "status": status})

    def _log(self, asked: Asked) -> Answer:
        self._manager(asked, "volume_extension:services:update", "3.32")
        body = json.loads(asked.body)
        found = [each for each in self.services if body.get("server") in (None, "", each["host"])]
        if asked.parameters[0] == "set-log":
            for each in found:
                each["level"] = body["level"]
            return Answer(202)
        levels = [{"host": each["host"], "binary": each["binary"], "levels": {"c": each["level"]}} for each in found]
        return Answer(200, {"log_levels": levels})

    def _list_hosts(self, asked: Asked) -> Answer:
        self._manager(asked, "volume_extension:hosts")
        hosts = [{"host_name": each["host"], "service": each["binary"], "zone": each["zone"]} for each in self.services]
        return Answer(200, {"hosts": hosts})

    def _host(self, asked: Asked) -> Answer:
        self._manager(asked, "volume_extension:hosts")
        host = asked.parameters[0]
        if host not in [each["host"] for each in self.services]:
            raise fault(404, f"Host {host} could not be found.")
        if asked.method == "PUT":
            return Answer(200, {"host": host, "status": f"{json.loads(asked.body)['status']}d"})
        return Answer(200, {"host": [{"resource": {"host": host, "project": "(total)", "volume_count": "0"}}]})

    def _capabilities(self, asked: Asked) -> Answer:
        self._manager(asked, "volume_extension:capabilities")
        host = asked.parameters[0]
        if not any(host in (each["host"], each["host"].partition("@")[0], each["cluster"]) for each in self.services):
            raise fault(404, f"Can't find service: {host}")
        return Answer(200, {"host_name": host, "volume_backend_name": f"of {self.root}"})

    def _pools(self, asked: Asked) -> Answer:
        self._manager(asked, "scheduler_extension:scheduler_stats:get_pools")
        return Answer(200, {"pools": [{"name": f"{each['host']}#pool"} for each in self.services]})

    def _clusters(self, asked: Asked) -> Answer:
        self._manager(asked, "clusters:get_all", "3.7")
        names = dict.fromkeys(each["cluster"] for each in self.services if each["cluster"])
        return Answer(200, {"clusters": [{"name": name, "binary": "cinder-volume"} for name in names]})

    def _cluster(self, name: str) -> list[Record]:
        found = [each for each in self.services if each["cluster"] == name]
        if not found:
            raise fault(404, f"Cluster {name} could not be found.")
        return found

    def _show_cluster(self, asked: Asked) -> Answer:
        self._manager(asked, "clusters:get", "3.7")
        found = self._cluster(asked.parameters[0])
        return Answer(200, {"cluster": {"name": asked.parameters[0], "status": found[0]["status"]}})

    def _change_cluster(self, asked: Asked) -> Answer:
        self._manager(asked, "clusters:update", "3.7")
        name, status = json.loads(asked.body)["name"], f"{asked.parameters[0]}d"
        for each in self._cluster(name):
            each["status"] = status
        return Answer(200, {"cluster": {"name": name, "status": status}})

    def _manageable(self, asked: Asked) -> Answer:
        prefix, kind = asked.parameters
        self._manager(asked, f"{kind}_extension:list_manageable", "3.8" if prefix == "manageable_" else "3.0")
        if not self._cluster_or_host(asked, dict(asked.query), "3.17"):
            raise fault(400, f"Service {asked.first('host')} could not be found.")
        return Answer(200, {f"manageable-{kind}s": [{"reference": {"source-name": f"of {self.root}"}}]})

    def _manage(self, asked: Asked) -> Answer:
        prefix, kind = asked.parameters
        self._manager(asked, f"{kind}_extension:manage", "3.8" if prefix == "manageable_" else "3.0")
        wanted = self.body(asked, kind)
        fields: Record = {"name": wanted.get("name")}
        if kind == "snapshot":
            if wanted["volume_id"] not in self.records["volume"]:
                raise fault(404, f"Volume {wanted['volume_id']} could not be found.")
        else:
            if not self._cluster_or_host(asked, wanted, "3.16"):
                raise fault(503, f"Host '{wanted.get('host')}' not found")
            if wanted.get("availability_zone") not in (None, self.zone):
                raise fault(400, f"Availability zone '{wanted['availability_zone']}' is invalid.")
            if wanted.get("volume_type"):
                fields["volume_type"] = self.by_name_or_id("volume_type", wanted["volume_type"])["name"]
        record = self.add(kind, asked.user.project_id, **fields)
        return Answer(202, {kind: {"id": record["id"], "name": record["name"]}})

    def _cleanup(self, asked: Asked) -> Answer:
        self._manager(asked, "workers:cleanup", "3.24")
        body = json.loads(asked.body or b"{}")
        resource_id = body.get("resource_id")
        if resource_id and not any(resource_id in records for records in self.records.values()):
            raise fault(400, f"Invalid input received: There is no resource with UUID {resource_id} pending cleanup.")
        told = [
            {"id": each["id"], "host": each["host"], "binary": each["binary"], "cluster_name": each["cluster"]}
            for each in self.services
            if body.get("host") in (None, each["host"])
        ]
        return Answer(202, {"cleaning": told, "unavailable": []})

    def _export(self, asked: Asked) -> Answer:
        self._manager(asked, "backup:export-import")
        record = self.records["backup"].get(asked.parameters[0])
        if record is None:
            raise fault(404, f"Backup {asked.parameters[0]} could not be found.")
        url = base64.b64encode(json.dumps({"id": record["id"], "volume_id": record.get("volume_id")}).encode())
        return Answer(200, {"backup-record": {"backup_service": "driver", "backup_url": url.decode()}})

    def _import(self, asked: Asked) -> Answer:
        self._manager(asked, "backup:backup-import")
        try:
            record = json.loads(base64.b64decode(self.body(asked, "backup-record")["backup_url"]))
        except (ValueError, TypeError):
            raise fault(400, "Invalid input received: Can't parse backup record.") from None
        if record.get("id") in self.records["backup"]:
            raise fault(400, "Invalid backup: Backup already exists in database.")
        made = self.add("backup", asked.user.project_id, **{"id": str(uuid.uuid4()), **record})
        return Answer(201, {"backup": {"id": made["id"], "name": made["name"], "links": []}})
