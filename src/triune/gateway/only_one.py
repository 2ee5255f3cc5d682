"""Reading what one pod has, where nothing but asking all of them tells which."""

from collections.abc import Iterable

from triune.gateway.call import Call
from triune.gateway.fanout import OF_THE_POD, ask_all
from triune.gateway.http import Response
from triune.gateway.only_pod import only_pod
from triune.pods.client import Document


class OnlyOne:
    """Every pod is asked, and the one that has it answers; several are refused with 400.

    For ids that are numbers, which each pod counts for itself; `noun` is what they are the ids of.
    """

    def __init__(self, noun: str, parameter: str) -> None:
        self._noun = noun
        self._parameter = parameter

    async def __call__(self, call: Call) -> Response:
        deadline = call.gateway.conf.pods.list_deadline
        pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
        documents = await ask_all(call, [call.target(pod, deadline=deadline) for pod in pods])
        for document in documents:
            if document.status >= 500 and document.status != 501:
                call.missing[document.pod.id] = document.pod
        having = {document.pod.id: document for document in having_it(documents)}
        value, noun = call.parameters[self._parameter], self._noun
        refusals = [document for document in documents if document.status < 500 or document.status == 501]
        if not having and any(each.status != 404 for each in refusals):
            # Somebody refuses it for another reason than not having it.
            call.missing.clear()
        pod = only_pod(
            call,
            [document.pod for document in having.values()],
            f"{noun} {value} could not be found in the pods that answer",
            lambda pods: f"{noun} id {value} refers to multiple {noun.lower()}s: {pods}.",
        )
        # Where nobody has it: the refusal that tells most.
        return await call.respond(min(refusals, key=lambda each: each.status == 404) if pod is None else having[pod.id])


def having_it(documents: Iterable[Document]) -> list[Document]:
    """The answers of pods that have what was asked for.

    Beside one that tells it, another may have it and be unable to tell (501, or 400 where its host is down); alone that
    is a refusal like any other.
    """
    answers = [each for each in documents if each.status < 500 or each.status == 501]
    having = [each for each in answers if each.status not in OF_THE_POD]
    return having if any(each.ok for each in having) else having[:1]
