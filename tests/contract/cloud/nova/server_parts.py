"""What belongs to one server of the fake Nova: metadata, tags, its password, what its host tells.

Sources: nova/api/openstack/compute/server_metadata.py, server_tags.py, server_password.py, server_diagnostics.py
and server_topology.py, with their schemas.
"""

from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..schema import Schema
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .schemas import TAG, TEXT
from .server_actions import fits
from .server_attached import ServerAttached

METADATA: Schema = {
    "type": "object", "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": TEXT}, "additionalProperties": False,
}  # fmt: skip
MOST_TAGS = 50
TAGGED = ("active", "paused", "suspended", "stopped")


class ServerParts(ServerAttached):
    """Each part answers as its own controller does."""

    def part_routes(self) -> Iterable[On]:
        """Their part of the table."""
        root = f"{ROOT}/servers/([^/]+)"
        return (
            On("GET POST PUT", f"{root}/metadata", self._metadata),
            On("GET PUT DELETE", f"{root}/metadata/([^/]+)", self._one_of_metadata),
            On("GET PUT DELETE", f"{root}/tags", self._tags),
            On("GET PUT DELETE", f"{root}/tags/(.+)", self._tag),
            On("GET DELETE", f"{root}/os-server-password", self._password),
            On("GET", f"{root}/diagnostics", self._diagnostics),
            On("GET", f"{root}/topology", self._topology),
            On("POST", f"{root}/remote-consoles", self._remote_console),
        )

    # -- metadata

    def _metadata(self, asked: Asked) -> Answer:
        record = self.server(asked)
        if asked.method != "GET":
            wanted = self.body(asked, "metadata")
            fits(METADATA, wanted, "metadata")
            record["metadata"] = {**(record["metadata"] if asked.method == "POST" else {}), **wanted}
        return Answer(200, {"metadata": record["metadata"]})

    def _one_of_metadata(self, asked: Asked) -> Answer:
        record, key = self.server(asked), asked.parameters[1]
        if asked.method == "PUT":
            wanted = self.body(asked, "meta")
            fits(METADATA, wanted, "meta")
            if len(wanted) != 1:
                raise fault(400, f"Invalid input for field/attribute meta. Value: {wanted}.")
            if key not in wanted:
                raise fault(400, "Request body and URI mismatch")
            record["metadata"] |= wanted
            return Answer(200, {"meta": wanted})
        if key not in record["metadata"]:
            raise fault(404, "Metadata item was not found")
        if asked.method == "DELETE":
            del record["metadata"][key]
            return Answer(204)
        return Answer(200, {"meta": {key: record["metadata"][key]}})

    # -- tags

    def _tagged(self, asked: Asked, action: str) -> Record:
        self._since(asked, "2.26")
        record = self.server(asked)
        if asked.method != "GET" and record["vm_state"] not in TAGGED:
            raise self._conflict(record, action)
        return record

    def _tags(self, asked: Asked) -> Answer:
        record = self._tagged(asked, "delete tags" if asked.method == "DELETE" else "update tags")
        if asked.method == "DELETE":
            record["tags"] = []
            return Answer(204)
        if asked.method == "PUT":
            wanted: Any = self.body(asked, "tags")
            fits({"type": "array", "items": TAG, "maxItems": MOST_TAGS}, wanted, "tags")
            record["tags"] = list(dict.fromkeys(wanted))
        return Answer(200, {"tags": record.get("tags", [])})

    def _tag(self, asked: Asked) -> Answer:
        record = self._tagged(asked, "delete tag" if asked.method == "DELETE" else "update tag")
        tag, tags = asked.parameters[1], record.setdefault("tags", [])
        if asked.method == "PUT":
            if not 0 < len(tag) <= 60 or "," in tag or "/" in tag:
                raise fault(
                    400, f"Tag '{tag}' is invalid. It must be a non empty string without characters '/' and ','."
                )
            if tag in tags:
                return Answer(204)
            tags.append(tag)
            return Answer(201, headers={"Location": self._url(asked, f"servers/{record['id']}/tags/{tag}")})
        if tag not in tags:
            word = "Instance" if asked.method == "DELETE" else "Server"
            raise fault(404, f"{word} {record['id']} has no tag '{tag}'")
        if asked.method == "DELETE":
            tags.remove(tag)
        return Answer(204)

    # -- what the host tells

    def _password(self, asked: Asked) -> Answer:
        record = self.server(asked)
        if asked.method == "DELETE":
            record["encrypted_password"] = ""
            return Answer(204)
        return Answer(200, {"password": record.get("encrypted_password", "")})

    def _diagnostics(self, asked: Asked) -> Answer:
        record = self.server(asked)
        self._administrators(asked, "os_compute_api:os-server-diagnostics")
        if not record["host"]:
            raise fault(409, f"Instance {record['id']} is not ready")
        if not self._at_least(asked, "2.48"):
            return Answer(200, {"cpu0_time": 17300000000, "memory": 524288, "vda_read": 262144})
        return Answer(
            200,
            {
                "state": "running", "driver": "libvirt", "hypervisor": "kvm", "hypervisor_os": record["host"],
                "uptime": 46664, "config_drive": True, "num_cpus": 1, "num_nics": 0, "num_disks": 0, "nic_details": [],
                "cpu_details": [{"id": 0, "time": 17300000000, "utilisation": 15}], "disk_details": [],
                "memory_details": {"maximum": 524288, "used": 0},
            },
        )  # fmt: skip

    def _topology(self, asked: Asked) -> Answer:
        self._since(asked, "2.78")
        record = self.server(asked)
        nodes = [dict(node) for node in record.get("numa", ())]
        for node in nodes:
            if not asked.user.is_admin:
                del node["host_node"], node["cpu_pinning"]
        return Answer(200, {"nodes": nodes, "pagesize_kb": 4 if nodes else None})
