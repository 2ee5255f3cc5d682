"""Zones that requests for one server name, in the words of its pod.

Sources: nova/api/openstack/compute/servers.py (`update`), shelve.py, and nova/compute/api.py (`unshelve`).
"""

from typing import Any, Final

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.place import UNKNOWN_ZONE
from triune.gateway.service import parse_version
from triune.pods.body import encode
from triune.pods.locate import SERVER
from triune.pods.registry import Pod

# From here on a server can be unshelved in a zone, and pinned to its own.
_UNSHELVED_SINCE: Final = (2, 77)
_PINNED_SINCE: Final = (2, 104)
PINNED = "pinned_availability_zone"
_LONGEST_NAME: Final = 255


async def unshelved_in_pod(call: Call, pod: Pod) -> None:
    """Put the zone in which a server is to be unshelved in the words of its pod.

    Raises `ApiError` 400 for another zone: a server does not leave its pod.
    """
    body, unshelve = await _part(call, "unshelve")
    zone = unshelve.get("availability_zone")
    if parse_version(call.microversion) < _UNSHELVED_SINCE or not isinstance(zone, str) or not zone:
        # Nova does not look at it, or refuses it.
        return
    if zone != pod.az_name:
        raise ApiError(400, UNKNOWN_ZONE["compute"])
    rest = {name: value for name, value in unshelve.items() if name != "availability_zone"}
    if own := await call.gateway.own_zones.of(pod):
        rest["availability_zone"] = own
    call.request.replace_body(encode({**body, "unshelve": rest or None}))


async def pinned_in_pod(call: Call, pod: Pod) -> None:
    """Put the zone to which a server is to be pinned in the words of its pod: the one it is pinned to, or is in.

    Raises `ApiError` 409 for another zone, `PodUnreachable`.
    """
    body, server = await _part(call, "server")
    zone = server.get(PINNED)
    if parse_version(call.microversion) < _PINNED_SINCE or not _is_name(zone):
        # Nova takes it for what it is, or refuses it.
        return
    shown = await call.fetch(call.target(pod, "GET", SERVER.show(call.parameters["server_id"])))
    if not shown.ok:
        # So does the change.
        return
    pinned = shown.part("server").get(PINNED)
    if zone == pod.az_name:
        own = pinned or shown.part("server").get("OS-EXT-AZ:availability_zone") or zone
        call.request.replace_body(encode({**body, "server": {**server, PINNED: own}}))
    elif pinned:
        raise ApiError(
            409,
            "Cannot change pinned availability zone directly. Unpin first by setting pinned_availability_zone to null.",
        )
    else:
        raise ApiError(
            409,
            f"Server can only be pinned to its current availability zone '{pod.az_name}', but '{zone}' was requested.",
        )


async def _part(call: Call, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body and an object in it; empty where there is none."""
    body = await call.json() or {}
    part = body.get(name)
    return body, part if isinstance(part, dict) else {}


def _is_name(zone: Any) -> bool:
    """Whether Nova's schema takes this for the name of a zone."""
    return isinstance(zone, str) and 0 < len(zone) <= _LONGEST_NAME and zone == zone.strip() and zone.isprintable()
