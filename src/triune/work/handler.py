"""What the engine calls to bring a key to what is wanted, and what it may say."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from triune.work.requests import Key


@dataclass(frozen=True, slots=True)
class Again:
    """Not yet as wanted, and nothing has failed: look again in `seconds`; `why` is shown in the job."""

    seconds: float
    why: str


# Brings one key to what is wanted, whatever state it is in; must be safe to run twice and at the same time, for a lease
# may be lost while a request is under way. Any exception is a reason to try again, and is shown in the job.
Handler = Callable[[Key], Awaitable[Again | None]]


class KeyFailed(Exception):
    """A key is not as wanted; the work engine goes on with it. What the handler raised is the cause, where it ran here.

    `reason` is a text for operators.
    """

    def __init__(self, key: Key, reason: str) -> None:
        super().__init__(f"{key.kind} {key.resource_id}: {reason}")
        self.key = key
        self.reason = reason


class KeyWaits(KeyFailed):
    """The key's handler has said `Again`. A handler that lets this pass is itself due again then."""

    def __init__(self, key: Key, again: Again) -> None:
        super().__init__(key, again.why)
        self.again = again


def told(error: BaseException) -> str:
    """An exception as a job tells it."""
    if isinstance(error, KeyFailed):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
