"""The admin API of jobs: what the work engine has still to do, has done, and why something does not get done."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from triune.db.models import JournalRow
from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.work.journal import Entry, Key

JSON = dict[str, Any]

# The keys of each type's resource; what stands before `pod_id` makes up the resource id, in this order.
SCHEMAS: Mapping[str, tuple[str, ...]] = {
    "flavor": ("flavor_id", "pod_id"),
    "image": ("image_id", "pod_id"),
    "keypair": ("user_id", "name", "pod_id"),
}
STATUSES: Mapping[str, tuple[Any, ...]] = {
    "NEW": (
        JournalRow.owner.is_(None),
        JournalRow.generation > JournalRow.done_generation,
        JournalRow.attempts == 0,
    ),
    "RUNNING": (JournalRow.owner.is_not(None),),
    "SUCCESS": (JournalRow.owner.is_(None), JournalRow.generation == JournalRow.done_generation),
    "FAIL": (
        JournalRow.owner.is_(None),
        JournalRow.generation > JournalRow.done_generation,
        JournalRow.attempts > 0,
    ),
}
FILTERS = ("project_id", "type", "status")


def view(entry: Entry) -> JSON:
    """A job as the API shows it."""
    return {
        "id": entry.id,
        "project_id": entry.project_id,
        "type": entry.key.kind,
        "timestamp": entry.updated_at.isoformat(sep=" "),
        "status": entry.status,
        "resource": resource(entry.key),
        "attempts": entry.attempts,
        "last_error": entry.last_error,
        "request_id": entry.request_id,
    }


def resource(key: Key) -> JSON:
    """A key's resource by the names of its type's schema."""
    *names, pod = SCHEMAS.get(key.kind, ("resource_id", "pod_id"))
    return {**dict(zip(names, key.resource_id.split("/", len(names) - 1), strict=False)), pod: key.pod_id}


async def list_jobs(call: Call) -> Response:
    """`GET /v1.0/jobs`: newest first; filters `project_id`, `type`, `status`; `limit` and `marker`."""
    parameters = dict(parse_qsl(call.request.query, keep_blank_values=True))
    limit = _limit(parameters.pop("limit", None))
    after = await _marker(call, parameters.pop("marker", None))
    jobs = await call.gateway.journal.page(_filters(parameters), after, limit)
    body: JSON = {"jobs": [view(job) for job in jobs]}
    if limit is not None and len(jobs) == limit:
        query = urlencode({**parameters, "limit": limit, "marker": jobs[-1].id})
        body["jobs_links"] = [{"rel": "next", "href": f"/v1.0/jobs?{query}"}]
    return Response.json(body)


async def list_schemas(_call: Call) -> Response:
    """`GET /v1.0/jobs/schemas`."""
    return Response.json({"schemas": [{"type": kind, "resource": list(names)} for kind, names in SCHEMAS.items()]})


async def show_job(call: Call) -> Response:
    """`GET /v1.0/jobs/{job_id}`."""
    return Response.json({"job": view(await _job(call))})


async def create_job(call: Call) -> Response:
    """`POST /v1.0/jobs`: look at a resource in a pod, whatever state it is in; 202, for a worker does it later."""
    body = (await call.json() or {}).get("job")
    if not isinstance(body, dict):
        raise ApiError(400, "Request body not found")
    for name in ("type", "project_id"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise ApiError(400, f"{name} isn't provided in request body or is empty")
    key = _key(body["type"], body.get("resource"))
    if key.pod_id not in {pod.id for pod in await call.gateway.registry.pods()}:
        raise ApiError(400, f"There is no pod {key.pod_id}")
    async with call.gateway.database.transaction() as session:
        await call.gateway.journal.request(session, key, body["project_id"], call.request.request_id)
    (job,) = await call.gateway.journal.page(
        (JournalRow.kind == key.kind, JournalRow.resource_id == key.resource_id, JournalRow.pod_id == key.pod_id)
    )
    return Response.json({"job": view(job)}, 202)


async def redo_job(call: Call) -> Response:
    """`PUT /v1.0/jobs/{job_id}`, without a body: try it again now."""
    job = await _job(call)
    if job.status in ("RUNNING", "SUCCESS"):
        raise ApiError(400, f"The job is {job.status.lower()}; only a job that waits can be redone")
    await call.gateway.journal.redo(job.id)
    return Response.json(None)


async def delete_job(call: Call) -> Response:
    """`DELETE /v1.0/jobs/{job_id}`: forget it; what it was about stays as it is."""
    job = await _job(call)
    if job.status == "RUNNING":
        raise ApiError(400, "The job is running")
    await call.gateway.journal.drop(job.id)
    return Response.json({})


async def _job(call: Call) -> Entry:
    job = await call.gateway.journal.get(call.parameters["job_id"])
    if job is None:
        raise ApiError(404, "Resource not found")
    return job


def _key(kind: str, given: Any) -> Key:
    if kind not in SCHEMAS:
        raise ApiError(400, f"There is no type {kind}; there are {', '.join(SCHEMAS)}")
    if not isinstance(given, dict) or not given:
        raise ApiError(400, "resource isn't provided in request body or is empty")
    names = SCHEMAS[kind]
    if missing := [name for name in names if not isinstance(given.get(name), str) or not given[name]]:
        raise ApiError(400, f"Some required fields are not specified: {', '.join(missing)}")
    if redundant := sorted(given.keys() - set(names)):
        raise ApiError(400, f"Some fields are redundant: {', '.join(redundant)}")
    *parts, pod_id = (given[name] for name in names)
    return Key(kind, "/".join(parts), pod_id)


def _filters(parameters: Mapping[str, str]) -> Iterable[Any]:
    if unknown := sorted(parameters.keys() - set(FILTERS)):
        raise ApiError(400, f"Unsupported filter type: {', '.join(unknown)}")
    conditions: list[Any] = []
    if "project_id" in parameters:
        conditions.append(JournalRow.project_id == parameters["project_id"])
    if "type" in parameters:
        conditions.append(JournalRow.kind == parameters["type"])
    if "status" in parameters:
        status = parameters["status"].upper()
        if status not in STATUSES:
            raise ApiError(400, f"There is no status {status}; there are {', '.join(STATUSES)}")
        conditions += STATUSES[status]
    return conditions


def _limit(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdecimal() or int(value) == 0:
        raise ApiError(400, "limit must be a positive integer")
    return int(value)


async def _marker(call: Call, value: str | None) -> Entry | None:
    if value is None:
        return None
    marker = await call.gateway.journal.get(value)
    if marker is None:
        raise ApiError(400, "Invalid marker")
    return marker
