"""A simulated Keystone and compute service in one process, as cheap as Python can be: for measuring, never for proof.

Run as `python -m benchmarks.simulated PORT`.
"""

import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]

SERVER_ID = "6f1f0f39-9a5b-4d6c-8f6b-0d5d2f1f4c11"
REGION = "Simulated"


def server_body(size: int, port: int) -> bytes:
    """A server document of about `size` bytes, with links as Nova makes them."""
    links = [{"rel": "self", "href": f"http://127.0.0.1:{port}/v2.1/servers/{SERVER_ID}"}]
    server = {"id": SERVER_ID, "name": "bench", "status": "ACTIVE", "links": links, "metadata": {"pad": ""}}
    server["metadata"] = {"pad": "x" * (size - len(json.dumps({"server": server})))}
    return json.dumps({"server": server}).encode()


def keystone(path: str, method: str, port: int) -> tuple[int, dict[str, Any], dict[str, str]]:
    """The few answers of Keystone that the gateway needs."""
    token = {
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2020-01-01T00:00:00.000000Z",
        "methods": ["password"],
        "user": {"id": "u", "name": "u", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p" * 32, "name": "p", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "admin"}],
        "catalog": [],
    }
    if path == "/v3/auth/tokens":
        return (201 if method == "POST" else 200), {"token": token}, {"X-Subject-Token": "simulated"}
    if path == "/v3/services":
        return 200, {"services": [{"id": "s", "type": "compute"}]}, {}
    endpoint = {"service_id": "s", "region_id": REGION, "interface": "public", "url": f"http://127.0.0.1:{port}/v2.1"}
    return 200, {"endpoints": [endpoint]}, {}


def application(port: int) -> Callable[..., Awaitable[None]]:
    """The ASGI application; `GET /v2.1/servers/{id}?size=N` answers with about N bytes."""
    bodies = {size: server_body(size, port) for size in (1_000, 10_000, 100_000)}

    async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Any]) -> None:
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        path, headers, status = scope["path"], {}, 200
        if path.startswith("/v3"):
            status, document, headers = keystone(path, scope["method"], port)
            body = json.dumps(document).encode()
        else:
            body = bodies[int(scope["query_string"].decode().partition("=")[2] or 1_000)]
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        raw += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return app


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(application(port), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
