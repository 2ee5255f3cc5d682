"""The status of floating IPs: seen in the pods, and not what Neutron's own table says."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from neutron_lib import constants
from neutron_lib.objects.utils import NotIn

from triune.network.central import router_reads

_ACTIVE: Final[str] = constants.FLOATINGIP_STATUS_ACTIVE
_DOWN: Final[str] = constants.FLOATINGIP_STATUS_DOWN


def pods(session: Any, fip_ids: Collection[str]) -> dict[str, set[str]]:
    """The ids of the pods that answer under floating IPs, by floating IP."""
    return router_reads.answering_pods(session, fip_ids)


def status(router_id: str | None, pod_ids: Collection[str]) -> str:
    """A floating IP that leads to a port has a router; it is down until a pod answers under it."""
    return _ACTIVE if router_id and pod_ids else _DOWN


def filters(context: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Filters of a list, where one for a status has become one for ids."""
    found = dict(wanted)
    statuses = set(found.get("status") or ()) & {_ACTIVE, _DOWN}
    if not statuses:
        return found
    del found["status"]
    if statuses == {_ACTIVE, _DOWN}:
        return found
    active = router_reads.active_floating_ips(context.session, None if context.is_admin else context.project_id)
    named = found.get("id")
    if statuses == {_ACTIVE}:
        found["id"] = sorted(active.intersection(named) if named else active)
    elif named:
        found["id"] = sorted(set(named) - active)
    else:
        found["id"] = NotIn(sorted(active))
    return found
