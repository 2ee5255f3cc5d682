"""Nova's proxies to the image service, to microversion 2.35, and 2.38 for metadata: images in Nova's words.

Source: nova/api/openstack/compute/images.py and image_metadata.py.
"""

from dataclasses import replace
from typing import Any, Final

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import Everywhere, RemoveEverywhere
from triune.gateway.fanout import ask_all
from triune.gateway.http import Response
from triune.gateway.image.images import SHARED_IMAGES
from triune.gateway.order import image_order
from triune.gateway.routes import Route
from triune.gateway.since import Since
from triune.gateway.strategies import Anywhere, Here
from triune.gateway.union import SharedCollection, Union, links_of
from triune.pods.client import Document, PodUnreachable
from triune.pods.locate import is_uuid

# From here on there are none, which any pod says.
GONE_SINCE, METADATA_GONE_SINCE = "2.36", "2.39"
ACTIVE: Final = "ACTIVE"

_envelope, _next_link = links_of("images")


def _is_better(image: dict[str, Any], known: dict[str, Any]) -> bool:
    return bool(image.get("status") == ACTIVE and known.get("status") != ACTIVE)


# Nova shows `created_at`, by which Glance sorts them, under another name.
_ORDER = [replace(key, field={"created_at": "created"}.get(key.field, key.field)) for key in image_order([])]
IMAGES = SharedCollection(
    name="images",
    identity=lambda image: str(image["id"]),
    order=lambda _parameters: _ORDER,
    envelope=_envelope,
    next_link=_next_link,
    marker=lambda image: str(image["id"]),
    better=_is_better,
)
# The short list does not show what it is sorted by.
BRIEF_IMAGES = replace(IMAGES, path="/images/detail", fields=("id", "name", "links"))


async def show_image(call: Call) -> Response:
    """The image as a pod shows it that has its data; else as any shows it that knows it."""
    deadline = call.gateway.conf.pods.list_deadline
    documents = await ask_all(call, [call.target(pod, deadline=deadline) for pod in await call.pods()])
    known = [document for document in documents if document.ok]
    found = next((document for document in known if _status(document) == ACTIVE), None) or next(iter(known), None)
    if found is None:
        refusal = next((document for document in documents if document.status < 500), None)
        if refusal is None or (call.missing and is_uuid(call.parameters["image_id"])):
            raise ApiError(503, f"No answer from {call.missing_names()}." if call.missing else "No pod answers.")
        found = refusal
    call.missing.clear()
    return await call.respond(found)


def _status(document: Document) -> object:
    try:
        return document.part("image", "status")
    except PodUnreachable:
        return None


_METADATA = Since(METADATA_GONE_SINCE, Anywhere(), Everywhere())

ROUTES = (
    Route("GET", "/images", Since(GONE_SINCE, Anywhere(), Union(BRIEF_IMAGES))),
    Route("GET", "/images/detail", Since(GONE_SINCE, Anywhere(), Union(IMAGES))),
    Route("GET", "/images/{image_id}", Since(GONE_SINCE, Anywhere(), Here(show_image))),
    Route("DELETE", "/images/{image_id}", Since(GONE_SINCE, Anywhere(), RemoveEverywhere(SHARED_IMAGES))),
    Route("GET", "/images/{image_id}/metadata", Anywhere()),
    Route("POST PUT", "/images/{image_id}/metadata", _METADATA),
    Route("GET", "/images/{image_id}/metadata/{key}", Anywhere()),
    Route("PUT DELETE", "/images/{image_id}/metadata/{key}", _METADATA),
)
