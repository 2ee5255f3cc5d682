"""The parts of a flavor that can be changed: its description, its extra specs, who has access."""

from typing import Any
from urllib.parse import quote, unquote

from triune.pods.client import Document
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser
from triune.shared.changes import Parts
from triune.shared.copying import FLAVOR_VERSION, CopyRefused, definition, flavor_path

DESCRIPTION, SPECS, ACCESS = "description", "os-extra_specs/", "os-flavor-access/"
# The longest name of a part (`triune.db.models.ChangeRow`).
MAX_PART = 300


def parts_of(method: str, below: str, body: Any) -> Parts:
    """What a request changes, `below` being what stands in its path behind the flavor; nothing where that is unclear.

    Source: nova/api/openstack/compute/flavors.py, flavors_extraspecs.py and flavor_access.py.
    """
    parts = _parts(method, below.strip("/"), body if isinstance(body, dict) else {})
    return parts if all(len(part) <= MAX_PART for part in parts) else {}


def _parts(method: str, below: str, body: dict[str, Any]) -> Parts:
    collection, _, key = below.partition("/")
    key = unquote(key)
    if (method, below) == ("PUT", ""):
        flavor = body.get("flavor")
        return {DESCRIPTION: flavor["description"]} if isinstance(flavor, dict) and "description" in flavor else {}
    if (method, below) == ("POST", "action"):
        wanted = [(name, body.get(name)) for name in ("addTenantAccess", "removeTenantAccess") if name in body]
        return {
            f"{ACCESS}{value['tenant']}": True if name == "addTenantAccess" else None
            for name, value in wanted
            if isinstance(value, dict) and isinstance(value.get("tenant"), str)
        }
    if collection == "os-extra_specs" and method == "DELETE" and key:
        return {f"{SPECS}{key}": None}
    # Nova saves all that a request names, not only what its path does.
    specs = body if key else body.get("extra_specs")
    if collection == "os-extra_specs" and isinstance(specs, dict):
        return {f"{SPECS}{name}": value for name, value in specs.items() if value is not None}
    return {}


def same_flavor(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two are the same flavor, whatever was changed in one of them."""
    mine, theirs = ({**definition(shown), DESCRIPTION: None} for shown in (one, other))
    return mine == theirs


async def change_flavor(user: ServiceUser, pod: Pod, flavor_id: str, parts: Parts) -> None:
    """Bring parts of a flavor in a pod to what they are to be. Raises `CopyRefused`, `PodUnreachable`."""
    path = flavor_path(flavor_id)

    async def ask(method: str, below: str, body: Any = None, passed_over: int = 0) -> Document:
        document = await user.fetch(pod, "compute", method, f"{path}{below}", body, microversion=FLAVOR_VERSION)
        if not document.ok and document.status != passed_over:
            raise CopyRefused(f"{method} {path}{below}", document)
        return document

    if DESCRIPTION in parts:
        await ask("PUT", "", {"flavor": {"description": parts[DESCRIPTION]}})
    specs = {part.removeprefix(SPECS): value for part, value in parts.items() if part.startswith(SPECS)}
    if new := {name: value for name, value in specs.items() if value is not None}:
        await ask("POST", "/os-extra_specs", {"extra_specs": new})
    for name in specs.keys() - new.keys():
        await ask("DELETE", f"/os-extra_specs/{quote(name, safe='')}", passed_over=404)
    for part, has_access in parts.items():
        if part.startswith(ACCESS):
            tenant = {"tenant": part.removeprefix(ACCESS)}
            if has_access:
                await ask("POST", "/action", {"addTenantAccess": tenant}, passed_over=409)
            else:
                await ask("POST", "/action", {"removeTenantAccess": tenant}, passed_over=404)
