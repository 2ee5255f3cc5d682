"""Where a request for servers itself says that it wants to be: hosts, hypervisors, and hosts of other servers.

Source: nova/compute/api.py (`parse_availability_zone`), nova/api/openstack/compute/servers.py
(`_validate_host_availability_zone`, `_process_hosts_for_create`), nova/scheduler/filters/affinity_filter.py.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from triune.gateway.call import Call, quoted
from triune.gateway.compute.services import COMPUTE_BINARY
from triune.gateway.errors import ApiError
from triune.gateway.service import parse_version
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import SERVER, NotInAnyPod, PodsMissing, is_uuid
from triune.pods.placement import Limit
from triune.pods.registry import Pod

JSON = Mapping[str, Any]

# From here on `host` and `hypervisor_hostname` are fields of a request.
_NAMED_SINCE = (2, 74)
# The most servers whose hosts a request is to share.
MOST = 64
HINTS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")


@dataclass(frozen=True, slots=True)
class Destination:
    """What a request says of its place. `zone` is None where it names none; `rest` is what follows it, with its colon.

    `forces` tells that host and node stand in the zone: then they go before it, as with Nova.
    """

    zone: str | None = None
    rest: str = ""
    host: str = ""
    node: str = ""
    forces: bool = False


def destination(server: JSON, microversion: str | None) -> Destination:
    """Read the object `server` of `POST /servers`; what Nova refuses names nothing."""
    value = server.get("availability_zone")
    value = value if isinstance(value, str) else ""
    zone, colon, rest = value.partition(":")
    host, _, node = rest.partition(":")
    if ":" in node:
        host = node = ""
    forces = bool(host or node)
    if parse_version(microversion) >= _NAMED_SINCE and not forces:
        named = (server.get(name) for name in ("host", "hypervisor_hostname"))
        host, node = (each if isinstance(each, str) else "" for each in named)
    return Destination(zone or None, colon + rest, host, node, forces)


async def at_destination(call: Call, wanted: Destination) -> tuple[str | None, list[Limit]]:
    """The zone to look in, and the pod that has the host.

    Raises `ApiError` 400 where several have it, 503 where it may be in a pod that does not answer.

    A host that no pod has, or that the caller may not ask for, is left to a pod to refuse.
    """
    if not (wanted.host or wanted.node):
        return wanted.zone, []
    pods = await call.pods()
    having = await asyncio.gather(*(_has(call, pod, wanted) for pod in pods))
    found = [pod for pod, has_it in zip(pods, having, strict=True) if has_it]
    in_zone = [pod for pod in found if wanted.zone is None or pod.az_name == wanted.zone]
    what = f"Host {wanted.host}" if wanted.host else f"Hypervisor {wanted.node}"
    chosen = in_zone or found
    if len(chosen) > 1:
        names = ", ".join(sorted(pod.region_name for pod in chosen))
        raise ApiError(400, f"{what} is in several regions: {names}.")
    if not chosen and any(wanted.zone in (None, pod.az_name) for pod in call.missing.values()):
        raise ApiError(
            503, f"{what} could not be found in the pods that answer; no answer from {call.missing_names()}."
        )
    call.missing.clear()
    if not chosen:
        return wanted.zone, []
    # Nova goes to the host that a zone is given with, be it of that zone or not.
    zone = chosen[0].az_name if in_zone or wanted.forces else wanted.zone
    return zone, [Limit(what, frozenset({chosen[0].id}))]


async def _has(call: Call, pod: Pod, wanted: Destination) -> bool:
    """Whether the caller is shown by a pod that it has the host and the hypervisor."""
    try:
        is_host, is_node = await asyncio.gather(_has_host(call, pod, wanted.host), _has_node(call, pod, wanted.node))
    except PodUnreachable as error:
        call.lost(error)
        return False
    return is_host and is_node


async def _has_host(call: Call, pod: Pod, host: str) -> bool:
    if not host:
        return True
    services = (await _asked(call, pod, "/os-services")).json().get("services") or ()
    named = (each["host"] for each in services if each["binary"] == COMPUTE_BINARY)
    return any(each.casefold() == host.casefold() for each in named)


async def _has_node(call: Call, pod: Pod, node: str) -> bool:
    if not node:
        return True
    if node in (".", ".."):
        return False
    found = (await _asked(call, pod, f"/os-hypervisors/{quoted(node)}/search")).json().get("hypervisors") or ()
    return any(each["hypervisor_hostname"].casefold() == node.casefold() for each in found)


async def _asked(call: Call, pod: Pod, path: str) -> Document:
    # In later microversions the search is another path.
    oldest = replace(call, microversion="2.1")
    deadline = call.gateway.conf.pods.list_deadline
    return await oldest.fetch(call.target(pod, "GET", f"/{call.service.version}{path}", deadline=deadline))


def same_hosts(body: JSON) -> Iterator[str]:
    """The ids of servers one of whose hosts a request wants to share.

    Nova reads one spelling, and looks for any of them on a host; ids that it does not know it does not find.
    `different_host` says nothing of pods: hosts of other pods are different ones.
    """
    hints = next((body[name] for name in HINTS if name in body), None)
    named = hints.get("same_host") if isinstance(hints, dict) else None
    for each in named if isinstance(named, list) else [named]:
        if isinstance(each, str) and is_uuid(each):
            yield each


async def near_servers(call: Call, server_ids: Iterable[str]) -> list[Limit]:
    """The pods of servers whose hosts are to be shared, as far as the caller sees them. Raises `ApiError` 503."""
    wanted = list(dict.fromkeys(server_ids))[:MOST]
    found = await asyncio.gather(*(_pod_of(call, server_id) for server_id in wanted))
    pod_ids = frozenset(pod.id for pod in found if pod is not None)
    return [Limit(f"A server on the host of {', '.join(wanted)}", pod_ids)] if pod_ids else []


async def _pod_of(call: Call, server_id: str) -> Pod | None:
    try:
        pod = await call.locate(SERVER, server_id)
        deadline = call.gateway.conf.pods.list_deadline
        shown = await call.fetch(call.target(pod, "GET", SERVER.show(server_id), deadline=deadline))
    except NotInAnyPod:
        return None
    except (PodsMissing, PodUnreachable) as error:
        raise ApiError(503, f"server {server_id} cannot be looked up: {error}.") from error
    # Where others' servers are is told to nobody.
    return pod if shown.ok else None
