"""Nova's proxies to Cinder and Glance, and its other name for servers.

Sources: nova/api/openstack/compute/volumes.py, snapshots.py, images.py, image_metadata.py and volumes_boot.py.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from ..pod_service import Record, ordered, page, query
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase

BOOT_ACTIONS = ("confirmResize", "revertResize", "reboot", "resize", "rebuild", "createImage", "os-start", "os-stop")
IMAGE_STATUS = {"active": "ACTIVE", "queued": "SAVING", "saving": "SAVING", "killed": "ERROR"}


class Proxies(NovaBase):
    """What other services have, in the words of Nova."""

    def proxy_routes(self) -> Iterable[On]:
        """Their part of the table."""
        kinds = f"{ROOT}/os-(volume|snapshot)s"
        image, to_35, to_38 = f"{ROOT}/images/([^/]+)", self._until("2.36"), self._until("2.39")
        return (
            On("GET", kinds, to_35(self._list_proxied)),
            On("GET", f"{kinds}/detail", to_35(self._list_proxied)),
            On("POST", kinds, to_35(self._create_proxied)),
            On("GET", f"{kinds}/([^/]+)", to_35(self._show_proxied)),
            On("DELETE", f"{kinds}/([^/]+)", to_35(self._delete_proxied)),
            On("GET", f"{ROOT}/images", to_35(self._list_images)),
            On("GET", f"{ROOT}/images/detail", to_35(self._list_images)),
            On("GET", image, to_35(self._show_image)),
            On("DELETE", image, to_35(self._delete_image)),
            On("GET POST PUT", f"{image}/metadata()", to_38(self._image_metadata)),
            On("GET PUT DELETE", f"{image}/metadata/([^/]+)", to_38(self._image_metadata)),
            On("GET POST PUT DELETE", f"{ROOT}/os-volumes_boot.*", self._until("2.103")(self._boot_alias)),
        )

    def _until(self, version: str) -> Callable[[Callable[[Asked], Answer]], Callable[[Asked], Answer]]:
        def limited(handler: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
            def answer(asked: Asked) -> Answer:
                if self._at_least(asked, version):
                    raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
                return handler(asked)

            return answer

        return limited

    def _boot_alias(self, asked: Asked) -> Answer:
        """Only what is refused: the rest is the same as at `/servers`, and asked for there."""
        if asked.path.endswith("/action") and next(iter(json.loads(asked.body))) not in BOOT_ACTIONS:
            raise fault(400, f"There is no such action: {next(iter(json.loads(asked.body)))}")
        raise AssertionError(f"{asked.method} {asked.path} is asked for as /servers")

    # -- volumes and snapshots

    def _proxied_view(self, kind: str, record: Record) -> Record:
        view = {
            "id": record["id"], "status": record["status"], "size": record["size"], "createdAt": record["created_at"],
            "displayName": record["name"], "displayDescription": record["description"],
        }  # fmt: skip
        if kind == "snapshot":
            return {**view, "volumeId": record["volume_id"]}
        return {
            **view, "availabilityZone": record["availability_zone"], "attachments": [{}],
            "volumeType": record["volume_type"], "snapshotId": record["snapshot_id"], "metadata": record["metadata"],
        }  # fmt: skip

    def _of_project(self, asked: Asked, kind: str) -> list[Record]:
        return [each for each in self.cinder.records[kind].values() if each["project_id"] == asked.user.project_id]

    def _proxied(self, asked: Asked) -> tuple[str, Record]:
        kind, id_ = asked.parameters
        record = self.cinder.records[kind].get(id_)
        if record is None or not self._visible(asked, record):
            raise fault(404, f"{kind.capitalize()} {id_} could not be found.")
        return kind, record

    def _list_proxied(self, asked: Asked) -> Answer:
        (kind,) = asked.parameters
        numbers = {}
        for name in ("limit", "offset"):
            value = asked.first(name) or "0"
            if not value.isdecimal():
                raise fault(400, f"{name} must be an integer")
            numbers[name] = int(value)
        records = ordered(self._of_project(asked, kind), ["created_at", "id"], ["desc", "desc"])
        records = records[numbers["offset"] :][: min(numbers["limit"] or self.max_limit, self.max_limit)]
        return Answer(200, {f"{kind}s": [self._proxied_view(kind, record) for record in records]})

    def _create_proxied(self, asked: Asked) -> Answer:
        (kind,) = asked.parameters
        wanted = self.body(asked, kind)
        if not isinstance(wanted, dict):
            raise fault(400, f"Invalid input for field/attribute {kind}. Value: {wanted}.")
        zone = wanted.get("availability_zone") or self.cinder.zone
        if zone != self.cinder.zone:
            raise fault(400, f"Invalid input received: Availability zone '{zone}' is invalid.")
        fields: Record = {"name": wanted.get("display_name"), "description": wanted.get("display_description")}
        if kind == "snapshot":
            if wanted.get("volume_id") not in self.cinder.records["volume"]:
                raise fault(404, f"Volume {wanted.get('volume_id')} could not be found.")
            fields["volume_id"] = wanted["volume_id"]
        else:
            snapshot_id, volume_type = wanted.get("snapshot_id"), wanted.get("volume_type")
            if snapshot_id is not None and snapshot_id not in self.cinder.records["snapshot"]:
                raise fault(404, f"Snapshot {snapshot_id} could not be found.")
            if volume_type is not None:
                volume_type = self.cinder.by_name_or_id("volume_type", volume_type)["name"]
            fields |= {"size": wanted["size"], "snapshot_id": snapshot_id, "volume_type": volume_type or "__DEFAULT__"}
        record = self.cinder.add(kind, asked.user.project_id, **fields)
        location = {"Location": f"{self._url(asked, f'os-{kind}s')}/{record['id']}"} if kind == "volume" else {}
        return Answer(200, {kind: self._proxied_view(kind, record)}, headers=location)

    def _show_proxied(self, asked: Asked) -> Answer:
        kind, record = self._proxied(asked)
        return Answer(200, {kind: self._proxied_view(kind, record)})

    def _delete_proxied(self, asked: Asked) -> Answer:
        kind, record = self._proxied(asked)
        del self.cinder.records[kind][record["id"]]
        return Answer(202)

    # -- images

    def _image_record(self, asked: Asked) -> Record:
        record = self.glance.images.get(asked.parameters[0])
        user = asked.user
        if record is None or not (
            user.is_admin or record["owner"] == user.project_id or record["visibility"] == "public"
        ):
            raise fault(404, "Image not found.")
        return record

    def _image_view(self, asked: Asked, record: Record, detail: bool) -> Record:
        alternate = {
            "rel": "alternate", "type": "application/vnd.openstack.image",
            "href": f"{self.glance.root}/images/{record['id']}",
        }  # fmt: skip
        links: list[Any] = [*self._links(asked, f"images/{record['id']}"), alternate]
        view = {"id": record["id"], "name": record["name"], "links": links}
        if not detail:
            return view
        return {
            **view, "minRam": record["min_ram"], "minDisk": record["min_disk"], "metadata": _properties(record),
            "created": record["created_at"], "updated": record["updated_at"], "OS-EXT-IMG-SIZE:size": record["size"],
            "status": IMAGE_STATUS.get(record["status"], "UNKNOWN"),
            "progress": 100 if record["status"] == "active" else 25,
        }  # fmt: skip

    def _list_images(self, asked: Asked) -> Answer:
        limit, detail = self._limit(asked), asked.path.endswith("/detail")
        records = [
            record
            for record in self.glance.images.values()
            if (record["owner"] == asked.user.project_id or record["visibility"] == "public")
            and (asked.first("name") in (None, record["name"]))
        ]
        records = ordered(records, ["created_at", "id"], ["desc", "desc"])
        # Nova tells Glance's refusal of a marker as a 400.
        records = page(records, asked.first("marker"), limit, lambda m: fault(400, f"Unable to filter: marker {m}"))
        body: Record = {"images": [self._image_view(asked, record, detail) for record in records]}
        if limit and len(records) == limit:
            link = f"{self._url(asked, 'images/detail' if detail else 'images')}?{query(asked, records[-1]['id'])}"
            body["images_links"] = [{"rel": "next", "href": link}]
        return Answer(200, body)

    def _show_image(self, asked: Asked) -> Answer:
        return Answer(200, {"image": self._image_view(asked, self._image_record(asked), detail=True)})

    def _delete_image(self, asked: Asked) -> Answer:
        record = self._image_record(asked)
        if not asked.user.is_admin and record["owner"] != asked.user.project_id:
            raise fault(403, "You are not allowed to delete the image.")
        del self.glance.images[record["id"]]
        return Answer(204)

    def _image_metadata(self, asked: Asked) -> Answer:
        record, key = self._image_record(asked), asked.parameters[1]
        properties = _properties(record)
        if key and asked.method != "PUT" and key not in properties:
            raise fault(404, "Invalid metadata key" if asked.method == "DELETE" else "The resource could not be found.")
        if asked.method == "GET":
            return Answer(200, {"meta": {key: properties[key]}} if key else {"metadata": properties})
        if not asked.user.is_admin and record["owner"] != asked.user.project_id:
            raise fault(403, "You are not allowed to change the image.")
        if asked.method == "DELETE":
            del record["properties"][key]
            return Answer(204)
        wanted = self.body(asked, "meta" if key else "metadata")
        if key and key not in wanted:
            raise fault(400, "Request body and URI mismatch")
        record["properties"] = {**(properties if key or asked.method == "POST" else {}), **wanted}
        return Answer(200, {"meta": wanted} if key else {"metadata": record["properties"]})


def _properties(record: Record) -> Record:
    properties: Record = record.setdefault("properties", {})
    return dict(properties)
