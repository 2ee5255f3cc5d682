"""The admin API of pods: register, show, change and remove them, and see whether they answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from multidict import CIMultiDict

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.pods.client import PodUnreachable, Target
from triune.pods.endpoints import SERVICE_TYPES
from triune.pods.registry import DuplicatePod, Pod, UnknownPod

JSON = dict[str, Any]

MAX_NAME = 255
# The services of a pod that the gateway needs, and a path of each that answers without a token.
PROBES = {"compute": "/", "volume": "/", "image": "/", "network": "/", "placement": "/"}


def view(pod: Pod) -> JSON:
    """A pod as the API shows it."""
    return {
        "pod_id": pod.id,
        "region_name": pod.region_name,
        "az_name": pod.az_name,
        "pod_az_name": pod.pod_az_name,
        "dc_name": pod.dc_name,
        "enabled": pod.enabled,
    }


async def list_pods(call: Call) -> Response:
    """`GET /v1.0/pods`."""
    return Response.json({"pods": [view(pod) for pod in await call.gateway.registry.all()]})


async def show_pod(call: Call) -> Response:
    """`GET /v1.0/pods/{pod_id}`."""
    return Response.json({"pod": view(await _pod(call))})


async def create_pod(call: Call) -> Response:
    """`POST /v1.0/pods`; without `az_name` it registers the central region itself."""
    body = await _body(call)
    region_name = _text(body, "region_name")
    az_name = _text(body, "az_name")
    if not region_name:
        raise ApiError(422, "region_name is required")
    if az_name and region_name == call.gateway.conf.central_region:
        # It would make the gateway ask itself.
        raise ApiError(409, "Pod region name duplicated with the top region name")
    try:
        pod = await call.gateway.registry.create(
            region_name, az_name, _text(body, "pod_az_name"), _text(body, "dc_name")
        )
    except DuplicatePod as error:
        raise ApiError(409, str(error)) from error
    if not pod.is_central:
        await call.gateway.limits.wanted_in(pod.id, call.request.request_id)
    return Response.json({"pod": view(pod)})


async def update_pod(call: Call) -> Response:
    """`PATCH /v1.0/pods/{pod_id}`: `az_name`, `pod_az_name`, `dc_name`, `enabled`."""
    body = await _body(call)
    readers: dict[str, Callable[[JSON, str], str | bool]] = {
        "az_name": _text,
        "pod_az_name": _text,
        "dc_name": _text,
        "enabled": _flag,
    }
    if unknown := sorted(body.keys() - readers.keys()):
        raise ApiError(400, f"These fields of a pod cannot be changed: {', '.join(unknown)}")
    if not body:
        raise ApiError(400, f"Nothing to change: give one of {', '.join(readers)}")
    values = {name: readers[name](body, name) for name in body}
    pod = await _pod(call)
    if "az_name" in values and pod.is_central != (not values["az_name"]):
        raise ApiError(400, "az_name may not be emptied, nor given to the central region")
    return Response.json({"pod": view(await call.gateway.registry.update(pod.id, values))})


async def delete_pod(call: Call) -> Response:
    """`DELETE /v1.0/pods/{pod_id}`: forgets the pod; what runs in it stays."""
    await call.gateway.registry.delete((await _pod(call)).id)
    return Response.json({})


async def pod_health(call: Call) -> Response:
    """`GET /v1.0/pods/{pod_id}/health`: each service asked now, and what its breaker says."""
    pod = await _pod(call)
    services = await asyncio.gather(*(_probe(call, pod, service) for service in SERVICE_TYPES))
    healthy = all(service["status"] == "up" for service in services)
    return Response.json(
        {"health": {"pod_id": pod.id, "region_name": pod.region_name, "healthy": healthy, "services": services}}
    )


async def _probe(call: Call, pod: Pod, service: str) -> JSON:
    breaker = call.gateway.health.breaker(pod.id, service)
    left_out = breaker.is_open
    headers = CIMultiDict({"X-OpenStack-Request-ID": call.request.request_id})
    target = Target(pod, service, "GET", PROBES[service], deadline=call.gateway.conf.pods.list_deadline)
    # A probe passes the breaker like any request; while it is open and its pause not over, the last error is told.
    try:
        await call.gateway.client.fetch(target, headers)
    except PodUnreachable as error:
        return {"service": service, "status": "down", "left_out": left_out, "error": error.reason}
    return {"service": service, "status": "up", "left_out": breaker.is_open, "error": None}


async def _pod(call: Call) -> Pod:
    try:
        return await call.gateway.registry.get(call.parameters["pod_id"])
    except UnknownPod as error:
        raise ApiError(404, "Pod not found") from error


async def _body(call: Call) -> JSON:
    pod = (await call.json() or {}).get("pod")
    if not isinstance(pod, dict):
        raise ApiError(400, "Request body pod not found")
    return pod


def _text(body: JSON, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value.strip()) > MAX_NAME:
        raise ApiError(400, f"{name} must be a string of at most {MAX_NAME} characters")
    return value.strip()


def _flag(body: JSON, name: str) -> bool:
    value = body[name]
    if not isinstance(value, bool):
        raise ApiError(400, f"{name} must be true or false")
    return value
