"""Images: created with one id in every pod, shown and read from any pod that has the data."""

import uuid
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from triune.gateway.call import Call, quoted
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import Shared
from triune.gateway.forward import relay, unreachable
from triune.gateway.http import Response
from triune.gateway.order import image_order
from triune.gateway.union import SharedCollection
from triune.pods.client import Answer, Document, PodUnreachable
from triune.pods.locate import is_uuid
from triune.shared.images import IMAGE

JSON = dict[str, Any]

# The page that Glance gives where no limit is asked for (limit_param_default).
DEFAULT_LIMIT = 25


def _relative(url: str) -> str:
    """Glance's links are paths from the version on."""
    parts = urlsplit(url)
    path = parts.path[parts.path.index("/v2") :]
    return f"{path}?{parts.query}" if parts.query else path


def _envelope(schema: str, first: str, following: str | None) -> JSON:
    links = {"first": _relative(first), "schema": f"/v2/schemas/{schema}"}
    return links if following is None else {**links, "next": _relative(following)}


IMAGES = SharedCollection(
    name="images",
    identity=lambda image: str(image["id"]),
    order=image_order,
    envelope=partial(_envelope, "images"),
    next_link=lambda document: document.get("next"),
    marker=lambda image: str(image["id"]),
    default_limit=DEFAULT_LIMIT,
    better=lambda image, known: image["status"] == "active" and known["status"] != "active",
)


TASKS = SharedCollection(
    name="tasks",
    identity=lambda task: str(task["id"]),
    order=image_order,
    envelope=partial(_envelope, "tasks"),
    next_link=lambda document: document.get("next"),
    marker=lambda task: str(task["id"]),
    default_limit=DEFAULT_LIMIT,
)


def choose_image_id(body: JSON) -> None:
    """Give a new image the id that it has in all pods."""
    body.setdefault("id", str(uuid.uuid4()))


SHARED_IMAGES = Shared(
    kind=IMAGE,
    resource_id=lambda call, answer: str(answer["id"]) if answer else call.parameters["image_id"],
    place=lambda call, answer: (f"/images/{quoted(str(answer['id']))}", ""),
)


async def show_image(call: Call) -> Response:
    """The image as a pod shows it that has its data; else as any shows it that knows it."""
    known: Document | None = None
    refusal: Document | None = None
    failure: PodUnreachable | None = None
    for pod in await call.pods():
        try:
            document = await call.fetch(call.target(pod, deadline=call.gateway.conf.pods.list_deadline))
            active = document.ok and document.part("status") == "active"
        except PodUnreachable as error:
            call.lost(error)
            failure = error
            continue
        if active:
            call.missing.clear()
            return await call.respond(document)
        if not document.ok:
            refusal = refusal or document
        else:
            known = known or document
    if known is not None:
        return await call.respond(known)
    if refusal is not None and (failure is None or not is_uuid(call.parameters["image_id"])):
        return await call.respond(refusal)
    if failure is not None:
        raise unreachable(failure) from failure
    raise ApiError(503, "No pod answers.")


async def download_image(call: Call) -> Response:
    """The data of an image, streamed from a pod that has it; 204 where no pod has any (as Glance says it)."""
    empty: Answer | None = None
    failure: PodUnreachable | None = None
    for pod in await call.pods():
        try:
            answer = await call.send(pod, call.gateway.conf.pods.list_deadline)
        except PodUnreachable as error:
            call.lost(error)
            failure = error
            continue
        if answer.status in (200, 206):
            call.missing.clear()
            if empty is not None:
                empty.close()
            return await relay(call, answer)
        if empty is None or (answer.status == 204 and empty.status != 204):
            if empty is not None:
                empty.close()
            empty = answer
        else:
            answer.close()
    if empty is None or (empty.status == 404 and failure is not None):
        if empty is not None:
            empty.close()
        raise unreachable(failure) if failure is not None else ApiError(503, "No pod answers.")
    return await relay(call, empty)
