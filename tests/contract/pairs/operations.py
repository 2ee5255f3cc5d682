"""Which operation of an API a request is."""

import json
from pathlib import Path

from triune.gateway.coverage import parse
from triune.gateway.routes import Route, RouteTable

_FILES = Path(__file__).parents[3] / "docs" / "reference" / "operations"
_VERSIONS = {"compute": "v2.1", "volume": "v3", "image": "v2"}
# glance/api/v2/router.py. Schemas are documents that no Glance changes.
_IMAGE = """
GET POST /images
GET PATCH DELETE /images/{image_id}
GET /images/{image_id}/tasks
POST /images/{image_id}/import
POST /images/{image_id}/actions/deactivate
POST /images/{image_id}/actions/reactivate
GET PUT /images/{image_id}/file
PUT /images/{image_id}/stage
GET POST /images/{image_id}/locations
PUT DELETE /images/{image_id}/tags/{tag_value}
GET POST /images/{image_id}/members
GET PUT DELETE /images/{image_id}/members/{member_id}
DELETE /stores/{store_id}/{image_id}
GET /metadefs/resource_types
GET POST /metadefs/namespaces
GET PUT DELETE /metadefs/namespaces/{namespace}
GET POST /metadefs/namespaces/{namespace}/resource_types
DELETE /metadefs/namespaces/{namespace}/resource_types/{resource_type}
GET POST DELETE /metadefs/namespaces/{namespace}/properties
GET PUT DELETE /metadefs/namespaces/{namespace}/properties/{property_name}
GET POST DELETE /metadefs/namespaces/{namespace}/objects
GET PUT DELETE /metadefs/namespaces/{namespace}/objects/{object_name}
GET POST DELETE /metadefs/namespaces/{namespace}/tags
GET POST PUT DELETE /metadefs/namespaces/{namespace}/tags/{tag_name}
GET /schemas/{name}
GET /schemas/metadefs/{name}
GET POST /tasks
GET DELETE /tasks/{task_id}
GET /info/import
GET /info/stores
GET /info/stores/detail
GET /info/usage
GET DELETE /cache
PUT DELETE /cache/{image_id}
POST /cache/clean
POST /cache/prune
"""


class _Named:
    """What a route of these tables leads to: the path with its parameters in braces."""

    def __init__(self, path: str) -> None:
        self.path = path

    async def __call__(self, call: object) -> object:
        raise NotImplementedError


def _lines(service: str) -> list[tuple[str, str]]:
    if service == "image":
        lines = [line.rpartition(" ") for line in _IMAGE.strip().splitlines()]
        return [(method, path) for methods, _, path in lines for method in methods.split()]
    operations = parse((_FILES / f"{service}.txt").read_text())
    return list(dict.fromkeys((operation.method, operation.path) for operation in operations))


_TABLES = {
    service: RouteTable(Route(method, path, _Named(path)) for method, path in _lines(service))  # type: ignore[arg-type]
    for service in _VERSIONS
}


def known(service: str) -> set[str]:
    """All operations of an API, without what actions there are."""
    return {f"{method} {path}" for method, path in _lines(service)}


def operation_of(service: str, method: str, path: str, body: bytes, project_id: str) -> str | None:
    """The name of an operation, `POST /servers/{server_id}/action os-start`; None: it is none of those known.

    `path` begins with the version, as a service gets it, and may have a query.
    """
    version, _, tail = path.partition("?")[0].lstrip("/").partition("/")
    if version != _VERSIONS[service]:
        return None
    if service != "image" and tail.partition("/")[0] == project_id:
        tail = tail.partition("/")[2]
    match = _TABLES[service].match(method, f"/{tail}")
    if match is None or not tail:
        return None
    named = match.strategy.path  # type: ignore[attr-defined]
    return " ".join(filter(None, (method, named, action_of(body) if named.endswith("/action") else "")))


def action_of(body: bytes) -> str:
    """What the body of a `POST .../action` names."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(next(iter(document), "")) if isinstance(document, dict) else ""
