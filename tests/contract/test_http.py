"""The outer form: methods, headers, encodings, addresses, and what must not be in the log."""

import asyncio
import logging
import re
from typing import Any

import pytest

from triune import log

from .cloud import service
from .cloud.cloud import Cloud
from .cloud.keystone import PASSWORD
from .conftest import Client
from .gateway import Running

REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def raw(gateway: Running, request: bytes) -> bytes:
    """What the gateway says to these bytes."""
    host, _, port = gateway.root.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", ["/compute/v2.1/servers", "/volume/v3/volumes", "/image/v2/images"])
async def test_head_of_a_list_is_as_native(cloud: Cloud, client: Client, path: str) -> None:
    reply = await client.request("HEAD", path)
    assert reply.status == (405 if "image" in path else 404)
    assert reply.body == b""


async def test_head_of_a_server_keeps_the_pods_headers(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    reply = await client.request("HEAD", f"/compute/v2.1/servers/{server['id']}")
    assert reply.body == b""


@pytest.mark.parametrize("encoding", ["gzip", "gzip, deflate, br", "*"])
async def test_a_client_that_takes_gzip_gets_what_it_can_read(cloud: Cloud, client: Client, encoding: str) -> None:
    cloud.pods[0].nova.add_server(client.token.project_id)
    reply = await client.get("/compute/v2.1/servers/detail", headers={"Accept-Encoding": encoding})
    assert len(reply.json["servers"]) == 1
    assert cloud.pods[0].nova.asked[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("host", "scheme"), [("[::1]:8443", "http"), ("cloud.example", "https"), ("[fd00::1]", "https"), ("a:1", None)]
)
async def test_links_speak_of_the_host_that_was_asked(
    cloud: Cloud, client: Client, host: str, scheme: str | None
) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    headers = {"Host": host, **({"X-Forwarded-Proto": scheme} if scheme else {})}
    reply = await client.get("/compute/v2.1/servers?limit=1", headers=headers)
    root = f"{scheme or 'http'}://{host}/compute/v2.1/servers"
    assert reply.json["servers"][0]["links"][0]["href"] == f"{root}/{server['id']}"
    assert reply.json["servers_links"][0]["href"].startswith(f"{root}?")


async def test_pods_do_not_see_how_we_are_reached(cloud: Cloud, client: Client) -> None:
    headers = {
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil", "Forwarded": "host=evil", "Connection": "keep-alive",
        "TE": "trailers", "X-Forwarded-Prefix": "/x", "X-Kept": "yes",
    }  # fmt: skip
    reply = await client.get("/compute/v2.1/servers", headers=headers)
    assert reply.status == 200
    seen = cloud.pods[0].nova.asked[-1].headers
    assert not {"x-forwarded-proto", "x-forwarded-host", "forwarded", "te", "x-forwarded-prefix"} & seen.keys()
    assert seen["x-kept"] == "yes"
    assert seen["host"] == cloud.pods[0].nova.root.removeprefix("http://")


async def test_a_forwarded_host_is_nobodys_to_say(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_server(client.token.project_id)
    reply = await client.get("/compute/v2.1/servers", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil" not in reply.text


@pytest.mark.parametrize("settings", [{"gateway": {"trusted_proxies": "192.0.2.1"}}], indirect=True)
async def test_only_a_trusted_proxy_changes_the_scheme(cloud: Cloud, client: Client) -> None:
    cloud.pods[0].nova.add_server(client.token.project_id)
    reply = await client.get("/compute/v2.1/servers", headers={"X-Forwarded-Proto": "https"})
    assert "https://" not in reply.text


@pytest.mark.parametrize("settings", [{"gateway": {"public_endpoint": "https://cloud.example/api/"}}], indirect=True)
async def test_a_public_endpoint_is_what_links_begin_with(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    reply = await client.get("/compute/v2.1/servers")
    assert reply.json["servers"][0]["links"][0]["href"] == (
        f"https://cloud.example/api/compute/v2.1/servers/{server['id']}"
    )


@pytest.mark.parametrize("path", ["/compute/v2.1/servers", "/volume/v3/volumes", "/v1.0/pods"])
async def test_20_megabytes_of_json_are_too_many(gateway: Running, admin: Client, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {admin.token.id}\r\nContent-Length: 20000000\r\n"
    answer = await raw(gateway, f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n{{".encode())
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]


async def test_so_are_they_in_chunks(gateway: Running, client: Client) -> None:
    async def pieces() -> Any:
        for _ in range(320):
            yield b" " * 65536

    try:
        reply = await client.post("/compute/v2.1/servers", data=pieces())
    except ConnectionError:
        # It was refused, and the connection closed, before all was sent.
        return
    assert reply.status == 413


@pytest.mark.parametrize(
    "line",
    [
        b"OPTIONS * HTTP/1.1",
        b"GET /compute/v2.1/../../v2.1/servers HTTP/1.1",
        b"GET //compute//v2.1//servers HTTP/1.1",
        b"GET /%00 HTTP/1.1",
        b"GET /compute/v2.1/servers/%FF%FE HTTP/1.1",
        b"GET /compute/v2.1/servers?limit=%FF&%00=1 HTTP/1.1",
        b"GET /compute/v2.1/servers?marker=%00 HTTP/1.1",
        b"BREW /compute/v2.1/servers HTTP/1.1",
        b"TRACE / HTTP/1.1",
    ],
)
async def test_odd_requests_get_an_answer_and_no_500(
    cloud: Cloud, gateway: Running, client: Client, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"Host: a\r\nX-Auth-Token: {client.token.id}\r\nConnection: close\r\n\r\n"
    answer = await raw(gateway, line + b"\r\n" + head.encode())
    status = int(answer.split(b" ", 2)[1])
    assert status < 500 or status == 501, answer
    assert "Traceback" not in caplog.text


async def test_letters_in_headers_survive(cloud: Cloud, client: Client, gateway: Running) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)

    async def letters(_request: Any) -> Any:
        from aiohttp import web

        return web.json_response({"server": {}}, headers={"X-Name": "größe 你好", "Location": "http://a/ü"})

    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    cloud.pods[0].nova.fails(letters)
    reply = await client.get(f"/compute/v2.1/servers/{server['id']}", headers={"X-Sent": "größe 你好"})
    assert reply.status == 200
    assert reply.headers["X-Name"] == "größe 你好"
    assert cloud.pods[0].nova.asked[-1].headers["x-sent"] == "größe 你好"


async def test_what_is_not_offered_is_501(cloud: Cloud, client: Client) -> None:
    reply = await client.post("/compute/v2.1/os-nonsense", {})
    assert reply.status == 501
    assert reply.json["notImplemented"]["code"] == 501
    assert all(not pod.nova.asked for pod in cloud.pods)


async def test_every_answer_carries_the_request_id_of_our_log(
    cloud: Cloud, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    for method, path in (
        ("GET", "/"),
        ("GET", "/compute/"),
        ("GET", "/compute/v2.1/servers"),
        ("GET", f"/compute/v2.1/servers/{server['id']}"),
        ("GET", "/compute/v2.1/nonsense"),
        ("GET", "/image/v2/images"),
        ("GET", "/v1.0/nothing"),
        ("POST", "/volume/v3/volumes"),
    ):
        caplog.clear()
        reply = await client.request(method, path)
        request_id = reply.headers["X-Openstack-Request-Id"]
        assert REQUEST_ID.fullmatch(request_id)
        (line,) = [record for record in caplog.records if record.name == "triune.gateway.app"]
        assert path in line.getMessage()
        assert str(reply.status) in line.getMessage()


async def test_pods_get_it_as_the_global_request_id(cloud: Cloud, client: Client) -> None:
    reply = await client.get("/compute/v2.1/servers")
    for pod in cloud.pods:
        assert pod.nova.asked[-1].headers["x-openstack-request-id"] == reply.headers["X-Openstack-Request-Id"]


async def test_a_request_id_of_the_client_stands_in_our_log_next_to_ours(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "triune")
    caplog.handler.addFilter(log._ContextFilter())
    mine = "req-11111111-2222-3333-4444-555555555555"
    for sent, logged in ((mine, mine), ("req-1 forged", None)):
        caplog.clear()
        reply = await client.get("/compute/v2.1/servers", headers={"X-OpenStack-Request-ID": sent})
        contexts = [record.context for record in caplog.records]  # type: ignore[attr-defined]
        assert {context.request_id for context in contexts} == {reply.headers["X-Openstack-Request-Id"]}
        assert {context.global_request_id for context in contexts} == {logged}


async def test_no_secret_is_in_the_log(cloud: Cloud, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for pod in cloud.pods:
        pod.nova.add_flavor("1")
    body = {"server": {"name": "a", "flavorRef": "1", "adminPass": "s3cret-of-a-tenant", "user_data": "dXNlcg=="}}
    assert (await client.post("/compute/v2.1/servers", body)).status == 202
    await client.post("/compute/v2.1/os-keypairs", {"keypair": {"name": "key"}})
    await client.get("/compute/v2.1/servers", headers={"X-Auth-Token": "a-wrong-token"})
    cloud.pods[1].nova.fails(service.drop)
    await client.get("/compute/v2.1/servers")
    cloud.pods[0].nova.fails(service.text("{nonsense"))
    await client.get("/compute/v2.1/servers")
    await cloud.keystone.stop()
    await client.get("/compute/v2.1/servers", headers={"X-Auth-Token": "another-wrong-token"})
    assert len(caplog.records) > 5
    private = [key["private_key"] for key in cloud.pods[0].nova.keypairs.values()]
    own = [token for token, body in cloud.keystone.tokens.items() if "service" in body.roles]
    assert own
    for secret in (
        client.token.id, PASSWORD, "s3cret-of-a-tenant", "dXNlcg==", "a-wrong-token", "another-wrong-token",
        "a-secret-that-signs", *own, *private,
    ):  # fmt: skip
        assert secret not in caplog.text, secret


async def test_an_unexpected_error_tells_nothing_of_the_inside(
    cloud: Cloud, gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_arguments: Any) -> Any:
        raise KeyError("something inside")

    monkeypatch.setattr(gateway.shared.registry, "pods", broken)
    reply = await client.get("/compute/v2.1/servers")
    assert reply.status == 500
    assert reply.json["computeFault"]["code"] == 500
    assert "something inside" not in reply.text
    assert "Traceback" not in reply.text
    assert "something inside" in caplog.text


async def test_many_at_once(cloud: Cloud, client: Client) -> None:
    servers = [pod.nova.add_server(client.token.project_id)["id"] for pod in cloud.pods for _ in range(20)]
    replies = await asyncio.gather(*(client.get(f"/compute/v2.1/servers/{server}") for server in servers * 3))
    assert [reply.json["server"]["id"] for reply in replies] == servers * 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/compute/v2.1/servers/"),
        ("DELETE", "/compute/v2.1/servers/"),
        ("GET", "/compute/v2.1/flavors/detail/"),
        ("DELETE", "/image/v2/images/"),
        ("GET", "/image/v2/images//file"),
        ("GET", "/volume/v3/volumes/"),
        ("PUT", "/volume/v3/volumes/"),
    ],
)
async def test_no_path_ends_with_a_slash(cloud: Cloud, client: Client, method: str, path: str) -> None:
    """As `routes` has it, of which the services' routers are made: a client that forgets the id gets no list."""
    reply = await client.request(method, path)
    assert reply.status == 404
    assert "The resource could not be found." in reply.body.decode()
