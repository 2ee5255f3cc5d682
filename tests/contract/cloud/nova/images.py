"""Images that the fake Nova makes of servers, and those that it needs (nova.compute.api, nova.image.glance)."""

import json
from typing import Any

from ..pod_service import Record
from ..service import Answer, Asked, fault
from .base import NovaBase


class ImagesOfServers(NovaBase):
    """`createImage` and `createBackup`."""

    def require_image(self, image_id: Any) -> None:
        """Refuse an image that Glance has not, or that has no data. Raises `Refusal`."""
        image = self.glance.images.get(image_id) if isinstance(image_id, str) else None
        if image is None:
            raise fault(400, "Can not find requested image")
        if image["status"] != "active":
            raise fault(400, f"Image {image_id} is not active.")

    def make_image(self, asked: Asked, server: Record, action: str, value: Record) -> Answer:
        """An image without data until the host has sent it; of a server on volumes it is whole at once, and empty."""
        backup = action == "createBackup"
        if backup and not {"name", "backup_type", "rotation"} <= value.keys():
            raise fault(400, f"Invalid input for field/attribute createBackup. Value: {value}.")
        if backup and value["rotation"] == 0:
            return Answer(202)
        properties = {"instance_uuid": server["id"], "image_type": "backup" if backup else "snapshot"}
        devices = server.get("devices")
        image = self.glance.add(
            server["project_id"], b"" if devices else None, name=value["name"], visibility="private",
            disk_format="raw" if devices else None, container_format="bare" if devices else None, **properties,
        )  # fmt: skip
        if devices:
            image |= {"block_device_mapping": json.dumps(devices), "bdm_v2": "True"}
        elif not self.glance.slow:
            self.glance.snapshot(image, b"disk of " + server["id"].encode())
        if backup:
            self._rotate(server, value["rotation"])
        if self._at_least(asked, "2.45"):
            return Answer(202, {"image_id": image["id"]})
        # The URL that Nova itself uses for its Glance.
        url = self.glance.root.replace("127.0.0.1", "glance.internal")
        return Answer(202, headers={"Location": f"{url}/images/{image['id']}"})

    def _rotate(self, server: Record, rotation: int) -> None:
        backups = [
            image["id"]
            for image in self.glance.images.values()
            if image.get("image_type") == "backup" and image.get("instance_uuid") == server["id"]
        ]
        for image_id in backups[:-rotation]:
            self.glance.forget(image_id)
