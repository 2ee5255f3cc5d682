"""Quotas and limits of the fake Nova (nova/api/openstack/compute/quota_sets.py, quota_classes.py and limits.py)."""

import json
import re
from collections.abc import Iterable
from typing import Any

from ..pod_service import Record
from ..service import Answer, Asked, On, fault
from .base import ROOT, NovaBase

NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
GROUPS = ("server_groups", "server_group_members")
DEFAULTS = {
    "instances": 10, "cores": 20, "ram": 1048576, "metadata_items": 128, "key_pairs": 100,
    **dict.fromkeys(NETWORK, -1), "injected_files": 5, "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255, **dict.fromkeys(GROUPS, 10),
}  # fmt: skip
# nova/api/openstack/compute/views/limits.py
LIMITS = {
    "ram": ("maxTotalRAMSize",), "instances": ("maxTotalInstances",), "cores": ("maxTotalCores",),
    "key_pairs": ("maxTotalKeypairs",), "floating_ips": ("maxTotalFloatingIps",),
    "metadata_items": ("maxServerMeta", "maxImageMeta"), "injected_files": ("maxPersonality",),
    "injected_file_content_bytes": ("maxPersonalitySize",), "security_groups": ("maxSecurityGroups",),
    "security_group_rules": ("maxSecurityGroupRules",), "server_groups": ("maxServerGroups",),
    "server_group_members": ("maxServerGroupMembers",),
}  # fmt: skip
USED = {
    "totalRAMUsed": "ram", "totalCoresUsed": "cores", "totalInstancesUsed": "instances",
    "totalFloatingIpsUsed": "floating_ips", "totalSecurityGroupsUsed": "security_groups",
    "totalServerGroupsUsed": "server_groups",
}  # fmt: skip


class Quotas(NovaBase):
    """Limits of projects, of users in projects, and of the class `default`."""

    def quota_routes(self) -> Iterable[On]:
        """Their part of the table."""
        return (
            On("GET", f"{ROOT}/limits", self._limits),
            On("GET", f"{ROOT}/os-quota-sets/([^/]+)", self._show_quota),
            On("GET", f"{ROOT}/os-quota-sets/([^/]+)/detail", self._show_quota),
            On("GET", f"{ROOT}/os-quota-sets/([^/]+)/defaults", self._show_defaults),
            On("PUT", f"{ROOT}/os-quota-sets/([^/]+)", self._update_quota),
            On("DELETE", f"{ROOT}/os-quota-sets/([^/]+)", self._delete_quota),
            On("GET", f"{ROOT}/os-quota-class-sets/([^/]+)", self._show_class),
            On("PUT", f"{ROOT}/os-quota-class-sets/([^/]+)", self._update_class),
        )

    def quota_defaults(self) -> dict[str, int]:
        """The limits of a project for which nobody set any."""
        own = {"cores": self.quota_cores, "instances": self.quota_instances}
        return {**DEFAULTS, **own, **self.quota_classes.get("default", {})}

    def quota(self, project_id: str, user_id: str | None = None) -> dict[str, int]:
        """The limits of a project, or of a user in it."""
        limits = {**self.quota_defaults(), **self.quotas.get((project_id, None), {})}
        return limits if user_id is None else {**limits, **self.quotas.get((project_id, user_id), {})}

    def used(self, project_id: str) -> dict[str, int]:
        """What a project uses."""
        servers = [record for record in self.servers.values() if record["project_id"] == project_id]
        flavors = [self.flavors.get(record["flavor"], {"vcpus": 1, "ram": 512}) for record in servers]
        return {
            "instances": len(servers),
            "cores": sum(flavor["vcpus"] for flavor in flavors),
            "ram": sum(flavor["ram"] for flavor in flavors),
        }

    def require_quota(self, project_id: str, wanted: dict[str, Any], most: int) -> int:
        """How many servers of a flavor may be made (nova.compute.utils.check_num_instances_quota)."""
        flavor, least = self.flavors[wanted["flavorRef"]], int(wanted.get("min_count", 1))
        limits, used = self.quota(project_id), self.used(project_id)
        each = {"instances": 1, "cores": flavor["vcpus"], "ram": flavor["ram"]}
        room = [(limits[name] - used[name]) // amount for name, amount in each.items() if amount and limits[name] >= 0]
        allowed = min([most, *room])
        if allowed >= least:
            return allowed
        overs = [name for name, amount in each.items() if 0 <= limits[name] < used[name] + amount * most]
        requested = ", ".join(str(each[name] * (least if name == "instances" else most)) for name in overs)
        names = ", ".join(overs)
        has, may = (", ".join(str(numbers[name]) for name in overs) for numbers in (used, limits))
        raise fault(403, f"Quota exceeded for {names}: Requested {requested}, but already used {has} of {may} {names}")

    # -- answers

    def _hidden(self, asked: Asked, networks_until: str) -> tuple[str, ...]:
        if self._at_least(asked, "2.57"):
            return (*NETWORK, *FILES)
        return NETWORK if self._at_least(asked, networks_until) else ()

    def _quota_view(self, asked: Asked, values: dict[str, Any]) -> Record:
        hidden = self._hidden(asked, "2.36")
        return {name: value for name, value in values.items() if name not in hidden}

    def _show_quota(self, asked: Asked) -> Answer:
        project_id = self._project(asked, "show")
        limits: dict[str, Any] = dict(self.quota(project_id, asked.first("user_id") or None))
        if asked.path.endswith("/detail"):
            used = self.used(project_id)
            limits = {
                name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()
            }
        return Answer(200, {"quota_set": {"id": project_id, **self._quota_view(asked, limits)}})

    def _show_defaults(self, asked: Asked) -> Answer:
        return Answer(200, {"quota_set": {"id": asked.parameters[0], **self._quota_view(asked, self.quota_defaults())}})

    def _project(self, asked: Asked, what: str) -> str:
        project_id = asked.parameters[0]
        if not asked.user.is_admin and (what != "show" or project_id != asked.user.project_id):
            raise fault(403, f"Policy doesn't allow os_compute_api:os-quota-sets:{what} to be performed.")
        return project_id

    def _wanted(self, asked: Asked, key: str, known: Iterable[str]) -> dict[str, int]:
        wanted = self.body(asked, key)
        if not isinstance(wanted, dict) or json.loads(asked.body).keys() != {key}:
            raise fault(400, f"Invalid input for field/attribute {key}. Value: {wanted!r}.")
        for name, value in wanted.items():
            if name == "force" and "force" in known:
                continue
            if name not in known:
                raise fault(
                    400, f"Invalid input for field/attribute {key}. Value: {wanted}. Additional properties are not "
                    f"allowed ('{name}' was unexpected)"
                )  # fmt: skip
            if isinstance(value, bool) or re.fullmatch(r"-?[0-9]+", str(value)) is None or int(value) < -1:
                raise fault(400, f"Invalid input for field/attribute {name}. Value: {value}.")
        return {name: int(value) for name, value in wanted.items() if name != "force"}

    def _update_quota(self, asked: Asked) -> Answer:
        known = self._quota_view(asked, DEFAULTS).keys() | {"force"}
        wanted = self._wanted(asked, "quota_set", known)
        project_id, user_id = self._project(asked, "update"), asked.first("user_id") or None
        forced = str(json.loads(asked.body)["quota_set"].get("force")).lower() == "true"
        used, project = self.used(project_id), self.quota(project_id)
        for name, limit in wanted.items():
            if not forced and 0 <= limit < used.get(name, 0):
                raise fault(
                    400, f"Quota limit {limit} for {name} must be greater than or equal to already used and reserved "
                    f"{used[name]}."
                )  # fmt: skip
            if not forced and user_id and 0 <= project[name] < (limit if limit >= 0 else 2**31):
                raise fault(400, f"Quota limit {limit} for {name} must be less than or equal to {project[name]}.")
        if not self.keystone_limits:
            self.quotas.setdefault((project_id, user_id), {}).update(wanted)
        return Answer(200, {"quota_set": self._quota_view(asked, self.quota(project_id, user_id))})

    def _delete_quota(self, asked: Asked) -> Answer:
        project_id, user_id = self._project(asked, "delete"), asked.first("user_id") or None
        for key in list(self.quotas):
            if key == (project_id, user_id) or (user_id is None and key[0] == project_id):
                del self.quotas[key]
        return Answer(202)

    def _class_view(self, asked: Asked, limits: dict[str, int]) -> Record:
        hidden = (*self._hidden(asked, "2.50"), *(() if self._at_least(asked, "2.50") else GROUPS))
        return {name: value for name, value in limits.items() if name not in hidden}

    def _class(self, name: str) -> dict[str, int]:
        own = {"cores": self.quota_cores, "instances": self.quota_instances}
        return {**DEFAULTS, **own, **self.quota_classes.get(name, {})}

    def _show_class(self, asked: Asked) -> Answer:
        self._administrators(asked, "os_compute_api:os-quota-class-sets:show")
        name = asked.parameters[0]
        return Answer(200, {"quota_class_set": {"id": name, **self._class_view(asked, self._class(name))}})

    def _update_class(self, asked: Asked) -> Answer:
        known = DEFAULTS.keys() - set(self._hidden(asked, "2.50"))
        wanted = self._wanted(asked, "quota_class_set", known)
        self._administrators(asked, "os_compute_api:os-quota-class-sets:update")
        name = asked.parameters[0]
        self.quota_classes.setdefault(name, {}).update(wanted)
        return Answer(200, {"quota_class_set": self._class_view(asked, self._class(name))})

    def _limits(self, asked: Asked) -> Answer:
        project_id = asked.first("tenant_id") or asked.user.project_id
        if project_id != asked.user.project_id:
            self._administrators(asked, "os_compute_api:limits:other_project")
        hidden, used = self._hidden(asked, "2.36"), self.used(project_id)
        absolute = {
            shown: limit
            for name, limit in self.quota(project_id).items()
            if name not in hidden
            for shown in LIMITS.get(name, ())
            if shown != "maxImageMeta" or not self._at_least(asked, "2.39")
        }
        absolute |= {shown: used.get(name, 0) for shown, name in USED.items() if name not in hidden}
        return Answer(200, {"limits": {"rate": [], "absolute": absolute}})
