"""Quotas and limits of the fake Cinder (cinder/api/contrib/quotas.py, quota_classes.py, used_limits.py)."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .keystone import Keystone
from .pod_service import PodService, Record
from .service import Answer, Asked, On, fault

ROOT = r"/v3(?:/[0-9a-f]{32})?"
DEFAULTS = {
    "volumes": 10, "snapshots": 10, "gigabytes": 1000, "backups": 10, "backup_gigabytes": 1000,
    "per_volume_gigabytes": -1, "groups": 10,
}  # fmt: skip
LIMITS = {
    "gigabytes": "maxTotalVolumeGigabytes", "backup_gigabytes": "maxTotalBackupGigabytes",
    "volumes": "maxTotalVolumes", "snapshots": "maxTotalSnapshots", "backups": "maxTotalBackups",
}  # fmt: skip
USED = {
    "totalVolumesUsed": "volumes", "totalGigabytesUsed": "gigabytes", "totalSnapshotsUsed": "snapshots",
    "totalBackupsUsed": "backups", "totalBackupGigabytesUsed": "backup_gigabytes",
}  # fmt: skip
UNIQUE = ("volumes", "snapshots", "gigabytes")


class Quotas(PodService):
    """Limits of projects and of the class `default`."""

    records: dict[str, dict[str, Record]]
    types: dict[str, Record]

    def __init__(self, keystone: Keystone) -> None:
        super().__init__(keystone)
        self.quotas: dict[str, dict[str, int]] = {}
        self.quota_classes: dict[str, dict[str, int]] = {}

    def quota_routes(self) -> Iterable[On]:
        """Their part of the table."""
        yield On("GET", f"{ROOT}/limits", self._limits)
        yield On("GET", f"{ROOT}/os-quota-sets/([^/]+)", self._show_quota)
        yield On("GET", f"{ROOT}/os-quota-sets/([^/]+)/defaults", self._show_defaults)
        yield On("PUT", f"{ROOT}/os-quota-sets/([^/]+)", self._update_quota)
        yield On("DELETE", f"{ROOT}/os-quota-sets/([^/]+)", self._delete_quota)
        yield On("GET", f"{ROOT}/os-quota-class-sets/([^/]+)", self._show_class)
        yield On("PUT", f"{ROOT}/os-quota-class-sets/([^/]+)", self._update_class)

    def quota_class(self, name: str) -> dict[str, int]:
        """The limits of a class: of what there is, whatever was set before (cinder.quota.VolumeTypeQuotaEngine)."""
        by_type = {f"{what}_{known['name']}": -1 for known in self.types.values() for what in UNIQUE}
        own = {**DEFAULTS, **by_type}
        return {**own, **{key: limit for key, limit in self.quota_classes.get(name, {}).items() if key in own}}

    def quota(self, project_id: str) -> dict[str, int]:
        """The limits of a project."""
        own = self.quota_class("default")
        return {**own, **{key: limit for key, limit in self.quotas.get(project_id, {}).items() if key in own}}

    def used(self, project_id: str) -> dict[str, int]:
        """What a project uses; snapshots count as gigabytes, as they do unless the settings say otherwise."""
        used: dict[str, int] = {}

        def add(amounts: Mapping[str, int]) -> None:
            for name, amount in amounts.items():
                used[name] = used.get(name, 0) + amount

        for kind, records in self.records.items():
            for record in records.values():
                if record["project_id"] == project_id:
                    add(amounts(kind, record["size"] if kind != "group" else 0, record.get("volume_type")))
        return used

    def require_quota(self, project_id: str, kind: str, size: int, volume_type: str | None) -> None:
        """Refuse what is too much (cinder.quota_utils.process_reserve_over_quota). Raises `Refusal` 413."""
        limits, used = self.quota(project_id), self.used(project_id)
        if kind == "volume" and 0 <= limits["per_volume_gigabytes"] < size:
            limit = limits["per_volume_gigabytes"]
            raise fault(413, f"Requested volume size {size}G is larger than maximum allowed limit {limit}G.")
        wanted = amounts(kind, size, volume_type)
        for name in sorted(wanted):
            has, limit = used.get(name, 0), limits[name]
            if not 0 <= limit < has + wanted[name]:
                continue
            if "gigabytes" not in name:
                which = f" for quota '{name}'" if kind == "volume" else ""
                raise fault(413, f"Maximum number of {kind}s allowed ({limit}) exceeded{which}{'.' if which else ''}")
            what, words = ("volume or snapshot", name) if kind != "backup" else ("backup", "Backup gigabytes")
            raise fault(
                413, f"Requested {what} exceeds allowed {words} quota. Requested {size}G, quota is {limit}G and "
                f"{has}G has been consumed."
            )  # fmt: skip

    # -- answers

    def _require(self, asked: Asked, rule: str) -> None:
        if not asked.user.is_admin:
            raise fault(403, f"Policy doesn't allow {rule} to be performed.")

    def _show_quota(self, asked: Asked) -> Answer:
        project_id = asked.parameters[0]
        if project_id != asked.user.project_id:
            self._require(asked, "volume_extension:quotas:show")
        limits: dict[str, Any] = dict(self.quota(project_id))
        if (asked.first("usage") or "").lower() in ("true", "1"):
            used = self.used(project_id)
            limits = {
                name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()
            }
        return Answer(200, {"quota_set": {**limits, "id": project_id}})

    def _show_defaults(self, asked: Asked) -> Answer:
        return Answer(200, {"quota_set": {**self.quota_class("default"), "id": asked.parameters[0]}})

    def _wanted(self, asked: Asked, key: str, words: str) -> dict[str, int]:
        wanted = self.body(asked, key)
        if not isinstance(wanted, dict) or not wanted or json.loads(asked.body).keys() != {key}:
            raise fault(400, f"Invalid input for field/attribute {key}. Value: {wanted!r}.")
        bad = [name for name in wanted if name not in (*self.quota_class("default"), "tenant_id", "id")]
        if bad:
            raise fault(400, f"Invalid input received: Bad key(s) in {words}: {', '.join(bad)}")
        wanted = {name: value for name, value in wanted.items() if name not in ("tenant_id", "id")}
        for name, value in wanted.items():
            if isinstance(value, bool) or re.fullmatch(r"-?[0-9]+", str(value)) is None or int(value) < -1:
                raise fault(400, f"Invalid input received: {name} must be an integer")
        return {name: int(value) for name, value in wanted.items()}

    def _update_quota(self, asked: Asked) -> Answer:
        wanted, project_id = self._wanted(asked, "quota_set", "quota set"), asked.parameters[0]
        self._require(asked, "volume_extension:quotas:update")
        own, used = self.quotas.setdefault(project_id, {}), self.used(project_id)
        for name, limit in wanted.items():
            # Only what was set before is compared with what is used (`defaults=False`).
            if name in own and 0 <= limit < used.get(name, 0):
                raise fault(
                    400, f"Quota {name} limit must be equal or greater than existing resources. Current usage is "
                    f"{used[name]} and the requested limit is {limit}."
                )  # fmt: skip
        own.update(wanted)
        return Answer(200, {"quota_set": self.quota(project_id)})

    def _delete_quota(self, asked: Asked) -> Answer:
        self._require(asked, "volume_extension:quotas:delete")
        self.quotas.pop(asked.parameters[0], None)
        return Answer(200)

    def _show_class(self, asked: Asked) -> Answer:
        self._require(asked, "volume_extension:quota_classes:get")
        name = asked.parameters[0]
        return Answer(200, {"quota_class_set": {**self.quota_class(name), "id": name}})

    def _update_class(self, asked: Asked) -> Answer:
        wanted = self._wanted(asked, "quota_class_set", "quota class set")
        self._require(asked, "volume_extension:quota_classes:update")
        self.quota_classes.setdefault(asked.parameters[0], {}).update(wanted)
        return Answer(200, {"quota_class_set": self.quota_class(asked.parameters[0])})

    def _limits(self, asked: Asked) -> Answer:
        project_id = asked.user.project_id
        if asked.user.is_admin and tuple(map(int, asked.headers["version"].split("."))) >= (3, 39):
            project_id = asked.first("project_id") or asked.first("tenant_id") or project_id
        limits, used = self.quota(project_id), self.used(project_id)
        absolute = {shown: limits[name] for name, shown in LIMITS.items()}
        absolute |= {shown: used.get(name, 0) for shown, name in USED.items()}
        return Answer(200, {"limits": {"rate": [], "absolute": absolute}})


def amounts(kind: str, size: int, volume_type: str | None) -> dict[str, int]:
    """What something counts for."""
    if kind == "backup":
        return {"backups": 1, "backup_gigabytes": size}
    if kind == "group":
        return {"groups": 1}
    if kind not in ("volume", "snapshot"):
        return {}
    counted = {f"{kind}s": 1, "gigabytes": size}
    named = volume_type if volume_type != "__DEFAULT__" else None
    return counted | ({f"{name}_{named}": amount for name, amount in counted.items()} if named else {})
