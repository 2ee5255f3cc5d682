"""Route tables: method and path to strategy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from triune.gateway.http import Response

if TYPE_CHECKING:
    from triune.gateway.call import Call

ANY = "GET HEAD POST PUT PATCH DELETE"


class Strategy(Protocol):
    """How the gateway answers an API operation."""

    async def __call__(self, call: "Call") -> Response:
        """Answer one call."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """One line of an API's table.

    `methods` are separated by spaces; `path` has parameters in braces, and may end in `{rest:path}` for whatever
    follows (or nothing).
    """

    methods: str
    path: str
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request, with the decoded parameters of its path."""

    strategy: Strategy
    parameters: Mapping[str, str]


class _Node:
    __slots__ = ("literals", "parameter", "rest", "strategies")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.strategies: dict[str, tuple[Strategy, tuple[str, ...]]] = {}
        self.rest: dict[str, tuple[Strategy, tuple[str, ...]]] = {}


class RouteTable:
    """Finds the route of a path: a literal segment is preferred to a parameter, a parameter to `{rest:path}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        names: list[str] = []
        for segment in _segments(route.path):
            if segment == "{rest:path}":
                for method in route.methods.split():
                    node.rest[method] = (route.strategy, tuple(names))
                return
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        for method in route.methods.split():
            if method in node.strategies:
                raise ValueError(f"two routes for {method} {route.path}")
            node.strategies[method] = (route.strategy, tuple(names))

    def knows(self, path: str) -> bool:
        """Whether there is a route of any method for a path."""
        return any(self.match(method, path) is not None for method in ANY.split())

    def match(self, method: str, path: str) -> Match | None:
        """The route for a percent-encoded path, or None."""
        found = self._walk(self._root, _segments(path), 0, method, ())
        if found is None:
            return None
        (strategy, names), values = found
        return Match(strategy, dict(zip(names, values, strict=False)))

    def _walk(
        self, node: _Node, segments: list[str], index: int, method: str, values: tuple[str, ...]
    ) -> tuple[tuple[Strategy, tuple[str, ...]], tuple[str, ...]] | None:
        if index == len(segments):
            if (here := node.strategies.get(method)) is not None:
                return here, values
        else:
            segment = segments[index]
            if (literal := node.literals.get(segment)) is not None:
                found = self._walk(literal, segments, index + 1, method, values)
                if found is not None:
                    return found
            if node.parameter is not None and segment:
                found = self._walk(node.parameter, segments, index + 1, method, (*values, unquote(segment)))
                if found is not None:
                    return found
        if (rest := node.rest.get(method)) is not None:
            return rest, values
        return None


def _segments(path: str) -> list[str]:
    """The parts of a path. OpenStack's routing knows no path that ends with a slash, and no empty part."""
    bare = path.removeprefix("/")
    return bare.split("/") if bare else []
