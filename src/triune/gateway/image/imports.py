"""Importing images: every pod imports by itself, and gets from another what it could not."""

from triune.gateway.call import Call
from triune.gateway.everywhere import HANDS_OFF, Everywhere
from triune.gateway.fanout import compose, read_all
from triune.gateway.http import Response
from triune.gateway.image.made import want

_everywhere = Everywhere()


async def import_image(call: Call) -> Response:
    """`POST /images/{image_id}/import`: each pod that knows the image imports what was staged there, or what it loads.

    The work engine looks at all pods afterwards: one in which it failed gets the data from one in which it did not.
    """
    response = await _everywhere(call)
    if response.status < 300:
        await want(call, await call.pods(), HANDS_OFF)
    return response


async def import_methods(call: Call) -> Response:
    """`GET /info/import`: the methods that all pods have, for every pod imports by itself."""
    deadline = call.gateway.conf.pods.list_deadline
    pods = sorted(await call.pods(), key=lambda pod: pod.region_name)
    answers = await read_all(
        call,
        [call.target(pod, deadline=deadline) for pod in pods],
        lambda document: list(document.part("import-methods", "value")),
    )
    if isinstance(answers, Response):
        return answers
    call.settle_missing(answered=bool(answers))
    first, methods = answers[0]
    shared = [method for method in methods if all(method in others for _, others in answers)]
    document = first.json()
    document["import-methods"]["value"] = shared
    return compose(first, document)
