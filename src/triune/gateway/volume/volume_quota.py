"""What new volumes, snapshots, backups and groups count for.

Source: cinder.quota_utils.process_reserve_over_quota, and cinder/api/contrib/quotas.py for what is used.
"""

from typing import Any, Final

from triune.gateway.call import Call, quoted
from triune.gateway.errors import ApiError
from triune.gateway.volume.types import type_name
from triune.gateway.within import Need, Source
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SNAPSHOT, VOLUME, NotInAnyPod, PodsMissing
from triune.pods.locate import Kind as Located
from triune.quota.numbers import JSON, number
from triune.quota.room import TooMuch

# The fields of a new volume that name what it is a copy of.
_COPIED: Final = {"snapshot_id": SNAPSHOT, "source_volid": VOLUME}


def _read(document: Document) -> JSON:
    quotas = document.part("quota_set")
    if not isinstance(quotas, dict):
        raise PodUnreachable(document.pod, document.service, "no quota set")
    return quotas


VOLUMES_USED = Source(
    "volume",
    lambda call: (f"/v3/os-quota-sets/{quoted(call.caller.project_id or '')}", "usage=true"),
    _read,
    lambda rooms: rooms.volumes,
)


class New:
    """A request that makes one thing; `key` is its object in the body, `kind` what Cinder calls it."""

    def __init__(self, kind: str, key: str = "") -> None:
        self._kind = kind
        self._key = key or kind

    async def need(self, call: Call) -> Need | None:
        """What it needs."""
        wanted = (await call.json() or {}).get(self._key)
        if not isinstance(wanted, dict):
            return None
        if self._kind == "group":
            return Need({"groups": 1})
        if self._kind != "volume":
            volume = await _shown(call, VOLUME, wanted.get("volume_id"))
            return Need(amounts(self._kind, volume["size"], volume.get("volume_type"))) if volume else None
        size = number(wanted.get("size"))
        for name, kind in _COPIED.items():
            if size is None and (source := await _shown(call, kind, wanted.get(name))) is not None:
                size = source["size"]
        volume_type = await type_name(call, wanted.get("volume_type"))
        return Need(amounts("volume", max(size or 0, 0), volume_type)) if size is not None else None

    def refusal(self, call: Call, need: Need, error: TooMuch) -> ApiError:
        """Cinder's 413, which Nova's proxies make a 403."""
        return too_much(call, self._kind, need, error)

    def limit_to(self, call: Call, body: JSON, count: int) -> None:
        """One is not made fewer."""


class Extension:
    """`os-extend` of a volume; other actions need nothing."""

    async def need(self, call: Call) -> Need | None:
        """The gigabytes that it gets more."""
        extend = (await call.json() or {}).get("os-extend")
        wanted = number(extend.get("new_size")) if isinstance(extend, dict) else None
        volume = await _shown(call, VOLUME, call.parameters["volume_id"]) if wanted is not None else None
        if volume is None or wanted is None or wanted <= volume["size"]:
            return None
        more = amounts("volume", wanted - volume["size"], volume.get("volume_type"))
        return Need({name: amount for name, amount in more.items() if name.startswith("gigabytes")})

    def refusal(self, call: Call, need: Need, error: TooMuch) -> ApiError:
        """Cinder's 413."""
        return too_much(call, "volume", need, error)

    def limit_to(self, call: Call, body: JSON, count: int) -> None:
        """One is not made fewer."""


def amounts(kind: str, size: int, volume_type: object) -> dict[str, int]:
    """What a thing of a size counts for; a volume type has quotas of its own."""
    if kind == "backup":
        return {"backups": 1, "backup_gigabytes": size}
    counted = {f"{kind}s": 1, "gigabytes": size}
    if isinstance(volume_type, str) and volume_type:
        counted |= {f"{name}_{volume_type}": amount for name, amount in counted.items()}
    return counted


def too_much(call: Call, kind: str, need: Need, error: TooMuch) -> ApiError:
    """The refusal for the first resource of which it is too much; gigabytes come first, as in Cinder.

    Cinder tells the class of the exception before its text (cinder/api/middleware/fault.py), and Nova's proxy repeats
    both; of snapshots it says less (nova/volume/cinder.py).
    """
    name, quota = min(error.overs.items(), key=lambda over: ("gigabytes" not in over[0], over[0]))
    if call.service.name != "volume" and kind == "snapshot":
        return ApiError(403, "Quota exceeded for resources: snapshots")
    if "gigabytes" in name:
        backup = kind == "backup"
        said = "VolumeBackupSizeExceedsAvailableQuota" if backup else "VolumeSizeExceedsAvailableQuota"
        what, words = ("backup", "Backup gigabytes") if backup else ("volume or snapshot", name)
        text = (
            f"Requested {what} exceeds allowed {words} quota. Requested {need.one[name]}G, quota is {quota.limit}G and "
            f"{quota.used}G has been consumed."
        )
    else:
        said = f"{kind.capitalize()}LimitExceeded"
        text = f"Maximum number of {kind}s allowed ({quota.limit}) exceeded"
        if kind == "volume":
            text += f" for quota '{name}'."
    refusal = ApiError(413 if call.service.name == "volume" else 403, f"{said}: {text}")
    if refusal.status == 413:
        refusal.headers["Retry-After"] = "0"
    return refusal


async def _shown(call: Call, kind: Located, resource_id: Any) -> JSON | None:
    """A volume or a snapshot as its pod shows it; None where that cannot be had."""
    if not isinstance(resource_id, str) or not resource_id:
        return None
    service = None if call.service.name == kind.service else kind.service
    deadline = call.gateway.conf.pods.list_deadline
    try:
        pod = await call.locate(kind, resource_id)
        target = call.target(pod, "GET", kind.show(resource_id), service=service, deadline=deadline)
        shown = (await call.fetch(target)).part(kind.name)
    except (NotInAnyPod, PodsMissing, PodUnreachable):
        return None
    return shown if isinstance(shown, dict) and isinstance(shown.get("size"), int) else None
