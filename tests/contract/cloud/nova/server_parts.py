"""What belongs to one server of the fake Nova: metadata, tags, its password, shares, volumes, migrations, and so on.

Sources: nova/api/openstack/compute/server_metadata.py, server_tags.py, server_password.py, server_diagnostics.py,
server_topology.py, server_migrations.py, server_shares.py and volume_attachments.py, with their schemas.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..schema import Schema
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .schemas import TAG, TEXT, UUID
from .server_actions import ServerActions, fits, unsupported

METADATA: Schema = {
    "type": "object", "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": TEXT}, "additionalProperties": False,
}  # fmt: skip
MOST_TAGS = 50
TAGGED = ("active", "paused", "suspended", "stopped")
IN_PROGRESS = ("queued", "preparing", "running", "post-migrating")
SHARE: Schema = {
    "type": "object", "required": ["share_id"], "additionalProperties": False,
    "properties": {"share_id": UUID, "tag": {"type": "string", "minLength": 1, "maxLength": 255}},
}  # fmt: skip


class ServerParts(ServerActions):
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
            On("GET POST", f"{root}/shares", self._shares),
            On("GET DELETE", f"{root}/shares/([^/]+)", self._share),
            On("GET", f"{root}/migrations", self._migrations),
            On("GET DELETE", f"{root}/migrations/([^/]+)", self._migration),
            On("POST", f"{root}/migrations/([^/]+)/action", self._force_complete),
            On("GET", f"{root}/os-volume_attachments", self._list_attachments),
            On("GET DELETE", f"{root}/os-volume_attachments/([^/]+)", self._attachment),
        )

    def _since(self, asked: Asked, version: str) -> None:
        if not self._at_least(asked, version):
            raise unsupported(asked)

    def _conflict(self, record: Record, action: str) -> Exception:
        state = record["vm_state"]
        return fault(409, f"Cannot '{action}' instance {record['id']} while it is in vm_state {state}")

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

    # -- shares

    def _share_view(self, asked: Asked, share: Record) -> Record:
        shown = ("share_id", "status", "tag", *(("export_location", "uuid") if asked.user.is_admin else ()))
        return {"share": {name: share[name] for name in shown}}

    def _shares(self, asked: Asked) -> Answer:
        self._since(asked, "2.97")
        record = self.server(asked)
        shares = record.setdefault("shares", {})
        if asked.method == "GET":
            return Answer(
                200,
                {"shares": [{name: each[name] for name in ("share_id", "status", "tag")} for each in shares.values()]},
            )
        wanted = self.body(asked, "share")
        fits(SHARE, wanted, "share")
        if record["vm_state"] != "stopped":
            raise self._conflict(record, "create share")
        share_id = wanted["share_id"]
        if share_id not in self.manila:
            raise fault(404, f"Share {share_id} could not be found.")
        tag = wanted.get("tag", share_id)
        if share_id in shares:
            raise fault(409, f"Share '{share_id}' or tag '{tag}' already associated to this server.")
        location = f"192.0.2.50:/{share_id}"
        shares[share_id] = {
            "share_id": share_id, "status": "attaching", "tag": tag, "export_location": location,
            "uuid": str(uuid.uuid4()),
        }  # fmt: skip
        return Answer(201, self._share_view(asked, shares[share_id]))

    def _share(self, asked: Asked) -> Answer:
        self._since(asked, "2.97")
        record, share_id = self.server(asked), asked.parameters[1]
        if asked.method == "DELETE" and record["vm_state"] not in ("stopped", "error"):
            raise self._conflict(record, "delete share")
        share = record.get("shares", {}).get(share_id)
        if share is None:
            raise fault(404, f"Share {share_id} could not be found.")
        if asked.method == "DELETE":
            share["status"] = "detaching"
            return Answer(200)
        return Answer(200, self._share_view(asked, share))

    # -- migrations

    def _migration_view(self, asked: Asked, record: Record) -> Record:
        view: Record = dict.fromkeys(
            f"{what}_{state}_bytes" for what in ("disk", "memory") for state in ("processed", "remaining", "total")
        )
        shown = (
            "created_at",
            "dest_compute",
            "dest_host",
            "dest_node",
            "id",
            "source_compute",
            "source_node",
            "status",
        )
        view |= {name: record.get(name) for name in (*shown, "updated_at")} | {"server_uuid": record["instance_uuid"]}
        if self._at_least(asked, "2.59"):
            view["uuid"] = record["uuid"]
        if self._at_least(asked, "2.80"):
            view |= {name: record.get(name) for name in ("user_id", "project_id")}
        return view

    def _of_server(self, asked: Asked, rule: str) -> list[Record]:
        server = self.server(asked)
        self._administrators(asked, f"os_compute_api:servers:migrations:{rule}")
        return [each for each in self.migrations if each["instance_uuid"] == server["id"]]

    def _migrations(self, asked: Asked) -> Answer:
        self._since(asked, "2.23")
        found = [each for each in self._of_server(asked, "index") if each["status"] in IN_PROGRESS]
        return Answer(200, {"migrations": [self._migration_view(asked, each) for each in found]})

    def _one_migration(self, asked: Asked, rule: str) -> Record | None:
        number = asked.parameters[1]
        return next((each for each in self._of_server(asked, rule) if str(each["id"]) == number), None)

    def _migration(self, asked: Asked) -> Answer:
        self._since(asked, "2.23" if asked.method == "GET" else "2.24")
        server_id, number = asked.parameters
        record = self._one_migration(asked, "show" if asked.method == "GET" else "delete")
        if asked.method == "GET":
            if record is None:
                raise fault(404, f"In-progress live migration {number} is not found for server {server_id}.")
            if record["status"] not in IN_PROGRESS:
                raise fault(404, f"Live migration {number} for server {server_id} is not in progress.")
            return Answer(200, {"migration": self._migration_view(asked, record)})
        if record is None:
            raise fault(404, f"Migration {number} not found for instance {server_id}")
        queued = ("queued", "preparing") if self._at_least(asked, "2.65") else ()
        self._require_state(record, ("running", *queued), "abort live migration")
        record["status"] = "cancelled"
        return Answer(202)

    def _force_complete(self, asked: Asked) -> Answer:
        self._since(asked, "2.22")
        server_id, number = asked.parameters
        self.body(asked, "force_complete")
        record = self._one_migration(asked, "force_complete")
        if record is None:
            raise fault(400, f"Migration {number} not found for instance {server_id}")
        self._require_state(record, ("running",), "force complete")
        record["status"] = "post-migrating"
        return Answer(202)

    def _require_state(self, record: Record, states: tuple[str, ...], method: str) -> None:
        if record["status"] not in states:
            raise fault(
                400,
                f"Migration {record['id']} state of instance {record['instance_uuid']} is {record['status']}. Cannot "
                f"{method} while the migration is in this state.",
            )

    # -- volumes

    def _attachment_view(self, asked: Asked, server: Record, volume_id: str) -> Record:
        view = {"volumeId": volume_id, "serverId": server["id"], "device": "/dev/vdb"}
        if self._at_least(asked, "2.70"):
            view["tag"] = None
        if self._at_least(asked, "2.79"):
            view["delete_on_termination"] = False
        if self._at_least(asked, "2.89"):
            # Made of the volume's, for the fake keeps no more than pairs.
            return view | {name: str(uuid.uuid5(uuid.UUID(volume_id), name)) for name in ("attachment_id", "bdm_uuid")}
        return view | {"id": volume_id}

    def _list_attachments(self, asked: Asked) -> Answer:
        server = self.server(asked)
        found = [volume_id for server_id, volume_id in self.attachments if server_id == server["id"]]
        return Answer(200, {"volumeAttachments": [self._attachment_view(asked, server, each) for each in found]})

    def _attachment(self, asked: Asked) -> Answer:
        server, volume_id = self.server(asked), asked.parameters[1]
        if asked.method == "DELETE" and volume_id not in self.cinder.records["volume"]:
            raise fault(404, f"Volume {volume_id} could not be found.")
        if (server["id"], volume_id) not in self.attachments:
            raise fault(404, f"Instance {server['id']} is not attached to volume {volume_id}")
        if asked.method == "DELETE":
            self.attachments.remove((server["id"], volume_id))
            return Answer(202)
        return Answer(200, {"volumeAttachment": self._attachment_view(asked, server, volume_id)})
