"""Copying an image from one pod to another: its record, who shares it, and its data in flat memory."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from urllib.parse import quote

from oslo_log import log as logging
from sqlalchemy.exc import SQLAlchemyError

from triune.pods.client import Answer, Document, PodUnreachable
from triune.pods.registry import Pod
from triune.pods.service_user import ServiceUser
from triune.shared.copying import CopyRefused
from triune.shared.images import ACTIVE, BUSY, JSON, QUEUED, changes, definition, differs, digest_of, image_path

LOG = logging.getLogger(__name__)

SERVICE = "image"
PATCH = "application/openstack-images-v2.1-json-patch"
# The largest text with which a pod refuses something.
MAX_REFUSAL = 64 * 1024
# Seconds between telling how far a copy is.
TELLING = 2.0
MEBIBYTE = 1024 * 1024

Tell = Callable[[str], Awaitable[None]]


class CopyDiffers(Exception):
    """What a pod has stored is not what it was sent."""


class IdTaken(Exception):
    """A pod cannot have an image of this id any more."""


class Incomplete(Exception):
    """Somebody else stores the image there just now."""


class ImageCopying:
    """Copies images with Triune's own rights.

    `store_deadline` are the seconds that a pod has to write out what it was sent.
    """

    def __init__(self, user: ServiceUser, store_deadline: float) -> None:
        self._user = user
        self._store_deadline = store_deadline

    async def show(self, pod: Pod, image_id: str) -> JSON | None:
        """An image as a pod shows it; None where it has none. Raises `CopyRefused`, `PodUnreachable`."""
        document = await self._user.fetch(pod, SERVICE, "GET", image_path(image_id))
        if document.status == 404:
            return None
        return dict(self._done(image_id, document).json())

    async def remove(self, pod: Pod, image_id: str) -> None:
        """Remove an image from a pod that may not have it. Raises `CopyRefused`, where it is protected too."""
        self._done(image_id, await self._user.fetch(pod, SERVICE, "DELETE", image_path(image_id)), 404)

    async def record(self, source: Pod, shown: JSON, target: Pod, known: JSON | None) -> JSON:
        """See that a pod has the record of an image, as the source shows it, and who shares it; what it shows then.

        A record that has its data already is left as it is. Raises `CopyRefused`, `IdTaken`, `PodUnreachable`.
        """
        image_id = str(shown["id"])
        if known is None:
            document = await self._user.fetch(target, SERVICE, "POST", "/v2/images", definition(shown))
            # 409: somebody else was faster.
            known = document.json() if self._done(image_id, document, 409).ok else await self.show(target, image_id)
            if known is None:
                # Glance keeps the ids of what was deleted until its operator purges them.
                raise IdTaken(f"{target.region_name} had image {image_id} before, and keeps the id of what was deleted")
        if known["status"] == QUEUED and (patch := changes(shown, known)):
            headers = {"Content-Type": PATCH}
            document = await self._user.fetch(target, SERVICE, "PATCH", image_path(image_id), patch, headers=headers)
            known = dict(self._done(image_id, document).json())
        if shown.get("visibility") == "shared":
            await self._share(source, target, image_id)
        return known

    async def data(self, source: Pod, shown: JSON, target: Pod, tell: Tell) -> None:
        """Store the data of an image in a pod that has its record, and see that it is the same there.

        What was cut off half-way is dropped by the pod. Raises `CopyRefused`, `CopyDiffers`, `Incomplete`,
        `PodUnreachable`.
        """
        image_id = str(shown["id"])
        path = image_path(image_id, "/file")
        read = await self._user.send(source, SERVICE, "GET", path)
        try:
            if read.status not in (200, 204):
                raise CopyRefused(f"image {image_id}", await _whole(read))
            headers = {"Content-Type": "application/octet-stream"}
            if (length := read.headers.get("Content-Length")) is not None:
                # A store that knows the size makes room for it at once.
                headers["Content-Length"] = length
            pieces = _pieces(read, source, shown, tell)
            stored = await self._user.send(target, SERVICE, "PUT", path, pieces, headers, self._store_deadline)
            document = await _whole(stored)
        finally:
            read.close()
        if document.status == 409:
            raise Incomplete(f"{target.region_name} has got data of image {image_id} from elsewhere")
        self._done(image_id, document)
        copy = await self.show(target, image_id)
        if copy is None or copy["status"] in BUSY:
            raise Incomplete(f"image {image_id} is not whole in {target.region_name}")
        if copy["status"] == ACTIVE and (difference := differs(shown, copy)) is not None:
            await self._drop(target, copy)
            raise CopyDiffers(f"image {image_id} in {target.region_name}: {difference}; it was removed there")
        LOG.info("Image %s copied from %s to %s", image_id, source.region_name, target.region_name)

    async def settle(self, source: Pod, image_id: str, target: Pod) -> None:
        """Let a whole copy follow what was changed in the source while the data was on its way.

        Raises `Incomplete` where one of them is gone, `CopyRefused`, `PodUnreachable`.
        """
        shown, copy = await self.show(source, image_id), await self.show(target, image_id)
        if shown is None or copy is None:
            raise Incomplete(f"image {image_id} was removed meanwhile")
        if patch := changes(shown, copy):
            headers = {"Content-Type": PATCH}
            document = await self._user.fetch(target, SERVICE, "PATCH", image_path(image_id), patch, headers=headers)
            self._done(image_id, document)
        if (shown["status"], copy["status"]) == ("deactivated", ACTIVE):
            path = image_path(image_id, "/actions/deactivate")
            self._done(image_id, await self._user.fetch(target, SERVICE, "POST", path))
        if shown.get("visibility") == "shared":
            await self._share(source, target, image_id)

    async def _drop(self, pod: Pod, copy: JSON) -> None:
        """Remove a copy that is none, even where the image is protected."""
        if copy.get("protected"):
            patch = [{"op": "replace", "path": "/protected", "value": False}]
            path = image_path(copy["id"])
            await self._user.fetch(pod, SERVICE, "PATCH", path, patch, headers={"Content-Type": PATCH})
        await self.remove(pod, copy["id"])

    async def _share(self, source: Pod, target: Pod, image_id: str) -> None:
        """Let those projects see the copy that see the image."""
        path = image_path(image_id, "/members")
        wanted, known = [
            {
                str(member["member_id"]): str(member["status"])
                for member in self._done(image_id, await self._user.fetch(pod, SERVICE, "GET", path)).part("members")
            }
            for pod in (source, target)
        ]
        for member_id, status in wanted.items():
            if member_id not in known:
                document = await self._user.fetch(target, SERVICE, "POST", path, {"member": member_id})
                self._done(image_id, document, 409)
            if status != known.get(member_id, "pending"):
                place = image_path(image_id, f"/members/{quote(member_id, safe='')}")
                self._done(image_id, await self._user.fetch(target, SERVICE, "PUT", place, {"status": status}))

    def _done(self, image_id: str, document: Document, *passed_over: int) -> Document:
        """An answer that is no refusal. Raises `CopyRefused`."""
        if not document.ok and document.status not in passed_over:
            raise CopyRefused(f"image {image_id}", document)
        return document


async def _whole(answer: Answer) -> Document:
    return Document(answer.pod, answer.service, answer.status, answer.headers, await answer.read(MAX_REFUSAL))


async def _pieces(answer: Answer, source: Pod, shown: JSON, tell: Tell) -> AsyncGenerator[bytes, None]:
    """The data as it comes; from time to time it is told how much that was.

    The last piece comes when all of it is known to be right: else the stream breaks, and the pod that gets it drops it.
    Raises `CopyDiffers`, `PodUnreachable`.
    """
    copied, told = 0, time.monotonic()
    whole = f"{(shown.get('size') or 0) / MEBIBYTE:.1f} MiB from {source.region_name}"
    digest = digest_of(shown)
    last = b""
    async with aclosing(answer.stream()) as chunks:
        async for chunk in chunks:
            if last:
                yield last
            last = chunk
            copied += len(chunk)
            if digest is not None:
                digest.update(chunk)
            if time.monotonic() - told >= TELLING:
                told = time.monotonic()
                await _tell(tell, f"copied {copied / MEBIBYTE:.1f} of {whole}")
    size = shown.get("size")
    if isinstance(size, int) and copied != size:
        raise PodUnreachable(source, SERVICE, f"{copied} bytes of image data instead of {size}")
    if digest is not None and digest.hexdigest() != shown["os_hash_value"]:
        raise CopyDiffers(f"the data of image {shown['id']} in {source.region_name} is not what its hash says")
    if last:
        yield last


async def _tell(tell: Tell, progress: str) -> None:
    try:
        await tell(progress)
    except SQLAlchemyError as error:
        LOG.warning("How far a copy is cannot be written: %s", error)
