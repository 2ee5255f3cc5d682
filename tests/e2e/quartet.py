"""Four servers on one network, two in each of two pods, for tests that need somebody to talk to."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from . import networks, physical, things
from .lab import Lab
from .people import Person


@dataclass(frozen=True)
class Quartet:
    """`a1` and `a2` are in az1, `b1` and `b2` in az2; all are in the group `open`, which lets everything in."""

    network: Any
    open: Any
    a1: Any
    a2: Any
    b1: Any
    b2: Any
    ports: dict[str, Any]

    @property
    def all(self) -> tuple[Any, Any, Any, Any]:
        """The four."""
        return self.a1, self.a2, self.b1, self.b2

    @property
    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Everybody with everybody else."""
        return itertools.permutations(self.all, 2)

    def address(self, server: Any, version: int = 4) -> str:
        """The address of one of them."""
        return networks.address(self.ports[server.id], version)


@contextmanager
def quartet(person: Person, admin: Person, lab: Lab, boot: dict[str, str], prefix: str) -> Iterator[Quartet]:
    """The four, on a network with IPv4 by DHCP and IPv6 by SLAAC."""
    subnets = networks.v4(), networks.v6("slaac")
    with ExitStack() as stack:
        group = stack.enter_context(networks.group(person, f"{prefix}-open", *networks.EVERYTHING))
        net = stack.enter_context(networks.network(person, f"{prefix}-quartet", *subnets))
        vlan = admin.central.network.get_network(net.id).provider_segmentation_id
        stack.enter_context(physical.router(lab, vlan, f"{subnets[1]['cidr']},s"))
        common = {**boot, "networks": [{"uuid": net.id}], "security_groups": [{"name": group.name}]}
        places = {"a1": "az1", "a2": "az1", "b1": "az2", "b2": "az2"}
        requests = [{"name": f"{prefix}-{name}", "availability_zone": zone, **common} for name, zone in places.items()]
        servers = stack.enter_context(things.servers(person, *requests))
        ports = {server.id: networks.port_of(person, server) for server in servers}
        yield Quartet(net, group, *servers, ports)
