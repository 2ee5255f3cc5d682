"""What a fake Cinder does to a volume, snapshot or backup of its own: actions, changes, metadata.

Sources: cinder.api.contrib.volume_actions, admin_actions, volume_unmanage, snapshot_unmanage, snapshot_actions and
volume_image_metadata; cinder.api.v3.volumes, volume_metadata, snapshot_metadata and backups.
"""

import json
from collections.abc import Iterable
from typing import Any

from .cinder_types import ROOT, Types
from .glance import Glance
from .pod_service import Record, numbers
from .service import Answer, Asked, On, fault

# The status that a resource is in behind an action; None: none of its own.
STATUS: dict[str, dict[str, str | None]] = {
    "volume": {
        "os-attach": "in-use", "os-detach": "available", "os-reserve": "attaching", "os-unreserve": "available",
        "os-begin_detaching": "detaching", "os-roll_detaching": "in-use", "os-initialize_connection": None,
        "os-terminate_connection": None, "os-extend_volume_completion": None, "os-update_readonly_flag": None,
        "os-set_bootable": None, "os-reimage": "downloading", "os-force_detach": "available",
        "os-migrate_volume": None, "os-migrate_volume_completion": None, "os-reset_status": None,
        "os-force_delete": "deleting", "os-unmanage": "unmanaging", "revert": "reverting", "os-retype": None,
        "os-set_image_metadata": None, "os-show_image_metadata": None, "os-unset_image_metadata": None,
        "os-volume_upload_image": "uploading",
    },
    "snapshot": {
        "os-force_delete": "deleting", "os-reset_status": None, "os-unmanage": "unmanaging",
        "os-update_snapshot_status": None,
    },
    "backup": {"os-force_delete": "deleting", "os-reset_status": None},
}  # fmt: skip
# All others answer 202.
OK = {
    "os-initialize_connection", "os-set_bootable", "os-migrate_volume_completion", "os-set_image_metadata",
    "os-show_image_metadata", "os-unset_image_metadata",
}  # fmt: skip
SINCE = {"revert": "3.40", "os-reimage": "3.68"}


class Actions(Types):
    """What is done to one resource. `glance` has the images of the same pod."""

    glance: Glance | None = None

    def _find(self, asked: Asked, kind: str, id_: str) -> Record:
        raise NotImplementedError

    def action_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("POST", f"{ROOT}/(volume|snapshot|backup)s/([^/]+)/action", self._do)
        yield On("PUT", f"{ROOT}/(volume|snapshot|backup)s/([^/]+)", self._put)
        yield On("GET POST PUT", f"{ROOT}/(volume|snapshot)s/([^/]+)/metadata()", self._metadata)
        yield On("GET PUT DELETE", f"{ROOT}/(volume|snapshot)s/([^/]+)/metadata/([^/]+)", self._metadata)

    def _do(self, asked: Asked) -> Answer:
        kind, id_ = asked.parameters
        ((action, wanted),) = json.loads(asked.body).items()
        if action not in STATUS[kind]:
            raise fault(400, f"There is no such action: {action}")
        if numbers(asked.headers["version"]) < numbers(SINCE.get(action, "3.0")):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        record = self._find(asked, kind, id_)
        if action == "os-volume_upload_image":
            return self._upload(asked, record, wanted)
        if action == "os-reimage":
            self.require_image(wanted.get("image_id"))
        if action == "os-retype":
            record["volume_type"] = self.by_name_or_id("volume_type", wanted["new_type"])["name"]
        told = (wanted or {}).get("status") if action in ("os-reset_status", "os-update_snapshot_status") else None
        record["status"] = told or STATUS[kind][action] or record["status"]
        record.setdefault("done", []).append(action)
        if action == "os-initialize_connection":
            return Answer(200, {"connection_info": {"driver_volume_type": "iscsi", "data": {}}})
        if action in ("os-set_image_metadata", "os-show_image_metadata"):
            return Answer(200, {"metadata": (wanted or {}).get("metadata", {})})
        if action == "os-migrate_volume_completion":
            return Answer(200, {"save_volume_id": wanted["new_volume"]})
        return Answer(200 if action in OK else 202)

    def require_image(self, image_id: Any) -> None:
        """cinder.volume.flows.api.create_volume and cinder.image.image_utils. Raises `Refusal`."""
        if not isinstance(image_id, str):
            raise fault(400, f"Invalid input for field/attribute imageRef. Value: {image_id}.")
        image = self.glance.images.get(image_id) if self.glance is not None else None
        if image is None:
            raise fault(404, f"Image {image_id} could not be found.")
        if image["status"] != "active":
            raise fault(400, f"Invalid input received: Image {image_id} is not active.")

    def _upload(self, asked: Asked, volume: Record, wanted: Record) -> Answer:
        """cinder.volume.api, `copy_volume_to_image`."""
        assert self.glance is not None
        key = {"cinder_encryption_key_id": "k", "cinder_encryption_key_deletion_policy": "on_image_deletion"}
        encrypted = key if volume.get("encrypted") else {}
        image = self.glance.add(
            volume["project_id"], None, name=wanted["image_name"], visibility="private", **encrypted
        )  # fmt: skip
        if not self.glance.slow:
            self.glance._store(image, b"volume " + volume["id"].encode())
        shown = {"id": volume["id"], "image_id": image["id"], "image_name": image["name"], "status": "uploading"}
        return Answer(202, {"os-volume_upload_image": {**shown, "container_format": "bare", "disk_format": "raw"}})

    def _put(self, asked: Asked) -> Answer:
        kind, id_ = asked.parameters
        if kind == "backup" and numbers(asked.headers["version"]) < (3, 9):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        record, wanted = self._find(asked, kind, id_), self.body(asked, kind)
        record |= {key: wanted[key] for key in ("name", "description") if key in wanted}
        return Answer(200, {kind: {key: record[key] for key in ("id", "name", "description")}})

    def _metadata(self, asked: Asked) -> Answer:
        kind, id_, key = asked.parameters
        metadata = self._find(asked, kind, id_)["metadata"]
        if key and asked.method != "PUT" and key not in metadata:
            raise fault(404, f"{kind.capitalize()} {id_} has no metadata with key {key}.")
        if asked.method == "DELETE":
            del metadata[key]
            return Answer(200)
        if asked.method == "PUT" and not key:
            metadata.clear()
        if asked.method != "GET":
            metadata |= self.body(asked, "meta" if key else "metadata")
        return Answer(200, {"meta": {key: metadata[key]}} if key else {"metadata": metadata})
