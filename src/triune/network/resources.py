"""The kinds of twins: where Neutron keeps them, and how what it says of them is compared with what is wanted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from triune.network import forms, names
from triune.network.names import TAG, tag

JSON = Mapping[str, Any]
Same = Callable[[Any, Any], bool]

# A subnet has no key of its own in the journal: it goes with its network.
SUBNET: Final = "subnet"

_TAG_PREFIX: Final = tag("")


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of twin.

    `path` is below `/v2.0/`; `tags` the path below which its tags are, None where it can have none: then its name is
    its identity. `mark` is the attribute that says what a twin is from its first moment on, before it has its tags;
    for what has none `name`, which is put right together with the tags. `fixed` cannot be changed later.
    `same` compares attributes that Neutron words differently. `needs` are the extensions without which a pod does
    not know an attribute.
    """

    kind: str
    path: str
    tags: str | None = None
    mark: str = "name"
    fixed: frozenset[str] = frozenset()
    same: Mapping[str, Same] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)

    def known(self, body: JSON, features: frozenset[str]) -> dict[str, Any]:
        """The attributes that a pod with these extensions knows."""
        return {name: value for name, value in body.items() if self.needs.get(name) in {None, *features}}

    def differs(self, wanted: JSON, found: JSON) -> dict[str, Any]:
        """The attributes that are not as wanted; such as the pod does not show are taken as they should be."""
        return {
            name: value
            for name, value in wanted.items()
            if name in found and not self.same.get(name, forms.plain)(value, found[name])
        }

    def top_id(self, record: JSON) -> str | None:
        """Of what a resource of a pod is the twin, by its tags or its mark; None: it is not Triune's.

        Nor is it where tags tell of several: nobody knows whose it is, and so nobody may remove it.
        """
        tags = record.get("tags") or ()
        told = [str(each) for each in tags if each.startswith(_TAG_PREFIX)] if TAG in tags else []
        if told:
            return told[0].removeprefix(_TAG_PREFIX) if len(told) == 1 else None
        mark = str(record.get(self.mark) or "")
        return mark.removeprefix(_TAG_PREFIX) if mark.startswith(_TAG_PREFIX) else None


_PROVIDER: Final = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
_DESCRIBED: Final = {"description": "standard-attr-description"}
_QOS: Final = {"qos_policy_id": "qos"}
_PORT_SECURITY: Final = {"port_security_enabled": "port-security"}

RESOURCES: Final[Mapping[str, Resource]] = {
    each.kind: each
    for each in (
        Resource(
            names.NETWORK,
            "networks",
            tags="networks",
            fixed=frozenset(_PROVIDER),
            needs={
                **_DESCRIBED,
                **_QOS,
                **_PORT_SECURITY,
                "dns_domain": "dns-integration",
                "mtu": "net-mtu-writable",
                "router:external": "external-net",
            },
        ),
        Resource(
            SUBNET,
            "subnets",
            tags="subnets",
            fixed=frozenset({"network_id", "ip_version", "cidr", "ipv6_ra_mode", "ipv6_address_mode"}),
            same={
                "gateway_ip": forms.address,
                "allocation_pools": forms.pools,
                "dns_nameservers": forms.servers,
                "host_routes": forms.routes,
            },
            needs=_DESCRIBED,
        ),
        Resource(
            names.PORT,
            "ports",
            tags="ports",
            # Nova writes its own into it when it takes the port, and has the name right from the first moment.
            mark="device_owner",
            fixed=frozenset({"network_id"}),
            same={
                "mac_address": forms.mac,
                "fixed_ips": forms.fixed_ips,
                "security_groups": forms.members,
                "allowed_address_pairs": forms.pairs,
                "extra_dhcp_opts": forms.options,
            },
            needs={
                **_DESCRIBED,
                **_QOS,
                **_PORT_SECURITY,
                "dns_name": "dns-integration",
                "allowed_address_pairs": "allowed-address-pairs",
                "extra_dhcp_opts": "extra_dhcp_opt",
                "binding:vnic_type": "binding",
            },
        ),
        Resource(
            names.SECURITY_GROUP,
            "security-groups",
            tags="security-groups",
            needs={**_DESCRIBED, "stateful": "stateful-security-group"},
        ),
        Resource(
            names.ROUTER,
            "routers",
            tags="routers",
            # Said when it is made, and the pod makes of it what it can.
            same={"distributed": forms.anything, "ha": forms.anything},
            needs={**_DESCRIBED, "distributed": "dvr", "ha": "l3-ha"},
        ),
        Resource(
            names.FLOATING_IP,
            "floatingips",
            tags="floatingips",
            mark="description",
            fixed=frozenset({"floating_network_id", "floating_ip_address"}),
            same={"floating_ip_address": forms.address, "fixed_ip_address": forms.address},
        ),
        Resource(names.ADDRESS_GROUP, "address-groups", needs=_DESCRIBED),
        Resource(names.REMOTE_GROUP, "address-groups", needs=_DESCRIBED),
        # Neutron keeps the tags of policies outside of /qos.
        Resource(names.QOS_POLICY, "qos/policies", tags="policies", needs=_DESCRIBED),
    )
}
