"""Images as decisions: what makes an image what it is, what a copy lacks, and which image cannot leave its pod."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

JSON = dict[str, Any]

# Kinds of keys: an image in a pod; and all images that were made in a pod, compared with their copies elsewhere.
IMAGE, IMAGES = "image", "images"

ACTIVE, QUEUED = "active", "queued"
# The image is whole, so nothing is stored over it.
STORED = frozenset({ACTIVE, "deactivated", "pending_delete"})
# Data is on its way to the pod (glance/domain/__init__.py, `valid_state_targets`).
BUSY = frozenset({"saving", "uploading", "importing"})

# What `GET /v2/images/{id}` shows and nobody may write, or what is a pod's own (glance/api/v2/images.py).
_OF_THE_POD = frozenset(
    {
        "checksum", "created_at", "direct_url", "file", "locations", "os_hash_algo", "os_hash_value", "schema", "self",
        "size", "status", "stores", "updated_at", "virtual_size",
    }
)  # fmt: skip
_RESERVED = "os_glance_"
# Said with the creation only.
_CREATED_WITH = frozenset({"id", "owner"})
# Cannot be removed, only be given no value.
_NULLABLE = frozenset({"name", "disk_format", "container_format"})

# What an image names that is in its pod alone: volumes and their snapshots (nova/compute/api.py,
# `snapshot_volume_backed`), and the key of an encrypted volume (cinder/api/contrib/volume_actions.py), which Glance
# deletes with the image.
_DEVICES = "block_device_mapping"
_KEY = "cinder_encryption_key_id"

# Seconds between looks at an image that somebody else writes: a tenth of the time for which he does, within these.
_SHORTEST, _LONGEST = 1.0, 60.0
# Seconds after which an image that was made in a pod, and still has no data, is waited for no more.
ABANDONED = 24 * 3600.0


def image_path(image_id: str, rest: str = "") -> str:
    """Where an image is shown, or what is below it."""
    return f"/v2/images/{quote(image_id, safe='')}{rest}"


def definition(shown: JSON) -> JSON:
    """What makes an image what it is, without its data, as it is given to create one."""
    return {
        name: value
        for name, value in shown.items()
        if name not in _OF_THE_POD and not name.startswith(_RESERVED) and value is not None
    }


def changes(shown: JSON, copy: JSON) -> list[JSON]:
    """The patch (RFC 6902) that makes a copy say what an image says."""
    wanted, known = definition(shown), definition(copy)
    found: list[JSON] = []
    for name in sorted((wanted.keys() | known.keys()) - _CREATED_WITH):
        # As a JSON pointer has it (RFC 6901).
        path = f"/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in wanted:
            removal = (
                {"op": "replace", "path": path, "value": None} if name in _NULLABLE else {"op": "remove", "path": path}
            )
            found.append(removal)
        elif known.get(name) != wanted[name]:
            found.append({"op": "replace" if name in copy else "add", "path": path, "value": wanted[name]})
    return found


def bound(shown: JSON) -> str | None:
    """What of its pod an image cannot do without, in words for tenants; None where it can be anywhere."""
    if shown.get(_KEY):
        return "the key of its encrypted volume is there"
    if any(device.get("snapshot_id") or device.get("volume_id") for device in _devices(shown)):
        return "the volume snapshots that it is made of are there"
    return None


def _devices(shown: JSON) -> Iterable[Mapping[str, Any]]:
    """The block devices of an image: a list that Glance keeps as text."""
    value = shown.get(_DEVICES)
    try:
        devices = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return ()
    return [device for device in devices if isinstance(device, dict)] if isinstance(devices, list) else ()


def differs(shown: JSON, copy: JSON) -> str | None:
    """In what the data of a copy differs from that of the image; None where it is the same, as far as can be told."""
    if shown.get("size") != copy.get("size"):
        return f"size {copy.get('size')} instead of {shown.get('size')}"
    names = ["checksum"]
    if shown.get("os_hash_algo") == copy.get("os_hash_algo"):
        names.append("os_hash_value")
    for name in names:
        # A pod may keep no MD5 at all.
        if shown.get(name) and copy.get(name) and shown[name] != copy[name]:
            return f"another {name}"
    return None


def digest_of(shown: JSON) -> Any:
    """What computes the hash of an image's data; None where its pod does not tell one that can be computed here."""
    name = shown.get("os_hash_algo")
    if not shown.get("os_hash_value") or not isinstance(name, str) or name not in hashlib.algorithms_available:
        return None
    return hashlib.new(name, usedforsecurity=False)


def age(shown: JSON, now: datetime | None = None) -> float:
    """Seconds since an image was changed, by our clock and the pod's; 0 where it does not tell."""
    try:
        changed = datetime.fromisoformat(str(shown.get("updated_at")))
    except ValueError:
        return 0.0
    changed = changed if changed.tzinfo is not None else changed.replace(tzinfo=UTC)
    return max(((now or datetime.now(UTC)) - changed).total_seconds(), 0.0)


def patience(shown: JSON) -> float:
    """Seconds until it is worth while to look at an image again that somebody else writes."""
    return min(max(age(shown) / 10, _SHORTEST), _LONGEST)
