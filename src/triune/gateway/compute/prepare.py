"""What a pod lacks for a server: flavors and keypairs that another pod has are copied when first needed."""

import asyncio
from typing import Any

import msgspec
from multidict import CIMultiDict
from oslo_log import log as logging

from triune.gateway.call import Call, quoted
from triune.pods.client import Document, PodUnreachable, Target
from triune.pods.registry import Pod

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# What `GET /flavors/{id}` shows and `POST /flavors` takes (microversion 2.61 shows extra specs and the description).
FLAVOR_VERSION = "2.61"
_FLAVOR_FIELDS = {
    "id": "id",
    "name": "name",
    "ram": "ram",
    "disk": "disk",
    "vcpus": "vcpus",
    "description": "description",
    "OS-FLV-EXT-DATA:ephemeral": "OS-FLV-EXT-DATA:ephemeral",
    "os-flavor-access:is_public": "os-flavor-access:is_public",
    "rxtx_factor": "rxtx_factor",
}


async def prepare_flavor(call: Call, pod: Pod, reference: Any) -> None:
    """See that a pod has a flavor; copied with Triune's own rights, for tenants may not create flavors.

    Does nothing where no pod has it, or where it cannot be copied: the pod then refuses the server in its own words.
    Raises `PodUnreachable` when this pod is away.
    """
    if not isinstance(reference, str | int):
        return
    path = f"/v2.1/flavors/{quoted(str(reference).rstrip('/').rpartition('/')[2])}"
    if not await _lacks(call, pod, path):
        return
    headers = CIMultiDict(
        {
            "X-Auth-Token": await call.gateway.identity.service_token(),
            "X-OpenStack-Request-ID": call.request.request_id,
            "OpenStack-API-Version": f"compute {FLAVOR_VERSION}",
            "Content-Type": "application/json",
        }
    )

    async def as_triune(pod: Pod, method: str, path: str, body: JSON | None = None) -> Document:
        target = Target(pod, "compute", method, path)
        return await call.gateway.client.fetch(target, headers, msgspec.json.encode(body) if body else None)

    # Only a flavor that the caller may see is copied.
    source = await _elsewhere(call, pod, path)
    if source is None:
        return
    whole = await as_triune(source.pod, "GET", path)
    if not whole.ok:
        LOG.warning("Flavor %s of %s cannot be read: HTTP %s", reference, source.pod.region_name, whole.status)
        return
    shown = whole.part("flavor")
    flavor = {name: shown[field] for field, name in _FLAVOR_FIELDS.items() if shown.get(field) is not None}
    flavor["swap"] = shown.get("swap") or 0
    created = await as_triune(pod, "POST", "/v2.1/flavors", {"flavor": flavor})
    if not created.ok:
        LOG.warning("Flavor %s cannot be copied to %s: HTTP %s", flavor["id"], pod.region_name, created.status)
        return
    if shown.get("extra_specs"):
        await as_triune(pod, "POST", f"{path}/os-extra_specs", {"extra_specs": shown["extra_specs"]})
    if not shown.get("os-flavor-access:is_public", True):
        await as_triune(pod, "POST", f"{path}/action", {"addTenantAccess": {"tenant": call.caller.project_id}})
    LOG.info("Flavor %s copied from %s to %s", flavor["id"], source.pod.region_name, pod.region_name)


async def prepare_keypair(call: Call, pod: Pod, name: Any) -> None:
    """See that a pod has the caller's keypair; copied with the caller's own rights.

    Does nothing where no pod has it. Raises `PodUnreachable` when this pod is away.
    """
    if not isinstance(name, str) or not name:
        return
    path = f"/v2.1/os-keypairs/{quoted(name)}"
    if not await _lacks(call, pod, path):
        return
    source = await _elsewhere(call, pod, path)
    if source is None:
        return
    shown = source.part("keypair")
    keypair = {key: shown[key] for key in ("name", "public_key", "type") if key in shown}
    await call.fetch(call.target(pod, "POST", "/v2.1/os-keypairs"), {"keypair": keypair})
    LOG.info("Keypair %s copied from %s to %s", name, source.pod.region_name, pod.region_name)


async def _elsewhere(call: Call, pod: Pod, path: str) -> Document | None:
    """What another pod shows at a path to the caller, or None."""

    deadline = call.gateway.conf.pods.list_deadline
    questions = [
        asyncio.create_task(call.fetch(call.target(other, "GET", path, deadline=deadline)))
        for other in await call.pods()
        if other.id != pod.id
    ]
    try:
        for question in asyncio.as_completed(questions):
            try:
                document = await question
            except PodUnreachable:
                continue
            if document.ok:
                return document
    finally:
        for task in questions:
            task.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
    return None


async def _lacks(call: Call, pod: Pod, path: str) -> bool:
    deadline = call.gateway.conf.pods.list_deadline
    return (await call.fetch(call.target(pod, "GET", path, deadline=deadline))).status == 404
