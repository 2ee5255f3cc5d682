"""Writing keys of the journal in the transaction of whatever touches them."""

from collections.abc import Collection
from typing import Any

from triune.network.central import reads, touched
from triune.network.central.touched import Change, Member
from triune.network.names import PORT
from triune.work.requests import Key, request


def write(context: Any, keys: Collection[Key], project_id: str | None) -> None:
    """Ask for keys in the transaction of a context of Neutron. An error of the database rolls back all of it."""
    if keys:
        write_in(context.session, keys, project_id, context)


def write_in(session: Any, keys: Collection[Key], project_id: str | None, context: Any) -> None:
    """Ask for keys in a session's transaction; the context says in which request, where there is one."""
    # Where the gateway asks for a user, the user knows the gateway's request.
    request_id = (context.global_request_id or context.request_id) if context is not None else None
    for statement in request(session.get_bind().dialect.name, keys, project_id, request_id):
        session.execute(statement)


def by_change(session: Any, change: Change) -> set[Key]:
    """All keys that a change of a port touches, those of rules about its groups too."""
    members = change.joined_or_left | change.readdressed
    uses = reads.uses(session, {member.group_id for member in members})
    references = reads.references(session, {member.group_id for member in change.left})
    return (
        set(change.keys)
        | touched.by_members(change.joined_or_left, change.readdressed, uses)
        | touched.by_left(change.left, references)
    )


def by_address(session: Any, port_id: str) -> set[Key]:
    """The keys that are touched when a port gets or loses an address; none for a port in no pod."""
    pod_id = reads.pod_of_port(session, port_id)
    if pod_id is None:
        return set()
    members = frozenset(Member(group_id, pod_id) for group_id in reads.groups_of_port(session, port_id))
    return by_change(session, Change(keys=frozenset(by_twin(session, port_id)), readdressed=members))


def by_twin(session: Any, port_id: str) -> set[Key]:
    """The key of a port that is in a pod; none for a port in no pod, and for one that is a part of a router."""
    pod_id = reads.pod_of_port(session, port_id)
    if pod_id is None or not reads.has_twin(session, port_id):
        return set()
    return {Key(PORT, port_id, pod_id)}
