"""The admin API's own version documents."""

from triune.gateway.call import Call
from triune.gateway.http import Response

UPDATED = "2015-09-09T00:00:00Z"


def versions(public_root: str) -> Response:
    """`GET /`: which versions there are; needs no token."""
    link = {"href": f"{public_root}/v1.0/", "rel": "self"}
    return Response.json({"versions": [{"status": "CURRENT", "updated": UPDATED, "id": "v1.0", "links": [link]}]})


async def version(call: Call) -> Response:
    """`GET /v1.0`: where things are."""
    root = f"{call.public_root}/v1.0"
    links = [{"rel": "self", "href": f"{root}/"}]
    links += [{"rel": name, "href": f"{root}/{name}"} for name in ("jobs", "pods")]
    return Response.json({"version": "1.0", "links": links})
