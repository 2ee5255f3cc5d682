"""Ports that Triune holds for itself, told by their device."""

from collections.abc import Mapping
from typing import Any, Final

from triune.network.names import GATEWAY_DEVICE, HELD_DEVICES, INTERFACE_DEVICE, RESERVE_DEVICE, RESERVE_OWNER

# What follows the pod's id in these devices is no part of it.
_ID_LENGTH: Final = 36


def prefix_of(device: object) -> str:
    """The beginning by which a device is one of Triune's; empty for every other device."""
    if not isinstance(device, str):
        return ""
    return next((prefix for prefix in HELD_DEVICES if device.startswith(prefix)), "")


def is_held(shown: Mapping[str, Any]) -> bool:
    """Whether a port, as Neutron shows it, is Triune's own."""
    return bool(prefix_of(shown.get("device_id")))


def pod_of(shown: Mapping[str, Any]) -> str:
    """The pod for which a port holds addresses of its network's subnets; empty for every other port."""
    device = str(shown.get("device_id") or "")
    if shown.get("device_owner") != RESERVE_OWNER:
        return ""
    for prefix in (RESERVE_DEVICE, GATEWAY_DEVICE):
        if device.startswith(prefix):
            return device.removeprefix(prefix)
    if device.startswith(INTERFACE_DEVICE):
        return device.removeprefix(INTERFACE_DEVICE)[:_ID_LENGTH]
    return ""
