"""What a fake Cinder knows of volume types, group types, QoS specs and default types.

Sources: cinder.api.contrib.types_manage, types_extra_specs, volume_type_access, volume_type_encryption and
qos_specs_manage; cinder.api.v3.types, group_types, group_specs and default_types; their texts are of cinder.exception.
"""

import itertools
import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from .keystone import Keystone
from .pod_service import PodService, Record, numbers, ordered, page, query
from .service import Answer, Asked, On, fault

ROOT = r"/v3(?:/[0-9a-f]{32})?"
DEFAULT = "__DEFAULT__"
NOT_FOUND = {
    "volume_type": "Volume type {} could not be found.",
    "group_type": "Group type {} could not be found.",
    "qos_specs": "No such QoS spec {}.",
}
EXISTS = {
    "volume_type": "Volume Type {} already exists.",
    "group_type": "Group Type {} already exists.",
    "qos_specs": "QoS Specs {} already exists.",
}
WORD = {"volume_type": "Volume Type", "group_type": "Group Type"}
SPECS = {"volume_type": "extra_specs", "group_type": "group_specs"}
PATHS = {"types": "volume_type", "group_types": "group_type", "qos-specs": "qos_specs"}
LINKS = {"volume_type": "volume_type_links", "group_type": "group_type_links", "qos_specs": "qos_specs_links"}
LISTS = {"volume_type": "volume_types", "group_type": "group_types", "qos_specs": "qos_specs"}
POLICIES = {"volume_type": "volume_extension:type_", "group_type": "group:group_types:"}


class Types(PodService):
    """Resources that each pod gives an id of its own."""

    def __init__(self, keystone: Keystone) -> None:
        super().__init__(keystone)
        self.named: dict[str, dict[str, Record]] = {"volume_type": {}, "group_type": {}, "qos_specs": {}}
        self.default_types: dict[str, str] = {}
        # A name in the settings of Cinder.
        self.default_group_type = ""
        self._made = itertools.count()

    @property
    def types(self) -> dict[str, Record]:
        """The volume types."""
        return self.named["volume_type"]

    def is_used(self, kind: str, record: Record) -> bool:
        """Whether something is made of a type."""
        raise NotImplementedError

    def add_type(self, name: str, **fields: Any) -> Record:
        """A volume type; its id is another one in each pod."""
        record: Record = {
            "id": str(uuid.uuid4()), "name": name, "is_public": True, "description": None, "extra_specs": {},
            "qos_specs_id": None, "projects": set(), "encryption": {}, "created_at": next(self._made), **fields,
        }  # fmt: skip
        self.types[record["id"]] = record
        return record

    def add_group_type(self, name: str, **fields: Any) -> Record:
        """A group type."""
        record: Record = {
            "id": str(uuid.uuid4()), "name": name, "is_public": True, "description": None, "group_specs": {},
            "created_at": next(self._made), **fields,
        }  # fmt: skip
        self.named["group_type"][record["id"]] = record
        return record

    def add_qos(self, name: str, consumer: str = "back-end", **specs: str) -> Record:
        """QoS specs."""
        record: Record = {
            "id": str(uuid.uuid4()), "name": name, "consumer": consumer, "specs": specs, "created_at": next(self._made)
        }  # fmt: skip
        self.named["qos_specs"][record["id"]] = record
        return record

    def of_name(self, kind: str, name: str) -> Record | None:
        """What has a name."""
        return next((record for record in self.named[kind].values() if record["name"] == name), None)

    def by_name_or_id(self, kind: str, reference: str) -> Record:
        """As objects.VolumeType.get_by_name_or_id. Raises `Refusal` 404."""
        found = self.named[kind].get(reference) or self.of_name(kind, reference)
        if found is None:
            word = "Volume" if kind == "volume_type" else "Group"
            raise fault(404, f"{word} type with name {reference} could not be found.")
        return found

    def type_routes(self) -> Iterable[On]:
        """Their part of the table."""
        for path, kind in PATHS.items():
            yield On("GET", f"{ROOT}/{path}", self._for(kind, self._index))
            yield On("POST", f"{ROOT}/{path}", self._for(kind, self._make))
        yield On("GET", f"{ROOT}/types/default", self._default)
        for path, kind in PATHS.items():
            yield On("GET", f"{ROOT}/{path}/([^/]+)", self._for(kind, self._tell))
            yield On("PUT", f"{ROOT}/{path}/([^/]+)", self._for(kind, self._change))
            yield On("DELETE", f"{ROOT}/{path}/([^/]+)", self._for(kind, self._remove))
        for path in ("types", "group_types"):
            specs = SPECS[PATHS[path]]
            yield On("GET POST", f"{ROOT}/{path}/([^/]+)/{specs}()", self._for(PATHS[path], self._specs))
            yield On("GET PUT DELETE", f"{ROOT}/{path}/([^/]+)/{specs}/([^/]+)", self._for(PATHS[path], self._specs))
        yield On("GET POST", f"{ROOT}/types/([^/]+)/encryption()", self._encryption)
        yield On("GET PUT DELETE", f"{ROOT}/types/([^/]+)/encryption/([^/]+)", self._encryption)
        yield On("GET", f"{ROOT}/types/([^/]+)/os-volume-type-access", self._access)
        yield On("POST", f"{ROOT}/types/([^/]+)/action", self._act)
        yield On("PUT", f"{ROOT}/qos-specs/([^/]+)/delete_keys", self._delete_keys)
        yield On("GET", f"{ROOT}/qos-specs/([^/]+)/associations", self._associations)
        yield On("GET", f"{ROOT}/qos-specs/([^/]+)/(associate|disassociate|disassociate_all)", self._associate)
        yield On("GET", f"{ROOT}/default-types", self._list_defaults)
        yield On("GET PUT DELETE", f"{ROOT}/default-types/([^/]+)", self._project_default)

    def _for(self, kind: str, handler: Callable[[Asked, str], Answer]) -> Callable[[Asked], Answer]:
        def handle(asked: Asked) -> Answer:
            if kind == "group_type":
                self._since(asked, "3.11")
            return handler(asked, kind)

        return handle

    def _since(self, asked: Asked, version: str) -> None:
        if numbers(asked.headers["version"]) < numbers(version):
            # cinder.api.openstack.wsgi: VersionNotFoundForAPIMethod
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")

    def _may(self, asked: Asked, action: str) -> None:
        if not asked.user.is_admin:
            raise fault(403, f"Policy doesn't allow {action} to be performed.")

    def _get(self, kind: str, id_: str) -> Record:
        record = self.named[kind].get(id_)
        if record is None:
            raise fault(404, NOT_FOUND[kind].format(id_))
        return record

    def _shown(self, asked: Asked, kind: str, record: Record) -> Record:
        # None of their views tells when one was made.
        if kind == "qos_specs":
            return {key: value for key, value in record.items() if key != "created_at"}
        shown = {key: record[key] for key in ("id", "name", "is_public", "description")}
        if kind == "group_type":
            return shown | ({"group_specs": record["group_specs"]} if asked.user.is_admin else {})
        shown |= {"extra_specs": record["extra_specs"] if asked.user.is_admin else {}}
        if asked.user.is_admin:
            shown["qos_specs_id"] = record["qos_specs_id"]
        return shown | {"os-volume-type-access:is_public": record["is_public"]}

    def _index(self, asked: Asked, kind: str) -> Answer:
        if kind == "qos_specs":
            self._may(asked, "volume_extension:qos_specs_manage:get_all")
        records = list(self.named[kind].values())
        if kind != "qos_specs" and not (asked.user.is_admin and (asked.first("is_public") or "").lower() == "none"):
            records = [
                record
                for record in records
                if record["is_public"]
                or (not asked.user.is_admin and asked.user.project_id in record.get("projects", ()))
            ]
        sort = (asked.first("sort") or "").partition(":")
        key = sort[0] or asked.first("sort_key") or "created_at"
        direction = sort[2] or asked.first("sort_dir") or "desc"
        records = ordered(records, [key, "created_at", "id"], [direction] * 3)
        limit = min(int(asked.first("limit") or self.max_limit), self.max_limit)
        behind = page(
            records, asked.first("marker"), len(records), lambda marker: fault(404, NOT_FOUND[kind].format(marker))
        )
        behind = behind[int(asked.first("offset") or 0) :][:limit]
        body: Record = {LISTS[kind]: [self._shown(asked, kind, record) for record in behind]}
        if behind and limit <= len(behind):
            link = f"{self.root}{asked.path}?{query(asked, behind[-1]['id'])}"
            body[LINKS[kind]] = [{"rel": "next", "href": link}]
        return Answer(200, body)

    def _make(self, asked: Asked, kind: str) -> Answer:
        action = POLICIES.get(kind, "volume_extension:qos_specs_manage:") + "create"
        wanted = self.body(asked, kind)
        if "name" not in wanted:
            raise fault(
                400, f"Invalid input for field/attribute {kind}. Value: {wanted}. 'name' is a required property"
            )
        self._may(asked, action)
        name = wanted["name"].strip() if kind == "qos_specs" else wanted["name"]
        if self.of_name(kind, name) is not None:
            raise fault(409, EXISTS[kind].format(name))
        if kind == "qos_specs":
            specs = {key: value for key, value in wanted.items() if key not in ("name", "consumer")}
            record = self.add_qos(name, wanted.get("consumer", "back-end"), **specs)
            return Answer(200, {kind: record, "links": []})
        public = wanted.get("os-volume-type-access:is_public" if kind == "volume_type" else "is_public", True)
        add = self.add_type if kind == "volume_type" else self.add_group_type
        specs = {SPECS[kind]: dict(wanted.get(SPECS[kind]) or {})}
        record = add(name, description=wanted.get("description"), is_public=public, **specs)
        return Answer(200 if kind == "volume_type" else 202, {kind: self._shown(asked, kind, record)})

    def _tell(self, asked: Asked, kind: str) -> Answer:
        if kind == "qos_specs":
            self._may(asked, "volume_extension:qos_specs_manage:get")
        if kind == "group_type" and asked.parameters[0] == "default":
            default = self.of_name("group_type", self.default_group_type)
            if default is None:
                raise fault(404, "Default group type can not be found.")
            return Answer(200, {kind: self._shown(asked, kind, default)})
        shown = self._shown(asked, kind, self._get(kind, asked.parameters[0]))
        return Answer(200, {kind: shown} | ({"links": []} if kind == "qos_specs" else {}))

    def _change(self, asked: Asked, kind: str) -> Answer:
        self._may(asked, POLICIES.get(kind, "volume_extension:qos_specs_manage:") + "update")
        wanted, record = self.body(asked, kind), self._get(kind, asked.parameters[0])
        if kind == "qos_specs":
            wanted = dict(wanted)
            record["consumer"] = wanted.pop("consumer", record["consumer"])
            record["specs"] |= wanted
            return Answer(200, json.loads(asked.body))
        if all(wanted.get(key) is None for key in ("name", "description", "is_public")):
            if kind == "volume_type":
                raise fault(400, "Specify volume type name, description, is_public or a combination thereof.")
            raise fault(400, "Specify group type name, description or a combination thereof.")
        other = self.of_name(kind, wanted.get("name") or "")
        if other is not None and other is not record:
            raise fault(409, EXISTS[kind].format(wanted["name"]))
        record |= {key: wanted[key] for key in ("name", "description", "is_public") if wanted.get(key) is not None}
        return Answer(200, {kind: self._shown(asked, kind, record)})

    def _remove(self, asked: Asked, kind: str) -> Answer:
        self._may(asked, POLICIES.get(kind, "volume_extension:qos_specs_manage:") + "delete")
        record = self._get(kind, asked.parameters[0])
        if kind == "qos_specs":
            used = [each for each in self.types.values() if each["qos_specs_id"] == record["id"]]
            if used and (asked.first("force") or "").lower() != "true":
                raise fault(400, "Qos specs still in use.")
            for each in used:
                each["qos_specs_id"] = None
        elif kind == "volume_type" and (record["name"] == DEFAULT or record["id"] in self.default_types.values()):
            raise fault(400, f"The volume type {record['id']} is a default volume type and cannot be deleted.")
        elif self.is_used(kind, record):
            raise fault(400, f"Target {kind.replace('_', ' ')} is still in use.")
        del self.named[kind][record["id"]]
        return Answer(202)

    def _default(self, asked: Asked) -> Answer:
        type_id = self.default_types.get(asked.user.project_id)
        record = self._get("volume_type", type_id) if type_id else self.of_name("volume_type", DEFAULT)
        if record is None:
            raise fault(500, f"The request cannot be fulfilled as the default volume type {DEFAULT} cannot be found.")
        return Answer(200, {"volume_type": self._shown(asked, "volume_type", record)})

    def _specs(self, asked: Asked, kind: str) -> Answer:
        (id_, key), name = asked.parameters, SPECS[kind]
        if asked.method == "GET":
            specs = self._get(kind, id_)[name]
            if not key:
                return Answer(200, {name: specs})
            if key not in specs:
                if kind == "volume_type":
                    raise fault(404, f"Volume Type {id_} has no extra specs with key {key}.")
                raise fault(404, f"Group Type {id_} has no extra spec with key {key}.")
            return Answer(200, {key: specs[key]})
        self._may(asked, "volume_extension:types_extra_specs" if kind == "volume_type" else "group:group_types_specs")
        if kind == "volume_type" and id_ in self.types and self.is_used(kind, self.types[id_]):
            raise fault(400, "Volume Type is currently in use.")
        specs = self._get(kind, id_)[name]
        if asked.method == "DELETE":
            if key not in specs:
                what = "extra specs" if kind == "volume_type" else "specs"
                raise fault(404, f"{WORD[kind]} {id_} has no {what} with key {key}.")
            del specs[key]
            return Answer(202)
        body = json.loads(asked.body)
        if asked.method == "PUT" and key not in body:
            raise fault(400, "Request body and URI mismatch")
        specs |= body if asked.method == "PUT" else body[name]
        return Answer(202 if kind == "group_type" and asked.method == "POST" else 200, body)

    def _encryption(self, asked: Asked) -> Answer:
        id_, key = asked.parameters
        self._may(asked, "volume_extension:volume_type_encryption")
        if asked.method != "GET" and id_ in self.types and self.is_used("volume_type", self.types[id_]):
            verb = {"POST": "create", "PUT": "update", "DELETE": "delete"}[asked.method]
            raise fault(400, f"Cannot {verb} encryption specs. Volume type in use.")
        record = self._get("volume_type", id_)
        if asked.method == "GET":
            if key and key not in record["encryption"]:
                raise fault(404, f"Volume type encryption for type {id_} does not exist.")
            return Answer(200, {key: record["encryption"][key]} if key else record["encryption"])
        if asked.method == "DELETE":
            if not record["encryption"]:
                raise fault(404, f"Volume type encryption for type {id_} does not exist.")
            record["encryption"] = {}
            return Answer(202)
        wanted = self.body(asked, "encryption")
        if asked.method == "POST":
            if record["encryption"]:
                raise fault(400, f"Volume type encryption for type {id_} already exists.")
            record["encryption"] = {**wanted, "volume_type_id": id_, "encryption_id": str(uuid.uuid4())}
            return Answer(200, {"encryption": record["encryption"]})
        record["encryption"] |= wanted
        return Answer(200, {"encryption": wanted})

    def _access(self, asked: Asked) -> Answer:
        self._may(asked, "volume_extension:volume_type_access:get_all_for_type")
        record = self._get("volume_type", asked.parameters[0])
        if record["is_public"]:
            raise fault(404, "Access list not available for public volume types.")
        access = [{"volume_type_id": record["id"], "project_id": project} for project in sorted(record["projects"])]
        return Answer(200, {"volume_type_access": access})

    def _act(self, asked: Asked) -> Answer:
        ((action, wanted),) = json.loads(asked.body).items()
        self._may(asked, f"volume_extension:volume_type_access:{action}")
        record, project = self._get("volume_type", asked.parameters[0]), wanted["project"]
        if record["is_public"]:
            text = "Type access modification is not applicable to public volume type."
            raise fault(400, f"Invalid volume type: {text}")
        combination = f"{record['id']} / {project} combination"
        if action == "addProjectAccess":
            if project in record["projects"]:
                raise fault(409, f"Volume type access for {combination} already exists.")
            record["projects"].add(project)
        else:
            if project not in record["projects"]:
                raise fault(404, f"Volume type access not found for {combination}.")
            record["projects"].remove(project)
        return Answer(202)

    def _delete_keys(self, asked: Asked) -> Answer:
        self._may(asked, "volume_extension:qos_specs_manage:delete")
        keys, record = json.loads(asked.body)["keys"], self._get("qos_specs", asked.parameters[0])
        for key in keys:
            if record["specs"].pop(key, None) is None:
                raise fault(404, f"QoS spec {record['id']} has no spec with key {key}.")
        return Answer(202)

    def _associations(self, asked: Asked) -> Answer:
        self._may(asked, "volume_extension:qos_specs_manage:get_all")
        record = self._get("qos_specs", asked.parameters[0])
        associations = [
            {"association_type": "volume_type", "name": each["name"], "id": each["id"]}
            for each in self.types.values()
            if each["qos_specs_id"] == record["id"]
        ]
        return Answer(200, {"qos_associations": associations})

    def _associate(self, asked: Asked) -> Answer:
        id_, action = asked.parameters
        self._may(asked, "volume_extension:qos_specs_manage:update")
        type_id = asked.first("vol_type_id")
        if not type_id and action != "disassociate_all":
            raise fault(400, "Volume Type id must not be None.")
        self._get("qos_specs", id_)
        if action == "disassociate_all":
            for each in self.types.values():
                each["qos_specs_id"] = None if each["qos_specs_id"] == id_ else each["qos_specs_id"]
            return Answer(202)
        record = self._get("volume_type", type_id or "")
        if action == "associate":
            if record["qos_specs_id"] not in (None, id_):
                text = f"Type {type_id} is already associated with another qos specs: {record['qos_specs_id']}"
                raise fault(400, f"Invalid volume type: {text}")
            record["qos_specs_id"] = id_
        elif record["qos_specs_id"] == id_:
            record["qos_specs_id"] = None
        return Answer(202)

    def _list_defaults(self, asked: Asked) -> Answer:
        self._since(asked, "3.62")
        if not asked.user.is_admin:
            raise fault(403, "You are not authorized to perform this operation.")
        told = [{"project_id": project, "volume_type_id": id_} for project, id_ in self.default_types.items()]
        return Answer(200, {"default_types": told})

    def _project_default(self, asked: Asked) -> Answer:
        self._since(asked, "3.62")
        if not asked.user.is_admin:
            raise fault(403, "You are not authorized to perform this operation.")
        project = asked.parameters[0]
        if asked.method == "DELETE":
            self.default_types.pop(project, None)
            return Answer(204)
        if asked.method == "PUT":
            reference = self.body(asked, "default_type")["volume_type"]
            found = self.types.get(reference) or self.of_name("volume_type", reference)
            if found is None:
                raise fault(400, f"Volume type with name {reference} could not be found.")
            self.default_types[project] = found["id"]
        if project not in self.default_types:
            raise fault(404, f"Default type for project {project} not found.")
        return Answer(200, {"default_type": {"project_id": project, "volume_type_id": self.default_types[project]}})
