"""Handlers of the work engine for images: copies come to pods that lack them, and go with the image that was removed.

An image that is made in one pod (a snapshot of a server, a volume as an image) has its home there: a routing tells. Its
copies follow it: when its home has it no more, they are removed. Images that are made in all pods have no home.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from oslo_log import log as logging

from triune.pods.client import PodUnreachable
from triune.pods.registry import Pod, Registry
from triune.pods.routings import Routings
from triune.pods.service_user import ServiceUser
from triune.portions import portions
from triune.shared.copying import CopyRefused
from triune.shared.image_copying import SERVICE, ImageCopying, Incomplete
from triune.shared.images import (
    ABANDONED,
    ACTIVE,
    BUSY,
    IMAGE,
    IMAGES,
    JSON,
    QUEUED,
    STORED,
    age,
    bound,
    patience,
)
from triune.shared.intents import Intents
from triune.work.handler import Again, Handler
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

# Images of a home that one look compares, and that one question to it names.
MOST_OF_A_HOME = 10_000
ASKED_AT_ONCE = 50
# Seconds until a home is looked at in which a new backup may have pushed out old ones.
ROTATION = 5.0

Tell = Callable[[Key, str], Awaitable[None]]


class ImageConvergence:
    """Brings an image in one pod to what is wanted. `tell` shows the progress of a key."""

    def __init__(
        self,
        registry: Registry,
        user: ServiceUser,
        intents: Intents,
        routings: Routings,
        store_deadline: float,
        tell: Tell,
    ) -> None:
        self._registry = registry
        self._user = user
        self._intents = intents
        self._routings = routings
        self._copying = ImageCopying(user, store_deadline)
        self._tell = tell

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker calls for each kind."""
        return {IMAGE: self.image, IMAGES: self.images}

    # -- one image in one pod

    async def image(self, key: Key) -> Again | None:
        """The image is in the pod as it is in others, data included; or it is not, where it was removed."""
        pods = await self._registry.pods()
        pod = next((pod for pod in pods if pod.id == key.pod_id), None)
        if pod is None:
            return None
        if await self._intents.is_removed(key):
            await self._copying.remove(pod, key.resource_id)
            return None
        mine = await self._copying.show(pod, key.resource_id)
        if mine is not None and mine["status"] in STORED:
            return None
        home = await self._routings.find(IMAGE, key.resource_id)
        others = [other for other in pods if other.id != pod.id]
        shown, away = await self._shown(key, others)
        if home in {other.id for other in others} - shown.keys() - away.keys():
            await self._vanished(key.resource_id, pods, str(home))
            return None
        source = _best(others, shown, home)
        if source is None:
            if away:
                # The only pod that has it may be the one that is away.
                raise next(iter(away.values()))
            return None
        image = shown[source.id]
        if bound(image) is not None:
            return None
        if mine is not None and mine["status"] in BUSY:
            return Again(patience(mine), f"{pod.region_name} is storing it: {mine['status']}")
        return await self._copy(key, source, image, pod, mine, is_made_there=home is not None)

    async def _copy(
        self, key: Key, source: Pod, image: JSON, pod: Pod, mine: JSON | None, is_made_there: bool
    ) -> Again | None:
        if image["status"] == ACTIVE:
            try:
                await self._copying.record(source, image, pod, mine)
                await self._copying.data(source, image, pod, partial(self._tell, key))
                await self._copying.settle(source, key.resource_id, pod)
            except Incomplete as error:
                return Again(patience(image), str(error))
            if is_made_there and image.get("image_type") == "backup":
                rotated = Key(IMAGES, source.id, source.id)
                await self._intents.wanted([rotated], None, "", ROTATION)
            return None
        if image["status"] in BUSY or (is_made_there and image["status"] == QUEUED and age(image) < ABANDONED):
            return Again(patience(image), f"waits for its data in {source.region_name}: {image['status']}")
        if image["status"] == QUEUED and mine is None and not is_made_there:
            # Whoever sends the data sends it to all pods that have the record.
            await self._copying.record(source, image, pod, None)
        return None

    async def _shown(self, key: Key, pods: list[Pod]) -> tuple[dict[str, JSON], dict[str, PodUnreachable]]:
        """The image as pods show it from which it was not removed, and the pods that do not answer; by pod id."""
        shown: dict[str, JSON] = {}
        away: dict[str, PodUnreachable] = {}

        async def ask(pod: Pod) -> None:
            try:
                if not await self._intents.is_removed(replace(key, pod_id=pod.id)):
                    image = await self._copying.show(pod, key.resource_id)
                    if image is not None:
                        shown[pod.id] = image
            except PodUnreachable as error:
                away[pod.id] = error
            except CopyRefused as error:
                away[pod.id] = PodUnreachable(pod, SERVICE, str(error))

        await asyncio.gather(*(ask(pod) for pod in pods))
        return shown, away

    async def _vanished(self, image_id: str, pods: Sequence[Pod], home: str) -> None:
        """An image was removed in its home, by its owner or by a rotation: its copies are wanted no more."""
        LOG.info("Image %s is no more in the pod where it was made; its copies are removed", image_id)
        keys = [Key(IMAGE, image_id, pod.id) for pod in pods if pod.id != home]
        await self._intents.removed(keys, None, "", 0.0)
        await self._routings.drop(IMAGE, image_id)

    # -- all images of a home

    async def images(self, key: Key) -> None:
        """The copies of those images are removed that were made in this pod, and are there no more."""
        pods = await self._registry.pods()
        pod = next((pod for pod in pods if pod.id == key.pod_id), None)
        if pod is None:
            return
        made = await self._routings.known(IMAGE, pod.id, None, MOST_OF_A_HOME, all_projects=True)
        for some in portions(made, ASKED_AT_ONCE):
            there = await self._listed(pod, list(some))
            for image_id in some:
                # A list leaves out what is hidden.
                if image_id not in there and await self._copying.show(pod, image_id) is None:
                    await self._vanished(image_id, pods, pod.id)

    async def _listed(self, pod: Pod, image_ids: list[str]) -> set[str]:
        query = urlencode({"id": f"in:{','.join(image_ids)}", "visibility": "all", "limit": len(image_ids)})
        document = await self._user.fetch(pod, SERVICE, "GET", "/v2/images", query=query)
        if not document.ok:
            raise CopyRefused("images", document)
        return {str(image["id"]) for image in document.part("images")}


def _best(pods: list[Pod], shown: Mapping[str, JSON], home: str | None) -> Pod | None:
    """The pod that an image is copied from: one that has all of it, its home where there is a choice."""
    having = [pod for pod in pods if pod.id in shown]
    return min(
        having,
        key=lambda pod: (
            shown[pod.id]["status"] != ACTIVE,
            shown[pod.id]["status"] not in BUSY,
            pod.id != home,
            pod.region_name,
        ),
        default=None,
    )
