"""Hosts and compute services: the pod that has the one which a request names.

A host name, and below microversion 2.53 the id of a service, is each pod's own, so two pods may have the same. Nothing
is then done in either by chance: Nova itself refuses an id that several of its cells have
(nova.api.openstack.compute.services, `delete`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from triune.gateway.call import Call
from triune.gateway.fanout import read_all
from triune.gateway.forward import forward
from triune.gateway.http import Response
from triune.gateway.only_pod import only_pod
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere
from triune.pods.registry import Pod

COMPUTE_BINARY = "nova-compute"


class Service(msgspec.Struct):
    """A service as `GET /os-services` tells it; one of a cell that is down has no id (from 2.69 on)."""

    binary: str
    host: str
    id: int | str | None = None


class _Services(msgspec.Struct):
    services: list[Service]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The service that a request is about: how it is known, what it is called, and what is said of several."""

    is_it: Callable[[Service], bool]
    name: str
    several: str


def compute_host(name: str) -> Wanted:
    """The compute service on a host. Databases of pods may not tell the case of letters, so it is not told here."""
    return Wanted(
        lambda service: service.binary == COMPUTE_BINARY and service.host.casefold() == name.casefold(),
        f"Host {name}",
        f"Host name {name} refers to multiple hosts",
    )


def number(text: str) -> int | None:
    """A number as Nova reads it in a path (oslo_utils.strutils.validate_integer)."""
    try:
        return int(text)
    except ValueError:
        return None


async def host_of_path(call: Call) -> Wanted | None:
    """`/os-hosts/{host_name}` and what is below."""
    return compute_host(call.parameters["host_name"])


async def host_of_body(call: Call) -> Wanted | None:
    """`PUT /os-services/enable` and the like, to 2.52; None for a body that Nova refuses, whoever gets it."""
    body = await call.json() or {}
    host = body.get("host")
    return compute_host(host) if isinstance(host, str) and body.get("binary") == COMPUTE_BINARY else None


async def service_of_path(call: Call) -> Wanted | None:
    """`/os-services/{service_id}`; None where that is not the id of a service."""
    service_id = call.parameters["service_id"]
    if call.request.method == "PUT" and parse_version(call.microversion) < (2, 53):
        # An action that there is not.
        return None
    return Wanted(
        lambda service: (
            service.id == number(service_id)
            if isinstance(service.id, int)
            else service.id is not None and service.id.casefold() == service_id.casefold()
        ),
        f"Service {service_id}",
        f"Service id {service_id} refers to multiple services",
    )


async def pod_of(call: Call, wanted: Wanted) -> Pod | Response | None:
    """The pod that has a service, None where no pod has it, or a refusal to tell.

    Raises `ApiError` 400 where several have it, 503 where it may be in a pod that does not answer.
    """
    deadline = call.gateway.conf.pods.list_deadline
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    path = f"/{call.service.version}/os-services"
    targets = [call.target(pod, "GET", path, deadline=deadline) for pod in pods]
    answers = await read_all(call, targets, lambda document: document.decode(_Services).services)
    if isinstance(answers, Response):
        return answers
    having = [document.pod for document, services in answers if any(wanted.is_it(service) for service in services)]
    missing = f"{wanted.name} could not be found in the pods that answer"
    return only_pod(call, having, missing, lambda pods: f"{wanted.several}: {pods}.")


class ServiceOwner:
    """The pod that has the service which a request names answers; one that no pod has, any pod refuses."""

    def __init__(self, named: Callable[[Call], Awaitable[Wanted | None]]) -> None:
        self._named = named

    async def __call__(self, call: Call) -> Response:
        wanted = await self._named(call)
        pod = await pod_of(call, wanted) if wanted is not None else None
        if isinstance(pod, Response):
            return pod
        return await (Anywhere()(call) if pod is None else forward(call, pod))
