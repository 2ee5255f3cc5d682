"""Networks of the central region, with what belongs to them, for the length of a test."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from openstack import exceptions

from .people import Person
from .waiting import wait_until

# After the end of a server its ports go too; so long may that take where no test says otherwise.
PORTS_SECONDS = 60.0

ICMP = {"ethertype": "IPv4", "protocol": "icmp"}
ICMP6 = {"ethertype": "IPv6", "protocol": "ipv6-icmp"}
TCP = {"ethertype": "IPv4", "protocol": "tcp"}
EVERYTHING = ({"ethertype": "IPv4"}, {"ethertype": "IPv6"})

_numbers = itertools.count(1)


def v4(**attributes: Any) -> dict[str, Any]:
    """A subnet that no other test uses, like `10.201.7.0/24`."""
    return {"ip_version": 4, "cidr": f"10.201.{next(_numbers)}.0/24", **attributes}


def v6(mode: str | None, **attributes: Any) -> dict[str, Any]:
    """An IPv6 subnet that no other test uses; `mode` as Neutron calls it, e.g. `slaac`."""
    modes = {"ipv6_address_mode": mode} if mode else {}
    return {"ip_version": 6, "cidr": f"fd20:e2e:{next(_numbers):x}::/64", **modes, **attributes}


@contextmanager
def network(person: Person, name: str, *subnets: dict[str, Any], **attributes: Any) -> Iterator[Any]:
    """A network with subnets, made at the central region; with its subnets it is gone afterwards."""
    neutron = person.central.network
    made = neutron.create_network(name=name, **attributes)
    try:
        for number, subnet in enumerate(subnets):
            neutron.create_subnet(**{"name": f"{name}-{number}", **subnet}, network_id=made.id)
        yield neutron.get_network(made.id)
    finally:
        without_ports(person, made.id)
        neutron.delete_network(made.id)


def without_ports(person: Person, network_id: str, seconds: float = PORTS_SECONDS) -> None:
    """Wait until a network has no more ports of servers that this person can see. Raises `TimeoutError`."""
    ports = person.central.network.ports

    def look() -> bool:
        return not [port for port in ports(network_id=network_id) if port.device_owner.startswith("compute:")]

    wait_until(f"no ports on network {network_id}", look, seconds)


@contextmanager
def port(person: Person, network: Any, name: str, **attributes: Any) -> Iterator[Any]:
    """A port made beforehand; it may have gone with its server."""
    made = person.central.network.create_port(network_id=network.id, name=name, **attributes)
    try:
        yield made
    finally:
        person.central.network.delete_port(made.id, ignore_missing=True)


@contextmanager
def group(person: Person, name: str, *ingress: dict[str, Any]) -> Iterator[Any]:
    """A security group that lets in what these rules say."""
    neutron = person.central.network
    made = neutron.create_security_group(name=name)
    try:
        for rule in ingress:
            allow(person, made, **rule)
        yield made
    finally:
        neutron.delete_security_group(made.id)


def allow(person: Person, group: Any, **rule: Any) -> Any:
    """One more ingress rule of a group."""
    return person.central.network.create_security_group_rule(
        security_group_id=group.id, **{"direction": "ingress", **rule}
    )


@contextmanager
def address_group(person: Person, name: str, *addresses: str) -> Iterator[Any]:
    """An address group, which rules can name."""
    neutron = person.central.network
    made = neutron.create_address_group(name=name, addresses=list(addresses))
    try:
        yield made
    finally:
        neutron.delete_address_group(made.id)


def default_group(person: Person) -> Any:
    """The group that Neutron gives to whoever names none."""
    (found,) = [
        group
        for group in person.central.network.security_groups(name="default")
        if group.project_id == person.project_id
    ]
    return found


def ports_of(person: Person, server: Any) -> list[Any]:
    """The ports of a server at the central region."""
    return list(person.central.network.ports(device_id=server.id))


def port_of(person: Person, server: Any) -> Any:
    """The one port of a server at the central region."""
    (found,) = ports_of(person, server)
    return found


def address(port: Any, version: int = 4) -> str:
    """The address of a port."""
    found: list[str] = [each["ip_address"] for each in port.fixed_ips]
    return next(each for each in found if (":" in each) == (version == 6))


@contextmanager
def in_groups(person: Person, *members: tuple[Any, list[Any]]) -> Iterator[None]:
    """Servers whose ports are in these groups and no others, for a while."""
    neutron = person.central.network
    before = [(port_of(person, server), groups) for server, groups in members]
    try:
        for port, groups in before:
            neutron.update_port(port.id, security_groups=[each.id for each in groups])
        yield
    finally:
        for port, _ in before:
            neutron.update_port(port.id, security_groups=port.security_group_ids)


def refusal(action: Callable[[], Any]) -> exceptions.HttpException:
    """The error with which something is refused. Raises `AssertionError` where it is not."""
    try:
        action()
    except exceptions.HttpException as error:
        return error
    raise AssertionError("not refused")
