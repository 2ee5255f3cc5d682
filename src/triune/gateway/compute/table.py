"""The compute API: every operation and how it is answered.

Source: https://docs.openstack.org/api-ref/compute. Reading what is not listed goes to any
pod, which answers natively.
"""

from triune.gateway.collect import Collect
from triune.gateway.common import Common, InAll
from triune.gateway.compute import image_proxies, volume_proxies
from triune.gateway.compute.actions import Actions
from triune.gateway.compute.addresses import Addresses
from triune.gateway.compute.aggregate_changes import (
    act_on_aggregate,
    cache_images,
    change_aggregate,
    create_aggregate,
    remove_aggregate,
)
from triune.gateway.compute.aggregates import list_aggregates, show_aggregate
from triune.gateway.compute.create_server import CreateServer
from triune.gateway.compute.external_events import AssistedSnapshots, ExternalEvents
from triune.gateway.compute.flavor_changes import ChangeFlavor
from triune.gateway.compute.flavors import BRIEF_FLAVORS, FLAVORS, SHARED_FLAVORS, choose_flavor_id
from triune.gateway.compute.follow import Gone, Listed, OneServer
from triune.gateway.compute.hypervisors import BRIEF_HYPERVISORS, HYPERVISORS, Hypervisors, Numbered, OneHypervisor
from triune.gateway.compute.instance_actions import InstanceActions
from triune.gateway.compute.interfaces import Interfaces
from triune.gateway.compute.keypairs import KEYPAIRS, SHARED_KEYPAIRS, follow_keypair
from triune.gateway.compute.migrations import MIGRATIONS
from triune.gateway.compute.proxies.table import PROXY_ROUTES
from triune.gateway.compute.security_groups import server_groups
from triune.gateway.compute.server_group_operations import (
    create_server_group,
    list_server_groups,
    remove_server_group,
    show_server_group,
)
from triune.gateway.compute.server_quota import SERVERS_USED, NewServers
from triune.gateway.compute.servers import BRIEF_SERVERS, SERVERS, volume_in_same_pod
from triune.gateway.compute.services import ServiceOwner, host_of_body, host_of_path, service_of_path
from triune.gateway.compute.usages import AuditLog, PagedUsages, Usages
from triune.gateway.compute.volumes_boot import volumes_boot
from triune.gateway.compute.zones import availability_zones, availability_zones_detail
from triune.gateway.errors import compute_fault
from triune.gateway.everywhere import CreateEverywhere, RemoveEverywhere
from triune.gateway.gather import Gather
from triune.gateway.matching import Matching
from triune.gateway.only_one import OnlyOne
from triune.gateway.probing import Probing
from triune.gateway.quotas import RemoveQuota, SetQuota, ShowQuota, show_defaults, show_limits
from triune.gateway.routes import ANY, Route
from triune.gateway.service import Microversions, Service
from triune.gateway.since import Since
from triune.gateway.strategies import Anywhere, Here, Owner
from triune.gateway.sum import Sum
from triune.gateway.union import Union
from triune.gateway.versions import show_version
from triune.gateway.within import Within
from triune.pods.locate import SERVER

# What is done, to 2.52, to a service that the body names by its host.
SERVICE_ACTIONS = ("enable", "disable", "disable-log-reason", "force-down")
GONE = Gone()
OWN_ROUTES = (
    Route("GET", "/servers", Listed(Gather(BRIEF_SERVERS), GONE)),
    Route("GET", "/servers/detail", Listed(Gather(SERVERS), GONE)),
    Route("POST", "/servers", Within(SERVERS_USED, NewServers(), CreateServer())),
    Route(ANY, "/servers/{server_id}", OneServer(GONE)),
    Route("POST", "/servers/{server_id}/action", Actions()),
    Route("GET POST", "/servers/{server_id}/os-interface", Interfaces()),
    Route("GET DELETE", "/servers/{server_id}/os-interface/{port_id}", Interfaces()),
    Route("GET", "/servers/{server_id}/ips", Addresses()),
    Route("GET", "/servers/{server_id}/ips/{network_label}", Addresses()),
    Route("GET", "/servers/{server_id}/os-security-groups", Here(server_groups)),
    Route("GET", "/servers/{server_id}/os-instance-actions", InstanceActions()),
    Route("GET", "/servers/{server_id}/os-instance-actions/{request_id}", InstanceActions()),
    Route("POST", "/servers/{server_id}/os-volume_attachments", Owner(SERVER, "server_id", check=volume_in_same_pod)),
    Route(
        "PUT",
        "/servers/{server_id}/os-volume_attachments/{volume_id}",
        Owner(SERVER, "server_id", check=volume_in_same_pod),
    ),
    Route(ANY, "/servers/{server_id}/{rest:path}", Owner(SERVER, "server_id")),
    *PROXY_ROUTES,
    Route("GET", "/flavors", Union(BRIEF_FLAVORS)),
    Route("GET", "/flavors/detail", Union(FLAVORS)),
    Route("POST", "/flavors", CreateEverywhere(SHARED_FLAVORS, complete=choose_flavor_id)),
    Route("GET", "/flavors/{flavor_id}/{rest:path}", Anywhere()),
    Route("DELETE", "/flavors/{flavor_id}", RemoveEverywhere(SHARED_FLAVORS)),
    Route("POST PUT DELETE", "/flavors/{flavor_id}/{rest:path}", ChangeFlavor()),
    Route("GET", "/os-keypairs", Union(KEYPAIRS)),
    Route("POST", "/os-keypairs", CreateEverywhere(SHARED_KEYPAIRS, follow=follow_keypair)),
    Route("GET", "/os-keypairs/{name}", Anywhere()),
    Route("DELETE", "/os-keypairs/{name}", RemoveEverywhere(SHARED_KEYPAIRS)),
    Route("GET", "/os-server-groups", Here(list_server_groups)),
    Route("POST", "/os-server-groups", Here(create_server_group)),
    Route("GET", "/os-server-groups/{group_id}", Here(show_server_group)),
    Route("DELETE", "/os-server-groups/{group_id}", Here(remove_server_group)),
    # What Nova does not know, it refuses in its own words.
    Route("POST PUT PATCH", "/os-server-groups/{group_id}", Anywhere()),
    Route("GET", "/os-availability-zone", Here(availability_zones)),
    Route("GET", "/os-availability-zone/detail", Here(availability_zones_detail)),
    Route("GET", "/limits", Here(show_limits)),
    Route("GET", "/os-aggregates", Here(list_aggregates)),
    Route("POST", "/os-aggregates", Here(create_aggregate)),
    Route("GET", "/os-aggregates/{aggregate_id}", Here(show_aggregate)),
    Route("PUT", "/os-aggregates/{aggregate_id}", Here(change_aggregate)),
    Route("DELETE", "/os-aggregates/{aggregate_id}", Here(remove_aggregate)),
    Route("POST", "/os-aggregates/{aggregate_id}/action", Here(act_on_aggregate)),
    Route("POST", "/os-aggregates/{aggregate_id}/images", Here(cache_images)),
    Route("GET", "/os-hosts", Collect("hosts")),
    Route("GET PUT", "/os-hosts/{host_name}", ServiceOwner(host_of_path)),
    # The last segment is what is done to the power of the host.
    Route("GET", "/os-hosts/{host_name}/{rest:path}", ServiceOwner(host_of_path)),
    Route("GET", "/os-hypervisors", Numbered(Hypervisors(BRIEF_HYPERVISORS))),
    Route("GET", "/os-hypervisors/detail", Numbered(Hypervisors(HYPERVISORS))),
    Route("GET", "/os-hypervisors/statistics", Sum("hypervisor_statistics")),
    Route("GET", "/os-hypervisors/{hypervisor_id}", Numbered(OneHypervisor())),
    Route("GET", "/os-hypervisors/{hypervisor_id}/uptime", Numbered(OneHypervisor())),
    Route("GET", "/os-hypervisors/{pattern}/search", Numbered(Matching("hypervisors"))),
    Route("GET", "/os-hypervisors/{pattern}/servers", Numbered(Matching("hypervisors"))),
    Route("GET", "/os-migrations", Since("2.59", Probing(MIGRATIONS), Collect("migrations"))),
    Route("GET", "/os-services", Collect("services")),
    *(Route("PUT", f"/os-services/{action}", ServiceOwner(host_of_body)) for action in SERVICE_ACTIONS),
    Route("PUT DELETE", "/os-services/{service_id}", ServiceOwner(service_of_path)),
    Route("GET", "/os-quota-sets/{project_id}", ShowQuota()),
    Route("GET", "/os-quota-sets/{project_id}/detail", ShowQuota()),
    Route("GET", "/os-quota-sets/{project_id}/defaults", Here(show_defaults)),
    Route("PUT", "/os-quota-sets/{project_id}", SetQuota()),
    Route("DELETE", "/os-quota-sets/{project_id}", RemoveQuota()),
    Route("GET", "/os-quota-class-sets/{quota_class}", ShowQuota()),
    Route("PUT", "/os-quota-class-sets/{quota_class}", SetQuota()),
    Route("POST", "/os-server-external-events", ExternalEvents()),
    Route("POST", "/os-assisted-volume-snapshots", AssistedSnapshots()),
    Route("DELETE", "/os-assisted-volume-snapshots/{snapshot_id}", AssistedSnapshots()),
    Route("GET", "/os-simple-tenant-usage", Since("2.40", PagedUsages(), Usages())),
    Route("GET", "/os-simple-tenant-usage/{tenant_id}", Since("2.40", PagedUsages(), Usages())),
    Route("GET", "/os-instance_usage_audit_log", AuditLog("instance_usage_audit_logs")),
    Route("GET", "/os-instance_usage_audit_log/{before_timestamp}", AuditLog("instance_usage_audit_log")),
    Route("GET", "/extensions", Common("extensions", "alias")),
    Route("GET", "/extensions/{alias}", InAll()),
    Route("GET", "/versions/{api_version}", Here(show_version)),
    Route("GET", "/os-console-auth-tokens/{console_token}", OnlyOne("Token", "console_token")),
    Route("GET", "/os-baremetal-nodes", Since("2.36", Anywhere(), Collect("nodes"))),
    Route("GET", "/os-baremetal-nodes/{node_id}", Since("2.36", Anywhere(), OnlyOne("Node", "node_id"))),
    # Nova's own 400 to all of these, which names the command of Ironic.
    Route("POST", "/os-baremetal-nodes", Anywhere()),
    Route("DELETE", "/os-baremetal-nodes/{node_id}", Anywhere()),
    Route("POST", "/os-baremetal-nodes/{node_id}/action", Anywhere()),
)
ROUTES = (*OWN_ROUTES, *volumes_boot(OWN_ROUTES), *volume_proxies.ROUTES, *image_proxies.ROUTES)

COMPUTE = Service(
    name="compute",
    prefix="/compute",
    version="v2.1",
    fault=compute_fault,
    routes=ROUTES,
    microversions=Microversions("compute", default="2.1", legacy_header="X-OpenStack-Nova-API-Version"),
    version_documents=("/", "/v2/", "/v2.1/"),
    legacy_version="v2",
)
