"""The gateway as an ASGI application: from a request to the service, the caller and the strategy that answer it."""

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote, unquote

from multidict import CIMultiDict
from oslo_log import log as logging

from triune.access_rules import allowed
from triune.db.engine import DatabaseUnavailable
from triune.gateway.admin import root
from triune.gateway.admin.table import ADMIN
from triune.gateway.call import MISSING_PODS, Call, Gateway
from triune.gateway.compute.table import COMPUTE
from triune.gateway.errors import ApiError, webob_fault
from triune.gateway.forward import unreachable
from triune.gateway.health import healthcheck
from triune.gateway.http import BodyTooLarge, ClientGone, ClientStalled, Receive, Request, Response, Scope, Send
from triune.gateway.image.table import IMAGE_SERVICE
from triune.gateway.service import Service
from triune.gateway.strategies import Anywhere
from triune.gateway.versions import Versions
from triune.gateway.volume.table import VOLUME_SERVICE
from triune.identity import Caller, IdentityUnavailable
from triune.log import request_context
from triune.pods.client import PodUnreachable

LOG = logging.getLogger(__name__)

# The admin API has no prefix of its own and comes last.
SERVICES: Sequence[Service] = (COMPUTE, VOLUME_SERVICE, IMAGE_SERVICE, ADMIN)
# A project in a path: what Nova and Cinder take for one (`[0-9a-f-]+`), but long enough to be no collection.
_PROJECT = re.compile(r"[0-9a-f-]{32,36}")
READING = frozenset({"GET", "HEAD"})
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ANONYMOUS = Caller(token="", user_id="", project_id=None, roles=(), expires_at=0.0)
# What oslo.middleware takes for a request id of the client.
_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class App:
    """One gateway process. Lifespan events are answered by `triune.cli.gateway`, which owns what calls share.

    Each request gets an id, told in `X-Openstack-Request-Id`. It stands in our log; and, as the global request id, in
    the logs of the pods that were asked. The id that a client gives (`X-OpenStack-Request-ID`) stands in our log next
    to it.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._versions = Versions()
        self._anywhere = Anywhere()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (https://asgi.readthedocs.io)."""
        if scope["type"] != "http":
            return
        request_id = f"req-{uuid.uuid4()}"
        started = time.monotonic()
        stall_timeout = self._gateway.conf.pods.stall_timeout
        request = Request(scope, receive, request_id, stall_timeout)
        clients = request.headers.get("X-OpenStack-Request-ID", "")
        with request_context(request_id, clients if _REQUEST_ID.fullmatch(clients) else None) as asked:
            status = 499
            try:
                response = await self._answer(request)
                response.headers["X-Openstack-Request-Id"] = request_id
                await response.send(send, receive, stall_timeout)
                status = response.status
            except ClientGone as error:
                LOG.info("%s %s: %s", request.method, request.path, error)
            except PodUnreachable as error:
                # The answer has begun: all that is left is to end it in a way that the client notices.
                status = 502
                LOG.warning("%s %s broke: %s", request.method, request.path, error)
                raise
            finally:
                caller = request.caller
                LOG.info(
                    "%s %s %s %.3f s user=%s project=%s pods=%s",
                    request.method,
                    request.path,
                    status,
                    time.monotonic() - started,
                    caller.user_id if caller is not None else "-",
                    (caller.project_id if caller is not None else None) or "-",
                    ",".join(asked) or "-",
                )

    async def _answer(self, request: Request) -> Response:
        public_root = self._public_root(request)
        if request.path == "*" and request.method == "OPTIONS":
            return Response(204, headers=CIMultiDict({"Allow": ", ".join((*METHODS, "HEAD", "OPTIONS"))}))
        service = next((service for service in SERVICES if _under(request.path, service.prefix)), ADMIN)
        if _climbs(request.path):
            # No name of anything, and a way out of the resource that a pod was chosen for.
            return self._not_found(service, request)
        if request.path == "/":
            if request.method != "GET":
                return ADMIN.fault(ApiError(405, "Method not allowed"), request)
            return root.versions(public_root)
        if request.path == "/healthcheck" and request.method in READING:
            return await healthcheck(self._gateway)
        try:
            return await self._serve(service, request, public_root)
        except ApiError as error:
            return service.fault(error, request)
        except BodyTooLarge as error:
            # In OpenStack it is a middleware that refuses this, in its own form.
            fault = service.fault if service is ADMIN else webob_fault
            return fault(ApiError(413, str(error)), request)
        except PodUnreachable as error:
            return service.fault(unreachable(error), request)
        except IdentityUnavailable as error:
            LOG.error("%s", error)
            return service.fault(ApiError(503, "The Keystone service is temporarily unavailable."), request)
        except DatabaseUnavailable as error:
            LOG.error("The database does not answer: %s", error)
            return service.fault(ApiError(503, "The database is temporarily unavailable."), request)
        except ClientStalled as error:
            LOG.info("%s %s: %s", request.method, request.path, error)
            response = service.fault(ApiError(408, "The request was not sent to its end in time."), request)
            response.headers["Connection"] = "close"
            return response
        except ClientGone:
            raise
        except Exception:
            LOG.exception("%s %s failed", request.method, request.path)
            message = "Unexpected API Error. Please report it to the operator with the request id."
            return service.fault(ApiError(500, message), request)

    async def _serve(self, service: Service, request: Request, public_root: str) -> Response:
        rest = request.path[len(service.prefix) :] or "/"
        anonymous = Call(self._gateway, service, request, _ANONYMOUS, "/", None, public_root)
        if request.method in READING and _canonical(rest) in service.version_documents:
            return _marked(anonymous, await self._versions.document(anonymous, _canonical(rest)))
        version, _, tail = rest.lstrip("/").partition("/")
        if version not in service.versions:
            raise ApiError(404, "The resource could not be found.")
        if service is not ADMIN and request.method == "OPTIONS" and "Origin" in request.headers:
            # A browser asks without a token whether it may ask; pods know their origins ([cors] in their settings).
            return await self._anywhere(replace(anonymous, path=f"/{tail}"))
        caller = await self._authenticate(request)
        if caller is None or not allowed(caller.access_rules, service.types, request.method, rest):
            response = service.unauthorized(request)
            response.headers["WWW-Authenticate"] = f'Keystone uri="{self._authenticate_uri()}"'
            return response
        request.caller = caller
        if request.method in READING and _canonical(rest) in service.guarded_documents:
            return _marked(anonymous, await self._versions.document(anonymous, "/", status=200))
        project, path = _split_project(service, tail, caller)
        call = Call(self._gateway, service, request, caller, path, project, public_root)
        if version == service.legacy_version:
            # As nova.api.openstack.LegacyV2CompatibleWrapper does it.
            if service.microversions is not None:
                service.microversions.clear(request.headers)
            call.legacy_pods = await self._versions.legacy_pods(call)
        await self._versions.check(call)
        match = service.routes.match(request.method, path)
        if match is not None:
            call.parameters = match.parameters
        elif service is ADMIN:
            if service.routes.knows(path):
                raise ApiError(405, f"{request.method} is not allowed here.")
            raise ApiError(404, "The resource could not be found.")
        elif request.method not in READING:
            return self._not_offered(service, request, path)
        try:
            response = await (match.strategy if match is not None else self._anywhere)(call)
        except ApiError as error:
            response = call.marked(service.fault(error, request))
        if call.legacy_pods is not None and service.microversions is not None:
            service.microversions.unmark(response.headers)
        return _marked(call, response)

    def _not_found(self, service: Service, request: Request) -> Response:
        """What OpenStack's routing says to a path that it does not know."""
        fault = service.fault if service is ADMIN else webob_fault
        return fault(ApiError(404, "The resource could not be found."), request)

    def _not_offered(self, service: Service, request: Request, path: str) -> Response:
        offered = [method for method in METHODS if service.routes.match(method, path) is not None]
        if path.endswith("/"):
            return self._not_found(service, request)
        if "POST" not in offered:
            # Written to one pod of many, by chance, it would be a surprise to everybody.
            raise ApiError(501, f"{request.method} {path} is not offered by this cloud.")
        # A collection in which things are made: what we do not know of it, no service knows.
        if not service.tells_methods:
            return self._not_found(service, request)
        error = ApiError(405, f"The method {request.method} is not allowed for this resource. ")
        error.headers["Allow"] = ", ".join(offered)
        return webob_fault(error, request)

    async def _authenticate(self, request: Request) -> Caller | None:
        # The second is the older name, which keystonemiddleware takes as well.
        token = request.headers.get("X-Auth-Token") or request.headers.get("X-Storage-Token")
        return await self._gateway.identity.validate(token) if token else None

    def _authenticate_uri(self) -> str:
        keystone = self._gateway.conf.keystone
        return str(keystone.www_authenticate_uri or keystone.auth_url)

    def _public_root(self, request: Request) -> str:
        configured = self._gateway.conf.gateway.public_endpoint
        if configured:
            return str(configured).rstrip("/")
        return f"{request.scheme}://{request.headers.get('Host', 'localhost')}"


def _under(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def _canonical(path: str) -> str:
    """Version documents live at `/` and `/v2.1/`, with or without the last slash."""
    return path if path.endswith("/") or path == "/versions" else f"{path}/"


def _split_project(service: Service, tail: str, caller: Caller) -> tuple[str | None, str]:
    """The project segment that a path may begin with, and the rest."""
    first, _, rest = tail.partition("/")
    if service.has_project and (_PROJECT.fullmatch(first) or (first and unquote(first) == caller.project_id)):
        return first, f"/{rest}"
    return None, f"/{tail}"


def _climbs(path: str) -> bool:
    """Whether a path has a segment `.` or `..`, written in whatever way."""
    return not {".", ".."}.isdisjoint(unquote(path).split("/"))


def _marked(call: Call, response: Response) -> Response:
    """Name the missing pods in an answer, in letters that a header can carry."""
    if call.missing:
        names = sorted(pod.region_name for pod in call.missing.values())
        response.headers[MISSING_PODS] = ", ".join(quote(name, safe=" !#$&'()*+-./:;<=>?@[]^_`{|}~") for name in names)
    return response
