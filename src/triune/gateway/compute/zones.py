"""Availability zones: what tenants choose from."""

from typing import Any

from triune.gateway.call import Call
from triune.gateway.fanout import read_all
from triune.gateway.http import Response

# The zone of a pod's own control plane is no place for servers.
INTERNAL = "internal"


async def zone_states(call: Call) -> dict[str, bool]:
    """Each availability zone, and whether a pod of it takes new resources and answers."""
    health = call.gateway.health
    states: dict[str, bool] = {}
    for pod in await call.pods():
        available = pod.enabled and not health.breaker(pod.id, call.service.name).is_open
        states[pod.az_name] = states.get(pod.az_name, False) or available
    return dict(sorted(states.items()))


async def availability_zones(call: Call) -> Response:
    """`GET /os-availability-zone` of Nova and Cinder."""
    zones: list[dict[str, Any]] = [
        {"zoneName": name, "zoneState": {"available": available}}
        for name, available in (await zone_states(call)).items()
    ]
    if call.service.name == "compute":
        zones = [{**zone, "hosts": None} for zone in zones]
    return call.marked(Response.json({"availabilityZoneInfo": zones}))


async def availability_zones_detail(call: Call) -> Response:
    """`GET /os-availability-zone/detail`: the hosts of all pods under the zones of the top, for administrators."""
    targets = [call.target(pod, deadline=call.gateway.conf.pods.list_deadline) for pod in await call.pods()]
    answers = await read_all(call, targets, lambda document: document.part("availabilityZoneInfo"))
    if isinstance(answers, Response):
        return answers
    call.settle_missing(answered=bool(answers))
    hosts: dict[str, dict[str, Any]] = {}
    for document, zones_of_pod in answers:
        for zone in zones_of_pod:
            name = INTERNAL if zone["zoneName"] == INTERNAL else document.pod.az_name
            for host, services in (zone["hosts"] or {}).items():
                # Pods may call hosts alike, those of their control planes above all.
                hosts.setdefault(name, {}).setdefault(host, {}).update(services)
    states = await zone_states(call)
    zones = [
        {"zoneName": name, "zoneState": {"available": states.get(name, True)}, "hosts": hosts.get(name, {})}
        for name in sorted({*hosts, *states})
    ]
    return call.marked(Response.json({"availabilityZoneInfo": zones}))
