"""The kinds of resources of the Network API: their words and attributes, as release 29 with ML2 shows them.

Standard attributes (id, projects, description, tags, times, revision) are those of all.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One collection.

    `defaults` are the attributes that a POST may set and what they are otherwise; `shown` those that it may not.
    `fixed` cannot be changed by PUT. `hidden` is for administrators. `extension` names attributes that an extension
    brings: without it they are neither known nor shown.
    """

    collection: str
    member: str
    title: str
    defaults: Record
    required: tuple[str, ...] = ()
    shown: Record = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    extension: dict[str, str] = field(default_factory=dict)
    path: str = ""
    tagged: bool = True
    not_found: str = "{title} {id} could not be found."

    @property
    def url(self) -> str:
        return self.path or self.collection.replace("_", "-")

    @cached_property
    def known(self) -> set[str]:
        return {*self.defaults, *self.required, *self.shown, *STANDARD}


STANDARD = ("id", "project_id", "tenant_id", "description", "tags", "created_at", "updated_at", "revision_number")

_PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
_QOS = {"qos_policy_id": "qos"}

NETWORK = Kind(
    "networks",
    "network",
    "Network",
    defaults={
        "name": "", "admin_state_up": True, "shared": False, "mtu": 0, "port_security_enabled": True,
        "qos_policy_id": None, "dns_domain": "", "router:external": False, "availability_zone_hints": [],
        **dict.fromkeys(_PROVIDER),
    },
    shown={"status": "ACTIVE", "subnets": [], "availability_zones": [], "l2_adjacency": True},
    fixed=frozenset({*_PROVIDER, "availability_zone_hints"}),
    hidden=frozenset(_PROVIDER),
    extension={
        "mtu": "net-mtu", "port_security_enabled": "port-security", "dns_domain": "dns-integration",
        "availability_zone_hints": "network_availability_zone", "availability_zones": "network_availability_zone",
        **_QOS,
    },
)  # fmt: skip

SUBNET = Kind(
    "subnets",
    "subnet",
    "Subnet",
    required=("network_id", "ip_version"),
    defaults={
        "name": "", "cidr": None, "gateway_ip": ..., "allocation_pools": ..., "enable_dhcp": True,
        "dns_nameservers": [], "host_routes": [], "ipv6_ra_mode": None, "ipv6_address_mode": None,
        "subnetpool_id": None, "segment_id": None, "service_types": [],
    },
    shown={"router:external": False},
    fixed=frozenset({"network_id", "ip_version", "cidr", "ipv6_ra_mode", "ipv6_address_mode", "subnetpool_id"}),
)  # fmt: skip

PORT = Kind(
    "ports",
    "port",
    "Port",
    required=("network_id",),
    defaults={
        "name": "", "admin_state_up": True, "mac_address": ..., "fixed_ips": ..., "device_id": "", "device_owner": "",
        "security_groups": ..., "allowed_address_pairs": [], "extra_dhcp_opts": [], "dns_name": "",
        "port_security_enabled": ..., "qos_policy_id": None, "binding:vnic_type": "normal", "binding:profile": {},
        "binding:host_id": "",
    },
    shown={"status": "DOWN", "binding:vif_type": "unbound", "binding:vif_details": {}, "dns_assignment": []},
    fixed=frozenset({"network_id"}),
    hidden=frozenset({"binding:profile", "binding:host_id", "binding:vif_type", "binding:vif_details"}),
    extension={
        "allowed_address_pairs": "allowed-address-pairs", "extra_dhcp_opts": "extra_dhcp_opt",
        "dns_name": "dns-integration", "dns_assignment": "dns-integration", "port_security_enabled": "port-security",
        **_QOS,
    },
)  # fmt: skip

SECURITY_GROUP = Kind(
    "security_groups",
    "security_group",
    "SecurityGroup",
    defaults={"name": "", "stateful": True},
    shown={"shared": False, "security_group_rules": []},
    extension={"stateful": "stateful-security-group", "shared": "rbac-security-groups"},
    not_found="Security group {id} does not exist",
)

SECURITY_GROUP_RULE = Kind(
    "security_group_rules",
    "security_group_rule",
    "SecurityGroupRule",
    required=("security_group_id", "direction"),
    defaults={
        "ethertype": "IPv4", "protocol": None, "port_range_min": None, "port_range_max": None,
        "remote_ip_prefix": None, "remote_group_id": None, "remote_address_group_id": None,
    },
    shown={"normalized_cidr": None, "belongs_to_default_sg": False},
    extension={"remote_address_group_id": "security-groups-remote-address-group"},
    tagged=False,
    not_found="Security group rule {id} does not exist",
)  # fmt: skip

ADDRESS_GROUP = Kind(
    "address_groups",
    "address_group",
    "AddressGroup",
    defaults={"name": "", "addresses": []},
    shown={"shared": False},
    fixed=frozenset({"addresses"}),
    tagged=False,
    not_found="Address group {id} could not be found.",
)

QOS_POLICY = Kind(
    "policies",
    "policy",
    "QosPolicy",
    defaults={"name": "", "shared": False, "is_default": False},
    shown={"rules": []},
    path="qos/policies",
    not_found="QoS policy {id} could not be found.",
)

RBAC_POLICY = Kind(
    "rbac_policies",
    "rbac_policy",
    "RbacPolicy",
    required=("object_type", "object_id", "action", "target_tenant"),
    defaults={},
    fixed=frozenset({"object_type", "object_id", "action"}),
    tagged=False,
    not_found="RBAC policy of type {id} could not be found.",
)

ROUTER = Kind(
    "routers",
    "router",
    "Router",
    defaults={
        "name": "", "admin_state_up": True, "external_gateway_info": None, "availability_zone_hints": [],
        "flavor_id": None, "routes": [], "enable_default_route_bfd": False, "enable_default_route_ecmp": False,
    },
    shown={
        "status": "ACTIVE", "availability_zones": [], "enable_snat": True, "external_gateways": [], "ha": True,
    },
    fixed=frozenset({"availability_zone_hints", "flavor_id"}),
    hidden=frozenset({"enable_default_route_bfd", "enable_default_route_ecmp", "ha"}),
    extension={
        "availability_zone_hints": "router_availability_zone", "availability_zones": "router_availability_zone",
        "flavor_id": "l3-flavors", "routes": "extraroute", "enable_snat": "router-enable-snat", "ha": "l3-ha",
        "enable_default_route_bfd": "enable-default-route-bfd", "external_gateways": "external-gateway-multihoming",
        "enable_default_route_ecmp": "enable-default-route-ecmp",
    },
    not_found="Router {id} could not be found",
)  # fmt: skip

FLOATING_IP = Kind(
    "floatingips",
    "floatingip",
    "FloatingIP",
    required=("floating_network_id",),
    defaults={
        "floating_ip_address": None, "subnet_id": None, "port_id": None, "fixed_ip_address": None,
        "qos_policy_id": None, "dns_domain": "", "dns_name": "",
    },
    shown={"status": "DOWN", "router_id": None, "port_details": None, "port_forwardings": []},
    fixed=frozenset({"floating_network_id", "floating_ip_address", "subnet_id", "dns_domain", "dns_name"}),
    extension={
        "qos_policy_id": "qos-fip", "dns_domain": "dns-integration", "dns_name": "dns-integration",
        "port_details": "fip-port-details", "port_forwardings": "expose-port-forwarding-in-fip",
    },
    not_found="Floating IP {id} could not be found",
)  # fmt: skip

# They are below their floating IP.
PORT_FORWARDING = Kind(
    "port_forwardings",
    "port_forwarding",
    "PortForwarding",
    required=("internal_port_id", "internal_ip_address", "protocol"),
    defaults={
        "external_port": None, "internal_port": None, "external_port_range": None, "internal_port_range": None,
        "description": "",
    },
    extension={
        "description": "floating-ip-port-forwarding-description",
        "external_port_range": "floating-ip-port-forwarding-port-ranges",
        "internal_port_range": "floating-ip-port-forwarding-port-ranges",
    },
    tagged=False,
    not_found="Port Forwarding {id} could not be found.",
)  # fmt: skip

KINDS = (
    NETWORK, SUBNET, PORT, SECURITY_GROUP, SECURITY_GROUP_RULE, ADDRESS_GROUP, QOS_POLICY, RBAC_POLICY, ROUTER,
    FLOATING_IP,
)  # fmt: skip

# QoS rules: collection, member, attributes with their defaults.
QOS_RULES: dict[str, tuple[str, Record]] = {
    "bandwidth_limit_rules": ("bandwidth_limit_rule", {"max_kbps": 0, "max_burst_kbps": 0, "direction": "egress"}),
    "dscp_marking_rules": ("dscp_marking_rule", {"dscp_mark": 0}),
    "minimum_bandwidth_rules": ("minimum_bandwidth_rule", {"min_kbps": 0, "direction": "egress"}),
    "packet_rate_limit_rules": (
        "packet_rate_limit_rule", {"max_kpps": 0, "max_burst_kpps": 0, "direction": "egress"},
    ),
    "minimum_packet_rate_rules": ("minimum_packet_rate_rule", {"min_kpps": 0, "direction": "egress"}),
}  # fmt: skip

_EXTENSIONS = (
    "standard-attr-description", "standard-attr-tag", "standard-attr-revisions", "standard-attr-timestamp",
    "revision-if-match", "project-id", "pagination", "sorting", "provider", "net-mtu", "net-mtu-writable",
    "port-security", "binding", "security-group", "stateful-security-group", "security-groups-remote-address-group",
    "address-group", "allowed-address-pairs", "extra_dhcp_opt", "dns-integration", "qos", "qos-bw-limit-direction",
    "qos-pps", "qos-pps-minimum", "qos-bw-minimum-ingress", "rbac-policies", "rbac-security-groups",
    "rbac-address-group", "network_availability_zone", "quotas", "tag-creation", "router", "external-net",
    "ext-gw-mode", "extraroute", "extraroute-atomic", "availability_zone", "router_availability_zone",
    "fip-port-details",
    "floating-ip-port-forwarding", "floating-ip-port-forwarding-detail", "floating-ip-port-forwarding-description",
    "floating-ip-port-forwarding-port-ranges", "expose-port-forwarding-in-fip",
)  # fmt: skip

# What OVN's routers add in a pod; central Neutron lacks it.
_OVN_EXTENSIONS = (
    "external-gateway-multihoming", "enable-default-route-bfd", "enable-default-route-ecmp", "l3-flavors", "l3-ha",
    "qos-fip", "router-enable-snat",
)  # fmt: skip


def extensions(ovn: bool) -> list[str]:
    """What a region of today offers; a test takes away what an older one lacks."""
    return [*_EXTENSIONS, *(_OVN_EXTENSIONS if ovn else ())]
