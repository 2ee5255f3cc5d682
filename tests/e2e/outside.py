"""The world outside of the cloud: hosts on the VLANs of external networks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.dataplane import plan

from . import physical
from .lab import Lab
from .packets import Host

# The host that the lab always has. External networks on its VLAN have it as their gateway.
VLAN = plan.OUTSIDE_VLAN
ADDRESS = "203.0.113.1"
HOST = Host(plan.OUTSIDE_NAMESPACE)
# A further one, for an external network in another pod.
OTHER_VLAN = 301
# Nothing is translated where addresses are of version 6.
ADDRESS_V6 = "2001:db8:113::1"
SUBNET_V6 = {"ip_version": 6, "cidr": "2001:db8:113::/64", "gateway_ip": ADDRESS_V6, "is_dhcp_enabled": False}
OTHER_ADDRESS = "198.51.100.1"


def subnet(**attributes: Any) -> dict[str, Any]:
    """The subnet of an external network where the lab's own host is."""
    return _subnet("203.0.113", **attributes)


def other_subnet(**attributes: Any) -> dict[str, Any]:
    """The subnet of an external network where the further host is."""
    return _subnet("198.51.100", **attributes)


def _subnet(begin: str, **attributes: Any) -> dict[str, Any]:
    return {
        "ip_version": 4,
        "cidr": f"{begin}.0/24",
        "gateway_ip": f"{begin}.1",
        "allocation_pools": [{"start": f"{begin}.100", "end": f"{begin}.199"}],
        "is_dhcp_enabled": False,
        **attributes,
    }


@contextmanager
def other_host(lab: Lab) -> Iterator[Host]:
    """The further host."""
    name = f"outside-{OTHER_VLAN}"
    with physical.plugged(lab, name, OTHER_VLAN, f"{OTHER_ADDRESS}/24"):
        yield Host(name)


@contextmanager
def route(host: Host, destination: str, gateway: str) -> Iterator[None]:
    """A route that a host outside has for a while."""
    words = ("ip", "-n", host.name, "route")
    physical.run(*words, "replace", destination, "via", gateway)
    try:
        yield
    finally:
        physical.run(*words, "delete", destination, "via", gateway)
