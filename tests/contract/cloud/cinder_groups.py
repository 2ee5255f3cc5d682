"""What a fake Cinder knows of groups and their snapshots.

Sources: cinder.api.v3.groups and group_snapshots, cinder.api.contrib.consistencygroups and cgsnapshots.
"""

import json
from collections.abc import Iterable
from typing import Any

from .cinder_types import ROOT, Types
from .pod_service import Record, numbers, ordered, page, query
from .service import Answer, Asked, On, fault

# What the two generations of the API call a group, and its snapshot.
WORDS = {"groups": "group", "consistencygroups": "consistencygroup"}
SNAPSHOTS = {"group_snapshots": "group_snapshot", "cgsnapshots": "cgsnapshot"}
ACTIONS = (
    "delete", "reset_status", "enable_replication", "disable_replication", "failover_replication",
    "list_replication_targets",
)  # fmt: skip


class Groups(Types):
    """Groups of volumes; a consistency group is one too."""

    zone: str
    records: dict[str, dict[str, Record]]

    def add(self, kind: str, project_id: str, **fields: Any) -> Record:
        """Something that is there already."""
        raise NotImplementedError

    def group_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("GET", f"{ROOT}/(groups|consistencygroups|group_snapshots|cgsnapshots)(|/detail)", self._groups)
        yield On("POST", f"{ROOT}/(groups|consistencygroups)", self._make_group)
        yield On("POST", f"{ROOT}/(groups/action|consistencygroups/create_from_src)", self._make_group_from)
        yield On("POST", f"{ROOT}/(group_snapshots|cgsnapshots)", self._make_group_snapshot)
        yield On("GET", f"{ROOT}/(groups|consistencygroups|group_snapshots|cgsnapshots)/([^/]+)", self._show_group)
        yield On("PUT", f"{ROOT}/(groups|consistencygroups)/([^/]+)(?:/update)?", self._change_group)
        yield On(
            "POST", f"{ROOT}/(groups|group_snapshots|consistencygroups)/([^/]+)/(action|delete)", self._act_on_group
        )
        yield On("DELETE", f"{ROOT}/(group_snapshots|cgsnapshots)/([^/]+)", self._drop_group_snapshot)

    def _known(self, asked: Asked, path: str) -> str:
        """The kind of a path, in a microversion that has it."""
        least = {"groups": "3.13", "group_snapshots": "3.14"}.get(path, "3.0")
        if numbers(asked.headers["version"]) < numbers(least):
            raise fault(404, f"API version {asked.headers['version']} is not supported on this method.")
        return "group" if path in WORDS else "group_snapshot"

    def _group(self, asked: Asked, kind: str, id_: str) -> Record:
        record = self.records[kind].get(id_)
        if record is None or not (asked.user.is_admin or record["project_id"] == asked.user.project_id):
            raise fault(404, f"{'Group' if kind == 'group' else 'GroupSnapshot'} {id_} could not be found.")
        return record

    def _group_view(self, path: str, record: Record, detail: bool) -> Record:
        view = {key: record[key] for key in ("id", "name")}
        if not detail:
            return view
        view |= {key: record[key] for key in ("status", "created_at", "description")}
        if path in SNAPSHOTS:
            return view | {"group_id" if path == "group_snapshots" else "consistencygroup_id": record["group_id"]}
        view |= {"availability_zone": record["availability_zone"], "volume_types": record["volume_types"]}
        return view | ({"group_type": record["group_type"]} if path == "groups" else {})

    def _groups(self, asked: Asked) -> Answer:
        path, detail = asked.parameters[0], bool(asked.parameters[1])
        kind, item = self._known(asked, path), {**WORDS, **SNAPSHOTS}[path]
        everything = asked.user.is_admin and asked.first("all_tenants") is not None
        records = [
            record
            for record in self.records[kind].values()
            if (everything or record["project_id"] == asked.user.project_id)
            and asked.first("group_type_id") in (None, record.get("group_type"))
        ]
        key, _, direction = (asked.first("sort") or "created_at:desc").partition(":")
        records = ordered(records, [key, "id"], [direction, direction])
        if path == "cgsnapshots":
            offset, limit = int(asked.first("offset") or 0), int(asked.first("limit") or self.max_limit)
            return Answer(200, {path: [self._group_view(path, each, detail) for each in records[offset:][:limit]]})
        limit = min(int(asked.first("limit") or self.max_limit), self.max_limit)
        if path != "group_snapshots" or numbers(asked.headers["version"]) >= (3, 29):
            word = "Group" if kind == "group" else "GroupSnapshot"
            records = page(
                records, asked.first("marker"), limit, lambda marker: fault(404, f"{word} {marker} could not be found.")
            )
        body: Record = {path: [self._group_view(path, each, detail) for each in records]}
        if records and limit <= len(records):
            body[f"{item}_links"] = [
                {"rel": "next", "href": f"{self.root}{asked.path}?{query(asked, records[-1]['id'])}"}
            ]
        return Answer(200, body)

    def _make_group(self, asked: Asked) -> Answer:
        path = asked.parameters[0]
        self._known(asked, path)
        wanted = self.body(asked, WORDS[path])
        types, group_type = wanted.get("volume_types"), wanted.get("group_type")
        if not types or (path == "groups" and not group_type):
            raise fault(400, f"volume_types must be provided to create consistency group {wanted.get('name')}.")
        if path == "consistencygroups":
            types = types.rstrip(",").split(",")
        else:
            group_type = self.by_name_or_id("group_type", group_type)["id"]
        type_ids = [self.by_name_or_id("volume_type", each)["id"] for each in types]
        zone = wanted.get("availability_zone") or self.zone
        if zone != self.zone:
            raise fault(400, f"Availability zone '{zone}' is invalid.")
        record = self.add(
            "group", asked.user.project_id, name=wanted.get("name"), volume_types=type_ids, group_type=group_type
        )
        return Answer(202, {WORDS[path]: self._group_view(path, record, detail=False)})

    def _make_group_from(self, asked: Asked) -> Answer:
        generic = asked.parameters[0] == "groups/action"
        path = "groups" if generic else "consistencygroups"
        self._known(asked, path)
        wanted = self.body(asked, "create-from-src" if generic else "consistencygroup-from-src")
        source_id = wanted.get("source_group_id" if generic else "source_cgid")
        if source_id is None:
            snapshot_id = wanted["group_snapshot_id" if generic else "cgsnapshot_id"]
            source_id = self._group(asked, "group_snapshot", snapshot_id)["group_id"]
        source = self._group(asked, "group", source_id)
        fields = {key: source[key] for key in ("volume_types", "group_type")}
        record = self.add("group", asked.user.project_id, name=wanted.get("name"), **fields)
        return Answer(202, {WORDS[path]: self._group_view(path, record, detail=False)})

    def _make_group_snapshot(self, asked: Asked) -> Answer:
        path = asked.parameters[0]
        self._known(asked, path)
        wanted = self.body(asked, SNAPSHOTS[path])
        group_id = wanted["group_id" if path == "group_snapshots" else "consistencygroup_id"]
        self._group(asked, "group", group_id)
        record = self.add("group_snapshot", asked.user.project_id, name=wanted.get("name"), group_id=group_id)
        return Answer(202, {SNAPSHOTS[path]: self._group_view(path, record, detail=False)})

    def _show_group(self, asked: Asked) -> Answer:
        path, id_ = asked.parameters
        record = self._group(asked, self._known(asked, path), id_)
        return Answer(200, {{**WORDS, **SNAPSHOTS}[path]: self._group_view(path, record, detail=True)})

    def _change_group(self, asked: Asked) -> Answer:
        path, id_ = asked.parameters
        wanted, record = self.body(asked, WORDS[path]), self._group(asked, self._known(asked, path), id_)
        for volume_id in filter(None, (wanted.get("add_volumes") or "").split(",")):
            if volume_id not in self.records["volume"]:
                text = f"Cannot add volume {volume_id} to group {id_} because volume cannot be found."
                raise fault(400, f"Invalid volume: {text}")
            self.records["volume"][volume_id]["group_id"] = id_
        record["name"] = wanted.get("name") or record["name"]
        return Answer(202)

    def _act_on_group(self, asked: Asked) -> Answer:
        path, id_, what = asked.parameters
        record = self._group(asked, kind := self._known(asked, path), id_)
        action = "delete" if what == "delete" else next(iter(json.loads(asked.body)))
        if action not in ACTIONS:
            raise fault(400, f"There is no such action: {action}")
        if action == "delete":
            del self.records[kind][id_]
        elif action == "reset_status":
            record["status"] = json.loads(asked.body)[action]["status"]
        elif action == "list_replication_targets":
            return Answer(200, {"replication_targets": []})
        else:
            record["replication_status"] = action
        return Answer(202)

    def _drop_group_snapshot(self, asked: Asked) -> Answer:
        path, id_ = asked.parameters
        kind = self._known(asked, path)
        del self.records[kind][self._group(asked, kind, id_)["id"]]
        return Answer(202)
