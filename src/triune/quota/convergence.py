"""Handlers of the work engine: a pod that was away, or is new, gets the limits that were set at the top."""

from collections.abc import Mapping
from urllib.parse import urlencode

from oslo_log import log as logging

from triune.identity import IdentityUnavailable
from triune.log import current_request_id
from triune.pods.client import Document, PodUnreachable
from triune.pods.endpoints import Endpoints
from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.quota.limits import Limits
from triune.quota.scope import KINDS, Scope, scope_of
from triune.shared.copying import CopyRefused
from triune.work.handler import Handler
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

BAD_REQUEST = 400

# nova.api.openstack.compute.schemas.quota_sets and quota_classes: all names can be set in the first microversion.
MICROVERSIONS = {"compute": "compute 2.1", "volume": "volume 3.0"}


class QuotaConvergence:
    """Brings the limits of one scope in one pod to what was set at the top."""

    def __init__(self, registry: Registry, endpoints: Endpoints, user: ServiceUser, limits: Limits) -> None:
        self._registry = registry
        self._endpoints = endpoints
        self._user = user
        self._limits = limits

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker calls for each kind."""
        return dict.fromkeys(KINDS, self._converge)

    async def _converge(self, key: Key) -> None:
        """Limits that were not set at the top are the pod's own, and stay."""
        pod = next((pod for pod in await self._registry.pods() if pod.id == key.pod_id), None)
        scope = scope_of(key.kind, key.resource_id)
        if pod is None or await self._endpoints.lacks(pod.region_name, scope.service):
            return
        generation = await self._limits.dropped(key)
        if generation is not None:
            await self._ask(pod, "DELETE", scope)
            await self._limits.dropped_in_pod(key, generation, current_request_id())
        # Read under the key's lease: what is set later asks for the key again, and waits for this.
        wanted = await self._limits.of(scope)
        if wanted:
            await self._put(pod, scope, wanted)

    async def _put(self, pod: Pod, scope: Scope, wanted: Mapping[str, int]) -> None:
        """Set limits; those of volume types that the pod does not have (any more) stop none of the others."""
        try:
            await self._ask(pod, "PUT", scope, {scope.item: {**wanted, **_forced(scope)}})
        except CopyRefused as error:
            if error.document.status != BAD_REQUEST:
                raise
            shown = (await self._ask(pod, "GET", scope)).part(scope.item)
            known = {name: limit for name, limit in wanted.items() if name in shown}
            if len(known) == len(wanted):
                raise
            unknown = ", ".join(sorted(wanted.keys() - known.keys()))
            LOG.warning("%s has no limits %s of %s %s", pod.region_name, unknown, scope.kind, scope.resource_id)
            if known:
                await self._ask(pod, "PUT", scope, {scope.item: {**known, **_forced(scope)}})

    async def _ask(self, pod: Pod, method: str, scope: Scope, document: object = None) -> Document:
        query = urlencode({"user_id": scope.user_id}) if scope.user_id else ""
        try:
            # Cinder before release 20 has no paths without a project.
            project = f"/v3/{await self._user.project()}" if scope.service == "volume" else "/v2.1"
        except IdentityUnavailable as error:
            raise PodUnreachable(pod, scope.service, str(error), sent=False) from error
        microversion = MICROVERSIONS[scope.service]
        answer = await self._user.fetch(
            pod, scope.service, method, f"{project}{scope.path}", document, query, microversion
        )
        if not answer.ok:
            raise CopyRefused(f"{scope.kind} {scope.resource_id}", answer)
        return answer


def _forced(scope: Scope) -> dict[str, bool]:
    """Nova takes a limit below what is used if it is told to; whether that is wanted was judged at the top."""
    return {"force": True} if scope.service == "compute" and not scope.is_class else {}
