"""What one server of the fake Nova has to do with others: shares, volumes, migrations.

Sources: nova/api/openstack/compute/server_shares.py, server_migrations.py and volume_attachments.py, with their
schemas.
"""

import uuid
from collections.abc import Iterable

from ..pod_service import Record
from ..schema import Schema
from ..service import Answer, Asked, On, fault
from .base import ROOT
from .schemas import UUID
from .server_actions import ServerActions, fits, unsupported

IN_PROGRESS = ("queued", "preparing", "running", "post-migrating")
SHARE: Schema = {
    "type": "object", "required": ["share_id"], "additionalProperties": False,
    "properties": {"share_id": UUID, "tag": {"type": "string", "minLength": 1, "maxLength": 255}},
}  # fmt: skip


class ServerAttached(ServerActions):
    """Each part answers as its own controller does."""

    def attached_routes(self) -> Iterable[On]:
        """Their part of the table."""
        root = f"{ROOT}/servers/([^/]+)"
        return (
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

    # -- shares

    def _share_view(self, asked: Asked, share: Record) -> Record:
        shown = ("share_id", "status", "tag", *(("export_location", "uuid") if asked.user.is_admin else ()))
        return {"share": {name: share[name] for name in shown}}

    def _shares(self, asked: Asked) -> Answer:
        self._since(asked, "2.97")
        record = self.server(asked)
        shares = record.get("shares", {})
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
        record["shares"] = shares
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
