"""What central Neutron says of the things that one key is about.

`shown` is a resource as Neutron shows it to Triune's own user. Pure data: `triune.network.plan` tells what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """A resource is lent to a project; `*` is all."""

    target: str


@dataclass(frozen=True, slots=True)
class Network:
    """A network; `held` are the addresses of each subnet that the pod may use for itself.

    `gateways`: the gateway address that the pod hands out in subnets, where it is not the subnet's own.
    """

    shown: JSON
    subnets: tuple[JSON, ...] = ()
    shares: frozenset[Share] = frozenset()
    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gateways: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A security group, without its rules."""

    shown: JSON
    shares: frozenset[Share] = frozenset()


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a security group, as one pod needs to know them.

    `here`: some are in the pod. `elsewhere`: the addresses of those in other pods.
    """

    here: bool = False
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a security group, with what they name: members of groups, and addresses of address groups."""

    group: JSON
    rules: tuple[JSON, ...] = ()
    members: Mapping[str, Members] = field(default_factory=dict)
    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """A QoS policy with its rules."""

    shown: JSON
    shares: frozenset[Share] = frozenset()


@dataclass(frozen=True, slots=True)
class Port:
    """A port; `automatic` are the subnets in which its address follows from its MAC."""

    shown: JSON
    automatic: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Everything:
    """All that the top has in one pod; `held` are the addresses of subnets that the pod may use for itself."""

    ports: tuple[JSON, ...] = ()
    networks: tuple[JSON, ...] = ()
    subnets: tuple[JSON, ...] = ()
    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gateways: Mapping[str, str | None] = field(default_factory=dict)
    # The networks of which the top holds addresses for the pod.
    reserved: frozenset[str] = frozenset()
    groups: tuple[JSON, ...] = ()
    # The groups and address groups that rules of these groups name.
    remote_groups: tuple[JSON, ...] = ()
    address_groups: tuple[JSON, ...] = ()
    members: Mapping[str, Members] = field(default_factory=dict)
    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    policies: tuple[JSON, ...] = ()
    # To whom things are lent, by their ids.
    shares: Mapping[str, frozenset[Share]] = field(default_factory=dict)
