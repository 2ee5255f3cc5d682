"""Finding the pod that holds a resource: memory, then the table of routings, then a search of all pods."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cachetools import LRUCache
from multidict import CIMultiDict
from oslo_config import cfg

from triune.pods.client import Document, PodClient, PodUnreachable, Target
from triune.pods.endpoints import Endpoints
from triune.pods.registry import Pod, Registry
from triune.pods.routings import Routings


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource that lives in one pod under the same id as at the top.

    `by_name`: its API shows it by its name as well.
    """

    name: str
    service: str
    path: str
    by_name: bool = False

    def show(self, resource_id: str) -> str:
        """The path that shows one of them."""
        return self.path.format(id=quote(resource_id, safe=""))


SERVER = Kind("server", "compute", "/v2.1/servers/{id}")
SERVER_GROUP = Kind("server_group", "compute", "/v2.1/os-server-groups/{id}")
VOLUME = Kind("volume", "volume", "/v3/volumes/{id}")
SNAPSHOT = Kind("snapshot", "volume", "/v3/snapshots/{id}")
BACKUP = Kind("backup", "volume", "/v3/backups/{id}")
VOLUME_TRANSFER = Kind("volume_transfer", "volume", "/v3/volume-transfers/{id}")
ATTACHMENT = Kind("attachment", "volume", "/v3/attachments/{id}")
VOLUME_TYPE = Kind("volume_type", "volume", "/v3/types/{id}", by_name=True)
GROUP_TYPE = Kind("group_type", "volume", "/v3/group_types/{id}")
QOS_SPECS = Kind("qos_specs", "volume", "/v3/qos-specs/{id}")
GROUP = Kind("group", "volume", "/v3/groups/{id}")
GROUP_SNAPSHOT = Kind("group_snapshot", "volume", "/v3/group_snapshots/{id}")
CONSISTENCY_GROUP = Kind("consistencygroup", "volume", "/v3/consistencygroups/{id}")
CONSISTENCY_GROUP_SNAPSHOT = Kind("cgsnapshot", "volume", "/v3/cgsnapshots/{id}")
MESSAGE = Kind("message", "volume", "/v3/messages/{id}")
NETWORK = Kind("network", "network", "/v2.0/networks/{id}")
PORT = Kind("port", "network", "/v2.0/ports/{id}")
IMAGE = Kind("image", "image", "/v2/images/{id}")


# Where the APIs show whose a resource is.
_OWNERS = (
    "tenant_id",
    "project_id",
    "os-vol-tenant-attr:tenant_id",
    "os-extended-snapshot-attributes:project_id",
    "os-backup-project-attr:project_id",
)
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(value: str) -> bool:
    """Whether a resource could have this id. Clients try a name as an id before they look for it in a list."""
    return _UUID.fullmatch(value) is not None


def owner_of(document: Document) -> str | None:
    """The project that a resource belongs to, where the document that shows it tells."""
    resource = _resource(document)
    return next((resource[key] for key in _OWNERS if isinstance(resource.get(key), str)), None)


def shows(document: Document, kind: Kind, resource_id: str) -> bool:
    """Whether the document shows the resource that was asked for, and not a list whose path looks like one."""
    resource = _resource(document)
    names = [resource.get("id"), resource.get("name") if kind.by_name else None]
    return any(isinstance(name, str) and name.casefold() == resource_id.casefold() for name in names)


def _resource(document: Document) -> dict[str, Any]:
    """The resource in a document such as `{"server": {"id": ...}}` or, as Glance has it, `{"id": ...}`."""
    shown = document.json()
    if not isinstance(shown, dict) or "id" in shown:
        return shown if isinstance(shown, dict) else {}
    inner = next(iter(shown.values()), None)
    return inner if isinstance(inner, dict) else {}


class NotInAnyPod(Exception):
    """Every pod says that it has no such resource; `document` is the native answer of one of them."""

    def __init__(self, document: Document | None) -> None:
        super().__init__("not found in any pod")
        self.document = document


class PodsMissing(Exception):
    """The resource was not found, but some pods did not answer: it may be there."""

    def __init__(self, missing: list[Pod]) -> None:
        super().__init__(f"no answer from {', '.join(pod.region_name for pod in missing)}")
        self.missing = missing


class Locator:
    """Knows or finds where a resource lives."""

    def __init__(
        self, conf: cfg.ConfigOpts, registry: Registry, routings: Routings, endpoints: Endpoints, client: PodClient
    ) -> None:
        self._deadline: float = conf.pods.list_deadline
        self._registry = registry
        self._routings = routings
        self._endpoints = endpoints
        self._client = client
        self._cache: LRUCache[tuple[str, str], str] = LRUCache(maxsize=conf.pods.location_cache)

    async def locate(self, kind: Kind, resource_id: str, headers: CIMultiDict[str], project_id: str | None) -> Pod:
        """The pod that holds the resource, searched with the caller's own rights.

        Raises `NotInAnyPod` or `PodsMissing`.
        """
        pods = {pod.id: pod for pod in await self._registry.pods()}
        pod = pods.get(self._cache.get((kind.name, resource_id), ""))
        if pod is not None:
            return pod
        pod_id = await self._routings.find(kind.name, resource_id)
        if pod_id is not None and (pod := pods.get(pod_id)) is not None:
            self._keep(kind, resource_id, pod)
            return pod
        document = await self.search(kind, resource_id, headers, project_id, pods.values())
        await self.remember(kind, resource_id, document.pod, owner_of(document) or project_id)
        return document.pod

    async def search(
        self,
        kind: Kind,
        resource_id: str,
        headers: CIMultiDict[str],
        project_id: str | None,
        pods: Iterable[Pod],
    ) -> Document:
        """Ask all the pods at once; the first that shows the resource wins. Raises `NotInAnyPod` or `PodsMissing`."""
        questions = [
            asyncio.create_task(self._client.fetch(self._question(kind, resource_id, pod, project_id), headers))
            for pod in pods
            if not await self._endpoints.lacks(pod.region_name, kind.service)
        ]
        missing: list[Pod] = []
        refusal: Document | None = None
        try:
            for question in asyncio.as_completed(questions):
                try:
                    document = await question
                    found = document.ok and shows(document, kind, resource_id)
                except PodUnreachable as error:
                    missing.append(error.pod)
                    continue
                if found:
                    return document
                if document.ok:
                    # A list at a path that looks like a resource: this pod has no resource of such an id.
                    continue
                if document.status >= 500:
                    missing.append(document.pod)
                    continue
                if refusal is None or document.status != 404:
                    refusal = document
                if document.status == 404 and not kind.by_name and not is_uuid(resource_id):
                    # No pod has such an id, so none that is away or slow needs to be waited for.
                    raise NotInAnyPod(document)
        finally:
            for task in questions:
                task.cancel()
            await asyncio.gather(*questions, return_exceptions=True)
        if missing and (refusal is None or refusal.status == 404):
            raise PodsMissing(missing)
        raise NotInAnyPod(refusal)

    async def remember(self, kind: Kind, resource_id: str, pod: Pod, project_id: str | None) -> None:
        """Keep where a resource is."""
        self._keep(kind, resource_id, pod)
        await self._routings.add(kind.name, resource_id, pod.id, project_id)

    async def forget(self, kind: Kind, resource_id: str, project_id: str | None = None) -> None:
        """Drop what is known: the pod says that the resource is not there.

        With `project_id`, a routing of another project's is kept.
        """
        self._cache.pop((kind.name, resource_id), None)
        await self._routings.drop(kind.name, resource_id, project_id)

    def _keep(self, kind: Kind, resource_id: str, pod: Pod) -> None:
        if self._cache.maxsize:
            self._cache[kind.name, resource_id] = pod.id

    def _question(self, kind: Kind, resource_id: str, pod: Pod, project_id: str | None) -> Target:
        return Target(pod, kind.service, "GET", kind.show(resource_id), project_id=project_id, deadline=self._deadline)
