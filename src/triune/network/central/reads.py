"""What of central Neutron's and Triune's tables decides which keys a change touches.

Every function takes a session or a connection, and sees what was flushed to it. Queries that join Neutron's tables
with `placements` begin at Neutron's: its ids are compared as another collation, so its index cannot be used there.
"""

from collections.abc import Collection
from typing import Any, Final

from neutron.db import models_v2
from neutron.db.models.address_group import AddressGroup
from neutron.db.models.l3 import FloatingIP, Router
from neutron.db.models.port_forwarding import PortForwarding
from neutron.db.models.securitygroup import SecurityGroup, SecurityGroupPortBinding, SecurityGroupRule
from neutron.db.qos.models import QosNetworkPolicyBinding, QosPolicy, QosPortPolicyBinding
from neutron_lib.db.standard_attr import StandardAttribute
from sqlalchemy import Row, Select, select, union

from triune.db.models import PlacementRow, PodRow, RoutingRow
from triune.network import names
from triune.network.central.pods import Pod
from triune.network.central.touched import Reference, Use

_PLACEMENTS: Final = PlacementRow.__table__.c
_BINDINGS: Final = SecurityGroupPortBinding.__table__.c
_RULES: Final = SecurityGroupRule.__table__.c

# Tables of the resources whose tags or description a twin has, by what Neutron calls them.
DESCRIBED: Final = {
    model.__tablename__: model.__table__.c
    for model in (
        models_v2.Port,
        models_v2.Network,
        models_v2.Subnet,
        SecurityGroup,
        AddressGroup,
        QosPolicy,
        Router,
        FloatingIP,
        PortForwarding,
    )
}


def pods(session: Any) -> list[Pod]:
    """All pods but the entry of the central region."""
    columns = PodRow.__table__.c
    rows = session.execute(
        select(columns.pod_id, columns.region_name, columns.az_name, columns.enabled).where(columns.az_name != "")
    )
    return [Pod(row.pod_id, row.region_name, row.az_name, row.enabled) for row in rows]


def pod_of_port(session: Any, port_id: str) -> str | None:
    """The id of the pod in which a port is placed."""
    return _one(session, select(_PLACEMENTS.pod_id).where(_PLACEMENTS.port_id == port_id))


def has_twin(session: Any, port_id: str) -> bool:
    """Whether a placed port has a twin that is made for itself."""
    columns = models_v2.Port.__table__.c
    row = session.execute(select(columns.device_id, columns.device_owner).where(columns.id == port_id)).first()
    return row is None or names.has_twin(row._mapping)


def pods_of_networks(session: Any, network_ids: Collection[str]) -> dict[str, set[str]]:
    """The ids of the pods in which networks are present, by network."""
    found: dict[str, set[str]] = {network_id: set() for network_id in network_ids}
    query = select(_PLACEMENTS.network_id, _PLACEMENTS.pod_id).where(_PLACEMENTS.network_id.in_(network_ids))
    for row in session.execute(query.distinct()):
        found[row.network_id].add(row.pod_id)
    return found


def pods_of_network(session: Any, network_id: str) -> set[str]:
    """The ids of the pods in which a network is present."""
    return pods_of_networks(session, [network_id])[network_id]


def pods_of_group(session: Any, group_id: str) -> set[str]:
    """The ids of the pods in which a security group is present."""
    return _ids(session, _present_groups(_PLACEMENTS.pod_id).where(_BINDINGS.security_group_id == group_id))


def pods_of_address_group(session: Any, address_group_id: str) -> set[str]:
    """The ids of the pods in which a group is present that has a rule about an address group."""
    query = _present_groups(_PLACEMENTS.pod_id).join(
        SecurityGroupRule.__table__, _RULES.security_group_id == _BINDINGS.security_group_id
    )
    return _ids(session, query.where(_RULES.remote_address_group_id == address_group_id))


def pods_of_policy(session: Any, policy_id: str) -> set[str]:
    """The ids of the pods in which a port or a network is present that has a QoS policy."""
    of_ports, of_networks = QosPortPolicyBinding.__table__.c, QosNetworkPolicyBinding.__table__.c
    ports = (
        select(_PLACEMENTS.pod_id)
        .join(QosPortPolicyBinding.__table__, _PLACEMENTS.port_id == of_ports.port_id)
        .where(of_ports.policy_id == policy_id)
    )
    networks = (
        select(_PLACEMENTS.pod_id)
        .join(QosNetworkPolicyBinding.__table__, _PLACEMENTS.network_id == of_networks.network_id)
        .where(of_networks.policy_id == policy_id)
    )
    return {str(row[0]) for row in session.execute(union(ports, networks))}


def pods_of_routings(session: Any, top_id: str) -> set[str]:
    """The ids of the pods in which a twin of a resource was seen."""
    columns = RoutingRow.__table__.c
    return _ids(session, select(columns.pod_id).where(columns.top_id == top_id))


def uses(session: Any, remote_ids: Collection[str]) -> list[Use]:
    """Where groups are present that have rules about these groups."""
    if not remote_ids:
        return []
    rules = select(_RULES.security_group_id, _RULES.remote_group_id).where(_RULES.remote_group_id.in_(remote_ids))
    pairs = [(row[0], row[1]) for row in session.execute(rules.distinct())]
    if not pairs:
        return []
    groups = _BINDINGS.security_group_id.in_({group_id for group_id, _ in pairs})
    present = session.execute(_present_groups(_BINDINGS.security_group_id, _PLACEMENTS.pod_id).where(groups)).all()
    return [Use(group_id, row[1], remote_id) for group_id, remote_id in pairs for row in present if row[0] == group_id]


def references(session: Any, group_ids: Collection[str]) -> list[Reference]:
    """The groups and address groups that rules of these groups name."""
    if not group_ids:
        return []
    return _references(session, _RULES.security_group_id.in_(group_ids))


def reference(session: Any, rule_id: str) -> Reference | None:
    """What one rule names."""
    return next(iter(_references(session, _RULES.id == rule_id)), None)


def project_of_group(session: Any, group_id: str) -> str | None:
    """The project of a security group."""
    columns = SecurityGroup.__table__.c
    return _one(session, select(columns.project_id).where(columns.id == group_id))


def groups_of_port(session: Any, port_id: str) -> frozenset[str]:
    """The ids of a port's security groups."""
    return frozenset(_ids(session, select(_BINDINGS.security_group_id).where(_BINDINGS.port_id == port_id)))


def policy_of_port(session: Any, port_id: str) -> str | None:
    """The id of a port's own QoS policy."""
    columns = QosPortPolicyBinding.__table__.c
    return _one(session, select(columns.policy_id).where(columns.port_id == port_id))


def network_policy(session: Any, network_id: str) -> str | None:
    """The id of a network's QoS policy."""
    columns = QosNetworkPolicyBinding.__table__.c
    return _one(session, select(columns.policy_id).where(columns.network_id == network_id))


def network_of_subnet(session: Any, subnet_id: str) -> str | None:
    """The id of a subnet's network."""
    columns = models_v2.Subnet.__table__.c
    return _one(session, select(columns.network_id).where(columns.id == subnet_id))


def described(session: Any, attribute_ids: Collection[int]) -> list[tuple[str, str]]:
    """Table and id of the resources whose standard attributes these are."""
    attributes = StandardAttribute.__table__.c
    query = select(attributes.id, attributes.resource_type).where(attributes.id.in_(attribute_ids))
    found = []
    for attribute in session.execute(query):
        columns = DESCRIBED.get(attribute.resource_type)
        if columns is None:
            continue
        resources = select(columns.id).where(columns.standard_attr_id == attribute.id)
        found += [(attribute.resource_type, row.id) for row in session.execute(resources)]
    return found


def _present_groups(*columns: Any) -> Select[Any]:
    """What is asked of the groups of placed ports."""
    return (
        select(*columns)
        .select_from(SecurityGroupPortBinding.__table__)
        .join(PlacementRow.__table__, _PLACEMENTS.port_id == _BINDINGS.port_id)
        .distinct()
    )


def _references(session: Any, where: Any) -> list[Reference]:
    columns = (_RULES.security_group_id, _RULES.remote_group_id, _RULES.remote_address_group_id)
    return [Reference(*row) for row in session.execute(select(*columns).where(where).distinct())]


def _ids(session: Any, query: Select[Any]) -> set[str]:
    return {str(row[0]) for row in session.execute(query)}


def _one(session: Any, query: Select[Any]) -> str | None:
    row: Row[Any] | None = session.execute(query).first()
    return None if row is None else str(row[0])
