"""Server groups of the fake Nova (nova/api/openstack/compute/server_groups.py, nova/objects/instance_group.py)."""

import json
import re
import uuid
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase

HARD = ("anti-affinity", "affinity")
SOFT = ("soft-anti-affinity", "soft-affinity")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ServerGroups(NovaBase):
    """Server groups, and which servers are their members."""

    # The most groups of a project.
    quota_server_groups = 10

    def group_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/os-server-groups", self._list_groups),
            On("POST", f"{ROOT}/os-server-groups", self._create_group),
            On("GET", f"{ROOT}/os-server-groups/([^/]+)", self._show_group),
            On("DELETE", f"{ROOT}/os-server-groups/([^/]+)", self._delete_group),
        )

    def add_group(
        self, project_id: str, name: str = "group", policy: str = "anti-affinity", **fields: Any
    ) -> dict[str, Any]:
        """One that is there already."""
        record = {
            "id": str(uuid.uuid4()), "name": name, "policy": policy, "rules": {}, "members": [],
            "project_id": project_id, "user_id": uuid.uuid4().hex, **fields,
        }  # fmt: skip
        self.groups[record["id"]] = record
        return record

    def group_members(self, record: Record) -> list[str]:
        """Its servers that are still there."""
        return [server_id for server_id in record["members"] if server_id in self.servers]

    def join_group(self, server: Record, hints: dict[str, Any], group: Record | None) -> None:
        """A new server is in a group, and its hints are kept."""
        server["scheduler_hints"] = {name: each if isinstance(each, list) else [each] for name, each in hints.items()}
        if group is not None:
            group["members"].append(server["id"])

    def group_words(self, asked: Asked, server: Record) -> dict[str, Any]:
        """What a server's view says of its group; lists do not tell the group itself."""
        words: dict[str, Any] = {}
        if self._at_least(asked, "2.71") and not asked.path.endswith("/detail"):
            words["server_groups"] = [each["id"] for each in self.groups.values() if server["id"] in each["members"]]
        if self._at_least(asked, "2.100"):
            words["scheduler_hints"] = server.get("scheduler_hints", {})
        return words

    def requested_group(self, asked: Asked) -> tuple[dict[str, Any], Record | None]:
        """The hints for the scheduler in a request for servers, and the group they name. Raises `Refusal`."""
        body = json.loads(asked.body)
        name = next((name for name in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints") if name in body), "")
        hints = body.get(name, {})
        if not isinstance(hints, dict):
            raise fault(400, f"Invalid input for field/attribute {name}. Value: {hints}.")
        hint = hints.get("group")
        if isinstance(hint, list) and len(hint) < 2:
            # The schema takes a list.
            hint = hint[0] if hint else None
        if hint is None:
            return hints, None
        if not isinstance(hint, str) or _UUID.fullmatch(hint) is None:
            raise fault(400, f"Invalid input for field/attribute group. Value: {hint}. {hint!r} is not a 'uuid'")
        record = self.groups.get(hint)
        if record is None or not self._visible(asked, record):
            raise fault(400, f"Instance group {hint} could not be found.")
        return hints, record

    def _group_view(self, asked: Asked, record: Record) -> dict[str, Any]:
        view = {"id": record["id"], "name": record["name"], "members": self.group_members(record)}
        if self._at_least(asked, "2.64"):
            view |= {"policy": record["policy"], "rules": record["rules"]}
        else:
            view |= {"policies": [record["policy"]], "metadata": {}}
        if self._at_least(asked, "2.13"):
            view |= {"project_id": record["project_id"], "user_id": record["user_id"]}
        return view

    def _list_groups(self, asked: Asked) -> Answer:
        known = {"all_projects", "limit", "offset"}
        for name, value in asked.query:
            if name in ("limit", "offset") and re.fullmatch("[0-9]+", value) is None:
                raise fault(
                    400,
                    f"Invalid input for query parameters {name}. Value: {value}. '{value}' does not match '^[0-9]*$'",
                )
            if name not in known and self._at_least(asked, "2.75"):
                raise fault(400, f"Additional properties are not allowed ('{name}' was unexpected)")
        everything = asked.first("all_projects") is not None and asked.user.is_admin
        records = [each for each in self.groups.values() if everything or each["project_id"] == asked.user.project_id]
        offset = int(asked.first("offset") or 0)
        limit = min(int(asked.first("limit") or 0) or self.max_limit, self.max_limit)
        views = [self._group_view(asked, record) for record in records[offset : offset + limit]]
        return Answer(200, {"server_groups": views})

    def _create_group(self, asked: Asked) -> Answer:
        wanted = self.body(asked, "server_group")
        new = self._at_least(asked, "2.64")
        allowed = {"name", "policy", "rules"} if new else {"name", "policies"}
        if not isinstance(wanted, dict) or not {"name", "policy" if new else "policies"} <= wanted.keys() <= allowed:
            raise fault(400, f"Invalid input for field/attribute server_group. Value: {wanted}.")
        name = wanted["name"]
        if not isinstance(name, str) or not 1 <= len(name) <= 255 or name != name.strip():
            raise fault(400, f"Invalid input for field/attribute name. Value: {name}.")
        policies = [wanted["policy"]] if new else wanted["policies"]
        known = (*HARD, *SOFT) if self._at_least(asked, "2.15") else HARD
        if not isinstance(policies, list) or len(policies) != 1 or policies[0] not in known:
            raise fault(400, f"Invalid input for field/attribute policy. Value: {policies}.")
        rules = wanted.get("rules", {})
        if not isinstance(rules, dict) or rules.keys() - {"max_server_per_host"}:
            raise fault(400, f"Invalid input for field/attribute rules. Value: {rules}.")
        mine = [each for each in self.groups.values() if each["project_id"] == asked.user.project_id]
        if len(mine) >= self.quota_server_groups:
            raise fault(403, "Quota exceeded, too many server groups.")
        if rules and policies[0] != "anti-affinity":
            raise fault(400, "Only anti-affinity policy supports rules.")
        rules = {key: int(value) for key, value in rules.items()}
        record = self.add_group(asked.user.project_id, name, policies[0], rules=rules, user_id=asked.user.user_id)
        return Answer(200, {"server_group": self._group_view(asked, record)})

    def _group(self, asked: Asked) -> Record:
        record = self.groups.get(asked.parameters[0])
        if record is None or not self._visible(asked, record):
            raise fault(404, f"Instance group {asked.parameters[0]} could not be found.")
        return record

    def _show_group(self, asked: Asked) -> Answer:
        if asked.query and self._at_least(asked, "2.102"):
            raise fault(400, f"Additional properties are not allowed ('{asked.query[0][0]}' was unexpected)")
        return Answer(200, {"server_group": self._group_view(asked, self._group(asked))})

    def _delete_group(self, asked: Asked) -> Answer:
        del self.groups[self._group(asked)["id"]]
        return Answer(204)
