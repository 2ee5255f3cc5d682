"""Changes of flavors: what is described, the extra specs, who has access."""

from triune.gateway.bring import bring
from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import HANDS_OFF, Everywhere
from triune.gateway.fanout import ask_all, first_refusal
from triune.gateway.http import Response
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod
from triune.shared.changes import Parts
from triune.shared.copying import FLAVOR_VERSION, definition, flavor_path
from triune.shared.flavor_changes import FLAVOR_CHANGE
from triune.shared.flavor_parts import DEFINITION, parts_of
from triune.work.requests import Key

# Refusals of a pod that had it before, lacks the flavor, or has nothing to change, where others have done it.
PASSED_OVER = (404, 409)


class ChangeFlavor:
    """Every pod does it. One judges the request; then it is written down for all, and brought to all.

    Pods that lack the flavor are passed over. A pod that is away is named in the answer, and the work engine changes
    its flavor when it is back.
    """

    async def __call__(self, call: Call) -> Response:
        flavor_id = call.parameters["flavor_id"]
        below = call.path.removeprefix("/flavors/").partition("/")[2]
        parts = parts_of(call.request.method, below, await call.json())
        if not parts:
            return await Everywhere()(call)
        body = await call.request.body(call.gateway.conf.gateway.max_request_body)
        changes = call.gateway.changes
        behind = await changes.pods_behind(FLAVOR_CHANGE, flavor_id)
        # One that is behind judges by what was there before an older change.
        pods = sorted(await call.pods(), key=lambda pod: pod.id in behind)
        before: list[Document] = []
        for pod in pods:
            which = await self._which(call, pod, flavor_id)
            if which is None:
                continue
            for document in await ask_all(call, [call.target(pod)], body):
                if document.ok:
                    keys = [Key(FLAVOR_CHANGE, flavor_id, each.id) for each in pods]
                    await changes.wanted(
                        keys, {**which, **parts}, call.caller.project_id, call.request.request_id, HANDS_OFF
                    )
                    await bring(call, lambda pod_id: Key(FLAVOR_CHANGE, flavor_id, pod_id))
                    return await call.respond(document)
                if document.status not in PASSED_OVER:
                    return await call.respond(document)
                before.append(document)
        refusal = first_refusal(before)
        if refusal is not None or (before and not call.missing):
            return await call.respond(refusal or before[0])
        raise ApiError(503, f"No answer from {call.missing_names()}.")

    async def _which(self, call: Call, pod: Pod, flavor_id: str) -> Parts | None:
        """Which flavor a pod has under this id, as a part; nothing where it has none, None where it does not tell."""
        deadline, path = call.gateway.conf.pods.list_deadline, flavor_path(flavor_id)
        try:
            shown = await call.gateway.service_user.fetch(
                pod, "compute", "GET", path, microversion=FLAVOR_VERSION, deadline=deadline
            )
            if shown.ok:
                return {DEFINITION: definition(shown.part("flavor"))}
        except PodUnreachable as error:
            call.lost(error)
            return None
        if shown.status == 404:
            return {}
        call.missing[pod.id] = pod
        return None
