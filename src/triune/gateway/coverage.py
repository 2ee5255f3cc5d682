"""Which strategy answers an operation of an API, as the gateway decides it: for the documentation and its tests."""

from collections.abc import Iterator
from dataclasses import dataclass

from triune.gateway.app import READING
from triune.gateway.compute.actions import HERE, MOVING, Actions
from triune.gateway.routes import Strategy
from triune.gateway.service import Service
from triune.gateway.strategies import Anywhere, Refuse


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an API: a line of docs/reference/operations.

    `path` has its parameters in braces; `action` is what the body of a `POST .../action` names, or empty. `is_gone`:
    the service itself only answers 410.
    """

    method: str
    path: str
    action: str
    microversions: str
    is_gone: bool

    @property
    def name(self) -> str:
        """What stands in the tables, and in the marks of tests."""
        return " ".join(filter(None, (self.method, self.path, self.action)))


@dataclass(frozen=True, slots=True)
class Answer:
    """How an operation is answered. No strategy: the gateway's own document of versions.

    `is_listed`: a line of the table covers it. `note` says what is done besides, or instead of the strategy.
    """

    strategy: Strategy | None
    is_listed: bool = True
    note: str = ""


def parse(text: str) -> Iterator[Operation]:
    """The operations of a file of docs/reference/operations."""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        microversions, method, path, *rest = line.split()
        action = next((word for word in rest if word != "(gone)"), "")
        yield Operation(method, path, action, microversions, "(gone)" in rest)


def answer(service: Service, operation: Operation) -> Answer:
    """How the gateway answers an operation (`App._serve`)."""
    if operation.path == "/" and f"/{service.version}/" in service.version_documents | service.guarded_documents:
        return Answer(None)
    # A parameter in braces is the name of nothing, so it is taken for no literal segment.
    match = service.routes.match(operation.method, operation.path)
    if match is None:
        return Answer(Anywhere() if operation.method in READING else Refuse(), is_listed=False)
    if isinstance(match.strategy, Actions):
        return _act(match.strategy, operation.action)
    return Answer(match.strategy)


def _act(strategy: Actions, action: str) -> Answer:
    if action in HERE:
        return Answer(strategy, note=f"in central Neutron where it has the networks ({HERE[action].__name__})")
    return Answer(strategy, note="its ports are followed" if action in MOVING else "")
