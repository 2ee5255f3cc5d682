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
    if (await call.fetch(call.target(pod, "GET", path))).status != 404:
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
    shown = (await as_triune(source.pod, "GET", path)).json()["flavor"]
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
    if (await call.fetch(call.target(pod, "GET", path))).status != 404:
        return
    source = await _elsewhere(call, pod, path)
    if source is None:
        return
    shown = source.json()["keypair"]
    keypair = {key: shown[key] for key in ("name", "public_key", "type") if key in shown}
    await call.fetch(call.target(pod, "POST", "/v2.1/os-keypairs"), {"keypair": keypair})
    LOG.info("Keypair %s copied from %s to %s", name, source.pod.region_name, pod.region_name)


async def _elsewhere(call: Call, pod: Pod, path: str) -> Document | None:
    """What another pod shows at a path to the caller, or None."""

    async def show(other: Pod) -> Document | None:
        try:
            document = await call.fetch(call.target(other, "GET", path))
        except PodUnreachable:
            return None
        return document if document.ok else None

    others = [other for other in await call.pods() if other.id != pod.id]
    found = await asyncio.gather(*(show(other) for other in others))
    return next((document for document in found if document is not None), None)
