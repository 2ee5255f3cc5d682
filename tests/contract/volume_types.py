"""What the tests of volume types and their like share."""

from typing import Any

from .cloud.cloud import Cloud

ROOT = "/volume/v3"
NAMES = ["fast", "a/b", "ü ö%2F", "x" * 255]
ENCRYPTION = {"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64", "key_size": 256}


def everywhere(cloud: Cloud, name: str, kind: str = "volume_type") -> list[Any]:
    """What each pod has under a name."""
    return [pod.cinder.of_name(kind, name) for pod in cloud.pods]


def fast(cloud: Cloud, **fields: Any) -> list[str]:
    """A type in all pods; its ids."""
    return [pod.cinder.add_type("fast", **fields)["id"] for pod in cloud.pods]
