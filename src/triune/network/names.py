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
ROUTER: Final = "router"  # the pod router: the part of a router that is in one pod
FLOATING_IP: Final = "floating_ip"
BRIDGE: Final = "bridge"  # id of a project: the networks on which its pod routers meet; concerns no single pod
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
# Likewise the address that a pod's routers have in place of the subnet's gateway address, + id of the pod; and the one
# in place of the address of an interface that is no gateway, + id of the pod + "-" + id of the interface's port.
GATEWAY_DEVICE: Final = "triune-gateway-"
INTERFACE_DEVICE: Final = "triune-interface-"

# The networks on which the pod routers of a project meet, + id of the project. They are of Triune's own project.
BRIDGE_NAME: Final = "triune-bridge-"
EXIT_NAME: Final = "triune-exit-"
# Ports on them: the addresses of a pod router, + id of the router, each placed in its pod; and those by which floating
# IPs reach servers in other pods than that of the external network, + id of the floating IP.
# Their owner is not that of the reserve: Neutron removes such ports with their network, and these keep it.
LINK_OWNER: Final = "network:triune"
LINK_DEVICE: Final = "triune-link-"
EXIT_DEVICE: Final = "triune-exit-"
FLOATING_DEVICE: Final = "triune-floating-"

# Ports of these devices are Triune's own.
HELD_DEVICES: Final = (
    RESERVE_DEVICE,
    GATEWAY_DEVICE,
    INTERFACE_DEVICE,
    LINK_DEVICE,
    EXIT_DEVICE,
    FLOATING_DEVICE,
)
# Ports of these owners are parts of routers and floating IPs: their twins are made with those.
ROUTING_OWNERS: Final = frozenset({"network:router_gateway", "network:router_interface", "network:floatingip"})

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


def has_twin(port: Mapping[str, Any]) -> bool:
    """Whether a placed port of central Neutron has a twin that is made for itself, and not as a part of a router."""
    device = str(port.get("device_id") or "")
    return port.get("device_owner") not in ROUTING_OWNERS and not device.startswith((EXIT_DEVICE, FLOATING_DEVICE))
