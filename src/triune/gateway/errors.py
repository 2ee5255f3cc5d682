"""Errors of the gateway, and the form in which each API tells errors."""

import html
from collections.abc import Callable
from http import HTTPStatus

from multidict import CIMultiDict

from triune.gateway.http import Request, Response


class ApiError(Exception):
    """A request that the gateway refuses itself; the service that is spoken gives it its native form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers: CIMultiDict[str] = CIMultiDict()


FaultFormat = Callable[[ApiError, Request], Response]

# nova/api/openstack/wsgi.py and cinder/api/openstack/wsgi.py, class Fault; Tricircle used the same names.
_FAULT_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def _fault(error: ApiError, other: str) -> Response:
    name = _FAULT_NAMES.get(error.status, other)
    fault: dict[str, object] = {"code": error.status, "message": error.message}
    if error.status in (413, 429) and (retry_after := error.headers.get("Retry-After")):
        fault["retryAfter"] = retry_after
    response = Response.json({name: fault}, error.status)
    response.headers.extend(error.headers)
    return response


def compute_fault(error: ApiError, _request: Request) -> Response:
    """The error body of Nova: `{"itemNotFound": {"code": 404, "message": "..."}}`."""
    response = _fault(error, "computeFault")
    response.headers["Content-Type"] = "application/json; charset=UTF-8"
    return response


def volume_fault(error: ApiError, _request: Request) -> Response:
    """The error body of Cinder, which is Nova's."""
    return _fault(error, "computeFault")


def admin_fault(error: ApiError, _request: Request) -> Response:
    """The error body of the admin API; codes without a name of their own are called `Error`."""
    return _fault(error, "internalServerError" if error.status == 500 else "Error")


def webob_fault(error: ApiError, request: Request) -> Response:
    """The error body of Glance, and of the middleware of all: HTML, or JSON for clients that accept only that."""
    title = HTTPStatus(error.status).phrase
    status = f"{error.status} {title}"
    accept = request.headers.get("Accept", "*/*")
    if "application/json" in accept and "text/html" not in accept and "*/*" not in accept:
        response = Response.json(
            {"message": f"{error.message}<br /><br />\n\n\n", "code": status, "title": title}, error.status
        )
    else:
        body = (
            f"<html>\n <head>\n  <title>{status}</title>\n </head>\n <body>\n  <h1>{status}</h1>\n"
            f"  {html.escape(error.message)}<br /><br />\n\n\n\n </body>\n</html>"
        )
        response = Response(error.status, body.encode())
        response.headers["Content-Type"] = "text/html; charset=UTF-8"
    response.headers.extend(error.headers)
    return response


def unauthorized(_request: Request) -> Response:
    """The 401 that keystonemiddleware gives."""
    message = "The request you have made requires authentication."
    return Response.json({"error": {"code": 401, "title": "Unauthorized", "message": message}}, 401)


def image_unauthorized(request: Request) -> Response:
    """The 401 of Glance, which lets keystonemiddleware defer the decision to it."""
    message = (
        "This server could not verify that you are authorized to access the document you requested. Either you "
        "supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the "
        "credentials required."
    )
    return webob_fault(ApiError(401, message), request)
