"""Quotas and limits of several pods as those of one cloud.

A limit is one number for the whole cloud: every pod has it, so it is not added up. Where pods have different ones, the
smallest is the one that surely holds. What is used is the sum of what is used in the pods.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

JSON = dict[str, Any]

# What Nova's limits call the limits of its quotas (nova/api/openstack/compute/views/limits.py).
COMPUTE_LIMITS: Final[Mapping[str, tuple[str, ...]]] = {
    "ram": ("maxTotalRAMSize",),
    "instances": ("maxTotalInstances",),
    "cores": ("maxTotalCores",),
    "key_pairs": ("maxTotalKeypairs",),
    "floating_ips": ("maxTotalFloatingIps",),
    "metadata_items": ("maxServerMeta", "maxImageMeta"),
    "injected_files": ("maxPersonality",),
    "injected_file_content_bytes": ("maxPersonalitySize",),
    "security_groups": ("maxSecurityGroups",),
    "security_group_rules": ("maxSecurityGroupRules",),
    "server_groups": ("maxServerGroups",),
    "server_group_members": ("maxServerGroupMembers",),
}
# The same of Cinder (cinder/api/views/limits.py).
VOLUME_LIMITS: Final[Mapping[str, tuple[str, ...]]] = {
    "gigabytes": ("maxTotalVolumeGigabytes",),
    "backup_gigabytes": ("maxTotalBackupGigabytes",),
    "volumes": ("maxTotalVolumes",),
    "snapshots": ("maxTotalSnapshots",),
    "backups": ("maxTotalBackups",),
}
LIMITS: Final = {"compute": COMPUTE_LIMITS, "volume": VOLUME_LIMITS}
UNLIMITED: Final = -1


def merged(parts: Iterable[JSON], wanted: Mapping[str, int]) -> JSON:
    """The quota sets, classes or limits of pods as one; `wanted` are the limits that were set at the top."""
    result: JSON = {}
    for part in parts:
        for name, value in part.items():
            result[name] = _both(name, result[name], value) if name in result else value
    for name, limit in wanted.items():
        if name in result:
            shown = result[name]
            result[name] = {**shown, "limit": limit} if isinstance(shown, dict) else limit
    return result


def as_limits(service: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Limits of quotas by the names that they have in `GET /limits`."""
    return {shown: limit for name, limit in wanted.items() for shown in LIMITS[service].get(name, ())}


def least(mine: int, theirs: int) -> int:
    """The smaller of two limits; a negative one is none."""
    if mine < 0 or theirs < 0:
        return max(mine, theirs)
    return min(mine, theirs)


def number(value: Any) -> int | None:
    """A limit as a request may write it, in digits too; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def in_use(quota: Any) -> int:
    """What is used of a resource, with what is reserved, as a detailed quota set tells it; 0 where it tells nothing."""
    if not isinstance(quota, dict):
        return 0
    return sum(value for name in ("in_use", "reserved") if isinstance(value := quota.get(name), int))


def _both(name: str, mine: Any, theirs: Any) -> Any:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return {field: _both(field, mine[field], theirs[field]) for field in mine.keys() & theirs.keys()}
    if number(mine) is None or number(theirs) is None or isinstance(mine, str) or isinstance(theirs, str):
        return mine
    return mine + theirs if name in ("in_use", "reserved") or _is_used(name) else least(mine, theirs)


def _is_used(name: str) -> bool:
    return name.startswith("total") and name.endswith("Used")
