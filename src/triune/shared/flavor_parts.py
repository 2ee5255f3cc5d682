"""The parts of a flavor that can be changed: its description, its extra specs, who has access."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from oslo_log import log as logging

from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser
from triune.shared.changes import Parts
from triune.shared.copying import FLAVOR_VERSION, CopyRefused, definition, flavor_path

LOG = logging.getLogger(__name__)

# Told of parts that need no more to be done.
Settled = Callable[[Iterable[str]], Awaitable[None]]

DESCRIPTION, SPECS, ACCESS = "description", "os-extra_specs/", "os-flavor-access/"
# No part that is changed: which flavor is meant, for another one may have the same id.
DEFINITION = "definition"
# Refusals that say nothing of the change itself: rights and rates pass, and so does somebody who changes the same.
UNDECIDED = frozenset({401, 403, 408, 409, 429})
# The longest name of a part (`triune.db.models.ChangeRow`).
MAX_PART = 300


def parts_of(method: str, below: str, body: Any) -> Parts:
    """What a request changes, `below` being what stands in its path behind the flavor; nothing where that is unclear.

    Source: nova/api/openstack/compute/flavors.py, flavors_extraspecs.py and flavor_access.py.
    """
    parts = _parts(method, below.strip("/"), body if isinstance(body, dict) else {})
    return parts if all(_can_be_kept(part) for part in parts) else {}


def _can_be_kept(part: str) -> bool:
    # No database takes half of a surrogate pair.
    return len(part) <= MAX_PART and not any("\ud800" <= letter <= "\udfff" for letter in part)


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


@dataclass(frozen=True, slots=True)
class Step:
    """A request that makes some parts of a flavor what they are to be; `as_wanted` are refusals that say it was."""

    parts: Parts
    method: str
    below: str
    body: Any = None
    as_wanted: frozenset[int] = frozenset({404})

    def apart(self) -> list["Step"]:
        """The same, each part by itself."""
        return [step for part, value in self.parts.items() for step in steps({part: value})]


def steps(parts: Parts) -> list[Step]:
    """The requests that make parts of a flavor what they are to be. None is needed where the flavor is gone (404).

    Source: nova/api/openstack/compute/flavor_access.py (409: has access already, or needs none, for all have it). The
    409 of extra specs tells of somebody who changed them at the same time.
    """
    found: list[Step] = []
    if DESCRIPTION in parts:
        document = {"flavor": {"description": parts[DESCRIPTION]}}
        found.append(Step({DESCRIPTION: parts[DESCRIPTION]}, "PUT", "", document))
    specs = {part: value for part, value in parts.items() if part.startswith(SPECS)}
    if new := {part: value for part, value in specs.items() if value is not None}:
        document = {"extra_specs": {part.removeprefix(SPECS): value for part, value in new.items()}}
        found.append(Step(new, "POST", "/os-extra_specs", document))
    for part in specs.keys() - new.keys():
        found.append(Step({part: None}, "DELETE", f"/os-extra_specs/{quote(part.removeprefix(SPECS), safe='')}"))
    for part, has_access in parts.items():
        if part.startswith(ACCESS):
            action = "addTenantAccess" if has_access else "removeTenantAccess"
            document = {action: {"tenant": part.removeprefix(ACCESS)}}
            as_wanted = frozenset({404, 409}) if has_access else frozenset({404})
            found.append(Step({part: has_access}, "POST", "/action", document, as_wanted))
    return found


async def change_flavor(user: ServiceUser, pod: Pod, flavor_id: str, parts: Parts, settled: Settled) -> None:
    """Bring parts of a flavor in a pod to what they are to be, each whatever becomes of the others.

    `settled` is told of those that are so now, and of those that the pod will never take. Raises `CopyRefused` when
    others are to be tried again, `PodUnreachable`.
    """
    path = flavor_path(flavor_id)
    failed: CopyRefused | None = None
    waiting = steps(parts)
    while waiting:
        step, *waiting = waiting
        document = await user.fetch(
            pod, "compute", step.method, f"{path}{step.below}", step.body, microversion=FLAVOR_VERSION
        )
        if document.ok or document.status in step.as_wanted:
            await settled(step.parts)
            continue
        refused = CopyRefused(f"{step.method} {path}{step.below}", document)
        if not 400 <= document.status < 500 or document.status in UNDECIDED:
            failed = failed or refused
        elif len(step.parts) > 1:
            waiting = [*step.apart(), *waiting]
        else:
            LOG.warning("%s: not changed there: %s", refused, ", ".join(step.parts))
            await settled(step.parts)
    if failed is not None:
        raise failed
