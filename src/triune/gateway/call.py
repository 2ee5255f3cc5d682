"""One call of an API: who asks for what, and the means to answer it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
from multidict import CIMultiDict, CIMultiDictProxy
from oslo_config import cfg
from oslo_policy.policy import Enforcer

from triune.db.engine import Database
from triune.gateway.background import Background
from triune.gateway.errors import ApiError
from triune.gateway.http import Request, Response
from triune.gateway.service import Service
from triune.gateway.translate import Translation
from triune.gateway.written import written
from triune.identity import Caller, Identity
from triune.pods.body import encode
from triune.pods.capacity import Capacity
from triune.pods.client import Answer, Body, Document, PodClient, PodUnreachable, Target
from triune.pods.endpoints import Endpoint, Endpoints
from triune.pods.health import Health
from triune.pods.locate import Kind, Locator
from triune.pods.own_zones import OwnZones
from triune.pods.registry import Pod, Registry
from triune.pods.routings import Routings
from triune.pods.service_user import ServiceUser
from triune.quota.limits import Limits
from triune.quota.room import Rooms
from triune.scheduler.scheduler import Scheduler
from triune.shared.changes import Changes
from triune.shared.intents import Intents
from triune.work.journal import Journal
from triune.work.runner import Runner

MISSING_PODS = "Triune-Missing-Pods"

# RFC 9110 section 7.6.1, and what the HTTP client sets itself.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "expect",
    }
)
BODY_HEADERS = frozenset({"content-length", "content-type", "content-encoding", "content-md5"})
# A pod must not take its idea of the client's address or our URL from these.
FORWARDED = frozenset(
    {
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-real-ip",
    }
)
# What the gateway puts itself: a token, and once; the request id; encodings that can be translated.
_OWN = frozenset({"x-auth-token", "x-storage-token", "x-openstack-request-id", "accept-encoding"})
_DROPPED = HOP_BY_HOP | FORWARDED | _OWN
_DROPPED_WITHOUT_BODY = _DROPPED | BODY_HEADERS
_DROPPED_FROM_ANSWERS = HOP_BY_HOP | {"date", "server"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """What all calls share."""

    conf: cfg.ConfigOpts
    database: Database
    identity: Identity
    registry: Registry
    routings: Routings
    endpoints: Endpoints
    health: Health
    client: PodClient
    locator: Locator
    policy: Enforcer
    service_user: ServiceUser
    scheduler: Scheduler
    capacity: Capacity
    own_zones: OwnZones
    journal: Journal
    intents: Intents
    changes: Changes
    limits: Limits
    rooms: Rooms
    runner: Runner
    background: Background


@dataclass(slots=True)
class Call:
    """A request that was routed and whose caller is known.

    `path` is the part after the version and the project, percent-encoded; `project` is the project segment as the
    caller wrote it, or None. `missing` collects the pods that could not be asked, to be named in the answer.
    `legacy_pods`: the service's `legacy_version` is spoken, which the pods with these ids speak too; else None.
    """

    gateway: Gateway
    service: Service
    request: Request
    caller: Caller
    path: str
    project: str | None
    public_root: str
    microversion: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    missing: dict[str, Pod] = field(default_factory=dict)
    numbered: str | None = None
    legacy_pods: frozenset[str] | None = None

    @property
    def version(self) -> str:
        """The version that the caller speaks, as it stands in paths."""
        legacy = self.service.legacy_version
        return self.service.version if self.legacy_pods is None or legacy is None else legacy

    # -- what was asked

    async def json(self) -> dict[str, Any] | None:
        """The request's body as a JSON object, or None where it is none: then a pod gives the native refusal.

        Raises `BodyTooLarge`.
        """
        body = await self.request.body(self.gateway.conf.gateway.max_request_body)
        try:
            # Not msgspec: the pods parse with the standard library, and what they take we must take.
            document = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

    def headers(self, with_body: bool = True, service: str | None = None) -> CIMultiDict[str]:
        """The caller's headers as a service of a pod may see them; without `service`, the one that is spoken.

        The request id under which our log knows the request goes along as the global one, so that it stands in the
        pods' logs too; the client's own stands in our log, next to ours.
        """
        dropped = _DROPPED if with_body else _DROPPED_WITHOUT_BODY
        asked = self.request.headers
        if "Connection" in asked:
            dropped = dropped | connection_options(asked)
        headers = CIMultiDict((name, value) for name, value in asked.items() if name.lower() not in dropped)
        headers["X-OpenStack-Request-ID"] = self.request.request_id
        if self.caller.token:
            headers["X-Auth-Token"] = self.caller.token
        # JSON is read and translated on its way back; a compressed body could not be.
        headers["Accept-Encoding"] = "identity"
        microversions = self.service.microversions
        if microversions is not None and service not in (None, self.service.name):
            # It says nothing to another service, and Cinder refuses a header that does not name it.
            microversions.clear(headers)
        elif microversions is not None and self.microversion is not None:
            microversions.set(headers, self.microversion)
        return headers

    # -- asking pods

    async def pods(self) -> list[Pod]:
        """The pods that offer the service, those where it was answering first. Raises 503 when there is none."""
        registered = await self.gateway.registry.pods()
        if not registered:
            raise ApiError(503, "No pods are registered.")
        name = self.service.name
        pods = [pod for pod in registered if not await self.gateway.endpoints.lacks(pod.region_name, name)]
        if not pods:
            raise ApiError(503, f"No pod has a service of type {name}.")
        health = self.gateway.health
        return sorted(pods, key=lambda pod: health.breaker(pod.id, name).is_open)

    def target(
        self,
        pod: Pod,
        method: str | None = None,
        path: str | None = None,
        query: str | None = None,
        service: str | None = None,
        deadline: float | None = None,
    ) -> Target:
        """A request to a pod; without further arguments, this call's own."""
        return Target(
            pod=pod,
            service=service or self.service.name,
            method=method or self.request.method,
            path=path if path is not None else f"/{self._version_in(pod)}{self.path}",
            query=query if query is not None else (self.request.query if path is None else ""),
            project=self.project if service is None else None,
            project_id=self.caller.project_id,
            deadline=deadline,
        )

    def _version_in(self, pod: Pod) -> str:
        """The version in which a pod is asked what the caller asks.

        A pod that does not speak the older one understands the same in the oldest microversion of the newer, if it was
        written carefully. What was put into a microversion by us can be said in the newer one only.
        """
        speaks = self.microversion is None and pod.id in (self.legacy_pods or ())
        return self.version if speaks else self.service.version

    async def send(self, pod: Pod, deadline: float | None = None) -> Answer:
        """Pass this call on to a pod, streaming its body. Raises `PodUnreachable`."""
        body: Body = None
        length = self.request.content_length
        if length is not None and length <= self.gateway.conf.gateway.max_request_body:
            body = await self.request.body(length)
        elif self.request.has_body:
            body = self.request.stream()
        return await self.gateway.client.send(self.target(pod, deadline=deadline), self.headers(), body)

    async def fetch(self, target: Target, document: Any = None) -> Document:
        """Ask a pod with this caller's rights. Raises `PodUnreachable`."""
        headers = self.headers(with_body=False, service=target.service)
        body = None
        if document is not None:
            body = encode(document)
            headers["Content-Type"] = "application/json"
        return await self.gateway.client.fetch(target, headers, body)

    async def locate(self, kind: Kind, resource_id: str) -> Pod:
        """The pod that holds a resource. Raises `NotInAnyPod` or `PodsMissing`."""
        headers = self.headers(with_body=False, service=kind.service)
        return await self.gateway.locator.locate(kind, resource_id, headers, self.caller.project_id)

    async def search(self, kind: Kind, resource_id: str) -> Document:
        """What the pod shows of a resource that holds it now. Raises `NotInAnyPod` or `PodsMissing`."""
        gateway = self.gateway
        pods = await gateway.registry.pods()
        headers = self.headers(with_body=False, service=kind.service)
        return await gateway.locator.search(kind, resource_id, headers, self.caller.project_id, pods)

    def lost(self, error: PodUnreachable) -> None:
        """Note that a pod could not be asked."""
        self.missing[error.pod.id] = error.pod

    def settle_missing(self, answered: bool) -> None:
        """Decide on a list without the missing pods. Raises `ApiError` 503 where it may not be given, or is none."""
        if self.missing and (self.gateway.conf.gateway.strict_lists or not answered):
            raise ApiError(503, f"No answer from {self.missing_names()}.")

    def missing_names(self) -> str:
        """The region names of the missing pods."""
        return ", ".join(sorted(pod.region_name for pod in self.missing.values()))

    # -- answering

    def translation(self, pod: Pod, endpoint: Endpoint) -> Translation:
        """How this pod's words are put."""
        ours = f"{self.public_root}{self.service.prefix}"
        roots = {endpoint.root: ours}
        if self.legacy_pods is not None:
            roots = {**{f"{endpoint.root}/{each}": f"{ours}/{self.version}" for each in self.service.versions}, **roots}
        if self.service.name == "compute" and (image := self.gateway.endpoints.known(pod.region_name, "image")):
            # A snapshot's `Location` is an image.
            roots[image.root] = f"{self.public_root}/image"
        zone = pod.az_name if self.service.has_project else None
        return Translation(roots, zone, pod.region_name, self.numbered)

    async def endpoint(self, pod: Pod) -> Endpoint:
        """The endpoint of the spoken service in a pod that has just answered."""
        endpoint = await self.gateway.endpoints.get(pod.region_name, self.service.name)
        return endpoint if endpoint is not None else Endpoint("", False)

    async def respond(self, document: Document) -> Response:
        """A pod's whole answer as ours."""
        response = Response(document.status, document.body, response_headers(document.headers))
        translation = self.translation(document.pod, await self.endpoint(document.pod))
        translate_location(response, translation)
        if "json" in document.headers.get("Content-Type", ""):
            response.body = translate_body(document.body, translation)
            response.headers.popall("Content-Length", None)
        return response

    def marked(self, response: Response) -> Response:
        """An answer of ours, telling the microversion it was made with, as the APIs do."""
        microversions = self.service.microversions
        if microversions is not None and self.legacy_pods is None:
            microversions.mark(response.headers, self.microversion or microversions.default)
        return response

    def top_url(self, path: str, query: str = "") -> str:
        """The URL of a path of this API as tenants see it; `path` begins after version and project."""
        project = f"/{self.project}" if self.project else ""
        suffix = f"?{query}" if query else ""
        return f"{self.public_root}{self.service.prefix}/{self.version}{project}{path}{suffix}"


def connection_options(headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> set[str]:
    """The headers that are named in `Connection`: they concern this hop alone."""
    return {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}


def response_headers(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers of a pod's answer that concern the client."""
    dropped = _DROPPED_FROM_ANSWERS
    if "Connection" in headers:
        dropped = dropped | connection_options(headers)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def translate_location(response: Response, translation: Translation) -> None:
    """Put a `Location` header to ours."""
    if (location := response.headers.get("Location")) is not None:
        response.headers["Location"] = translation.link(location)


def translate_body(body: bytes, translation: Translation) -> bytes:
    """Translate a JSON body; one that holds neither our pod's address nor a zone is returned as it came."""
    if not translation.concerns(body):
        return body
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        try:
            # Of what pods write, the standard library reads a little more: lone surrogates.
            document = json.loads(body)
        except (ValueError, RecursionError):
            return body
    return written(translation.document(document), ascii_only=body.isascii())


def quoted(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")
