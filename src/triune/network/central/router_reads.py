"""What of central Neutron's and Triune's tables decides where routers and floating IPs are.

As in `reads`, every function sees what was flushed to its session.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from neutron.db import models_v2
from neutron.db.models import l3, l3_attrs
from neutron.db.models.port_forwarding import PortForwarding
from neutron.db.models.segment import NetworkSegment
from neutron_lib import constants
from neutron_lib.api.validators.availability_zone import convert_az_string_to_list
from sqlalchemy import Row, Select, select

from triune.db.models import PlacementRow, RoutingRow
from triune.network.central import reads
from triune.network.central.location import Network
from triune.network.names import FLOATING_IP

_PLACEMENTS: Final = PlacementRow.__table__.c
_ROUTINGS: Final = RoutingRow.__table__.c
_PORTS: Final = models_v2.Port.__table__.c
_ROUTERS: Final = l3.Router.__table__.c
_ATTACHED: Final = l3.RouterPort.__table__.c
_FLOATING: Final = l3.FloatingIP.__table__.c
_FORWARDED: Final = PortForwarding.__table__.c


@dataclass(frozen=True, slots=True)
class Router:
    """A router, its project and its hints."""

    id: str
    project_id: str
    hints: frozenset[str]


def router(session: Any, router_id: str) -> Router | None:
    """A router, where there is one of this id."""
    attributes = l3_attrs.RouterExtraAttributes.__table__
    query = (
        select(_ROUTERS.project_id, attributes.c.availability_zone_hints)
        .select_from(l3.Router.__table__)
        .outerjoin(attributes, attributes.c.router_id == _ROUTERS.id)
        .where(_ROUTERS.id == router_id)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    return Router(router_id, row[0] or "", frozenset(convert_az_string_to_list(row[1])))


def network(session: Any, network_id: str) -> Network:
    """Where a network may be, and where it is."""
    networks, segments = models_v2.Network.__table__.c, NetworkSegment.__table__.c
    hints = session.execute(select(networks.availability_zone_hints).where(networks.id == network_id)).scalar()
    return Network(
        hints=frozenset(convert_az_string_to_list(hints)),
        types=_ids(session, select(segments.network_type).where(segments.network_id == network_id)),
        present=frozenset(reads.pods_of_network(session, network_id)),
    )


def network_of_port(session: Any, port_id: str) -> str | None:
    """The id of a port's network."""
    found: str | None = session.execute(select(_PORTS.network_id).where(_PORTS.id == port_id)).scalar()
    return found


def attached(session: Any, port_ids: Collection[str]) -> Sequence[Row[Any]]:
    """Those of some ports that are routers': router, network and kind (`router_id`, `network_id`, `port_type`)."""
    columns = (_ATTACHED.router_id, _PORTS.network_id, _ATTACHED.port_type)
    rows: Sequence[Row[Any]] = session.execute(_attached(*columns).where(_ATTACHED.port_id.in_(port_ids))).all()
    return rows


def local_neighbours(session: Any, router_id: str, network_id: str) -> frozenset[str]:
    """The ids of the routers with hints that have interfaces on a network, or on one of a router's own.

    Only a local router looks for what others reach. Without this a network that many projects share would touch all of
    their routers whenever one comes or goes.
    """
    extra = l3_attrs.RouterExtraAttributes.__table__
    own = _attached(_PORTS.network_id).where(_ATTACHED.router_id == router_id, _is_interface())
    query = (
        _attached(_ATTACHED.router_id)
        .join(extra, extra.c.router_id == _ATTACHED.router_id)
        .where(_PORTS.network_id.in_({network_id, *_ids(session, own)}), _is_interface())
        .where(extra.c.availability_zone_hints.contains('"'))
    )
    return _ids(session, query) - {router_id}


def pods_of_interfaces(session: Any, router_id: str) -> frozenset[str]:
    """The ids of the pods in which networks of a router's interfaces are."""
    query = (
        _attached(_PLACEMENTS.pod_id)
        .join(PlacementRow.__table__, _PLACEMENTS.network_id == _PORTS.network_id)
        .where(_ATTACHED.router_id == router_id, _is_interface())
    )
    return _ids(session, query)


def pods_of_ports(session: Any, router_id: str) -> frozenset[str]:
    """The ids of the pods in which ports of a router are placed: its gateway, and all of a local router's."""
    query = (
        select(_PLACEMENTS.pod_id)
        .select_from(l3.RouterPort.__table__)
        .join(PlacementRow.__table__, _PLACEMENTS.port_id == _ATTACHED.port_id)
        .where(_ATTACHED.router_id == router_id)
    )
    return _ids(session, query)


def pods_of_router(session: Any, router_id: str) -> set[str]:
    """The ids of the pods that a router may concern."""
    twins = reads.pods_of_routings(session, router_id)
    return twins.union(pods_of_interfaces(session, router_id), pods_of_ports(session, router_id))


def pods_of_routers(session: Any, router_ids: Iterable[str]) -> dict[str, set[str]]:
    """The ids of the pods that routers may concern, by router."""
    return {router_id: pods_of_router(session, router_id) for router_id in router_ids}


def pods_of_gateway(session: Any, router_id: str) -> frozenset[str]:
    """The id of the pod in which a router has its gateway; empty where it has none."""
    query = (
        select(_PLACEMENTS.pod_id)
        .select_from(l3.RouterPort.__table__)
        .join(PlacementRow.__table__, _PLACEMENTS.port_id == _ATTACHED.port_id)
        .where(_ATTACHED.router_id == router_id, _ATTACHED.port_type == constants.DEVICE_OWNER_ROUTER_GW)
    )
    return _ids(session, query)


def floating_ips_of_port(session: Any, port_id: str) -> frozenset[str]:
    """The ids of the floating IPs that lead to a port, as a whole or by port forwardings."""
    whole = _ids(session, select(_FLOATING.id).where(_FLOATING.fixed_port_id == port_id))
    parts = select(_FORWARDED.floatingip_id).where(_FORWARDED.internal_neutron_port_id == port_id)
    return whole | _ids(session, parts)


def floating_ip_of(session: Any, forwarding_id: str) -> str | None:
    """The id of the floating IP of a port forwarding."""
    found: str | None = session.execute(select(_FORWARDED.floatingip_id).where(_FORWARDED.id == forwarding_id)).scalar()
    return found


def pods_of_floating_ips(session: Any, fip_ids: Iterable[str]) -> dict[str, set[str]]:
    """The ids of the pods that floating IPs may concern, by floating IP."""
    return {fip_id: _pods_of_floating_ip(session, fip_id) for fip_id in fip_ids}


def _pods_of_floating_ip(session: Any, fip_id: str) -> set[str]:
    columns = (_FLOATING.fixed_port_id, _FLOATING.router_id)
    row = session.execute(select(*columns).where(_FLOATING.id == fip_id)).first()
    found = reads.pods_of_routings(session, fip_id)
    if row is None:
        return found
    ports = _ids(session, select(_FORWARDED.internal_neutron_port_id).where(_FORWARDED.floatingip_id == fip_id))
    return found | pods_of(session, [*ports, row.fixed_port_id], [row.router_id])


def pods_of(session: Any, port_ids: Iterable[str | None], router_ids: Iterable[str | None]) -> set[str]:
    """The ids of the pods in which ports are placed, or routers have their gateways."""
    named = {port_id for port_id in port_ids if port_id}
    found = set(_ids(session, select(_PLACEMENTS.pod_id).where(_PLACEMENTS.port_id.in_(named)))) if named else set()
    for router_id in {router_id for router_id in router_ids if router_id}:
        found |= pods_of_gateway(session, router_id)
    return found


def pods_of_twins(session: Any, kind: str, top_ids: Collection[str]) -> dict[str, set[str]]:
    """The ids of the pods in which twins of one kind were seen, by resource."""
    found: dict[str, set[str]] = {top_id: set() for top_id in top_ids}
    query = select(_ROUTINGS.top_id, _ROUTINGS.pod_id)
    for row in session.execute(query.where(_ROUTINGS.top_id.in_(top_ids), _ROUTINGS.resource_type == kind)):
        found[row.top_id].add(row.pod_id)
    return found


def answering_pods(session: Any, fip_ids: Collection[str]) -> dict[str, set[str]]:
    """The ids of the pods that answer under floating IPs: those of their routers' gateways, where they were seen."""
    gateways = (
        select(_FLOATING.id, _PLACEMENTS.pod_id)
        .select_from(l3.FloatingIP.__table__)
        .join(l3.RouterPort.__table__, _ATTACHED.router_id == _FLOATING.router_id)
        .join(PlacementRow.__table__, _PLACEMENTS.port_id == _ATTACHED.port_id)
        .where(_FLOATING.id.in_(fip_ids), _ATTACHED.port_type == constants.DEVICE_OWNER_ROUTER_GW)
    )
    outside = {(str(row[0]), str(row[1])) for row in session.execute(gateways)}
    seen = pods_of_twins(session, FLOATING_IP, fip_ids)
    return {fip_id: {pod for pod in pods if (fip_id, pod) in outside} for fip_id, pods in seen.items()}


def active_floating_ips(session: Any, project_id: str | None) -> frozenset[str]:
    """The ids of the floating IPs of a project, None for all, under which pods answer."""
    query = select(_FLOATING.id).where(_FLOATING.router_id.is_not(None))
    routed = _ids(session, query if project_id is None else query.where(_FLOATING.project_id == project_id))
    return frozenset(fip_id for fip_id, pods in answering_pods(session, routed).items() if pods)


def _attached(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(l3.RouterPort.__table__)
        .join(models_v2.Port.__table__, _PORTS.id == _ATTACHED.port_id)
    )


def _is_interface() -> Any:
    return _ATTACHED.port_type != constants.DEVICE_OWNER_ROUTER_GW


def _ids(session: Any, query: Select[Any]) -> frozenset[str]:
    return frozenset(str(row[0]) for row in session.execute(query.distinct()))
