"""A fake Glance: images and their data (glance/api/v2 of release 33)."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientPayloadError, web

from .glance_actions import BASE, GlanceActions
from .keystone import Keystone
from .pod_service import Record, ordered, page, query
from .service import Answer, Asked, On, Refusal, webob_error

UNAUTHORIZED = (
    "This server could not verify that you are authorized to access the document you requested. Either you supplied "
    "the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials "
    "required."
)
READ_ONLY = ("checksum", "created_at", "direct_url", "file", "schema", "self", "size", "status", "stores", "updated_at")
STREAMED = re.compile(r"/v2/images/([^/]+)/(file|stage)")


def now() -> str:
    """The time as Glance writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Glance(GlanceActions):
    """The image service of one pod."""

    def __init__(self, keystone: Keystone, versions: Iterable[str] = ("2.15", "2.13", "2.0")) -> None:
        super().__init__(keystone)
        self.versions = tuple(versions)
        # Statuses that an image was in when its data arrived, in order.
        self.history: list[tuple[str, str]] = []
        # Keep no data, only count it: for streams that are larger than a test's memory.
        self.counts_only = False
        self.received = 0

    def add(self, project_id: str, data: bytes | None = None, **fields: Any) -> Record:
        """An image that is there already."""
        record = {
            "id": str(uuid.uuid4()), "owner": project_id, "visibility": "shared", "status": "queued", "name": None,
            "disk_format": "raw", "container_format": "bare", "created_at": now(), "updated_at": now(), "size": None,
            "checksum": None, "os_hash_algo": None, "os_hash_value": None, "min_ram": 0, "min_disk": 0, "tags": [],
            "protected": False, "os_hidden": False, "virtual_size": None, **fields,
        }  # fmt: skip
        self.images[record["id"]] = record
        self.members[record["id"]] = {}
        if data is not None:
            self._store(record, data)
        return record

    def forget(self, image_id: str) -> None:
        """Remove an image, as Nova does with old backups."""
        del self.images[image_id], self.members[image_id]
        self.deleted.add(image_id)
        self.data.pop(image_id, None)

    def snapshot(self, record: Record, data: bytes) -> None:
        """What the host of a server sends to Glance when it has made a snapshot: the data, and of what form it is."""
        record.update(disk_format="qcow2", container_format="bare", min_disk=1)
        self._store(record, data)

    def _store(self, record: Record, data: bytes) -> None:
        self.data[record["id"]] = data
        record.update(
            status="active", size=len(data), os_hash_algo="sha512", os_hash_value=hashlib.sha512(data).hexdigest(),
            checksum=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        )  # fmt: skip

    def error(self, asked: Asked, code: int, message: str) -> Refusal:
        """An error of Glance."""
        return Refusal(webob_error(code, message, asked.headers.get("accept", "*/*")))

    def unauthorized(self, asked: Asked) -> Answer:
        answer = webob_error(401, UNAUTHORIZED, asked.headers.get("accept", "*/*"))
        answer.headers["WWW-Authenticate"] = f'Keystone uri="{self.keystone.root}/v3"'
        return answer

    def routes(self) -> Iterable[On]:
        image = "/v2/images/([^/]+)"
        return (
            On("GET", "/", lambda _asked: Answer(300, self._versions())),
            On("GET", "/versions/?", lambda _asked: Answer(200, self._versions())),
            On("GET", "/v2/images", self._list),
            On("POST", "/v2/images", self._create),
            On("GET", image, self._show),
            On("PATCH", image, self._change),
            On("DELETE", image, self._delete),
            On("GET", f"{image}/file", self._download),
            *self.action_routes(),
        )

    def unknown(self, asked: Asked) -> Answer:
        if asked.path == "/v2/images":
            answer = webob_error(405, f"The method {asked.method} is not allowed for this resource. ")
            text = answer.text
            assert isinstance(text, str)
            answer.text = text.replace("\n\n\n\n", "\n\n")
            answer.headers["Allow"] = "GET, POST"
            return answer
        return super().unknown(asked)

    def before(self, asked: Asked) -> None:
        if asked.path not in ("/", "/versions", "/versions/"):
            self.authenticate(asked)

    def streams(self, asked: Asked) -> bool:
        return asked.method == "PUT" and STREAMED.fullmatch(asked.path) is not None

    def _versions(self) -> Record:
        return {
            "versions": [
                {
                    "id": f"v{version}",
                    "status": "SUPPORTED" if index else "CURRENT",
                    "links": [{"rel": "self", "href": f"{self.root}/v2/"}],
                }
                for index, version in enumerate(self.versions)
            ]
        }

    def _view(self, record: Record) -> Record:
        path = f"/v2/images/{record['id']}"
        return {**record, "self": path, "file": f"{path}/file", "schema": "/v2/schemas/image"}

    def _list(self, asked: Asked) -> Answer:
        value = asked.first("limit")
        limit = min(int(value) if value is not None else 25, self.max_limit)
        if limit < 0:
            raise self.error(asked, 400, "limit param must be positive")
        keys = [*(asked.all("sort_key") or ["created_at"])]
        directions = asked.all("sort_dir") or ["desc"]
        for key in ("created_at", "id"):
            if key not in keys:
                keys.append(key)
        directions += [directions[0] if len(directions) == 1 else "desc"] * (len(keys) - len(directions))
        records = [record for record in self.images.values() if self._is_listed(asked, record)]
        records = ordered(records, keys, directions)
        records = page(
            records,
            asked.first("marker"),
            limit,
            lambda marker: self.error(asked, 400, f"No image found with ID {marker}"),
        )
        plain = "&".join(f"{key}={value}" for key, value in sorted(asked.query) if key != "marker")
        body: Record = {
            "images": [self._view(record) for record in records],
            "first": f"/v2/images?{plain}" if plain else "/v2/images",
            "schema": "/v2/schemas/images",
        }
        if limit and len(records) == limit:
            body["next"] = f"/v2/images?{query(asked, records[-1]['id'])}"
        return Answer(200, body)

    def _is_listed(self, asked: Asked, record: Record) -> bool:
        """glance.db.sqlalchemy.api, `_select_images_query` and `_make_conditions_from_filters`."""
        accepted = self.members[record["id"]].get(str(asked.user.project_id)) == "accepted"
        mine = record["owner"] == asked.user.project_id or (record["visibility"] == "shared" and accepted)
        if not (asked.user.is_admin or mine or record["visibility"] in ("public", "community")):
            return False
        visibility = asked.first("visibility")
        if visibility is None and record["visibility"] == "community" and not mine:
            return False
        if visibility not in (None, "all", record["visibility"]):
            return False
        if record["os_hidden"] is not (asked.first("os_hidden") == "true"):
            return False
        for name in ("id", "name", "status"):
            value = asked.first(name)
            wanted = value.removeprefix("in:").split(",") if value and value.startswith("in:") else [value]
            if value is not None and record[name] not in wanted:
                return False
        return all(tag in record["tags"] for tag in asked.all("tag"))

    def _create(self, asked: Asked) -> Answer:
        if not asked.body:
            raise self.error(asked, 400, "Body expected in request.")
        try:
            wanted = json.loads(asked.body)
        except ValueError:
            raise self.error(asked, 400, "Malformed JSON in request body.") from None
        for name, value in wanted.items():
            if name in READ_ONLY:
                raise self.error(asked, 403, f"Attribute '{name}' is read-only.")
            if name not in BASE and not isinstance(value, str):
                raise self.error(
                    asked, 400, f"Provided object does not match schema 'image': {value!r} is not a string"
                )
            if name.startswith("os_glance_"):
                raise self.error(asked, 403, f"Attribute '{name}' is reserved.")
        if wanted.get("id") in self.images or wanted.get("id") in self.deleted:
            raise self.error(asked, 409, f"Image ID {wanted['id']} already exists!")
        owner = wanted.pop("owner", asked.user.project_id)
        if owner != asked.user.project_id and not asked.user.is_admin:
            raise self.error(asked, 403, f"You are not permitted to create images owned by '{owner}'")
        record = self.add(owner, **wanted)
        location = f"{self.root}/v2/images/{record['id']}"
        return Answer(
            201,
            self._view(record),
            headers={"Location": location, "OpenStack-image-import-methods": "glance-direct,web-download"},
        )

    def _show(self, asked: Asked) -> Answer:
        return Answer(200, self._view(self._image(asked, asked.parameters[0])))

    def _delete(self, asked: Asked) -> Answer:
        record = self._image(asked, asked.parameters[0])
        if record["protected"]:
            raise self.error(asked, 403, f"Image {record['id']} is protected and cannot be deleted.")
        self.forget(record["id"])
        return Answer(204)

    def _download(self, asked: Asked) -> Answer:
        record = self._image(asked, asked.parameters[0])
        if record["status"] == "deactivated" and not asked.user.is_admin:
            raise self.error(asked, 403, "The requested image has been deactivated. Image data download is forbidden.")
        if record["id"] not in self.data:
            return Answer(204)
        headers = {"Content-MD5": record["checksum"]}
        return Answer(200, text=self.data[record["id"]], headers=headers, content_type="application/octet-stream")

    async def stream(self, asked: Asked, request: web.BaseRequest) -> Answer:
        found = STREAMED.fullmatch(asked.path)
        assert found is not None
        record = self._image(asked, found.group(1))
        if record["status"] != "queued":
            raise self.error(asked, 409, f"Image status transition from {record['status']} to saving is not allowed")
        if found.group(2) == "file" and not (record["disk_format"] and record["container_format"]):
            message = "Properties disk_format, container_format must be set prior to saving data."
            raise self.error(asked, 400, message)
        record["status"] = "saving" if found.group(2) == "file" else "uploading"
        pieces: list[bytes] = []
        try:
            async for piece in request.content.iter_any():
                self.received += len(piece)
                if not self.counts_only:
                    pieces.append(piece)
        except (ClientPayloadError, ConnectionError):
            pass
        finally:
            # What ends early is not stored: Glance puts the image back to where it was.
            if not request.content.is_eof() or request.content.exception() is not None:
                record["status"] = "queued"
        if record["status"] == "queued":
            self.history.append((record["id"], "queued"))
            raise self.error(asked, 400, "The upload ended early")
        if record["id"] not in self.images:
            # Removed meanwhile.
            raise self.error(asked, 410, f"Image {record['id']} could not be found after upload.")
        if found.group(2) == "stage":
            self.staged[record["id"]] = b"".join(pieces)
            return Answer(204)
        self._store(record, b"".join(pieces))
        self.history.append((record["id"], "active"))
        return Answer(204)
