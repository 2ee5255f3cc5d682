"""Networks with a server each, every one in a pod of its own choice: what routers join."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from . import networks, packets, routers, things
from .people import Person


@dataclass(frozen=True)
class Site:
    """A network, and the server that is on it."""

    network: Any
    server: Any
    port: Any

    def address(self, version: int = 4) -> str:
        """The address of the server."""
        return networks.address(self.port, version)


def dual() -> tuple[dict[str, Any], dict[str, Any]]:
    """A subnet of each version, as a router serves them."""
    return networks.v4(), networks.v6("slaac", ipv6_ra_mode="slaac")


def subnet(person: Person, network: Any, version: int = 4) -> Any:
    """The one subnet of a version that a network has."""
    (found,) = person.central.network.subnets(network_id=network.id, ip_version=version)
    return found


@contextmanager
def nets(person: Person, name: str, *zones: str, **attributes: Any) -> Iterator[list[Any]]:
    """A network for each zone, with a subnet of each version."""
    with ExitStack() as stack:
        named = [f"{name}-{number}-{zone}" for number, zone in enumerate(zones)]
        yield [stack.enter_context(networks.network(person, each, *dual(), **attributes)) for each in named]


@contextmanager
def sites(
    person: Person, boot: dict[str, str], name: str, places: list[tuple[str, Any]], **attributes: Any
) -> Iterator[list[Site]]:
    """A server in each zone, on the network beside it; everybody is let in."""
    with networks.group(person, f"{name}-open", *networks.EVERYTHING) as group:
        common = {**boot, "security_groups": [{"name": group.name}], **attributes}
        requests = [
            {"name": f"{name}-{number}", "availability_zone": zone, "networks": [{"uuid": net.id}], **common}
            for number, (zone, net) in enumerate(places)
        ]
        with things.servers(person, *requests) as servers:
            pairs = zip(places, servers, strict=True)
            yield [Site(net, server, networks.port_of(person, server)) for (_, net), server in pairs]


@contextmanager
def joined(person: Person, boot: dict[str, str], name: str, *zones: str) -> Iterator[tuple[Any, list[Site]]]:
    """A router, and in each zone a server on a network of its own that is joined to it."""
    with (
        nets(person, name, *zones) as made,
        routers.router(person, f"{name}-router", *(each for net in made for each in net.subnet_ids)) as router,
        sites(person, boot, name, list(zip(zones, made, strict=True))) as places,
    ):
        yield router, places


def all_reach_all(places: list[Site], *versions: int, seconds: float = packets.REACH_SECONDS) -> None:
    """Wait until every server is answered by each other. Raises `TimeoutError`."""
    for version in versions:
        for one in places:
            for other in places:
                if one is not other:
                    packets.reaches(one.server, other.address(version), seconds=seconds)
