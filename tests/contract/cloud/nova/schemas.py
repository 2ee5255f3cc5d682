"""What `POST /servers` may hold in each microversion (nova/api/openstack/compute/schemas/servers.py, release 34)."""

import copy
from typing import Any

from ..pod_service import numbers
from ..schema import Schema

NAME: Schema = {"type": "string", "format": "name", "minLength": 1, "maxLength": 255}
UUID: Schema = {"type": "string", "format": "uuid"}
BOOLEAN: Schema = {
    "type": ["boolean", "string"],
    "enum": [
        True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
        False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no",
    ],
}  # fmt: skip
POSITIVE: Schema = {"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1}
SIZE: Schema = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 1, "maximum": 0x7FFFFFFF}
ADDRESS: Schema = {"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
TAG: Schema = {"type": "string", "pattern": "^[^,/]*$", "minLength": 1, "maxLength": 60}
FQDN: Schema = {"type": "string", "pattern": "^[a-zA-Z0-9-._]*$", "minLength": 1, "maxLength": 255}
HOSTNAME: Schema = {
    "type": "string", "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$", "minLength": 2, "maxLength": 63,
}  # fmt: skip
TEXT: Schema = {"type": "string", "maxLength": 255}


def _closed(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


LEGACY_DEVICE = _closed(
    virtual_name=TEXT, volume_id=UUID, snapshot_id=UUID, volume_size=SIZE,
    device_name={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$"},
    delete_on_termination=BOOLEAN, no_device={}, connection_info={"type": "string", "maxLength": 16777215},
)  # fmt: skip
DEVICE = copy.deepcopy(LEGACY_DEVICE)
DEVICE["properties"] |= {
    "source_type": {"type": "string", "enum": ["volume", "image", "snapshot", "blank"]},
    "uuid": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._-]*$"},
    "image_id": UUID,
    "destination_type": {"type": "string", "enum": ["local", "volume"]},
    "guest_format": TEXT, "device_type": TEXT, "disk_bus": TEXT,
    "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"},
}  # fmt: skip
HINTS: Schema = {
    "type": "object",
    "properties": {
        "group": {"oneOf": [_array(UUID), UUID]},
        "different_host": {"oneOf": [UUID, _array(UUID)]},
        "same_host": {"type": ["string", "array"], "items": UUID},
        "query": {"type": ["string", "object"]},
        "target_cell": NAME,
        "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
        "build_near_host_ip": ADDRESS,
        "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"},
    },
    "additionalProperties": True,
}
PORT: Schema = {"type": ["string", "null"], "format": "uuid"}


def create_server(version: str) -> Schema:
    """The schema of a request in a microversion."""

    def since(*wanted: str) -> bool:
        return numbers(version) >= numbers(wanted[0]) and (len(wanted) == 1 or numbers(version) <= numbers(wanted[1]))

    device, nic = copy.deepcopy(DEVICE), _closed(fixed_ip=ADDRESS, port=PORT, uuid={"type": "string"})
    if since("2.32", "2.32") or since("2.42"):
        device["properties"]["tag"] = TAG
    if since("2.32", "2.36") or since("2.42"):
        nic["properties"]["tag"] = TAG
    if since("2.37"):
        nic["properties"]["uuid"] = UUID
    if since("2.67"):
        device["properties"]["volume_type"] = {"type": ["string", "null"], "minLength": 0, "maxLength": 255}
    nics = _array(nic)
    fields: dict[str, Schema] = {
        "name": NAME,
        "imageRef": {"oneOf": [UUID, {"type": "string", "maxLength": 0}]},
        "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "adminPass": {"type": "string"},
        "metadata": {
            "type": "object",
            "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": TEXT},
            "additionalProperties": False,
        },
        "networks": {"oneOf": [nics, {"type": "string", "enum": ["none", "auto"]}]} if since("2.37") else nics,
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
        "availability_zone": NAME,
        "block_device_mapping": _array(LEGACY_DEVICE),
        "block_device_mapping_v2": _array(device),
        "config_drive": BOOLEAN,
        "key_name": NAME,
        "min_count": POSITIVE,
        "max_count": POSITIVE,
        "return_reservation_id": BOOLEAN,
        "security_groups": _array(_closed(name=NAME)),
        "user_data": {"type": "string", "format": "base64", "maxLength": 65535},
    }
    if not since("2.57"):
        contents = {"type": "string", "format": "base64"}
        fields["personality"] = _array(_closed(path={"type": "string"}, contents=contents))
    if since("2.19"):
        fields["description"] = {"type": ["string", "null"], "maxLength": 255}
    if since("2.52"):
        fields["tags"] = _array(TAG, maxItems=50)
    if since("2.63"):
        fields["trusted_image_certificates"] = {
            "type": ["array", "null"], "minItems": 1, "maxItems": 50, "uniqueItems": True,
            "items": {"type": "string", "minLength": 1},
        }  # fmt: skip
    if since("2.74"):
        fields |= {"host": FQDN, "hypervisor_hostname": FQDN}
    if since("2.90"):
        fields["hostname"] = FQDN if since("2.94") else HOSTNAME
    required = ["name", "flavorRef", *(["networks"] if since("2.37") else [])]
    server = {**_closed(**fields), "required": required}
    return {
        **_closed(**{"server": server, "os:scheduler_hints": HINTS, "OS-SCH-HNT:scheduler_hints": HINTS}),
        "required": ["server"],
    }
