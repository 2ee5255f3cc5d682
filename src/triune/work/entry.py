"""A row of the journal as it was read, and what its state is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from triune.db.models import JournalRow
from triune.work.requests import WAITS, Key

_FREE: Final = JournalRow.owner.is_(None)

# What each status means of a row: `Entry.status` as conditions.
STATUSES: Final[Mapping[str, tuple[Any, ...]]] = {
    "NEW": (_FREE, WAITS, JournalRow.attempts == 0),
    "RUNNING": (~_FREE,),
    "SUCCESS": (_FREE, ~WAITS),
    "FAIL": (_FREE, WAITS, JournalRow.attempts > 0),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal as it was read."""

    id: str
    key: Key
    project_id: str | None
    request_id: str | None
    generation: int
    done_generation: int
    attempts: int
    last_error: str | None
    due_at: datetime
    owner: str | None
    fence: int
    beat: int
    created_at: datetime
    updated_at: datetime

    @property
    def waits(self) -> bool:
        """Whether something that was asked for is not done yet, be somebody at work on it or not."""
        return self.generation > self.done_generation

    @property
    def status(self) -> str:
        """NEW (waits; `last_error` may tell for what), RUNNING, FAIL (will be tried again) or SUCCESS."""
        if self.owner is not None:
            return "RUNNING"
        if not self.waits:
            return "SUCCESS"
        return "FAIL" if self.attempts else "NEW"


def entry(row: JournalRow) -> Entry:
    """A row as it is now."""
    return Entry(
        id=row.id,
        key=Key(row.kind, row.resource_id, row.pod_id),
        project_id=row.project_id,
        request_id=row.request_id,
        generation=row.generation,
        done_generation=row.done_generation,
        attempts=row.attempts,
        last_error=row.last_error,
        due_at=row.due_at,
        owner=row.owner,
        fence=row.fence,
        beat=row.beat,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
