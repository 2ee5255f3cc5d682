"""The proxies: every operation and how it is answered; and what Nova itself answers with 410 only."""

from typing import Final

from triune.gateway.compute.proxies.floating_ip_pools import list_pools
from triune.gateway.compute.proxies.floating_ips import (
    create_floating_ip,
    delete_floating_ip,
    list_floating_ips,
    show_floating_ip,
)
from triune.gateway.compute.proxies.networks import (
    list_networks,
    list_tenant_networks,
    show_network,
    show_tenant_network,
)
from triune.gateway.compute.proxies.proxy import NetworkProxy
from triune.gateway.compute.proxies.security_group_rules import create_rule, delete_rule
from triune.gateway.compute.proxies.security_groups import (
    create_group,
    delete_group,
    list_groups,
    show_group,
    update_group,
)
from triune.gateway.routes import ANY, Route
from triune.gateway.strategies import Anywhere

_WRITING: Final = "POST PUT PATCH DELETE"
# The collections that can be written, too.
_NETWORK_PROXIES: Final = (
    "os-floating-ip-pools",
    "os-floating-ips",
    "os-security-group-rules",
    "os-security-groups",
)
# Of these only reading is left: writing is 410.
_READ_ONLY_PROXIES: Final = ("os-networks", "os-tenant-networks")
# Removed as a whole: nova.api.openstack.compute.agents, cells, certificates and so on.
_REMOVED: Final = (
    "os-agents",
    "os-cells",
    "os-certificates",
    "os-cloudpipe",
    "os-fixed-ips",
    "os-floating-ip-dns",
    "os-floating-ips-bulk",
    "os-fping",
    "os-security-group-default-rules",
)

PROXY_ROUTES: Final = (
    Route("GET", "/os-floating-ip-pools", NetworkProxy(list_pools)),
    Route("GET", "/os-floating-ips", NetworkProxy(list_floating_ips)),
    Route("POST", "/os-floating-ips", NetworkProxy(create_floating_ip)),
    Route("GET", "/os-floating-ips/{floating_ip_id}", NetworkProxy(show_floating_ip)),
    Route("DELETE", "/os-floating-ips/{floating_ip_id}", NetworkProxy(delete_floating_ip)),
    Route("GET", "/os-networks", NetworkProxy(list_networks)),
    Route("GET", "/os-networks/{network_id}", NetworkProxy(show_network)),
    Route("POST", "/os-security-group-rules", NetworkProxy(create_rule)),
    Route("DELETE", "/os-security-group-rules/{security_group_rule_id}", NetworkProxy(delete_rule)),
    Route("GET", "/os-security-groups", NetworkProxy(list_groups)),
    Route("POST", "/os-security-groups", NetworkProxy(create_group)),
    Route("GET", "/os-security-groups/{security_group_id}", NetworkProxy(show_group)),
    Route("PUT", "/os-security-groups/{security_group_id}", NetworkProxy(update_group)),
    Route("DELETE", "/os-security-groups/{security_group_id}", NetworkProxy(delete_group)),
    Route("GET", "/os-tenant-networks", NetworkProxy(list_tenant_networks)),
    Route("GET", "/os-tenant-networks/{network_id}", NetworkProxy(show_tenant_network)),
    # What else there may be below them.
    *(Route(ANY, f"/{name}/{{rest:path}}", NetworkProxy()) for name in _NETWORK_PROXIES),
    *(Route("GET HEAD", f"/{name}/{{rest:path}}", NetworkProxy()) for name in _READ_ONLY_PROXIES),
    *(Route(_WRITING, f"/{name}/{{rest:path}}", Anywhere()) for name in _READ_ONLY_PROXIES),
    *(Route(ANY, f"/{name}/{{rest:path}}", Anywhere()) for name in _REMOVED),
)
