"""Quotas of the whole cloud: what is set at the top is told again, and every pod has it.

Sources: nova/api/openstack/compute/quota_sets.py and quota_classes.py, cinder/api/contrib/quotas.py and
quota_classes.py.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from oslo_utils import strutils

from triune.gateway.bring import bring
from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import JSON
from triune.gateway.fanout import ask_all, compose, read_all
from triune.gateway.forward import unreachable
from triune.gateway.http import Response
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere
from triune.pods.client import Document, PodUnreachable
from triune.quota.numbers import as_limits, in_use, merged, number
from triune.quota.scope import MAX_ID, Scope

# The class in which all projects are.
DEFAULT_CLASS = "default"
# What else stands in a request.
_NO_LIMITS = frozenset({"force", "tenant_id", "id"})
# How a limit below what is used is refused.
BELOW_USED = {
    "compute": "Quota limit {limit} for {name} must be greater than or equal to already used and reserved {used}.",
    "volume": (
        "Quota {name} limit must be equal or greater than existing resources. Current usage is {used} and the "
        "requested limit is {limit}."
    ),
}
# From here on administrators may ask Cinder for the limits of a project (LIMITS_ADMIN_FILTER).
_LIMITS_OF_PROJECT = (3, 39)
# How many users' limits are dropped at the same time with those of their project.
USERS_AT_ONCE = 8


def scope_of_path(call: Call) -> Scope:
    """What a call is about; Nova takes the first user that the query names."""
    if "quota_class" in call.parameters:
        return Scope(call.service.name, call.parameters["quota_class"], is_class=True)
    users = [value for name, value in parse_qsl(call.request.query) if name == "user_id"]
    user_id = users[0] if users and call.service.name == "compute" else ""
    return Scope(call.service.name, call.parameters["project_id"], user_id)


async def wanted(call: Call, scope: Scope) -> dict[str, int]:
    """The limits that were set at the top and hold for a scope: a user has those of the project but for the own."""
    limits = await call.gateway.limits.of(Scope(scope.service, scope.name, is_class=scope.is_class))
    return {**limits, **await call.gateway.limits.of(scope)} if scope.user_id else limits


class ShowQuota:
    """Limits as they were set at the top, or the smallest that a pod has; what is used is added up."""

    async def __call__(self, call: Call) -> Response:
        scope = scope_of_path(call)
        return await _shown(call, (scope.item,), await wanted(call, scope))


async def show_defaults(call: Call) -> Response:
    """The limits of a project for which none were set."""
    return await _shown(
        call, ("quota_set",), await wanted(call, Scope(call.service.name, DEFAULT_CLASS, is_class=True))
    )


async def show_limits(call: Call) -> Response:
    """`GET /limits`: the quotas of a project in other words."""
    limits = await wanted(call, Scope(call.service.name, _limited_project(call)))
    return await _shown(call, ("limits", "absolute"), as_limits(call.service.name, limits))


def _limited_project(call: Call) -> str:
    parameters = dict(parse_qsl(call.request.query))
    own = call.caller.project_id or ""
    if call.service.name == "compute":
        return parameters.get("tenant_id", own)
    if not call.caller.is_admin or parse_version(call.microversion) < _LIMITS_OF_PROJECT:
        return own
    return parameters.get("project_id", parameters.get("tenant_id", own))


async def _shown(call: Call, path: tuple[str, ...], limits: Mapping[str, int]) -> Response:
    deadline = call.gateway.conf.pods.list_deadline
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    targets = [call.target(pod, deadline=deadline) for pod in pods]
    answers = await read_all(call, targets, lambda document: (document.json(), _object(document, *path)))
    if isinstance(answers, Response):
        return answers
    call.settle_missing(answered=bool(answers))
    first, (whole, _) = answers[0]
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = merged([part for _, (_, part) in answers], limits)
    return compose(first, whole)


def _object(document: Document, *path: str) -> JSON:
    part = document.part(*path)
    if not isinstance(part, dict):
        raise PodUnreachable(document.pod, document.service, f"no object {'.'.join(path)}")
    return part


class _Led:
    """What one pod judges, the others follow, and pods that are away get later."""

    async def _lead(self, call: Call, body: JSON | None = None) -> Document:
        failure: PodUnreachable | None = None
        for pod in await call.pods():
            try:
                return await call.fetch(call.target(pod), body)
            except PodUnreachable as error:
                call.lost(error)
                failure = error
        assert failure is not None
        raise unreachable(failure) from failure


class SetQuota(_Led):
    """`PUT` of the limits of a project, a user or a quota class.

    What the first pod takes holds for the cloud: it is written down, and is in every pod now or when it is back. A
    limit below what is used is refused as pods refuse it, but what is used in all of them counts.
    """

    async def __call__(self, call: Call) -> Response:
        scope, body = scope_of_path(call), await call.json()
        values = (body or {}).get(scope.item)
        if body is None or not isinstance(values, dict):
            return await Anywhere()(call)
        if len(scope.resource_id) > MAX_ID:
            raise ApiError(400, f"{scope.resource_id} is longer than {MAX_ID} characters.")
        if not scope.is_class and (refusal := await self._below_used(call, scope, values)) is not None:
            return refusal
        lead = await self._lead(call, body)
        if not lead.ok:
            return await call.respond(lead)
        shown = _object(lead, scope.item)
        pods = [pod.id for pod in await call.pods()]
        limits = call.gateway.limits
        await limits.set(scope, taken(values, shown), pods, call.caller.project_id, call.request.request_id)
        brought = await bring(call, scope.key)
        deadline = call.gateway.conf.pods.list_deadline
        others = [call.target(pod, "GET", deadline=deadline) for pod in brought if pod.id != lead.pod.id]
        parts = [shown, *(_object(other, scope.item) for other in await ask_all(call, others) if other.ok)]
        whole = merged(parts, await wanted(call, scope))
        return compose(lead, {scope.item: {name: value for name, value in whole.items() if name != "id"}})

    async def _below_used(self, call: Call, scope: Scope, values: JSON) -> Response | None:
        """The refusal of a limit below what is used in all pods together; those that do not tell count for nothing.

        Who may not set limits at all is refused for that, as a pod does it.
        """
        asked = {name: limit for name, value in values.items() if (limit := number(value)) is not None and limit >= 0}
        if scope.service == "volume":
            # Cinder compares only with limits that were set before.
            asked = {name: asked[name] for name in asked.keys() & (await call.gateway.limits.of(scope)).keys()}
        elif strutils.bool_from_string(values.get("force", False)):
            return None
        used = await self._used(call, scope) if asked else {}
        name = next((name for name, limit in asked.items() if limit < used.get(name, 0)), None)
        if name is None:
            return None
        # Nothing is set by this, and it is refused for every reason but the limits.
        nothing = {scope.item: {"id": scope.name} if scope.service == "volume" else {}}
        judged = await self._lead(call, nothing)
        if not judged.ok:
            return await call.respond(judged)
        raise ApiError(400, BELOW_USED[scope.service].format(name=name, limit=asked[name], used=used[name]))

    async def _used(self, call: Call, scope: Scope) -> dict[str, int]:
        """What is used of each resource in the pods that tell."""
        path, query = f"/{call.service.version}{scope.path}", "usage=true"
        if scope.service == "compute":
            path, query = f"{path}/detail", urlencode({"user_id": scope.user_id}) if scope.user_id else ""
        deadline = call.gateway.conf.pods.list_deadline
        targets = [call.target(pod, "GET", path, query, deadline=deadline) for pod in await call.pods()]
        documents = [document for document in await ask_all(call, targets) if document.ok]
        # Whether the limits come to a pod is another question than whether it told this.
        call.missing.clear()
        parts = [_object(document, scope.item) for document in documents]
        return {name: in_use(quota) for name, quota in merged(parts, {}).items()}


class RemoveQuota(_Led):
    """`DELETE` of what was set for a project, with what was set for its users; or for one user."""

    async def __call__(self, call: Call) -> Response:
        scope = scope_of_path(call)
        lead = await self._lead(call)
        if not lead.ok:
            return await call.respond(lead)
        pods = [pod.id for pod in await call.pods()]
        dropped = await call.gateway.limits.drop(scope, pods, call.caller.project_id, call.request.request_id)
        # What a user has goes along with the project's. The users' own keys end what is under way for one of them.
        await bring(call, scope.key)
        places = asyncio.Semaphore(USERS_AT_ONCE)

        async def bring_user(user: Scope) -> None:
            async with places:
                await bring(call, user.key)

        await asyncio.gather(*(bring_user(user) for user in dropped[1:]))
        return await call.respond(lead)


def taken(values: JSON, shown: JSON) -> dict[str, int]:
    """The limits of a request that a pod has taken, which it shows unless the microversion hides them.

    With limits of Keystone (unified limits) it takes none, and shows those.
    """
    limits = {name: number(value) for name, value in values.items() if name not in _NO_LIMITS}
    return {name: limit for name, limit in limits.items() if limit is not None and shown.get(name, limit) == limit}
