"""What a change of routers and floating IPs touches: rows as SQLAlchemy writes them, and ports of routers that go.

Neutron deletes routers, their routes, floating IPs and port forwardings row by row, also those that go with a port, so
all of it is seen in a flush. An interface is told of before its port is removed, while it is known where it was.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from neutron.db.models.l3 import FloatingIP, Router, RouterPort, RouterRoute
from neutron.db.models.port_forwarding import PortForwarding
from neutron_lib import constants
from sqlalchemy import inspect

from triune.network.central import reads, router_reads, routing_keys
from triune.work.requests import Key


def router(session: Any, router_id: str) -> set[Key]:
    """A router changed."""
    return routing_keys.by_routers(router_reads.pods_of_routers(session, [router_id]))


def floating_ip(session: Any, fip_id: str) -> set[Key]:
    """A floating IP changed."""
    return routing_keys.by_floating_ips(router_reads.pods_of_floating_ips(session, [fip_id]))


def port_forwarding(session: Any, forwarding_id: str) -> set[Key]:
    """A port forwarding changed in what stands in no row of its own."""
    return floating_ip(session, router_reads.floating_ip_of(session, forwarding_id) or "")


def lost_port(session: Any, owner: router_reads.Router, shown: dict[str, Any]) -> set[Key]:
    """A port of a router is about to be removed."""
    return _by_port(session, owner.id, shown["network_id"], shown["device_owner"]) | routing_keys.by_loss(
        owner.project_id
    )


def moved_port(session: Any, port_id: str, pod_ids: Iterable[str]) -> set[Key]:
    """A port came to or left pods; floating IPs may lead to it."""
    found = router_reads.floating_ips_of_port(session, port_id)
    return routing_keys.by_floating_ips(router_reads.pods_of_floating_ips(session, found), pod_ids)


def readdressed_ports(session: Any, port_ids: Iterable[str]) -> set[Key]:
    """Ports got or lost addresses; they may be routers'."""
    keys: set[Key] = set()
    for attached in router_reads.attached(session, set(port_ids)):
        keys |= _by_port(session, attached.router_id, attached.network_id, attached.port_type)
    return keys


def _by_port(session: Any, router_id: str, network_id: str | None, owner: str) -> set[Key]:
    concerned = {router_id}
    if network_id is None or owner == constants.DEVICE_OWNER_ROUTER_GW:
        return routing_keys.by_routers(router_reads.pods_of_routers(session, concerned))
    concerned |= router_reads.local_neighbours(session, router_id, network_id)
    present = reads.pods_of_network(session, network_id)
    pods = router_reads.pods_of_routers(session, concerned)
    pods[router_id] |= present
    return routing_keys.by_interface(pods, network_id, present)


def _by_routers(session: Any, rows: Iterable[Any]) -> set[Key]:
    keys: set[Key] = set()
    for row in rows:
        keys |= router(session, row.id)
        if row in session.deleted:
            keys |= routing_keys.by_loss(row.project_id)
    return keys


def _by_router_ports(session: Any, rows: Iterable[Any]) -> set[Key]:
    keys: set[Key] = set()
    for row in rows:
        network_id = router_reads.network_of_port(session, row.port_id)
        keys |= _by_port(session, row.router_id, network_id, row.port_type)
    return keys


def _by_routes(session: Any, rows: Iterable[Any]) -> set[Key]:
    return set().union(*(router(session, router_id) for row in rows for router_id in values(row, "router_id")))


def _by_floating_ips(session: Any, rows: Iterable[Any]) -> set[Key]:
    keys: set[Key] = set()
    for row in rows:
        pods = router_reads.pods_of_floating_ips(session, [row.id])
        was = router_reads.pods_of(session, values(row, "fixed_port_id"), values(row, "router_id"))
        keys |= routing_keys.by_floating_ips(pods, was)
    return keys


def _by_port_forwardings(session: Any, rows: Iterable[Any]) -> set[Key]:
    keys: set[Key] = set()
    for row in rows:
        pods = router_reads.pods_of_floating_ips(session, values(row, "floatingip_id"))
        was = router_reads.pods_of(session, values(row, "internal_neutron_port_id"), ())
        keys |= routing_keys.by_floating_ips(pods, was)
    return keys


def values(row: Any, name: str) -> set[str]:
    """What a column of a row is and was, as long as the change is not committed."""
    history = inspect(row).attrs[name].history
    seen = (*history.added, *history.unchanged, *history.deleted)
    return {str(value) for value in seen if value is not None}


KEYS: Final[dict[type, Callable[[Any, Iterable[Any]], set[Key]]]] = {
    Router: _by_routers,
    RouterPort: _by_router_ports,
    RouterRoute: _by_routes,
    FloatingIP: _by_floating_ips,
    PortForwarding: _by_port_forwardings,
}
