"""Single requests: access rules, microversions, paths, headers, methods and bodies, and what is refused of them."""

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running, raw

# -- access rules


RULES = [
    {"id": "1", "service": "compute", "method": "GET", "path": "/v2.1/servers"},
    {"id": "2", "service": "block-storage", "method": "GET", "path": "/v3/*/volumes/**"},
]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/compute/v2.1/servers", 200),
        ("GET", "/compute/v2.1/servers?limit=1", 200),
        ("GET", "/compute/v2.1/servers/detail", 401),
        ("DELETE", "/compute/v2.1/servers", 401),
        ("GET", "/volume/v3/{project}/volumes/detail", 200),
        ("GET", "/volume/v3/{project}/snapshots", 401),
        ("GET", "/image/v2/images", 401),
        ("GET", "/v1.0/pods", 401),
    ],
)
async def test_access_rules_are_kept(
    cloud: Cloud, client: Client, monkeypatch: pytest.MonkeyPatch, method: str, path: str, status: int
) -> None:
    def body() -> dict[str, Any]:
        document = original()
        document["token"]["application_credential"] = {"id": "c", "name": "c", "access_rules": RULES}
        return document

    original: Callable[[], dict[str, Any]] = client.token.body
    monkeypatch.setattr(client.token, "body", body)
    reply = await client.request(method, path.replace("{project}", str(client.token.project_id)))
    assert reply.status == status
    asked = next(asked for asked in cloud.keystone.asked if asked.headers.get("x-subject-token") == client.token.id)
    assert asked.headers["openstack-identity-access-rules"] == "1"


# -- microversions


async def test_pods_without_a_common_microversion(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.lowest, cloud.pods[0].nova.highest = "2.1", "2.40"
    cloud.pods[1].nova.lowest, cloud.pods[1].nova.highest = "2.60", "2.90"
    for asked in ("latest", "2.50"):
        reply = await client.at(f"compute {asked}").get("/compute/v2.1/servers")
        assert reply.status == 406
        assert "no microversion in common" in reply.json["computeFault"]["message"]
    entry = (await client.get("/compute/")).json["versions"][-1]
    assert (entry["min_version"], entry["version"]) == ("", "")


async def test_the_last_microversion_counts(client: Client) -> None:
    reply = await client.at("compute 2.60, Compute  2.61").get("/compute/v2.1/servers")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.61"


# -- paths and headers


@pytest.mark.parametrize("dots", ["..", ".", "%2e%2e", "%2E.", "..%2Fos-keypairs", "x%2f%2e%2e"])
@pytest.mark.parametrize("path", ["/compute/v2.1/servers/{}/os-keypairs", "/image/v2/{}/images", "/v1.0/pods/{}"])
async def test_a_path_does_not_climb(cloud: Cloud, gateway: Running, client: Client, dots: str, path: str) -> None:
    told = await raw(
        gateway,
        f"GET {path.format(dots)} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token.id}\r\nConnection: close\r\n\r\n",
    )
    assert told.startswith(b"HTTP/1.1 404 ")
    assert all(not pod.nova.asked and not pod.glance.asked for pod in cloud.pods)


async def test_a_collection_is_nowhere_a_resource(cloud: Cloud, gateway: Running, client: Client) -> None:
    assert (await client.request("HEAD", "/compute/v2.1/servers/detail")).status == 404
    assert await gateway.shared.routings.find("server", "detail") is None


async def test_only_our_own_headers_go_to_pods(cloud: Cloud, gateway: Running, client: Client) -> None:
    told = await raw(
        gateway,
        f"GET /compute/v2.1/servers HTTP/1.1\r\nHost: x\r\nX-Storage-Token: {client.token.id}\r\n"
        "X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Secret: 1\r\n"
        "Connection: close, X-Secret\r\n\r\n",
    )
    assert told.startswith(b"HTTP/1.1 200 ")
    asked = cloud.pods[0].nova.asked[-1].headers
    assert asked["x-auth-token"] == client.token.id
    hidden = {"x-storage-token", "x-forwarded-for", "x-real-ip", "forwarded", "x-secret", "connection"}
    assert hidden.isdisjoint(asked)


async def test_request_ids_meet_in_the_logs(cloud: Cloud, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    theirs = f"req-{uuid.uuid4()}"
    with caplog.at_level(logging.INFO, "triune.gateway.app"):
        reply = await client.get("/compute/v2.1/servers", headers={"X-OpenStack-Request-ID": theirs})
    assert cloud.pods[0].nova.asked[-1].headers["x-openstack-request-id"] == reply.headers["X-Openstack-Request-Id"]
    line = next(record.getMessage() for record in caplog.records if "user=" in record.getMessage())
    assert f"user={client.token.user_id} project={client.token.project_id} pods=RegionOne,RegionTwo" in line
    assert client.token.id not in caplog.text


async def test_region_names_may_have_any_letters(cloud: Cloud, gateway: Running, client: Client) -> None:
    await gateway.shared.registry.create("区域", "az9", "", "")
    reply = await client.get("/compute/v2.1/servers")
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (200, "%E5%8C%BA%E5%9F%9F")


async def test_letters_of_pods_and_clients_pass(cloud: Cloud, gateway: Running, client: Client) -> None:
    async def letters(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"flavor": {"id": "1"}}, headers={"X-Name": "名"})

    cloud.pods[0].nova.fails(letters, "flavors/1")
    reply = await client.get("/compute/v2.1/flavors/1")
    assert (reply.status, reply.headers["X-Name"]) == (200, "名")


# -- methods and bodies


async def test_wrong_methods_are_refused_natively(client: Client) -> None:
    reply = await client.put("/compute/v2.1/servers", json={})
    assert (reply.status, reply.text[:6]) == (404, "<html>")
    reply = await client.put("/image/v2/images", json={})
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, POST")
    # What a newer Nova would do, but we do not, is no 404.
    assert (await client.post("/compute/v2.1/os-news", {"news": {}})).status == 501


async def test_options(cloud: Cloud, gateway: Running, client: Client, session: Any) -> None:
    told = await raw(gateway, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 204 ")

    async def preflight(request: web.Request) -> web.StreamResponse:
        assert "X-Auth-Token" not in request.headers
        return web.Response(headers={"Access-Control-Allow-Origin": request.headers["Origin"]})

    cloud.pods[0].nova.fails(preflight, "OPTIONS")
    headers = {"Origin": "https://dashboard", "Access-Control-Request-Method": "POST"}
    async with session.options(f"{gateway.root}/compute/v2.1/servers", headers=headers) as reply:
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (200, "https://dashboard")


async def test_a_large_body_is_refused_as_by_the_middleware(client: Client) -> None:
    reply = await client.request("POST", "/compute/v2.1/servers", data=json.dumps({"a": "x" * 200_000}).encode())
    assert reply.status == 413
    assert reply.text.startswith("<html>\n <head>\n  <title>413 Request Entity Too Large</title>")
