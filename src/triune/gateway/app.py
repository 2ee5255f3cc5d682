"""The gateway as an ASGI application: from a request to the service, the caller and the strategy that answer it."""

import re
import time
import uuid
from collections.abc import Sequence
from urllib.parse import unquote

from oslo_log import log as logging

from triune.gateway.admin import root
from triune.gateway.admin.table import ADMIN
from triune.gateway.call import MISSING_PODS, Call, Gateway
from triune.gateway.compute.table import COMPUTE
from triune.gateway.errors import ApiError, webob_fault
from triune.gateway.forward import unreachable
from triune.gateway.http import BodyTooLarge, ClientGone, Receive, Request, Response, Scope, Send
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
_ANONYMOUS = Caller(token="", user_id="", project_id=None, roles=(), expires_at=0.0)
_REQUEST_ID = re.compile(r"req-[0-9a-f-]{36}")


class App:
    """One gateway process. Lifespan events are answered by `triune.cli.gateway`, which owns what calls share."""

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
        request = Request(scope, receive, request_id, self._gateway.conf.pods.stall_timeout)
        theirs = request.headers.get("X-OpenStack-Request-ID", "")
        with request_context(request_id, theirs if _REQUEST_ID.fullmatch(theirs) else None):
            status = 499
            try:
                response = await self._answer(request)
                # Ours, not the pod's: it stands in our log and, as the global request id, in the pod's.
                response.headers["X-Openstack-Request-Id"] = request_id
                status = response.status
                await response.send(send)
            except ClientGone as error:
                LOG.info("%s %s: %s", request.method, request.path, error)
            except PodUnreachable as error:
                # The answer has begun: all that is left is to end it in a way that the client notices.
                LOG.warning("%s %s broke: %s", request.method, request.path, error)
                raise
            finally:
                LOG.info("%s %s %s %.3f s", request.method, request.path, status, time.monotonic() - started)

    async def _answer(self, request: Request) -> Response:
        public_root = self._public_root(request)
        if request.path == "/":
            if request.method != "GET":
                return ADMIN.fault(ApiError(405, "Method not allowed"), request)
            return root.versions(public_root)
        service = next((service for service in SERVICES if _under(request.path, service.prefix)), ADMIN)
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
        except ClientGone:
            raise
        except Exception:
            LOG.exception("%s %s failed", request.method, request.path)
            message = "Unexpected API Error. Please report it to the operator with the request id."
            return service.fault(ApiError(500, message), request)

    async def _serve(self, service: Service, request: Request, public_root: str) -> Response:
        rest = request.path[len(service.prefix) :] or "/"
        if request.method == "GET" and _canonical(rest) in service.version_documents:
            call = Call(self._gateway, service, request, _ANONYMOUS, "/", None, public_root)
            return await self._versions.document(call, _canonical(rest))
        version, _, tail = rest.lstrip("/").partition("/")
        if version != service.version:
            raise ApiError(404, "The resource could not be found.")
        caller = await self._authenticate(request)
        if caller is None:
            response = service.unauthorized(request)
            response.headers["WWW-Authenticate"] = f'Keystone uri="{self._authenticate_uri()}"'
            return response
        project, path = _split_project(service, tail, caller)
        call = Call(self._gateway, service, request, caller, path, project, public_root)
        await self._versions.check(call)
        match = service.routes.match(request.method, path)
        if match is not None:
            call.parameters = match.parameters
        elif service is ADMIN:
            if service.routes.knows(path):
                raise ApiError(405, f"{request.method} is not allowed here.")
            raise ApiError(404, "The resource could not be found.")
        elif request.method not in READING:
            # Written to one pod of many, by chance, it would be a surprise to everybody.
            raise ApiError(501, f"{request.method} {path} is not offered by this cloud.")
        try:
            response = await (match.strategy if match is not None else self._anywhere)(call)
        except ApiError as error:
            response = call.marked(service.fault(error, request))
        if call.missing:
            response.headers[MISSING_PODS] = call.missing_names()
        return response

    async def _authenticate(self, request: Request) -> Caller | None:
        token = request.headers.get("X-Auth-Token")
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
