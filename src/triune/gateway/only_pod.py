"""The one pod that has what cannot be located, where only asking all of them tells."""

from collections.abc import Callable, Sequence

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.pods.registry import Pod


def only_pod(call: Call, having: Sequence[Pod], missing: str, several: Callable[[str], str]) -> Pod | None:
    """The pod that has it; None where no pod has it, each of which has answered then.

    `missing` begins the text for a thing that may be in a pod which is away, `several` makes the text for what
    the pods that are named have.
    Raises `ApiError` 400 where several pods have it, 503 where none has it and one does not answer.
    """
    if len(having) > 1:
        raise ApiError(400, several(", ".join(pod.region_name for pod in having)))
    if not having and call.missing:
        raise ApiError(503, f"{missing}; no answer from {call.missing_names()}.")
    call.missing.clear()
    return having[0] if having else None
