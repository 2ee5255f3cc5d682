"""What Nova's `/v2` knows of a new server; the rest it passes over.

Source: `create` in nova/api/openstack/compute/schemas/servers.py.
"""

import copy
from typing import Any

from triune.gateway.compute.proxies.schema import Schema, drop_additional

JSON = dict[str, Any]


def _only(*names: str, **objects: Schema) -> Schema:
    return {"properties": {**{name: {} for name in names}, **objects}, "additionalProperties": False}


_DEVICE = ("virtual_name", "volume_id", "snapshot_id", "volume_size", "device_name", "delete_on_termination",
           "no_device", "connection_info")  # fmt: skip
_DEVICE_V2 = (*_DEVICE, "source_type", "uuid", "image_id", "destination_type", "guest_format", "device_type",
              "disk_bus", "boot_index")  # fmt: skip
_NEW_SERVER = _only(
    "os:scheduler_hints",
    "OS-SCH-HNT:scheduler_hints",
    server=_only(
        "OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "adminPass", "availability_zone", "config_drive", "flavorRef",
        "imageRef", "key_name", "max_count", "metadata", "min_count", "name", "return_reservation_id", "user_data",
        block_device_mapping={"items": _only(*_DEVICE)},
        block_device_mapping_v2={"items": _only(*_DEVICE_V2)},
        networks={"items": _only("fixed_ip", "port", "uuid")},
        personality={"items": _only("path", "contents")},
        security_groups={"items": _only("name")},
    ),
)  # fmt: skip


def known(body: JSON) -> JSON:
    """The body of a request for a new server without what `/v2` does not know."""
    kept = copy.deepcopy(body)
    drop_additional(kept, _NEW_SERVER)
    return kept
