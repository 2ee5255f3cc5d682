"""Volumes that are attached to servers of the fake Nova.

Sources: nova/api/openstack/compute/volume_attachments.py, nova/compute/api.py (`attach_volume`).
"""

from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase


class Attachments(NovaBase):
    """Which volume is attached to which server."""

    def attachment_routes(self) -> Iterable[On]:
        """Their part of the table."""
        attachments = f"{ROOT}/servers/([^/]+)/os-volume_attachments"
        return (
            On("GET", attachments, self._list_attachments),
            On("POST", attachments, self._attach),
            On("PUT", f"{attachments}/([^/]+)", self._swap),
            On("DELETE", f"{attachments}/([^/]+)", self._detach),
        )

    def _attachment_view(self, record: Record, volume_id: str) -> dict[str, Any]:
        return {"id": volume_id, "volumeId": volume_id, "serverId": record["id"], "device": "/dev/vdb"}

    def _list_attachments(self, asked: Asked) -> Answer:
        record = self.server(asked)
        mine = [volume_id for server_id, volume_id in self.attachments if server_id == record["id"]]
        return Answer(200, {"volumeAttachments": [self._attachment_view(record, each) for each in mine]})

    def _require_volume(self, volume_id: str) -> None:
        if volume_id not in self.cinder.records["volume"]:
            raise fault(404, f"Volume {volume_id} could not be found.")

    def _attach(self, asked: Asked) -> Answer:
        record = self.server(asked)
        volume_id = self.body(asked, "volumeAttachment").get("volumeId")
        if not isinstance(volume_id, str):
            raise fault(400, f"Invalid input for field/attribute volumeId. Value: {volume_id!r}.")
        self._require_volume(volume_id)
        if (record["id"], volume_id) in self.attachments:
            raise fault(400, f"Invalid volume: volume {volume_id} already attached")
        self.attachments.append((record["id"], volume_id))
        return Answer(200, {"volumeAttachment": self._attachment_view(record, volume_id)})

    def _swap(self, asked: Asked) -> Answer:
        record, (_, old_id) = self.server(asked), asked.parameters
        new_id = self.body(asked, "volumeAttachment").get("volumeId")
        for volume_id in (old_id, new_id):
            self._require_volume(volume_id)
        if (record["id"], old_id) not in self.attachments:
            raise fault(404, f"Volume {old_id} is not attached.")
        self.attachments[self.attachments.index((record["id"], old_id))] = (record["id"], new_id)
        return Answer(202)

    def _detach(self, asked: Asked) -> Answer:
        record, (_, volume_id) = self.server(asked), asked.parameters
        self._require_volume(volume_id)
        if (record["id"], volume_id) not in self.attachments:
            raise fault(404, f"Instance {record['id']} is not attached to volume {volume_id}")
        self.attachments.remove((record["id"], volume_id))
        return Answer(202)
