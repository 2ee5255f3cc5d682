"""Hosts and clusters of the pods' block storage: administrators name them, and they tell the pod."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from triune.gateway.call import Call
from triune.gateway.collect import Collect
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import Everywhere
from triune.gateway.fanout import ask_all
from triune.gateway.forward import forward
from triune.gateway.http import Response
from triune.gateway.join import Join
from triune.gateway.only_pod import only_pod
from triune.gateway.place import JSON, create
from triune.gateway.routes import Route
from triune.gateway.strategies import Anywhere
from triune.gateway.volume.create import SNAPSHOTS, VOLUMES, CreateIn, in_pod
from triune.gateway.volume.types import type_name
from triune.pods.registry import Pod

# The microversion in which a service tells its cluster.
_CLUSTERS = "3.7"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is to be done: `field` is that of a service, `host` or `cluster`."""

    field: str
    name: str


Named = Callable[[Call], Awaitable[Place | None]]


def holders(services: Mapping[str, list[JSON]], place: Place) -> list[str]:
    """Those (by their ids) of some pods, given with their services, that have a place.

    A host may be named with its pool (`host@backend#pool`), and where there is none of a name without its back end.
    """
    name = place.name.partition("#")[0]

    def having(fits: Callable[[str], bool]) -> list[str]:
        return [
            pod_id
            for pod_id, listed in services.items()
            if any(fits(str(each.get(place.field) or "")) for each in listed)
        ]

    return having(lambda known: known == name) or having(lambda known: known.startswith(f"{name}@"))


async def pod_of(call: Call, place: Place) -> Pod | None:
    """The pod that has a place, as far as the caller may know; None where none that answers has it.

    Raises `ApiError`: 400 where several pods have it, 503 where it may be in a pod that does not answer.
    """
    assert call.service.microversions is not None
    headers = call.headers(with_body=False)
    call.service.microversions.set(headers, _CLUSTERS)
    pods = {pod.id: pod for pod in sorted(await call.pods(), key=lambda pod: pod.region_name)}
    deadline = call.gateway.conf.pods.list_deadline
    path = f"/{call.service.version}/os-services"
    targets = [call.target(pod, "GET", path, deadline=deadline) for pod in pods.values()]
    documents = await ask_all(call, targets, headers=headers)
    services = {document.pod.id: document.part("services") for document in documents if document.ok}
    found = [pods[pod_id] for pod_id in holders(services, place)]
    name = f"{place.field.capitalize()} {place.name}"
    several = "is in several pods, and it cannot be told which of them is meant"
    return only_pod(call, found, f"{name} was not found", lambda pods: f"{name} {several}: {pods}.")


class AtHost:
    """The pod that has the host or cluster which the request names answers; where none has it, any refuses it."""

    def __init__(self, named: Named) -> None:
        self._named = named

    async def __call__(self, call: Call) -> Response:
        if call.request.has_body:
            await call.request.body(call.gateway.conf.gateway.max_request_body)
        place = await self._named(call)
        pod = await pod_of(call, place) if place is not None else None
        return await (Anywhere()(call) if pod is None else forward(call, pod))


class ManageVolume:
    """A volume that a back end has already: it comes under the care of the pod of the host that is named."""

    async def __call__(self, call: Call) -> Response:
        body = await call.json()
        wanted = (body or {}).get("volume")
        place = _place(wanted) if isinstance(wanted, dict) else None
        pod = await pod_of(call, place) if place is not None else None
        if body is None or place is None or pod is None:
            return await Anywhere()(call)
        assert isinstance(wanted, dict)
        zone = wanted.get("availability_zone")
        if isinstance(zone, str) and zone and zone != pod.az_name:
            raise ApiError(
                400,
                f"{place.field.capitalize()} {place.name} is in availability zone {pod.az_name}, and not in {zone}.",
            )
        named = {"volume_type": await type_name(call, wanted["volume_type"])} if "volume_type" in wanted else {}

        async def prepare(pod: Pod) -> JSON:
            result = in_pod(body, VOLUMES, pod)
            result["volume"].update(named)
            return result

        return await create(call, [pod], VOLUMES.kind, VOLUMES.body_key, prepare)


# -- where the place stands in a request


def _place(fields: Mapping[str, Any]) -> Place | None:
    """One of the two; both or none is for the pods to refuse (cinder.api.common.get_cluster_host)."""
    named = [Place(field, fields[field]) for field in ("host", "cluster") if fields.get(field)]
    return named[0] if len(named) == 1 and isinstance(named[0].name, str) else None


async def _in_body(call: Call) -> Place | None:
    return _place(await call.json() or {})


async def _in_query(call: Call) -> Place | None:
    return _place(dict(parse_qsl(call.request.query)))


async def _in_path(call: Call) -> Place | None:
    return Place("host", call.parameters["host_name"])


async def _cluster_in_path(call: Call) -> Place | None:
    return Place("cluster", call.parameters["cluster_name"])


async def _cluster_in_body(call: Call) -> Place | None:
    name = (await call.json() or {}).get("name")
    return Place("cluster", name) if isinstance(name, str) and name else None


async def _is_clear(call: Call) -> None:
    """Refuse to clean up what a service of that number has begun in each pod. Raises `ApiError` 400."""
    body = await call.json() or {}
    narrows = any(body.get(field) for field in ("host", "cluster_name", "resource_id"))
    if body.get("service_id") is not None and not narrows and len(await call.pods()) > 1:
        raise ApiError(400, "Each pod has numbers of its own for its services: name the host or the cluster as well.")


_AT_HOST = AtHost(_in_body)

ROUTES = (
    Route("GET", "/os-services", Collect("services")),
    *(
        Route("PUT", f"/os-services/{action}", _AT_HOST)
        for action in ("disable", "disable-log-reason", "enable", "failover_host", "freeze", "thaw")
    ),
    # A pod without the server that is named has nothing to tell, and nothing to do.
    Route("PUT", "/os-services/get-log", Join("log_levels")),
    Route("PUT", "/os-services/set-log", Everywhere()),
    Route("GET", "/os-hosts", Collect("hosts")),
    Route("GET PUT", "/os-hosts/{host_name}", AtHost(_in_path)),
    Route("GET", "/capabilities/{host_name}", AtHost(_in_path)),
    Route("GET", "/scheduler-stats/get_pools", Collect("pools")),
    Route("GET", "/clusters", Collect("clusters")),
    Route("GET", "/clusters/detail", Collect("clusters")),
    Route("GET", "/clusters/{cluster_name}", AtHost(_cluster_in_path)),
    Route("PUT", "/clusters/disable", AtHost(_cluster_in_body)),
    Route("PUT", "/clusters/enable", AtHost(_cluster_in_body)),
    *(
        route
        for name, adopt in (
            ("os-volume-manage", ManageVolume()),
            ("manageable_volumes", ManageVolume()),
            ("os-snapshot-manage", CreateIn(SNAPSHOTS)),
            ("manageable_snapshots", CreateIn(SNAPSHOTS)),
        )
        for route in (
            Route("GET", f"/{name}", AtHost(_in_query)),
            Route("GET", f"/{name}/detail", AtHost(_in_query)),
            Route("POST", f"/{name}", adopt),
        )
    ),
    # A pod that has nothing of the resource to clean up says 400.
    Route("POST", "/workers/cleanup", Join("cleaning", "unavailable", check=_is_clear, passed_over=(400,))),
)
