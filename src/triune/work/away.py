"""Keys whose pod does not answer: they wait until its service is back, and lose nothing by it."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_

from triune.pods.answer import PodUnreachable
from triune.pods.health import Health
from triune.work.kinds import KINDS
from triune.work.requests import TABLE, Key


@dataclass(frozen=True, slots=True)
class Absence:
    """The service of a pod that is left out now: the condition for the keys that need it, and what to say of them."""

    which: ColumnElement[bool]
    why: str


class Away:
    """What this process's breakers say of the pods that keys concern."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def absences(self) -> list[Absence]:
        """The services that are left out now, so that nothing needs to be tried. A trial comes after their pause."""
        return [
            Absence(
                and_(TABLE.c.pod_id == pod_id, TABLE.c.kind.in_(_kinds(service))),
                f"waits: the pod's {service} service is away ({error})",
            )
            for pod_id, service, error in self._health.refusing()
        ]

    def places(self, key: Key) -> int | None:
        """How many keys of this one's pod and service may be worked on at once; None: as many as of any.

        None at all while the service is left out; then one finds out whether it is back, and the others wait for it.
        """
        kind = KINDS.get(key.kind)
        if kind is None or kind.service is None:
            return None
        breaker = self._health.breaker(key.pod_id, kind.service)
        if breaker.refuses:
            return 0
        return 1 if breaker.is_open else None

    def explains(self, error: BaseException) -> str | None:
        """What to say of a key that failed because a pod is away, be it another than its own; None where none is.

        A pod that was asked and failed at that is away when its breaker says so too: it may be one request only that
        it cannot bear.
        """
        for cause in _causes(error):
            if isinstance(cause, PodUnreachable) and (
                not cause.sent or self._health.breaker(cause.pod.id, cause.service).is_open
            ):
                return f"waits: {cause}"
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _kinds(service: str) -> list[str]:
    return [name for name, kind in KINDS.items() if kind.service == service]
