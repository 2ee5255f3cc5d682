"""Images that a pod makes by itself, of a server or a volume: remembered there, and asked for in all other pods."""

from collections.abc import Iterable
from typing import Any

import msgspec
from oslo_log import log as logging

from triune.db.engine import DatabaseUnavailable
from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.pods.locate import IMAGE, SERVER, VOLUME, Kind, is_uuid
from triune.pods.registry import Pod
from triune.work.requests import Key

LOG = logging.getLogger(__name__)


async def with_image_of_server(call: Call, response: Response) -> Response:
    """The answer to `createImage` or `createBackup`, whose image then comes to all pods.

    Nova names the image in `Location`, by the URL of its Glance that it uses itself; from 2.45 on in the body.
    """
    if response.status >= 300:
        return response
    location = response.headers.get("Location")
    image_id = location.rpartition("/")[2] if location else _read(response).get("image_id")
    if isinstance(image_id, str) and is_uuid(image_id):
        if location:
            response.headers["Location"] = f"{call.public_root}/image/images/{image_id}"
        await _made(call, SERVER, call.parameters["server_id"], image_id)
    return response


async def with_image_of_volume(call: Call, response: Response) -> Response:
    """The answer to `os-volume_upload_image`, whose image then comes to all pods."""
    uploaded = _read(response).get("os-volume_upload_image") if response.status < 300 else None
    image_id = uploaded.get("image_id") if isinstance(uploaded, dict) else None
    if isinstance(image_id, str) and is_uuid(image_id):
        await _made(call, VOLUME, call.parameters["volume_id"], image_id)
    return response


def _read(response: Response) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(response.body) if isinstance(response.body, bytes) and response.body else None
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}


async def _made(call: Call, kind: Kind, resource_id: str, image_id: str) -> None:
    """Write down that a pod makes an image, and that the others want it.

    Where that fails the image is there all the same, and comes to another pod when it is first needed there.
    """
    pod = await call.locate(kind, resource_id)
    await call.gateway.routings.add(IMAGE.name, image_id, pod.id, call.caller.project_id)
    lacks = call.gateway.endpoints.lacks
    others = [
        other
        for other in await call.gateway.registry.pods()
        if other.id != pod.id and not await lacks(other.region_name, IMAGE.service)
    ]
    await _want(call, image_id, others, 0.0)


async def want(call: Call, pods: Iterable[Pod], delay: float) -> None:
    """Let the work engine see that pods have the image of this call; it looks after `delay` seconds."""
    await _want(call, call.parameters["image_id"], pods, delay)


async def _want(call: Call, image_id: str, pods: Iterable[Pod], delay: float) -> None:
    keys = [Key(IMAGE.name, image_id, pod.id) for pod in pods]
    try:
        await call.gateway.intents.wanted(keys, call.caller.project_id, call.request.request_id, delay)
    except DatabaseUnavailable as error:
        LOG.error("Image %s is not asked for in other pods: %s", image_id, error)
