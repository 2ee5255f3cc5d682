"""A region: its name, its number, and everything that follows from them."""

from dataclasses import dataclass
from pathlib import Path

from lab import ports
from lab.layout import Layout

NUMERALS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


@dataclass(frozen=True)
class Region:
    """One OpenStack region of the lab: a whole cloud with one compute host."""

    index: int
    layout: Layout

    @property
    def name(self) -> str:
        return f"Region{NUMERALS[self.index - 1]}"

    @property
    def host(self) -> str:
        """Name of the compute host, of the OVN chassis and of the namespace of its Open vSwitch."""
        return f"pod{self.index}"

    @property
    def directory(self) -> Path:
        return self.layout.regions / self.name

    def service(self, name: str) -> str:
        """The lab's name of this region's service, such as ``RegionOne/nova-api``."""
        return f"{self.name}/{name}"

    def port(self, service: str) -> int:
        return ports.api_port(self.index, service)

    def url(self, service: str) -> str:
        return f"http://{ports.HOST}:{self.port(service)}"

    def database(self, schema: str) -> str:
        return f"{self.name}_{schema}".lower()

    def etc(self, service: str) -> Path:
        """The configuration directory of a service of this region."""
        return self.directory / "etc" / service


def beyond(count: int, layout: Layout) -> list[Region]:
    """Regions after the ``count``-th that an earlier lab made."""
    rest = (Region(index, layout) for index in range(count + 1, len(NUMERALS) + 1))
    return [region for region in rest if region.directory.exists()]


def first(count: int, layout: Layout) -> list[Region]:
    """RegionOne up to the ``count``-th region."""
    return [Region(index, layout) for index in range(1, count + 1)]
