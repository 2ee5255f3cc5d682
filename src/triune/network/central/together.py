"""What is shown of many rows is asked for all of them at once."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from neutron_lib import context as contexts
from neutron_lib.db import api as database
from sqlalchemy import inspect

from triune.network.central import reads

_T = TypeVar("_T")


def ask(row: Any, name: str, answer: Callable[[Any, Collection[str]], Mapping[str, _T]]) -> _T:
    """What `answer` says of a row, given a session and ids; `name` says what it is about.

    A list shows many rows: all of the same table that the row's session has read are asked for with the first.
    """
    session = inspect(row).session
    if session is None:
        # Neutron shows some rows after the end of their transaction.
        with database.CONTEXT_READER.using(contexts.get_admin_context()) as own:
            return answer(own, {row.id})[row.id]
    known: dict[tuple[str, str], _T] = session.info.setdefault("triune_answers", {})
    if (name, row.id) not in known:
        unknown = {identity[0] for model, identity, *_ in session.identity_map if model is type(row)}
        for row_id, found in answer(session, unknown | {row.id}).items():
            known[name, row_id] = found
    return known[name, row.id]


def zones(session: Any, pods: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """The availability zones of pods, by the resource that is in these pods."""
    by_pod = {pod.id: pod.az_name for pod in reads.pods(session)} if any(pods.values()) else {}
    return {
        resource_id: sorted({by_pod[pod_id] for pod_id in pod_ids if pod_id in by_pod})
        for resource_id, pod_ids in pods.items()
    }
