"""The Network API of one region, a pod's or the central one, spoken with Triune's own rights or with a caller's."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from triune.network.top import NETWORK_SERVICE
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod
from triune.portions import portions

JSON = dict[str, Any]
Filters = Iterable[tuple[str, str]]

# Items of one page of a list; a page more costs less than an answer that is too large.
PAGE: Final = 1000
# Pages of the longest list, so that a Neutron that always names a next one ends.
MOST_PAGES: Final = 1000
# Values of one filter in one request: longer addresses are refused by some servers.
AT_ONCE: Final = 100


class Refused(Exception):
    """A Neutron did not do what it was asked. `type` and `message` are its own words, as far as it said any."""

    def __init__(self, what: str, document: Document) -> None:
        self.document = document
        self.pod = document.pod
        self.status = document.status
        self.type, self.message = _fault(document)
        told = f"{self.type}: {self.message}" if self.type else self.message
        super().__init__(f"{what}: {document.pod.region_name} answers HTTP {document.status}: {told}")


def _fault(document: Document) -> tuple[str, str]:
    try:
        fault = document.json()["NeutronError"]
        return (str(fault["type"]), str(fault["message"])) if isinstance(fault, dict) else ("", str(fault))
    except (PodUnreachable, KeyError, TypeError):
        return "", "no reason is told"


class Asker(Protocol):
    """Whose rights are used."""

    async def fetch(
        self, pod: Pod, service: str, method: str, path: str, document: Any = None, query: str = ""
    ) -> Document:
        """Ask a service of a region. Raises `PodUnreachable`."""
        ...


class Neutron:
    """One region's Neutron. All methods raise `PodUnreachable`, and `Refused` for any answer that is no success."""

    def __init__(self, user: Asker, pod: Pod) -> None:
        self._user = user
        self.pod = pod

    async def list(self, path: str, filters: Filters = (), fields: Iterable[str] = ()) -> list[JSON]:
        """All resources of a collection that match; `path` begins below `/v2.0/`, e.g. `ports`.

        Several values for one name mean any of them. `fields`: only these attributes, all where none is named.
        """
        query = [*filters, *(("fields", name) for name in {"id", *fields} if fields)]
        found: list[JSON] = []
        marker: list[tuple[str, str]] = []
        for _ in range(MOST_PAGES):
            asked = urlencode([*query, ("limit", str(PAGE)), *marker])
            document = await self._ask("GET", path, query=asked)
            page: list[JSON] = document.part(_collection(path))
            found += page
            # Not by the number of items: a region may give fewer on a page than it is asked for.
            if not page or not _has_next(document, path):
                return found
            marker = [("marker", page[-1]["id"])]
        raise PodUnreachable(self.pod, NETWORK_SERVICE, f"a list of {path} without end")

    async def of(self, path: str, name: str, values: Iterable[str], fields: Iterable[str] = ()) -> "_Found":
        """All resources whose attribute is one of many values, asked for in portions."""
        found: list[JSON] = []
        for some in portions(values, AT_ONCE):
            found += await self.list(path, [(name, value) for value in some], fields)
        return found

    async def show(self, path: str, id_: str) -> JSON | None:
        """One resource; None where there is none."""
        document = await self._ask("GET", f"{path}/{quote(id_, safe='')}", missing=True)
        return _member(document, path) if document.ok else None

    async def get(self, path: str, id_: str) -> JSON:
        """One resource; `Refused` (404) where there is none."""
        return _member(await self._ask("GET", f"{path}/{quote(id_, safe='')}"), path)

    async def create(self, path: str, body: Mapping[str, Any]) -> JSON:
        """A new resource, as it is shown."""
        return _member(await self._ask("POST", path, {_singular(path): body}), path)

    async def create_many(self, path: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Several new resources, all or none."""
        await self._ask("POST", path, {_collection(path): list(bodies)})

    async def update(self, path: str, id_: str, changes: Mapping[str, Any]) -> JSON:
        """Change some attributes; the resource as it is shown then."""
        return _member(await self._ask("PUT", f"{path}/{quote(id_, safe='')}", {_singular(path): changes}), path)

    async def delete(self, path: str, id_: str) -> None:
        """Remove a resource; one that is gone is as good."""
        await self._ask("DELETE", f"{path}/{quote(id_, safe='')}", missing=True)

    async def remove(self, path: str, id_: str) -> None:
        """Remove a resource; `Refused` (404) where there is none."""
        await self._ask("DELETE", f"{path}/{quote(id_, safe='')}")

    async def act(self, path: str, body: Any) -> None:
        """A PUT that is no change of attributes: tags, addresses of a group."""
        await self._ask("PUT", path, body)

    async def extensions(self) -> frozenset[str]:
        """The names of what this Neutron can beyond its core."""
        document = await self._ask("GET", "extensions")
        return frozenset(each["alias"] for each in document.part("extensions"))

    async def _ask(self, method: str, path: str, body: Any = None, query: str = "", missing: bool = False) -> Document:
        document = await self._user.fetch(self.pod, NETWORK_SERVICE, method, f"/v2.0/{path}", body, query)
        if document.ok or (missing and document.status == 404):
            return document
        raise Refused(f"{method} {path}", document)


# Inside the class `list` is its method.
_Found = list[JSON]


def _collection(path: str) -> str:
    """The word around a list in a body: the last part of its path, with underscores."""
    return path.rpartition("/")[2].replace("-", "_")


def _has_next(document: Document, path: str) -> bool:
    links = document.json().get(f"{_collection(path)}_links") or ()
    return any(link.get("rel") == "next" for link in links)


def _singular(path: str) -> str:
    collection = _collection(path)
    return f"{collection[:-3]}y" if collection.endswith("ies") else collection[:-1]


def _member(document: Document, path: str) -> JSON:
    shown: JSON = document.part(_singular(path))
    return shown
