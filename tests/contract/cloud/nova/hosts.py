"""Hosts and services of the fake Nova (nova/api/openstack/compute/hosts.py and services.py)."""

import json
import uuid
from collections.abc import Iterable

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase

ACTIONS = ("reboot", "shutdown", "startup")


class Hosts(NovaBase):
    """Hosts with their compute services."""

    def host_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/os-services", self._list_services),
            On("PUT", f"{ROOT}/os-services/([^/]+)", self._update_service),
            On("DELETE", f"{ROOT}/os-services/([^/]+)", self._delete_service),
            On("GET", f"{ROOT}/os-hosts", self._list_hosts),
            On("GET", f"{ROOT}/os-hosts/([^/]+)", self._show_host),
            On("PUT", f"{ROOT}/os-hosts/([^/]+)", self._update_host),
            On("GET", f"{ROOT}/os-hosts/([^/]+)/({'|'.join(ACTIONS)})", self._power),
        )

    def add_service(self, host: str, binary: str = "nova-compute") -> Record:
        """A service that is there already; ids are counted as a database does."""
        record = {
            "id": max((known["id"] for known in self.services), default=0) + 1, "uuid": str(uuid.uuid4()),
            "host": host, "binary": binary, "disabled": False, "disabled_reason": None, "forced_down": False,
        }  # fmt: skip
        self.services.append(record)
        return record

    # -- services

    def _service_view(self, asked: Asked, record: Record) -> Record:
        view = {
            "binary": record["binary"], "host": record["host"],
            "id": record["uuid" if self._at_least(asked, "2.53") else "id"],
            "zone": self.zone if record["binary"] == "nova-compute" else "internal",
            "status": "disabled" if record["disabled"] else "enabled", "state": "up",
            "updated_at": "2026-11-20T15:30:22.000000", "disabled_reason": record["disabled_reason"],
        }  # fmt: skip
        return {**view, "forced_down": record["forced_down"]} if self._at_least(asked, "2.11") else view

    def _list_services(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-services:list")
        host, binary = asked.first("host"), asked.first("binary")
        listed = [
            self._service_view(asked, record)
            for record in self.services
            if (not host or record["host"] == host) and (not binary or record["binary"] == binary)
        ]
        return Answer(200, {"services": listed})

    def compute_service(self, host: str) -> Record:
        """The compute service of a host. Raises `Refusal` 404."""
        for record in self.services:
            if (record["host"], record["binary"]) == (host, "nova-compute"):
                return record
        # nova.exception.HostMappingNotFound
        raise fault(404, f"Host '{host}' is not mapped to any cell")

    def _update_service(self, asked: Asked) -> Answer:
        if self._at_least(asked, "2.53"):
            return self._update_service_by_id(asked)
        self._administrators(asked, "os_compute_api:os-services:update")
        body, action = self._object(asked), asked.parameters[0]
        for name in ("host", "binary"):
            if name not in body:
                raise fault(
                    400, f"Invalid input for field/attribute body. Value: {body}. '{name}' is a required property"
                )
        known = ("enable", "disable", "disable-log-reason", *(("force-down",) if self._at_least(asked, "2.11") else ()))
        if action not in known:
            raise fault(404, "Unknown action")
        if action == "disable-log-reason" and "disabled_reason" not in body:
            raise fault(400, "Missing disabled reason field")
        if action == "force-down" and "forced_down" not in body:
            raise fault(400, "Missing forced_down field")
        host, binary = body["host"], body["binary"]
        if binary != "nova-compute":
            raise fault(
                400, f"Updating a {binary} service is not supported. Only nova-compute services can be updated."
            )
        record = self.compute_service(host)
        told = {"host": host, "binary": binary}
        if action == "force-down":
            record["forced_down"] = body["forced_down"]
            return Answer(200, {"service": {**told, "forced_down": body["forced_down"]}})
        record["disabled"] = action != "enable"
        record["disabled_reason"] = body.get("disabled_reason") if action == "disable-log-reason" else None
        told["status"] = "disabled" if record["disabled"] else "enabled"
        if record["disabled_reason"]:
            told["disabled_reason"] = record["disabled_reason"]
        return Answer(200, {"service": told})

    def _update_service_by_id(self, asked: Asked) -> Answer:
        body, service_id = self._object(asked), asked.parameters[0]
        self._require_uuid(service_id)
        self._administrators(asked, "os_compute_api:os-services:update")
        record = next((known for known in self.services if known["uuid"] == service_id), None)
        if record is None:
            raise fault(404, f"Service {service_id} could not be found.")
        if record["binary"] != "nova-compute":
            raise fault(
                400,
                f"Updating a {record['binary']} service is not supported. Only nova-compute services can be updated.",
            )
        if not body:
            raise fault(400, "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
        if "status" in body:
            record["disabled"] = body["status"] == "disabled"
            record["disabled_reason"] = body.get("disabled_reason")
        record["forced_down"] = body.get("forced_down", record["forced_down"])
        return Answer(200, {"service": self._service_view(asked, record)})

    def _delete_service(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-services:delete")
        service_id, key = asked.parameters[0], "id"
        if self._at_least(asked, "2.53"):
            self._require_uuid(service_id)
            key = "uuid"
        else:
            self._require_number(service_id)
        record = next((known for known in self.services if str(known[key]) == service_id), None)
        if record is None:
            raise fault(404, f"Service {service_id} not found.")
        if any(server["host"] == record["host"] for server in self.servers.values()):
            raise fault(
                409,
                "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.",
            )
        self.services.remove(record)
        return Answer(204)

    def _object(self, asked: Asked) -> Record:
        try:
            body = json.loads(asked.body)
        except ValueError:
            raise fault(400, "Malformed request body") from None
        if not isinstance(body, dict):
            raise fault(400, f"Invalid input for field/attribute body. Value: {body}. {body!r} is not of type 'object'")
        return body

    @staticmethod
    def _require_uuid(value: str) -> None:
        try:
            uuid.UUID(value)
        except ValueError:
            raise fault(400, f"Invalid uuid {value}") from None

    @staticmethod
    def _require_number(value: str) -> None:
        # oslo_utils.strutils.validate_integer, then nova.exception.InvalidInput
        if not value.isdecimal():
            raise fault(400, "Invalid input received: id must be an integer")

    # -- hosts, to 2.42

    def _old(self, asked: Asked) -> None:
        if self._at_least(asked, "2.43"):
            raise fault(404, "The resource could not be found.")

    def _list_hosts(self, asked: Asked) -> Answer:
        self._old(asked)
        self._administrators(asked, "os_compute_api:os-hosts:list")
        hosts = [
            {"host_name": record["host"], "service": record["binary"].removeprefix("nova-"), "zone": self.zone}
            for record in self.services
            if not record["disabled"]
        ]
        return Answer(200, {"hosts": hosts})

    def _show_host(self, asked: Asked) -> Answer:
        self._old(asked)
        self._administrators(asked, "os_compute_api:os-hosts:show")
        host = self.compute_service(asked.parameters[0])["host"]
        totals = {"host": host, "project": "(total)", "cpu": 4, "memory_mb": 8192, "disk_gb": 100}
        return Answer(200, {"host": [{"resource": totals}]})

    def _update_host(self, asked: Asked) -> Answer:
        self._old(asked)
        body = self._object(asked)
        self._administrators(asked, "os_compute_api:os-hosts:update")
        record = self.compute_service(asked.parameters[0])
        record["disabled"] = body["status"] != "enable"
        return Answer(200, {"host": record["host"], "status": "disabled" if record["disabled"] else "enabled"})

    def _power(self, asked: Asked) -> Answer:
        self._old(asked)
        host, action = asked.parameters
        verb = {"startup": "start"}.get(action, action)
        self._administrators(asked, f"os_compute_api:os-hosts:{verb}")
        self.powered.append((self.compute_service(host)["host"], action))
        return Answer(200, {"host": host, "power_action": action})
