"""What the gateway knows of each API that it speaks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from multidict import CIMultiDict

from triune.gateway.errors import FaultFormat, unauthorized
from triune.gateway.http import Request, Response
from triune.gateway.routes import Route, RouteTable
from triune.pods.endpoints import SERVICE_TYPES

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
        # As microversion_parse has it: the last one that is well formed counts.
        for part in reversed(",".join(headers.getall(STANDARD_HEADER, ())).split(",")):
            words = part.split(None, 1)
            if len(words) == 2 and words[0].lower() == self.service:
                return words[1].strip()
        if self.legacy_header is not None and (value := ",".join(headers.getall(self.legacy_header, ()))):
            return value.rpartition(",")[2].strip()
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

    def unmark(self, headers: CIMultiDict[str]) -> None:
        """Tell in an answer nothing of microversions, as APIs without them do."""
        self.clear(headers)
        told = {STANDARD_HEADER.lower(), (self.legacy_header or "").lower()}
        vary = [name.strip() for value in headers.popall("Vary", ()) for name in value.split(",")]
        if others := [name for name in vary if name.lower() not in told]:
            headers["Vary"] = ", ".join(others)

    def mark(self, headers: CIMultiDict[str], version: str) -> None:
        """Tell in an answer of ours which microversion it was made with, as the APIs do."""
        self.set(headers, version)
        # The answer of a pod that is told with another microversion has them already.
        told = {name.strip().lower() for value in headers.getall("Vary", ()) for name in value.split(",")}
        for name in filter(None, (STANDARD_HEADER, self.legacy_header)):
            if name.lower() not in told:
                headers.add("Vary", name)


class Service:
    """One API: where it hangs in the gateway's paths, how it tells errors, and its table of routes.

    `name` is the key into the pods' catalog (`triune.pods.endpoints.SERVICE_TYPES`); `version` is the path segment.
    `version_documents` are the paths of documents for everybody; `guarded_documents` tell the same as the root does,
    to those who have a token. `tells_methods`: a wrong method is 405 with those that are right, and not 404.
    `legacy_version` is the segment of an older version: the same in the oldest microversion, and without any other.
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
        legacy_version: str | None = None,
        version_documents: Iterable[str] = ("/",),
        guarded_documents: Iterable[str] = (),
        tells_methods: bool = False,
        unauthorized: Callable[[Request], Response] = unauthorized,
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.version = version
        self.legacy_version = legacy_version
        self.versions = (version,) if legacy_version is None else (version, legacy_version)
        self.fault = fault
        self.unauthorized = unauthorized
        self.routes = RouteTable(routes)
        self.microversions = microversions
        self.has_project = has_project
        self.version_documents = frozenset(version_documents)
        self.guarded_documents = frozenset(guarded_documents)
        self.tells_methods = tells_methods
        # By any of these an access rule may name the service.
        self.types = frozenset(SERVICE_TYPES.get(name, ("tricircle",)))


def parse_version(version: str | None) -> tuple[int, int]:
    """A microversion as numbers; (0, 0) where there is none."""
    major, _, minor = (version or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)
