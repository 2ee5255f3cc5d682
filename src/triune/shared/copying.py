"""Copying a flavor or a keypair from one pod to another."""

from typing import Any
from urllib.parse import quote, urlencode

from oslo_log import log as logging

from triune.pods.client import Document
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser

LOG = logging.getLogger(__name__)

JSON = dict[str, Any]

# What `GET /flavors/{id}` shows and `POST /flavors` takes (microversion 2.61 shows extra specs and the description).
FLAVOR_VERSION = "compute 2.61"
FLAVOR_FIELDS = (
    "id",
    "name",
    "ram",
    "disk",
    "vcpus",
    "description",
    "OS-FLV-EXT-DATA:ephemeral",
    "os-flavor-access:is_public",
    "rxtx_factor",
)
# The microversion in which keypairs of other users can be asked for, and have a type.
KEYPAIR_VERSION = "compute 2.10"


class CopyRefused(Exception):
    """A pod did not do its part of a copy; `document` is its answer."""

    def __init__(self, what: str, document: Document) -> None:
        super().__init__(f"{what}: {document.pod.region_name} answers HTTP {document.status}")
        self.document = document


def flavor_path(flavor_id: str) -> str:
    """Where a flavor is shown."""
    return f"/v2.1/flavors/{quote(flavor_id, safe='')}"


def keypair_path(name: str) -> str:
    """Where a keypair is shown."""
    return f"/v2.1/os-keypairs/{quote(name, safe='')}"


async def copy_flavor(user: ServiceUser, source: Pod, target: Pod, flavor_id: str) -> None:
    """Create a flavor as another pod has it, with its extra specs and access list.

    Raises `CopyRefused`, `PodUnreachable`.
    """
    path = flavor_path(flavor_id)

    async def ask(pod: Pod, method: str, path: str, body: JSON | None = None) -> Document:
        document = await user.fetch(pod, "compute", method, path, body, microversion=FLAVOR_VERSION)
        # 409: it is there already.
        if not document.ok and document.status != 409:
            raise CopyRefused(f"flavor {flavor_id}", document)
        return document

    shown: JSON = (await ask(source, "GET", path)).part("flavor")
    created = await ask(target, "POST", "/v2.1/flavors", {"flavor": definition(shown)})
    known: JSON = created.part("flavor") if created.ok else (await ask(target, "GET", path)).part("flavor")
    if definition(known) != definition(shown):
        # The target has another flavor under this id or name: never overwritten.
        raise CopyRefused(f"flavor {flavor_id} is another one there", created)
    if shown.get("extra_specs") and not known.get("extra_specs"):
        await ask(target, "POST", f"{path}/os-extra_specs", {"extra_specs": shown["extra_specs"]})
    if not shown.get("os-flavor-access:is_public", True):
        for access in (await ask(source, "GET", f"{path}/os-flavor-access")).part("flavor_access"):
            await ask(target, "POST", f"{path}/action", {"addTenantAccess": {"tenant": access["tenant_id"]}})
    LOG.info("Flavor %s copied from %s to %s", flavor_id, source.region_name, target.region_name)


def definition(shown: JSON) -> JSON:
    """What makes a flavor what it is, as it is given to create one."""
    fields = {name: shown[name] for name in FLAVOR_FIELDS if shown.get(name) is not None}
    return {**fields, "swap": shown.get("swap") or 0}


async def copy_keypair(user: ServiceUser, source: Pod, target: Pod, user_id: str, name: str) -> None:
    """Import a user's keypair as another pod has it. Raises `CopyRefused`, `PodUnreachable`."""
    query = urlencode({"user_id": user_id})
    document = await user.fetch(source, "compute", "GET", keypair_path(name), query=query, microversion=KEYPAIR_VERSION)
    if not document.ok:
        raise CopyRefused(f"keypair {name}", document)
    shown = document.part("keypair")
    keypair = {"name": name, "public_key": shown["public_key"], "type": shown["type"], "user_id": user_id}
    document = await user.fetch(
        target, "compute", "POST", "/v2.1/os-keypairs", {"keypair": keypair}, microversion=KEYPAIR_VERSION
    )
    if not document.ok and document.status != 409:
        raise CopyRefused(f"keypair {name}", document)
    LOG.info("Keypair %s copied from %s to %s", name, source.region_name, target.region_name)
