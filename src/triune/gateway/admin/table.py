"""The admin API: every operation, and the policy rule that guards it.

It is the admin API of Tricircle, so that its published client works, with what that one lacked: changes, enabling and
disabling, health.
"""

from collections.abc import Awaitable, Callable

from triune.gateway.admin import jobs, pods, root
from triune.gateway.call import Call
from triune.gateway.errors import ApiError, admin_fault
from triune.gateway.http import Response
from triune.gateway.routes import Route
from triune.gateway.service import Service
from triune.gateway.strategies import Here


def guarded(rule: str, handler: Callable[[Call], Awaitable[Response]], refusal: int = 401) -> Here:
    """An operation for those whom a policy rule allows it.

    Tricircle refuses with 401 where pods are concerned and with 403 elsewhere; its clients expect it.
    """

    async def guard(call: Call) -> Response:
        if not call.gateway.policy.enforce(rule, {}, call.caller.credentials()):
            raise ApiError(refusal, f"Unauthorized to perform {rule}")
        return await handler(call)

    return Here(guard)


ROUTES = (
    Route("GET", "/", Here(root.version)),
    Route("GET", "/pods", guarded("admin_api:pods:list", pods.list_pods)),
    Route("POST", "/pods", guarded("admin_api:pods:create", pods.create_pod)),
    Route("GET", "/pods/{pod_id}", guarded("admin_api:pods:show", pods.show_pod)),
    Route("PATCH", "/pods/{pod_id}", guarded("admin_api:pods:update", pods.update_pod)),
    Route("DELETE", "/pods/{pod_id}", guarded("admin_api:pods:delete", pods.delete_pod)),
    Route("GET", "/pods/{pod_id}/health", guarded("admin_api:pods:health", pods.pod_health)),
    Route("GET", "/jobs", guarded("admin_api:jobs:list", jobs.list_jobs, 403)),
    Route("GET", "/jobs/detail", guarded("admin_api:jobs:list", jobs.list_jobs, 403)),
    Route("GET", "/jobs/counts", guarded("admin_api:jobs:list", jobs.count_jobs, 403)),
    Route("GET", "/jobs/schemas", guarded("admin_api:jobs:schema_list", jobs.list_schemas, 403)),
    Route("POST", "/jobs", guarded("admin_api:jobs:create", jobs.create_job, 403)),
    Route("GET", "/jobs/{job_id}", guarded("admin_api:jobs:schema_list", jobs.show_job, 403)),
    Route("PUT", "/jobs/{job_id}", guarded("admin_api:jobs:redo", jobs.redo_job, 403)),
    Route("DELETE", "/jobs/{job_id}", guarded("admin_api:jobs:delete", jobs.delete_job, 403)),
)

ADMIN = Service(
    name="admin",
    prefix="",
    version="v1.0",
    fault=admin_fault,
    routes=ROUTES,
    has_project=False,
    version_documents=(),
)
