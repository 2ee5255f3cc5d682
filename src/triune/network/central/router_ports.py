"""Where the ports of routers are placed: by where the router is, whatever their profile says.

A gateway is in one pod. Interfaces of a local router are in that router's pod. Those of other routers are placed
nowhere: the router is wherever their network is.
"""

from collections.abc import Mapping
from typing import Any, Final

from neutron_lib import constants, exceptions

from triune.network.central import location, reads, router_reads
from triune.network.central.profile import Place
from triune.network.central.router_reads import Router

_OWNERS: Final = (constants.DEVICE_OWNER_ROUTER_GW, constants.DEVICE_OWNER_ROUTER_INTF)


def router_of(session: Any, shown: Mapping[str, Any]) -> Router | None:
    """The router of which a port, as Neutron shows it, is a part."""
    if shown.get("device_owner") not in _OWNERS or not shown.get("device_id"):
        return None
    return router_reads.router(session, shown["device_id"])


def place(session: Any, router: Router, shown: Mapping[str, Any], pod_id: str, said: Place | None) -> Place | None:
    """Where a port of a router is to be.

    `pod_id` is where it is, empty for nowhere; `said` is what it would be were it not a router's. Raises `BadRequest`
    where a gateway can be nowhere.
    """
    if shown["device_owner"] == constants.DEVICE_OWNER_ROUTER_GW:
        return Place(pod_id or _gateway_pod(session, router, shown["network_id"]))
    local = location.local_pod(router.hints, reads.pods(session)) if router.hints else None
    return said if local is None else Place(local.id)


def _gateway_pod(session: Any, router: Router, network_id: str) -> str:
    network = router_reads.network(session, network_id)
    interfaces = router_reads.pods_of_interfaces(session, router.id)
    pod = location.gateway_pod(router.hints, network, reads.pods(session), interfaces)
    if pod is None:
        text = f"There is no region in which router {router.id} can have a gateway on network {network_id}"
        raise exceptions.BadRequest(resource="router", msg=text)
    return pod.id
