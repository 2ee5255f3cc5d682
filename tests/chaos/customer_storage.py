"""What somebody does with volumes, snapshots and attachments, and with images."""

import hashlib
import uuid
from typing import Any

from .customer import ZONES, Action
from .customer_compute import ComputeCustomer
from .ledger import Promise, State

MOST_VOLUMES, MOST_SNAPSHOTS, MOST_IMAGES = 6, 3, 5
PATCH = "application/openstack-images-v2.1-json-patch"
DATA = "application/octet-stream"


class StorageCustomer(ComputeCustomer):
    """Everything that can be done."""

    def __init__(self, *what: Any, **how: Any) -> None:
        super().__init__(*what, **how)
        # The volumes of snapshots, by the snapshots' names.
        self._volumes: dict[str, str] = {}

    def actions(self) -> dict[Action, int]:
        return {
            **self.compute_actions(),
            self.make_volume: 8,
            self.change_volume: 5,
            self.show_volume: 4,
            self.list_volumes: 5,
            self.remove_volume: 6,
            self.make_snapshot: 5,
            self.list_snapshots: 2,
            self.remove_snapshot: 4,
            self.attach: 6,
            self.detach: 4,
            self.make_image: 5,
            self.upload: 5,
            self.change_image: 4,
            self.show_image: 3,
            self.list_images: 4,
            self.remove_image: 4,
        }

    # -- volumes and snapshots

    async def make_volume(self) -> bool:
        if self.possible("volume") >= MOST_VOLUMES:
            return False
        promise = self.promise("volume")
        volume: dict[str, Any] = {"name": promise.name, "size": 1}
        if zone := self.random.choice(ZONES):
            volume["availability_zone"] = zone
        reply = await self.ask("volume", "POST", "/volumes", {"volume": volume})
        promise.made(reply)
        if reply.ok:
            promise.id = reply.json["volume"]["id"]
        return True

    async def change_volume(self) -> bool:
        if (promise := self.some("volume")) is None:
            return False
        colour = self.random.choice(("red", "green", "blue"))
        path = f"/volumes/{promise.id}/metadata"
        reply = await self.ask("volume", "POST", path, {"metadata": {"colour": colour}})
        promise.changed(reply, colour=colour)
        return True

    async def show_volume(self) -> bool:
        if (promise := self.some("volume")) is None:
            return False
        await self.show(promise, "volume", f"/volumes/{promise.id}")
        return True

    async def list_volumes(self) -> bool:
        await self.compare("volume", "volume", self.random.choice(("/volumes?limit=2", "/volumes")), "volumes")
        return True

    async def remove_volume(self) -> bool:
        """One that has no snapshots and is attached to nothing, as far as is known."""
        if (promise := self.some("volume")) is None or promise.id is None or self._is_used(promise.id):
            return False
        # While it is made, or attached behind one's back, it cannot be removed.
        reply = await self.ask("volume", "DELETE", f"/volumes/{promise.id}", expected=[400, 404])
        promise.removed(reply)
        return True

    def _is_used(self, volume_id: str) -> bool:
        present = [each for each in self.promises if each.state is not State.NOT_THERE]
        attached = any(each.kind == "attachment" and each.name.endswith(f"/{volume_id}") for each in present)
        return attached or any(self._volumes.get(each.name) == volume_id for each in present)

    async def make_snapshot(self) -> bool:
        volume = self.some("volume")
        if volume is None or self.possible("snapshot") >= MOST_SNAPSHOTS:
            return False
        promise = self.promise("snapshot")
        self._volumes[promise.name] = str(volume.id)
        snapshot = {"name": promise.name, "volume_id": volume.id, "force": True}
        # The volume is being made, say.
        reply = await self.ask("volume", "POST", "/snapshots", {"snapshot": snapshot}, expected=[400])
        promise.made(reply)
        if reply.ok:
            promise.id = reply.json["snapshot"]["id"]
        return True

    async def list_snapshots(self) -> bool:
        await self.compare("snapshot", "volume", "/snapshots?limit=2", "snapshots")
        return True

    async def remove_snapshot(self) -> bool:
        if (promise := self.some("snapshot")) is None:
            return False
        reply = await self.ask("volume", "DELETE", f"/snapshots/{promise.id}", expected=[400, 404])
        promise.removed(reply)
        return True

    # -- attachments: named after the server and the volume

    async def attach(self) -> bool:
        server, volume = self.some("server"), self.some("volume")
        if server is None or volume is None or self._is_used(str(volume.id)):
            return False
        promise = self.promise("attachment", f"{server.id}/{volume.id}")
        path, wanted = f"/servers/{server.id}/os-volume_attachments", {"volumeId": volume.id}
        # They may be in two pods, or one of them is being made.
        reply = await self.ask("compute", "POST", path, {"volumeAttachment": wanted}, expected=[400, 409])
        promise.made(reply)
        promise.id = volume.id
        if promise.state is State.NOT_THERE:
            # It may be tried again, under the same name.
            self.promises.remove(promise)
        return True

    async def detach(self) -> bool:
        if (promise := self.some("attachment")) is None:
            return False
        server_id, _, volume_id = promise.name.partition("/")
        path = f"/servers/{server_id}/os-volume_attachments/{volume_id}"
        # What is being attached or detached is refused.
        promise.removed(await self.ask("compute", "DELETE", path, expected=[400, 404, 409]))
        if promise.state is State.NOT_THERE:
            # Never again these two: what a real pod does later would be taken for the second time's.
            promise.said.append("detached")
        return True

    # -- images

    async def make_image(self) -> bool:
        if self.possible("image") >= MOST_IMAGES:
            return False
        promise = self.promise("image")
        image = {"name": promise.name, "disk_format": "raw", "container_format": "bare", "colour": "none"}
        if self.random.random() < 0.5:
            image["id"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        reply = await self.ask("image", "POST", "/images", image)
        promise.made(reply)
        promise.id = reply.json["id"] if reply.ok else image.get("id")
        # Without data it is never as it should be.
        promise.unfinished["data"] = True
        return True

    async def upload(self) -> bool:
        waiting = [each for each in self.known("image") if "data" in each.unfinished]
        if not waiting:
            return False
        await self._upload(self.random.choice(waiting))
        return True

    async def _upload(self, promise: Promise) -> None:
        data = promise.name.encode() * 1000
        # 409: it has its data, from a request that was not answered; one of the pods that answer has, that is.
        path = f"/images/{promise.id}/file"
        reply = await self.ask("image", "PUT", path, data=data, content_type=DATA, expected=[409])
        promise.note("upload", reply)
        if reply.ok or (reply.status == 409 and not reply.is_partial):
            promise.unfinished.pop("data", None)
        if reply.ok:
            promise.fields |= {"status": "active", "checksum": hashlib.md5(data, usedforsecurity=False).hexdigest()}

    async def change_image(self) -> bool:
        if (promise := self.some("image")) is None:
            return False
        await self._change(promise, self.random.choice(("red", "green", "blue")))
        return True

    async def _change(self, promise: Promise, colour: str) -> None:
        change = [{"op": "replace", "path": "/colour", "value": colour}]
        reply = await self.ask("image", "PATCH", f"/images/{promise.id}", change, content_type=PATCH)
        promise.changed(reply, colour=colour)

    async def show_image(self) -> bool:
        if (promise := self.some("image")) is None:
            return False
        await self.show(promise, "image", f"/images/{promise.id}")
        return True

    async def list_images(self) -> bool:
        await self.compare("image", "image", self.random.choice(("/images?limit=2", "/images")), "images")
        return True

    async def remove_image(self) -> bool:
        if (promise := self.some("image")) is None:
            return False
        await self._remove_image(promise, str(promise.id))
        return True

    async def _remove_image(self, promise: Promise, image_id: str) -> None:
        promise.removed(await self.ask("image", "DELETE", f"/images/{image_id}", expected=[404]))

    async def repeat(self) -> None:
        await super().repeat()
        ids = {each["name"]: each["id"] for each in await self.listed("image", "/images", "images") or ()}
        for promise in self.promises:
            if promise.kind != "image":
                continue
            if promise.state is State.OPEN:
                if (image_id := ids.get(promise.name, promise.id)) is None:
                    promise.state = State.NOT_THERE
                else:
                    await self._remove_image(promise, image_id)
            elif promise.state is State.THERE:
                if "data" in promise.unfinished:
                    await self._upload(promise)
                if "colour" in promise.unfinished:
                    await self._change(promise, promise.unfinished["colour"])
