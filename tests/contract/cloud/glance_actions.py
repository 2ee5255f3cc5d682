"""What a fake Glance does with images beside their data: changes, members, tags, imports, tasks.

Sources: glance.api.v2 (images, image_members, image_tags, image_actions, discovery, tasks) and glance.domain.
"""

import json
import uuid
from collections.abc import Iterable

from .keystone import Keystone
from .pod_service import PodService, Record
from .service import Answer, Asked, On, Refusal

BASE = frozenset(
    {
        "id", "name", "owner", "visibility", "status", "disk_format", "container_format", "created_at", "updated_at",
        "size", "checksum", "os_hash_algo", "os_hash_value", "min_ram", "min_disk", "tags", "protected", "os_hidden",
        "virtual_size",
    }
)  # fmt: skip
PATCHES = ("application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch")
IMAGE = "/v2/images/([^/]+)"


class GlanceActions(PodService):
    """Needs what `Glance` keeps."""

    def __init__(self, keystone: Keystone) -> None:
        super().__init__(keystone)
        self.images: dict[str, Record] = {}
        self.data: dict[str, bytes] = {}
        # The ids of what was deleted, which are not free until they are purged.
        self.deleted: set[str] = set()
        self.staged: dict[str, bytes] = {}
        # The status of each member, by image.
        self.members: dict[str, dict[str, str]] = {}
        self.methods = ["glance-direct", "web-download"]
        # What can be loaded from elsewhere.
        self.web: dict[str, bytes] = {}
        self.tasks: dict[str, Record] = {}
        self.namespaces: dict[str, Record] = {}
        # Images of servers and volumes stay without data until a test gives it to them.
        self.slow = False

    def error(self, asked: Asked, code: int, message: str) -> Refusal:
        raise NotImplementedError

    def _store(self, record: Record, data: bytes) -> None:
        raise NotImplementedError

    def _view(self, record: Record) -> Record:
        raise NotImplementedError

    def action_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("PATCH", IMAGE, self._change)
        yield On("PUT DELETE", f"{IMAGE}/tags/([^/]+)", self._tag)
        yield On("GET POST", f"{IMAGE}/members()", self._members)
        yield On("GET PUT DELETE", f"{IMAGE}/members/([^/]+)", self._member)
        yield On("POST", f"{IMAGE}/actions/(deactivate|reactivate)", self._act)
        yield On("POST", f"{IMAGE}/import", self._import)
        yield On("GET", "/v2/info/import", self._methods)
        yield On("GET POST", "/v2/tasks()", self._tasks)
        yield On("GET", "/v2/tasks/([^/]+)", self._task)
        yield On("GET POST", "/v2/metadefs/namespaces", self._namespaces)
        yield On("GET DELETE", "/v2/metadefs/namespaces/([^/]+)", self._namespace)

    def _image(self, asked: Asked, id_: str) -> Record:
        record, project = self.images.get(id_), str(asked.user.project_id)
        if record is None or not (
            asked.user.is_admin
            or record["owner"] == project
            or record["visibility"] in ("public", "community")
            or (record["visibility"] == "shared" and project in self.members[id_])
        ):
            raise self.error(asked, 404, f"No image found with ID {id_}")
        return record

    def _own(self, asked: Asked, id_: str) -> Record:
        record = self._image(asked, id_)
        if not (asked.user.is_admin or record["owner"] == asked.user.project_id):
            raise self.error(asked, 403, "You are not permitted to modify this image.")
        return record

    def _change(self, asked: Asked) -> Answer:
        record = self._own(asked, asked.parameters[0])
        if asked.headers.get("content-type", "").partition(";")[0] not in PATCHES:
            raise self.error(asked, 415, "Supported image patch media types are ...")
        for change in json.loads(asked.body):
            name = change["path"].lstrip("/").replace("~1", "/").replace("~0", "~")
            if name.startswith("os_glance_") or name in ("id", "status", "size", "checksum", "created_at"):
                raise self.error(asked, 403, f"Attribute '{name}' is read-only.")
            if name in ("disk_format", "container_format") and record["status"] not in ("queued", "importing"):
                raise self.error(asked, 403, f"Attribute {name} can be only replaced for a queued image.")
            if change["op"] == "remove" and name in BASE:
                raise self.error(asked, 403, f"Property {name} may not be removed.")
            if change["op"] != "add" and name not in record:
                raise self.error(asked, 409, f"Property {name} does not exist.")
            if change["op"] == "remove":
                del record[name]
            else:
                record[name] = change["value"]
        return Answer(200, self._view(record))

    def _tag(self, asked: Asked) -> Answer:
        record, tag = self._own(asked, asked.parameters[0]), asked.parameters[1]
        if asked.method == "DELETE" and tag not in record["tags"]:
            raise self.error(asked, 404, f"Tag {tag} not found")
        rest = [each for each in record["tags"] if each != tag]
        record["tags"] = rest if asked.method == "DELETE" else [*rest, tag]
        return Answer(204)

    def _shared(self, asked: Asked) -> Record:
        record = self._image(asked, asked.parameters[0])
        if record["visibility"] != "shared":
            raise self.error(asked, 403, "Only shared images have members.")
        return record

    def _members(self, asked: Asked) -> Answer:
        record = self._shared(asked)
        known, project = self.members[record["id"]], asked.user.project_id
        owns = asked.user.is_admin or record["owner"] == project
        if asked.method == "POST":
            member_id = json.loads(asked.body)["member"]
            if not owns:
                raise self.error(asked, 403, f"Not allowed to create members for image {record['id']}.")
            if member_id in known:
                raise self.error(asked, 409, f"Member {member_id} is duplicated for image {record['id']}")
            known[member_id] = "pending"
            return Answer(200, self._membership(record, member_id))
        seen = [member_id for member_id in known if owns or member_id == project]
        members = [self._membership(record, member_id) for member_id in seen]
        return Answer(200, {"members": members, "schema": "/v2/schemas/members"})

    def _membership(self, record: Record, member_id: str) -> Record:
        return {
            "member_id": member_id, "image_id": record["id"], "status": self.members[record["id"]][member_id],
            "created_at": record["created_at"], "updated_at": record["updated_at"], "schema": "/v2/schemas/member",
        }  # fmt: skip

    def _member(self, asked: Asked) -> Answer:
        record, member_id = self._shared(asked), asked.parameters[1]
        known = self.members[record["id"]]
        if member_id not in known:
            message = f"{member_id} not found in the member list of the image {record['id']}."
            raise self.error(asked, 404, message)
        if asked.method == "DELETE":
            del known[member_id]
            return Answer(204)
        if asked.method == "PUT":
            if record["owner"] == asked.user.project_id and not asked.user.is_admin:
                raise self.error(asked, 403, f"Not allowed to update members for image {record['id']}.")
            known[member_id] = json.loads(asked.body)["status"]
        return Answer(200, self._membership(record, member_id))

    def _act(self, asked: Asked) -> Answer:
        record = self._own(asked, asked.parameters[0])
        wanted = {"deactivate": "deactivated", "reactivate": "active"}[asked.parameters[1]]
        if record["status"] not in ("active", "deactivated"):
            message = f"Image status transition from {record['status']} to {wanted} is not allowed"
            raise self.error(asked, 403, message)
        record["status"] = wanted
        return Answer(204)

    def _import(self, asked: Asked) -> Answer:
        record = self._own(asked, asked.parameters[0])
        method = json.loads(asked.body)["method"]
        if method["name"] == "glance-direct" and record["status"] != "uploading":
            raise self.error(asked, 409, "Image needs to be staged before 'glance-direct' method can be used")
        if method["name"] == "web-download" and record["status"] != "queued":
            raise self.error(asked, 409, "Image needs to be in 'queued' state to use 'web-download' method")
        data = self.web.get(method.get("uri", "")) if method["name"] == "web-download" else self.staged[record["id"]]
        if data is None:
            # The task fails, and puts the image back to where it was.
            record["status"] = "queued"
        else:
            self._store(record, data)
        return Answer(202)

    def _methods(self, _asked: Asked) -> Answer:
        told = {"description": "Import methods available.", "type": "array", "value": self.methods}
        return Answer(200, {"import-methods": told})

    def _tasks(self, asked: Asked) -> Answer:
        if not asked.user.is_admin:
            raise self.error(asked, 403, "You are not authorized to complete this action.")
        if asked.method == "GET":
            return Answer(200, {"tasks": [*self.tasks.values()], "first": "/v2/tasks", "schema": "/v2/schemas/tasks"})
        task = {**json.loads(asked.body), "id": str(uuid.uuid4()), "status": "pending"}
        task |= {"created_at": "2026-01-01T00:00:00Z", "schema": "/v2/schemas/task"}
        self.tasks[task["id"]] = task
        return Answer(201, task, headers={"Location": f"{self.root}/v2/tasks/{task['id']}"})

    def _task(self, asked: Asked) -> Answer:
        task = self.tasks.get(asked.parameters[0])
        if task is None:
            raise self.error(asked, 404, f"Failed to find task {asked.parameters[0]} to delete")
        return Answer(200, task)

    def _namespaces(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            shown = {"namespaces": [*self.namespaces.values()], "first": "/v2/metadefs/namespaces"}
            return Answer(200, {**shown, "schema": "/v2/schemas/metadefs/namespaces"})
        namespace = json.loads(asked.body)
        if namespace["namespace"] in self.namespaces:
            raise self.error(asked, 409, f"Metadata definition namespace={namespace['namespace']} already exists.")
        self.namespaces[namespace["namespace"]] = namespace
        place = f"/v2/metadefs/namespaces/{namespace['namespace']}"
        return Answer(201, {**namespace, "self": place}, headers={"Location": f"{self.root}{place}"})

    def _namespace(self, asked: Asked) -> Answer:
        name = asked.parameters[0]
        if name not in self.namespaces:
            raise self.error(asked, 404, f"Metadata definition namespace={name} was not found.")
        if asked.method == "DELETE":
            del self.namespaces[name]
            return Answer(204)
        return Answer(200, self.namespaces[name])
