"""Every field of `POST /servers`, with the microversions that have it.

Source: nova/api/openstack/compute/schemas/servers.py, release 34.
"""

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .cloud.cloud import PodCloud

VERSIONS = ("2.1", "2.37", "2.69", "2.90", "latest")
NEWEST = 104


@dataclass(frozen=True)
class Field:
    """A field with a value that `make` gives for a project in its pod; `first` and `last` are minor microversions."""

    name: str
    make: Callable[[PodCloud, str], Any]
    first: int = 1
    last: int = NEWEST
    # Beside the server, not in it.
    is_hint: bool = False


def given(value: Any) -> Callable[[PodCloud, str], Any]:
    """The same value for everybody."""
    return lambda pod, project_id: value


def _image(pod: PodCloud, project_id: str) -> str:
    return str(pod.glance.add(project_id, b"data")["id"])


def _cinder(kind: str) -> Callable[[PodCloud, str], str]:
    return lambda pod, project_id: str(pod.cinder.add(kind, project_id)["id"])


def _device(source: Callable[[PodCloud, str], str] | None = None, **fields: Any) -> Callable[[PodCloud, str], Any]:
    def make(pod: PodCloud, project_id: str) -> list[dict[str, Any]]:
        return [{**fields, **({"uuid": source(pod, project_id)} if source is not None else {})}]

    return make


def _mixed(pod: PodCloud, project_id: str) -> list[dict[str, Any]]:
    return [
        {
            "source_type": "image", "destination_type": "volume", "uuid": _image(pod, project_id), "boot_index": 0,
            "volume_size": "2", "delete_on_termination": True, "disk_bus": "virtio", "device_type": "disk",
        },
        {"source_type": "volume", "destination_type": "volume", "uuid": _cinder("volume")(pod, project_id)},
        {"source_type": "snapshot", "destination_type": "volume", "uuid": _cinder("snapshot")(pod, project_id)},
        {"source_type": "blank", "destination_type": "local", "guest_format": "swap", "volume_size": 1},
        {"source_type": "blank", "destination_type": "volume", "volume_size": 3, "boot_index": None},
    ]  # fmt: skip


def _legacy(kind: str, source: str) -> Callable[[PodCloud, str], Any]:
    def make(pod: PodCloud, project_id: str) -> list[dict[str, Any]]:
        return [{"device_name": "vda", source: _cinder(kind)(pod, project_id), "delete_on_termination": "0"}]

    return make


def _network(**more: Any) -> Callable[[PodCloud, str], Any]:
    return lambda pod, project_id: [{"uuid": pod.neutron.add_network(project_id)["id"], **more}]


def _group(pod: PodCloud, project_id: str) -> Any:
    return {"group": pod.nova.add_group(project_id)["id"]}


def _port(**more: Any) -> Callable[[PodCloud, str], Any]:
    return lambda pod, project_id: [{"port": pod.neutron.add_port(project_id)["id"], **more}]


SECRET = base64.b64encode(b"#!/bin/sh\n").decode()
SOMEBODY = str(uuid.UUID(int=7))
FIELDS = (
    Field("imageRef", _image),
    Field("imageRef", given("")),
    Field("adminPass", given("pass wörd")),
    Field("metadata", given({"key": "välue", "a:b c": ""})),
    Field("OS-DCF:diskConfig", given("AUTO")),
    Field("accessIPv4", given("192.0.2.7")),
    Field("accessIPv6", given("2001:db8::7")),
    Field("personality", given([{"path": "/etc/motd", "contents": SECRET}]), last=56),
    Field("block_device_mapping", _legacy("volume", "volume_id")),
    Field("block_device_mapping", _legacy("snapshot", "snapshot_id")),
    Field("block_device_mapping_v2", _device(_cinder("volume"), source_type="volume", boot_index="0")),
    Field("block_device_mapping_v2", _device(_cinder("snapshot"), source_type="snapshot", destination_type="volume")),
    Field("block_device_mapping_v2", _device(_image, source_type="image", destination_type="volume", boot_index=0)),
    Field("block_device_mapping_v2", _device(source_type="blank", destination_type="volume", volume_size=1)),
    Field("block_device_mapping_v2", _device(device_name="vdb", no_device=True)),
    Field("block_device_mapping_v2", _mixed),
    Field("block_device_mapping_v2", _device(source_type="blank", volume_size=1, tag="disk"), first=42),
    Field(
        "block_device_mapping_v2",
        _device(source_type="blank", destination_type="volume", volume_size=1, volume_type="fast"),
        first=67,
    ),
    Field("config_drive", given(True)),
    Field("config_drive", given("yes")),
    Field("key_name", given("key")),
    Field("min_count", given("2")),
    Field("max_count", given(3)),
    Field("return_reservation_id", given("true")),
    Field("security_groups", given([{"name": "default"}, {}])),
    Field("user_data", given(SECRET)),
    Field("description", given("wörds"), first=19),
    Field("description", given(None), first=19),
    Field("networks", _network()),
    Field("networks", _network(fixed_ip="10.0.0.7")),
    Field("networks", _network(fixed_ip="2001:db8::7")),
    Field("networks", _network(tag="nic"), first=42),
    Field("networks", _port()),
    Field("networks", given([])),
    Field("networks", given("auto"), first=37),
    Field("networks", given("none"), first=37),
    Field("tags", given(["one", "two words"]), first=52),
    Field("trusted_image_certificates", given([SOMEBODY]), first=63),
    Field("trusted_image_certificates", given(None), first=63),
    Field("host", given("compute1"), first=74),
    Field("hypervisor_hostname", given("compute1.example.org"), first=74),
    Field("hostname", given("name-1"), first=90),
    Field("hostname", given("name.example.org"), first=94),
    *(
        Field(spelling, given(hint), is_hint=True)
        for spelling in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
        for hint in (
            {"same_host": SOMEBODY},
            {"different_host": [SOMEBODY]},
            {"query": '[">=", "$free_ram_mb", 1024]'},
            {"query": {"a": 1}},
            {"build_near_host_ip": "192.0.2.8", "cidr": "/24"},
            {"target_cell": "cell", "different_cell": ["other"]},
            {"of a later day": [1, {"x": None}]},
        )
    ),
    Field("os:scheduler_hints", _group, is_hint=True),
    Field("OS-SCH-HNT:scheduler_hints", _group, is_hint=True),
)
