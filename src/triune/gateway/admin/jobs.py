"""The admin API of jobs: what the work engine has still to do, has done, and why something does not get done."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from triune.db.models import JournalRow
from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.http import Response
from triune.work.entry import STATUSES, Entry, entry
from triune.work.jobs import Jobs
from triune.work.kinds import KINDS, fields, key, resource
from triune.work.requests import Key, is_key

JSON = dict[str, Any]

FILTERS = ("project_id", "type", "status")


def view(job: Entry) -> JSON:
    """A job as the API shows it."""
    due = job.due_at.replace(microsecond=0) if job.waits and job.owner is None else None
    return {
        "id": job.id,
        "project_id": job.project_id,
        "type": job.key.kind,
        "timestamp": job.updated_at.isoformat(sep=" "),
        "status": job.status,
        "resource": resource(job.key),
        "due_at": due.isoformat(sep=" ") if due is not None else None,
        "attempts": job.attempts,
        "last_error": job.last_error,
        "request_id": job.request_id,
    }


async def list_jobs(call: Call) -> Response:
    """`GET /v1.0/jobs`: newest first; filters `project_id`, `type`, `status`; `limit` and `marker`.

    No page is longer than any other list's.
    """
    parameters = dict(parse_qsl(call.request.query, keep_blank_values=True))
    longest: int = call.gateway.conf.gateway.max_limit
    limit = min(_limit(parameters.pop("limit", None)) or longest, longest)
    after = await _marker(call, parameters.pop("marker", None))
    jobs = await _jobs(call).page(_filters(parameters), after, limit)
    body: JSON = {"jobs": [view(job) for job in jobs]}
    if len(jobs) == limit:
        query = urlencode({**parameters, "limit": limit, "marker": jobs[-1].id})
        body["jobs_links"] = [{"rel": "next", "href": f"/v1.0/jobs?{query}"}]
    return Response.json(body)


async def count_jobs(call: Call) -> Response:
    """`GET /v1.0/jobs/counts`: how many have each status; filters as for the list."""
    parameters = dict(parse_qsl(call.request.query, keep_blank_values=True))
    return Response.json({"counts": await _jobs(call).counts(_filters(parameters))})


async def list_schemas(_call: Call) -> Response:
    """`GET /v1.0/jobs/schemas`."""
    return Response.json({"schemas": [{"type": kind, "resource": list(fields(kind))} for kind in KINDS]})


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
    asked = _key(body["type"], body.get("resource"))
    if asked.pod_id and asked.pod_id not in {pod.id for pod in await call.gateway.registry.pods()}:
        raise ApiError(400, f"There is no pod {asked.pod_id}")

    async def ask(session: AsyncSession) -> Entry:
        await call.gateway.journal.request(session, asked, body["project_id"], call.request.request_id)
        return entry((await session.scalars(select(JournalRow).where(is_key(asked)))).one())

    return Response.json({"job": view(await call.gateway.database.repeat(ask))}, 202)


async def redo_job(call: Call) -> Response:
    """`PUT /v1.0/jobs/{job_id}`, without a body: try it again now."""
    job = await _job(call)
    if job.status in ("RUNNING", "SUCCESS") or not await _jobs(call).redo(job.id):
        raise ApiError(400, f"The job is {job.status.lower()}; only a job that waits can be redone")
    return Response.json(None)


async def delete_job(call: Call) -> Response:
    """`DELETE /v1.0/jobs/{job_id}`: forget it; what it was about stays as it is."""
    job = await _job(call)
    if job.status == "RUNNING" or not await _jobs(call).drop(job):
        raise ApiError(400, "The job is running")
    return Response.json({})


def _jobs(call: Call) -> Jobs:
    return Jobs(call.gateway.database)


async def _job(call: Call) -> Entry:
    job = await _jobs(call).get(call.parameters["job_id"])
    if job is None:
        raise ApiError(404, "Resource not found")
    return job


def _key(kind: str, given: Any) -> Key:
    if kind not in KINDS:
        raise ApiError(400, f"There is no type {kind}; there are {', '.join(KINDS)}")
    if not isinstance(given, dict) or not given:
        raise ApiError(400, "resource isn't provided in request body or is empty")
    names = fields(kind)
    if missing := [name for name in names if not isinstance(given.get(name), str) or not given[name]]:
        raise ApiError(400, f"Some required fields are not specified: {', '.join(missing)}")
    if redundant := sorted(given.keys() - set(names)):
        raise ApiError(400, f"Some fields are redundant: {', '.join(redundant)}")
    return key(kind, given)


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
    marker = await _jobs(call).get(value)
    if marker is None:
        raise ApiError(400, "Invalid marker")
    return marker
