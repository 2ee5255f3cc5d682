"""What Neutron changes without telling anybody inside the transaction: tags, descriptions, shares, address groups,
addresses, and most of what belongs to routers (`routing`).

Their rows are seen as SQLAlchemy writes them, in the way in which Neutron's own revision numbers are kept.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from neutron.db import models_v2
from neutron.db.models.address_group import AddressAssociation, AddressGroup
from neutron.db.models.tag import Tag
from neutron.db.rbac_db_models import AddressGroupRBAC, NetworkRBAC, QosPolicyRBAC, SecurityGroupRBAC
from neutron_lib.db import api as database
from neutron_lib.db.standard_attr import StandardAttribute
from oslo_context.context import get_current
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from triune.network.central import journal, reads, routing, touched
from triune.network.names import ADDRESS_GROUP, NETWORK, QOS_POLICY, SECURITY_GROUP
from triune.work.requests import Key


def listen() -> None:
    """Look at every flush of Neutron's sessions."""
    database.sqla_listen(Session, "after_flush", _flushed)


def _flushed(session: Any, _flush: Any) -> None:
    changed = [each for each in (*session.new, *session.deleted, *session.dirty) if type(each) in _KEYS]
    if not changed:
        return
    # The session forgets its context before it flushes the last changes.
    context = session.info.get("using_context") or get_current()
    for model, keys_of in _KEYS.items():
        rows = [each for each in changed if type(each) is model]
        if rows:
            # What an administrator changes is mostly somebody else's.
            project_id = context.project_id if context is not None and not context.is_admin else None
            journal.write_in(session, keys_of(session, rows), project_id, context)


def _by_tags(session: Any, rows: Iterable[Any]) -> set[Key]:
    return _described(session, {row.standard_attr_id for row in rows})


def _by_descriptions(session: Any, rows: Iterable[Any]) -> set[Key]:
    # These rows change with each revision of a resource; a new resource is told by its own row.
    changed = [row for row in rows if row in session.dirty and inspect(row).attrs.description.history.has_changes()]
    return _described(session, {row.id for row in changed}) if changed else set()


def _described(session: Any, attribute_ids: set[int]) -> set[Key]:
    keys: set[Key] = set()
    for table, resource_id in reads.described(session, attribute_ids):
        keys |= _DESCRIBED[table](session, resource_id)
    return keys


def _network(session: Any, network_id: str) -> set[Key]:
    return touched.in_pods(NETWORK, network_id, reads.pods_of_network(session, network_id))


def _subnet(session: Any, subnet_id: str) -> set[Key]:
    network_id = reads.network_of_subnet(session, subnet_id)
    return _network(session, network_id) if network_id is not None else set()


def _group(session: Any, group_id: str) -> set[Key]:
    return touched.in_pods(SECURITY_GROUP, group_id, reads.pods_of_group(session, group_id))


def _policy(session: Any, policy_id: str) -> set[Key]:
    return touched.in_pods(QOS_POLICY, policy_id, reads.pods_of_policy(session, policy_id))


def _address_group(session: Any, group_id: str) -> set[Key]:
    return touched.in_pods(ADDRESS_GROUP, group_id, reads.pods_of_address_group(session, group_id))


def _by_shares(session: Any, rows: Iterable[Any]) -> set[Key]:
    return set().union(*(_LENT[type(row)](session, _lent(row)) for row in rows))


def _lent(share: Any) -> str:
    # SQLAlchemy takes its object from a share that it removes, before it removes it.
    return str(share.object_id or inspect(share).committed_state["object_id"])


def _by_address_groups(session: Any, rows: Iterable[Any]) -> set[Key]:
    return set().union(*(_address_group(session, group_id) for group_id in {row.id for row in rows}))


def _by_group_addresses(session: Any, rows: Iterable[Any]) -> set[Key]:
    return set().union(*(_address_group(session, group_id) for group_id in {row.address_group_id for row in rows}))


def _by_port_addresses(session: Any, rows: Iterable[Any]) -> set[Key]:
    # Subnets in which ports find their addresses by themselves give them to ports that nobody touches.
    port_ids = {row.port_id for row in rows}
    keys = routing.readdressed_ports(session, port_ids)
    return keys.union(*(journal.by_address(session, port_id) for port_id in port_ids))


_DESCRIBED: Final[dict[str, Callable[[Any, str], set[Key]]]] = {
    "ports": journal.by_twin,
    "networks": _network,
    "subnets": _subnet,
    "securitygroups": _group,
    "address_groups": _address_group,
    "qos_policies": _policy,
    "routers": routing.router,
    "floatingips": routing.floating_ip,
    "portforwardings": routing.port_forwarding,
}
# The tables of shares, and what is lent.
_LENT: Final[dict[type, Callable[[Any, str], set[Key]]]] = {
    NetworkRBAC: _network,
    SecurityGroupRBAC: _group,
    QosPolicyRBAC: _policy,
    AddressGroupRBAC: _address_group,
}
_KEYS: Final[dict[type, Callable[[Any, Iterable[Any]], set[Key]]]] = {
    Tag: _by_tags,
    StandardAttribute: _by_descriptions,
    **dict.fromkeys(_LENT, _by_shares),
    AddressGroup: _by_address_groups,
    AddressAssociation: _by_group_addresses,
    models_v2.IPAllocation: _by_port_addresses,
    **routing.KEYS,
}
