"""What central Neutron, the gateway and the worker call the same. Imports nothing: it is read inside neutron-server."""

import re
from collections.abc import Mapping
from typing import Any, Final

# Kinds of journal keys. The resource id is the one in central Neutron, unless said otherwise.
NETWORK: Final = "network"  # the network with its subnets
SECURITY_GROUP: Final = "security_group"  # the bare group
SECURITY_GROUP_RULES: Final = "security_group_rules"  # the rules of a group
ADDRESS_GROUP: Final = "address_group"
REMOTE_GROUP: Final = "remote_group"  # id of a security group: the addresses of its members in other pods
QOS_POLICY: Final = "qos_policy"
PORT: Final = "port"
SERVER: Final = "server"  # id of a server: its ports in central Neutron
BOOT: Final = "boot"  # id of one attempt to give ports to a server; concerns no single pod
DRIFT: Final = "drift"  # id of a pod: everything that Triune keeps there

# Every resource of Triune's in a pod carries this tag and `tag(<id in central Neutron>)`.
TAG: Final = "triune"

# In a top port's `binding:profile`: {"triune": {"pod": <pod id>, "keep": bool, "status": "ACTIVE"|"DOWN"|...}}.
# `pod` places the port there; `keep` says that it outlives its server; `status` is that of the port in the pod.
PROFILE: Final = "triune"

# A top port whose `device_id` begins so belongs to an attempt to give it to a server: BOOT + id of a BOOT key.
BOOT_DEVICE: Final = "triune-boot-"

# The addresses of a subnet that a pod may use for itself are held by a top port of this owner and device per pod.
RESERVE_OWNER: Final = "network:dhcp"
RESERVE_DEVICE: Final = "triune-reserve-"

# What Nova calls servers. Tenants write the device of a port, too: anything else is no server's id.
_SERVER_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def tag(top_id: str) -> str:
    """The tag by which the twin of a resource of central Neutron is found in a pod."""
    return f"{TAG}:{top_id}"


def server_of(port: Mapping[str, Any]) -> str:
    """The server that has a port of central Neutron; empty for one that none has, or only an attempt to give it one."""
    device = str(port.get("device_id") or "")
    is_server = str(port.get("device_owner") or "").startswith("compute:") and _SERVER_ID.fullmatch(device)
    return device if is_server else ""
