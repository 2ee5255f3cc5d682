"""Every kind of key: what its resource is called, and which service of the pod its work needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from triune.network import names
from triune.work.requests import Key


@dataclass(frozen=True, slots=True)
class Kind:
    """`fields` are the names of the parts of the resource id, which are joined by `/`; none: the pod itself is meant.

    `service` is the service of the pod without which nothing can be done; None where no single pod is concerned.
    `moves_data`: an attempt may take hours, so only some of the places are for it.
    """

    fields: tuple[str, ...]
    service: str | None
    moves_data: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "flavor": Kind(("flavor_id",), "compute"),
    "flavor_change": Kind(("flavor_id",), "compute"),
    "image": Kind(("image_id",), "image", moves_data=True),
    "images": Kind((), "image"),
    "keypair": Kind(("user_id", "name"), "compute"),
    "volume_type": Kind(("name",), "volume"),
    "group_type": Kind(("name",), "volume"),
    "qos_specs": Kind(("name",), "volume"),
    "compute_quota_set": Kind(("project_id",), "compute"),
    "compute_user_quota_set": Kind(("project_id", "user_id"), "compute"),
    "compute_quota_class_set": Kind(("quota_class",), "compute"),
    "volume_quota_set": Kind(("project_id",), "volume"),
    "volume_quota_class_set": Kind(("quota_class",), "volume"),
    "server_group": Kind(("project_id", "server_group_id"), "compute"),
    "server_group_change": Kind(("server_group_id",), None),
    names.NETWORK: Kind(("network_id",), "network"),
    names.SECURITY_GROUP: Kind(("security_group_id",), "network"),
    names.SECURITY_GROUP_RULES: Kind(("security_group_id",), "network"),
    names.ADDRESS_GROUP: Kind(("address_group_id",), "network"),
    names.REMOTE_GROUP: Kind(("security_group_id",), "network"),
    names.QOS_POLICY: Kind(("policy_id",), "network"),
    names.PORT: Kind(("port_id",), "network"),
    names.SERVER: Kind(("server_id",), "compute"),
    names.BOOT: Kind(("boot_id",), None),
    names.ROUTER: Kind(("router_id",), "network"),
    names.FLOATING_IP: Kind(("floatingip_id",), "network"),
    names.BRIDGE: Kind(("project_id",), None),
    names.DRIFT: Kind((), "network"),
}


def fields(kind: str) -> tuple[str, ...]:
    """The names that make up a key of a kind, the pod's last."""
    found = KINDS[kind]
    return found.fields if found.service is None else (*found.fields, "pod_id")


def moves_data(key: Key) -> bool:
    """Whether an attempt at a key may take hours."""
    return key.kind in KINDS and KINDS[key.kind].moves_data


def resource(key: Key) -> dict[str, str]:
    """A key by the names of its kind's fields; a kind of another release is shown as it is."""
    if key.kind not in KINDS:
        return {"resource_id": key.resource_id, "pod_id": key.pod_id}
    names_of_parts = KINDS[key.kind].fields
    parts = key.resource_id.split("/", max(len(names_of_parts) - 1, 0))
    shown = dict(zip(names_of_parts, parts, strict=False))
    return shown if KINDS[key.kind].service is None else {**shown, "pod_id": key.pod_id}


def key(kind: str, resource: Mapping[str, str]) -> Key:
    """The key that has these fields, all of them given; the reverse of `resource`."""
    found = KINDS[kind]
    pod_id = "" if found.service is None else resource["pod_id"]
    return Key(kind, "/".join(resource[name] for name in found.fields) if found.fields else pod_id, pod_id)
