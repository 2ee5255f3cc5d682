"""Changes of flavors: what is described, the extra specs, who has access."""

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import HANDS_OFF, Everywhere
from triune.gateway.fanout import ask_all, first_refusal
from triune.gateway.http import Response
from triune.pods.client import Document
from triune.shared.convergence import FLAVOR
from triune.shared.flavor_parts import parts_of
from triune.work.requests import Key

# Refusals of a pod that had it before, lacks the flavor, or has nothing to change, where others have done it.
PASSED_OVER = (404, 409)


class ChangeFlavor:
    """Every pod does it. One judges the request; then it is written down, and the others follow.

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
        behind = await changes.pods_behind(FLAVOR, flavor_id)
        # One that is behind may be getting an older change just now, which would come after this one.
        pods = sorted(await call.pods(), key=lambda pod: pod.id in behind)
        before: list[Document] = []
        lead: Document | None = None
        for pod in pods:
            for document in await ask_all(call, [call.target(pod)], body):
                if not document.ok and document.status not in PASSED_OVER:
                    return await call.respond(document)
                before.append(document)
                lead = document if document.ok else None
            if lead is not None:
                break
        if lead is None:
            refusal = first_refusal(before)
            if refusal is not None or (before and not call.missing):
                return await call.respond(refusal or before[0])
            raise ApiError(503, f"No answer from {call.missing_names()}.")
        asked = {document.pod.id for document in before}
        # Those that were passed over are as wanted, but for what may be under way there.
        keys = [Key(FLAVOR, flavor_id, pod.id) for pod in pods if pod.id not in asked or pod.id in behind]
        await changes.wanted(keys, parts, call.caller.project_id, call.request.request_id, HANDS_OFF)
        followers = [pod for pod in pods if pod.id not in asked | call.missing.keys()]
        documents = await ask_all(call, [call.target(pod) for pod in followers], body)
        answered = {document.pod.id for document in documents}
        await changes.settled([key for key in keys if key.pod_id in answered], parts)
        refusal = first_refusal(documents, but=PASSED_OVER)
        return await call.respond(refusal or lead)
