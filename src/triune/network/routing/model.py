"""What central Neutron says of a router and of what it needs. Pure data: `routing.plan` tells what follows.

`shown` is a resource as Neutron shows it to Triune's own user.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triune.network.gateways import Home

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """An address in a subnet, as `fixed_ips` of a port tell it."""

    subnet_id: str
    ip_address: str


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of a router at the top: its port, with one IPv4 address or several IPv6 ones."""

    port_id: str
    network_id: str
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """The port of a pod router on the project's bridge network."""

    port_id: str
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """How the pod routers of one router reach the external network: an address each on their exit subnet.

    `gateway_ip` is the address of the one in the external network's pod.
    """

    network_id: str
    subnet_id: str
    gateway_ip: str
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a router is: `local` is its pod where its hint is a region, `allowed` are the pods of its hints.

    `present`: the pods in which each network of its interfaces is. `gateway_pod`: that of its external network.
    """

    allowed: frozenset[str]
    local: str | None = None
    present: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gateway_pod: str | None = None


@dataclass(frozen=True, slots=True)
class Router:
    """A router, without what it has in single pods."""

    shown: JSON
    span: Span
    interfaces: tuple[Interface, ...] = ()
    # Those of its interfaces, by id.
    subnets: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another router on a subnet, and what it can reach: prefixes that are not those of this subnet."""

    subnet_id: str
    address: str
    cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pod router finds around it.

    `homes` of the networks of its interfaces that can span pods; `own` are the addresses that it has in its pod in
    place of those at the top, by the interface's port. `links` of all pods. `neighbours`: only of a local router.
    """

    homes: Mapping[str, Home] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    exit: Exit | None = None
    neighbours: tuple[Neighbour, ...] = ()
