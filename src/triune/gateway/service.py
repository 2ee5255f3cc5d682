"""What the gateway knows of each API that it speaks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from multidict import CIMultiDict

from triune.gateway.errors import FaultFormat, unauthorized
from triune.gateway.http import Request, Response
from triune.gateway.routes import Route, RouteTable

STANDARD_HEADER = "OpenStack-API-Version"


@dataclass(frozen=True, slots=True)
class Microversions:
    """How an API's microversion is asked for: the standard header with a service name, and perhaps an older header.

    Source: https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html
    """

    service: str
    default: str
    legacy_header: str | None = None

    def asked(self, headers: CIMultiDict[str]) -> str | None:
        """The microversion that a request names (`latest` included), or None for the oldest."""
        for value in headers.getall(STANDARD_HEADER, ()):
            for part in value.split(","):
                name, _, version = part.strip().partition(" ")
                if name == self.service:
                    return version.strip()
        if self.legacy_header is not None:
            return headers.get(self.legacy_header)
        return None

    def set(self, headers: CIMultiDict[str], version: str) -> None:
        """Ask for a microversion."""
        self.clear(headers)
        headers[STANDARD_HEADER] = f"{self.service} {version}"
        if self.legacy_header is not None:
            headers[self.legacy_header] = version

    def clear(self, headers: CIMultiDict[str]) -> None:
        """Ask for none."""
        headers.popall(STANDARD_HEADER, None)
        if self.legacy_header is not None:
            headers.popall(self.legacy_header, None)

    def mark(self, headers: CIMultiDict[str], version: str) -> None:
        """Tell in an answer of ours which microversion it was made with, as the APIs do."""
        self.set(headers, version)
        headers.add("Vary", STANDARD_HEADER)
        if self.legacy_header is not None:
            headers.add("Vary", self.legacy_header)


class Service:
    """One API: where it hangs in the gateway's paths, how it tells errors, and its table of routes.

    `name` is the key into the pods' catalog (`triune.pods.endpoints.SERVICE_TYPES`); `version` is the path segment.
    """

    def __init__(
        self,
        name: str,
        prefix: str,
        version: str,
        fault: FaultFormat,
        routes: Iterable[Route],
        microversions: Microversions | None = None,
        has_project: bool = True,
        version_documents: Iterable[str] = ("/",),
        unauthorized: Callable[[Request], Response] = unauthorized,
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.version = version
        self.fault = fault
        self.unauthorized = unauthorized
        self.routes = RouteTable(routes)
        self.microversions = microversions
        self.has_project = has_project
        self.version_documents = frozenset(version_documents)


def parse_version(version: str | None) -> tuple[int, int]:
    """A microversion as numbers; (0, 0) where there is none."""
    major, _, minor = (version or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)
