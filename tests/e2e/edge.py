"""Two servers in two pods, each on a network of its own, a router, and its gateway in the second pod."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from . import outside, routers, sites
from .people import Person
from .sites import Site

ZONES = ("az1", "az2")
# Where the external network is.
REGION = "RegionTwo"


@dataclass(frozen=True)
class Edge:
    """`far` is in another pod than the external network, `near` in the same."""

    external: Any
    router: Any
    far: Site
    near: Site

    @property
    def both(self) -> tuple[Site, Site]:
        """The two servers."""
        return self.far, self.near


@contextmanager
def edge(person: Person, admin: Person, boot: dict[str, str]) -> Iterator[Edge]:
    """The two, the router and the external network; the router has no gateway yet."""
    name = person.name
    with ExitStack() as stack:
        subnet = outside.subnet()
        external = stack.enter_context(
            routers.external_network(admin, f"{name}-external", REGION, outside.VLAN, subnet)
        )
        router, (far, near) = stack.enter_context(sites.joined(person, boot, name, *ZONES))
        yield Edge(external, router, far, near)
