"""Asking the work engine to look at something: the statements that write a key into the journal.

They belong into the transaction of whatever makes the key differ, in the gateway or inside neutron-server. So they are
built here and executed by the caller, with an asynchronous session or a synchronous one; this module imports nothing
of the gateway, of the worker, or of a database driver.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Executable, Table, and_, case, false, func, select, true, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from triune.db.models import JournalRow, now

TABLE: Final = cast(Table, JournalRow.__table__)
# When what waits for nothing is due: so the index of `due_at` finds what waits, however much is kept of the finished.
NEVER: Final = datetime(9999, 1, 1)
# PostgreSQL's workers listen here; nothing is told but that there is something to look at.
CHANNEL: Final = "triune_journal"

WAITS: Final = TABLE.c.generation > TABLE.c.done_generation


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What may differ: a resource of a kind in a pod; `pod_id` is empty where no single pod is concerned."""

    kind: str
    resource_id: str
    pod_id: str = ""


def request(
    dialect_name: str,
    keys: Iterable[Key],
    project_id: str | None,
    request_id: str | None,
    delay: float = 0.0,
    backlog: bool = False,
) -> list[Executable]:
    """The statements that say that keys may differ, to be executed in this order in one transaction.

    Each adds the key's row, or raises its generation where it is there: at once, whatever the isolation level. A key
    is due in `delay` seconds, or earlier where it waits already. `backlog`: nobody waits for it, so the requests of
    users go first, and one that failed keeps its pause.

    The order is the same whatever the order of `keys`. Even so, transactions that ask more than once may meet in a
    dead-lock: who executes these repeats the transaction where the database says so.
    """
    statements = [_upsert(dialect_name, key, project_id, request_id, delay, backlog) for key in sorted(set(keys))]
    return statements + _notice(dialect_name, bool(statements) and delay <= 0)


def request_if_older(dialect_name: str, keys: Iterable[Key], seconds: float) -> list[Executable]:
    """The statements that ask for those keys that do not wait and were not finished in the last `seconds`.

    Any number of processes may say so at the same time: the generation is raised once. To be executed in this order
    in one transaction.
    """
    statements: list[Executable] = []
    for key in sorted(set(keys)):
        statements += [_insert_unless_there(dialect_name, key), _raise_if_older(key, seconds)]
    return statements + _notice(dialect_name, bool(statements))


def is_key(key: Key) -> ColumnElement[bool]:
    """The condition that a row of the journal is that of a key."""
    return and_(TABLE.c.kind == key.kind, TABLE.c.resource_id == key.resource_id, TABLE.c.pod_id == key.pod_id)


def moment(delay: float = 0.0) -> datetime:
    """The time in UTC without zone in `delay` seconds, with its fractions, as `due_at` keeps it."""
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=delay)


def _upsert(
    dialect_name: str, key: Key, project_id: str | None, request_id: str | None, delay: float, backlog: bool
) -> Executable:
    due = moment(delay)
    row = _row(key, project_id, request_id, due, backlog)
    columns = TABLE.c
    earlier = case((and_(WAITS, columns.due_at < due), columns.due_at), else_=due)
    changes: list[tuple[str, Any]] = [
        ("project_id", func.coalesce(project_id, columns.project_id)),
        ("request_id", request_id),
        ("backlog", case((WAITS, columns.backlog), else_=true()) if backlog else false()),
        ("due_at", case((WAITS, columns.due_at), else_=due) if backlog else earlier),
        ("attempts", case((WAITS, columns.attempts), else_=0) if backlog else 0),
        ("updated_at", now()),
        # At the end: MySQL and MariaDB assign from left to right, and the others look at whether the key waits.
        ("generation", columns.generation + 1),
    ]
    if dialect_name in ("mysql", "mariadb"):
        return mysql.insert(TABLE).values(row).on_duplicate_key_update(changes)
    return _insert(dialect_name, row).on_conflict_do_update(index_elements=_UNIQUE, set_=dict(changes))


def _insert_unless_there(dialect_name: str, key: Key) -> Executable:
    row = _row(key, None, None, moment(), backlog=True)
    if dialect_name in ("mysql", "mariadb"):
        # Not INSERT IGNORE, which passes over every other mistake too.
        return mysql.insert(TABLE).values(row).on_duplicate_key_update([("id", TABLE.c.id)])
    return _insert(dialect_name, row).on_conflict_do_nothing(index_elements=_UNIQUE)


def _raise_if_older(key: Key, seconds: float) -> Executable:
    old = TABLE.c.updated_at < now() - timedelta(seconds=seconds)
    return (
        update(TABLE)
        .where(is_key(key), ~WAITS, TABLE.c.owner.is_(None), old)
        .values(
            generation=TABLE.c.generation + 1,
            attempts=0,
            backlog=true(),
            due_at=moment(),
            request_id=None,
            updated_at=now(),
        )
    )


_UNIQUE: Final = ("kind", "resource_id", "pod_id")


def _insert(dialect_name: str, row: dict[str, Any]) -> sqlite.Insert | postgresql.Insert:
    insert = postgresql.insert if dialect_name == "postgresql" else sqlite.insert
    return insert(TABLE).values(row)


def _row(key: Key, project_id: str | None, request_id: str | None, due: datetime, backlog: bool) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "kind": key.kind,
        "resource_id": key.resource_id,
        "pod_id": key.pod_id,
        "project_id": project_id,
        "request_id": request_id,
        "due_at": due,
        "backlog": backlog,
    }


def _notice(dialect_name: str, wanted: bool) -> list[Executable]:
    """What wakes the workers when the transaction is committed, where the database can."""
    return [select(func.pg_notify(CHANNEL, ""))] if wanted and dialect_name == "postgresql" else []
