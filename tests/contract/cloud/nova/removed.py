"""What Nova answers with 410 only (nova/api/openstack/compute/agents.py, cells.py, networks.py and so on)."""

from collections.abc import Iterable

from ..service import Answer, Asked, On, fault
from .base import ROOT

# Methods and paths (nova/api/openstack/compute/routes.py).
REMOVED = (
    ("GET POST", "os-agents"),
    ("PUT DELETE", "os-agents/[^/]+"),
    ("GET POST", "os-cells"),
    ("POST", "os-cells/sync_instances"),
    ("GET PUT DELETE", "os-cells/[^/]+"),
    ("GET", "os-cells/[^/]+/capacities"),
    ("POST", "os-certificates"),
    ("GET", "os-certificates/[^/]+"),
    ("GET POST", "os-cloudpipe"),
    ("PUT", "os-cloudpipe/[^/]+"),
    ("GET", "os-fixed-ips/[^/]+"),
    ("POST", "os-fixed-ips/[^/]+/action"),
    ("GET", "os-floating-ip-dns"),
    ("PUT DELETE", "os-floating-ip-dns/[^/]+"),
    ("GET PUT DELETE", "os-floating-ip-dns/[^/]+/entries/[^/]+"),
    ("GET POST", "os-floating-ips-bulk"),
    ("GET PUT", "os-floating-ips-bulk/[^/]+"),
    ("GET", "os-fping"),
    ("GET", "os-fping/[^/]+"),
    ("POST", "os-networks"),
    ("POST", "os-networks/add"),
    ("DELETE", "os-networks/[^/]+"),
    ("POST", "os-networks/[^/]+/action"),
    ("GET POST", "os-security-group-default-rules"),
    ("GET DELETE", "os-security-group-default-rules/[^/]+"),
    ("GET POST", "servers/[^/]+/consoles"),
    ("GET DELETE", "servers/[^/]+/consoles/[^/]+"),
    ("GET", "servers/[^/]+/os-virtual-interfaces"),
    ("POST", "os-tenant-networks"),
    ("DELETE", "os-tenant-networks/[^/]+"),
)


def removed_routes() -> Iterable[On]:
    """Their part of the table."""
    return [On(methods, f"{ROOT}/{path}", _gone) for methods, path in REMOVED]


def _gone(_asked: Asked) -> Answer:
    raise fault(410, "This resource is no longer available.  No forwarding address is given.")
