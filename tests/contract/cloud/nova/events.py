"""What other services tell the fake Nova (nova/api/openstack/compute/server_external_events.py and
assisted_volume_snapshots.py)."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase

EVENTS = ("network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted")
TAG_REQUIRED = ("volume-extended", "power-update", "accelerator-request-bound")


class Events(NovaBase):
    """Events of servers, and snapshots that Cinder asks for."""

    def event_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("POST", f"{ROOT}/os-server-external-events", self._take_events),
            On("POST", f"{ROOT}/os-assisted-volume-snapshots", self._take_snapshot),
            On("DELETE", f"{ROOT}/os-assisted-volume-snapshots/([^/]+)", self._drop_snapshot),
        )

    def _services_only(self, asked: Asked, rule: str) -> None:
        if not asked.user.is_admin and "service" not in asked.user.roles:
            raise fault(403, f"Policy doesn't allow {rule} to be performed.")

    def _take_events(self, asked: Asked) -> Answer:
        events: list[Record] = self.body(asked, "events")  # type: ignore[assignment]
        names = (*EVENTS, *(("volume-extended",) if self._at_least(asked, "2.51") else ()))
        if not isinstance(events, list) or not events:
            raise fault(400, f"Invalid input for field/attribute events. Value: {events}.")
        for event in events:
            if not isinstance(event, dict) or event.get("name") not in names or not _is_uuid(event.get("server_uuid")):
                raise fault(400, f"Invalid input for field/attribute events. Value: {event}.")
        self._services_only(asked, "os_compute_api:os-server-external-events:create")
        for event in events:
            code = 200
            server = self.servers.get(event["server_uuid"])
            if server is None:
                code = 404
            elif event["name"] in TAG_REQUIRED and event.get("tag") is None:
                code = 400
            elif server["host"] is None:
                code = 422
            else:
                self.events.append((event["name"], event["server_uuid"]))
            event.update(status="completed" if code == 200 else "failed", code=code)
        return Answer(200 if all(event["code"] == 200 for event in events) else 207, {"events": events})

    def _attached(self, volume_id: str) -> None:
        if all(known != volume_id for _, known in self.attachments):
            raise fault(400, f"No volume Block Device Mapping with id {volume_id}.")

    def _take_snapshot(self, asked: Asked) -> Answer:
        snapshot = self.body(asked, "snapshot")
        if not {"volume_id", "create_info"} <= snapshot.keys():
            raise fault(400, f"Invalid input for field/attribute snapshot. Value: {snapshot}.")
        self._services_only(asked, "os_compute_api:os-assisted-volume-snapshots:create")
        self._attached(snapshot["volume_id"])
        self.snapshots.append(("POST", snapshot["volume_id"]))
        info = snapshot["create_info"]
        return Answer(200, {"snapshot": {"id": info["snapshot_id"], "volumeId": snapshot["volume_id"]}})

    def _drop_snapshot(self, asked: Asked) -> Answer:
        self._services_only(asked, "os_compute_api:os-assisted-volume-snapshots:delete")
        try:
            volume_id = json.loads(asked.first("delete_info") or "")["volume_id"]
        except (KeyError, ValueError) as error:
            raise fault(400, str(error)) from error
        self._attached(volume_id)
        self.snapshots.append(("DELETE", volume_id))
        return Answer(204)


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False
