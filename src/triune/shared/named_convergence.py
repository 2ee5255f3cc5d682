"""Handlers of the work engine: a pod that was away gets the types that it lacks, and loses those that were removed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from oslo_log import log as logging

from triune.identity import IdentityUnavailable
from triune.pods.client import Document, PodUnreachable
from triune.pods.registry import Pod, Registry
from triune.pods.service_user import ServiceUser
from triune.shared.copying import CopyRefused
from triune.shared.intents import Intents
from triune.shared.named import GROUP_TYPE, JSON, QOS_SPECS, VOLUME_TYPE, Named, find_by_name
from triune.work.handler import Handler
from triune.work.requests import Key

LOG = logging.getLogger(__name__)

# The microversion in which there are group types; volume types and QoS specs are the same in all.
VERSION = "volume 3.11"
# What `GET /types/{id}/encryption` shows, and `POST` takes.
_ENCRYPTION = ("provider", "control_location", "cipher", "key_size")


class NamedConvergence:
    """Brings one resource that is the same by its name to what is wanted in one pod."""

    def __init__(self, registry: Registry, user: ServiceUser, intents: Intents) -> None:
        self._registry = registry
        self._user = user
        self._intents = intents

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker calls for each kind."""
        return {
            VOLUME_TYPE.kind: partial(self._converge, VOLUME_TYPE, self._complete_volume_type),
            GROUP_TYPE.kind: partial(self._converge, GROUP_TYPE, _nothing),
            QOS_SPECS.kind: partial(self._converge, QOS_SPECS, _nothing),
        }

    async def _converge(
        self, named: Named, complete: Callable[[Pod, Pod, JSON, JSON], Awaitable[None]], key: Key
    ) -> None:
        """One that is there already is never overwritten, only completed where it was created half."""
        pods = await self._registry.pods()
        pod = next((pod for pod in pods if pod.id == key.pod_id), None)
        if pod is None:
            return
        mine = await self._find(pod, named, key.resource_id)
        if await self._intents.is_removed(key):
            if mine is not None:
                # Removing was judged where it was asked for; a pod that returns only follows.
                query = "force=True" if named is QOS_SPECS else ""
                await self._do(pod, "DELETE", named.place(mine["id"]), query, passed_over=(404,))
            return
        away: PodUnreachable | None = None
        for source in pods:
            if source.id == pod.id or await self._intents.is_removed(replace(key, pod_id=source.id)):
                continue
            try:
                theirs = await self._find(source, named, key.resource_id)
                if theirs is not None:
                    mine = mine or await self._copy(source, pod, named, theirs)
                    # Another one under this name is the operator's own.
                    if named.definition(mine) == named.definition(theirs):
                        await complete(source, pod, theirs, mine)
                    return
            except PodUnreachable as error:
                away = error
        if away is not None and mine is None:
            # The only pod that has it may be the one that is away.
            raise away

    async def _copy(self, source: Pod, target: Pod, named: Named, theirs: JSON) -> JSON:
        document = await self._do(
            target, "POST", named.path, document={named.item: named.definition(theirs)}, passed_over=(409,)
        )
        LOG.info("%s %s copied from %s to %s", named.item, theirs["name"], source.region_name, target.region_name)
        mine = document.json()[named.item] if document.ok else await self._find(target, named, theirs["name"])
        if mine is None:
            raise CopyRefused(f"{named.item} {theirs['name']}", document)
        return dict(mine)

    async def _complete_volume_type(self, source: Pod, target: Pod, theirs: JSON, mine: JSON) -> None:
        """What is not given with a new type: encryption, who has access, QoS specs."""
        there, here = VOLUME_TYPE.place(theirs["id"]), VOLUME_TYPE.place(mine["id"])
        shown = (await self._do(source, "GET", f"{there}/encryption")).json()
        encryption = {name: shown[name] for name in _ENCRYPTION if shown.get(name) is not None}
        if encryption and not (await self._do(target, "GET", f"{here}/encryption")).json():
            await self._do(target, "POST", f"{here}/encryption", document={"encryption": encryption})
        if not theirs.get("is_public", True) and not mine.get("is_public", True):
            listed = await self._do(source, "GET", f"{there}/os-volume-type-access")
            for access in listed.part("volume_type_access"):
                body = {"addProjectAccess": {"project": access["project_id"]}}
                await self._do(target, "POST", f"{here}/action", document=body, passed_over=(409,))
        if theirs.get("qos_specs_id") and not mine.get("qos_specs_id"):
            await self._associate(source, target, theirs["qos_specs_id"], mine["id"])

    async def _associate(self, source: Pod, target: Pod, qos_id: str, type_id: str) -> None:
        specs = (await self._do(source, "GET", QOS_SPECS.place(qos_id))).part("qos_specs")
        known = await self._find(target, QOS_SPECS, specs["name"]) or await self._copy(source, target, QOS_SPECS, specs)
        await self._do(target, "GET", f"{QOS_SPECS.place(known['id'])}/associate", f"vol_type_id={type_id}")

    # -- asking

    async def _find(self, pod: Pod, named: Named, name: str) -> JSON | None:
        return await find_by_name(self._ask, pod, named, name)

    async def _ask(self, pod: Pod, method: str, path: str, query: str = "", document: Any = None) -> Document:
        try:
            # Cinder before release 20 has no paths without a project.
            path = f"/v3/{await self._user.project()}{path}"
        except IdentityUnavailable as error:
            raise PodUnreachable(pod, "volume", str(error), sent=False) from error
        return await self._user.fetch(pod, "volume", method, path, document, query, VERSION)

    async def _do(
        self,
        pod: Pod,
        method: str,
        path: str,
        query: str = "",
        document: Any = None,
        passed_over: tuple[int, ...] = (),
    ) -> Document:
        """Ask a pod. Raises `CopyRefused` for a refusal that is not passed over."""
        answer = await self._ask(pod, method, path, query, document)
        if not answer.ok and answer.status not in passed_over:
            raise CopyRefused(f"{method} {path}", answer)
        return answer


async def _nothing(_source: Pod, _target: Pod, _theirs: JSON, _mine: JSON) -> None:
    """Nothing is left to do."""
