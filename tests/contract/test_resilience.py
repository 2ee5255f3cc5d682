"""What one client or one pod cannot do to the others, and what goes on without Keystone or the database."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running, raw

PAUSED = {"pods": {"breaker_pause": 20, "breaker_max_pause": 20}}


def fault(code: int, headers: dict[str, str] | None = None) -> service.Fault:
    """An error that the service tells itself."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        body = {"serviceUnavailable": {"code": code, "message": "No backup service."}}
        return web.json_response(body, status=code, headers=headers)

    return answer


async def is_open(gateway: Running, name: str, region: str = "RegionOne") -> bool:
    pod = next(pod for pod in await gateway.shared.registry.pods() if pod.region_name == region)
    return gateway.shared.health.breaker(pod.id, name).is_open


async def endless(request: web.Request) -> web.StreamResponse:
    """Data without end, until the other side goes away."""
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


# -- breakers


@pytest.mark.parametrize("settings", [PAUSED], indirect=True)
@pytest.mark.parametrize("headers", [None, {"X-Openstack-Request-Id": "req-1"}])
async def test_a_service_that_refuses_one_request_is_not_left_out(
    cloud: Cloud, gateway: Running, client: Client, headers: dict[str, str] | None
) -> None:
    cinder = cloud.pods[0].cinder
    volume = cinder.add("volume", client.token.project_id)
    assert (await client.get(f"/volume/v3/volumes/{volume['id']}")).status == 200
    cinder.fails(fault(503, headers), "POST .*/backups")
    for _ in range(5):
        reply = await client.post("/volume/v3/backups", {"backup": {"volume_id": volume["id"], "name": "b"}})
        assert reply.status == 503
        assert reply.json == {"serviceUnavailable": {"code": 503, "message": "No backup service."}}
    assert not await is_open(gateway, "volume")
    assert (await client.get(f"/volume/v3/volumes/{volume['id']}")).status == 200


@pytest.mark.parametrize("settings", [PAUSED], indirect=True)
async def test_a_proxy_that_speaks_for_a_service_opens_its_breaker(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    cloud.pods[0].nova.fails(service.status(503, "<html><body>nothing behind me</body></html>"))
    for _ in range(3):
        await client.get("/compute/v2.1/servers")
    assert await is_open(gateway, "compute")


@pytest.mark.parametrize("settings", [{"pods": {"stall_timeout": 0.3, **PAUSED["pods"]}}], indirect=True)
async def test_a_client_that_stalls_harms_nobody(cloud: Cloud, gateway: Running, client: Client) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    image = cloud.pods[0].glance.add(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    for path, kind in (
        (f"POST /compute/v2.1/servers/{server['id']}/action", "application/json"),
        (f"PUT /image/v2/images/{image['id']}/file", "application/octet-stream"),
    ):
        for _ in range(4):
            told = await raw(
                gateway,
                f"{path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token.id}\r\nContent-Type: {kind}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            )
            assert told.startswith(b"HTTP/1.1 408 ")
    assert not await is_open(gateway, "compute")
    assert not await is_open(gateway, "image")
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200


@pytest.mark.parametrize(
    "settings", [{"pods": {"connections": 2, "connect_timeout": 0.2, **PAUSED["pods"]}}], indirect=True
)
async def test_clients_that_do_not_read_starve_nobody(cloud: Cloud, gateway: Running, client: Client) -> None:
    image = cloud.pods[0].glance.add(client.token.project_id, b"abc")
    cloud.pods[0].glance.fails(endless, "/file")
    host, port = gateway.root.removeprefix("http://").split(":")
    writers = []
    for _ in range(6):
        _reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        path = f"/image/v2/images/{image['id']}/file"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token.id}\r\n\r\n".encode())
        writers.append(writer)
    await asyncio.sleep(0.3)
    for _ in range(4):
        assert (await client.get(f"/image/v2/images/{image['id']}")).status == 200
    for writer in writers:
        writer.transport.abort()


@pytest.mark.parametrize(
    "settings", [{"pods": {"connections": 1, "connect_timeout": 0.2, **PAUSED["pods"]}}], indirect=True
)
async def test_waiting_for_others_requests_is_not_the_pods_failure(
    cloud: Cloud, gateway: Running, client: Client
) -> None:
    server = cloud.pods[0].nova.add_server(client.token.project_id)
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200
    cloud.pods[0].nova.fails(service.delay(1), "GET .*/servers/")
    paths = [f"/compute/v2.1/servers/{server['id']}"] * 6
    statuses = sorted(reply.status for reply in await asyncio.gather(*(client.get(path) for path in paths)))
    assert statuses == [200, 503, 503, 503, 503, 503]
    assert not await is_open(gateway, "compute")


# -- streams


def streams_without_end(cloud: Cloud) -> asyncio.Event:
    """The first pod's images have no end; set when it could stop sending one."""
    ended = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        try:
            return await endless(request)
        finally:
            ended.set()

    cloud.pods[0].glance.fails(stream, "/file")
    return ended


async def test_a_download_ends_with_its_client(cloud: Cloud, gateway: Running, client: Client) -> None:
    image = cloud.pods[0].glance.add(client.token.project_id, b"abc")
    ended = streams_without_end(cloud)
    path = f"/image/v2/images/{image['id']}/file"
    await raw(gateway, f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token.id}\r\n\r\n", 0.3)
    async with asyncio.timeout(3):
        await ended.wait()


@pytest.mark.parametrize("settings", [{"pods": {"stall_timeout": 0.4}}], indirect=True)
async def test_so_it_does_when_the_client_does_not_read(cloud: Cloud, gateway: Running, client: Client) -> None:
    image = cloud.pods[0].glance.add(client.token.project_id, b"abc")
    ended = streams_without_end(cloud)
    host, port = gateway.root.removeprefix("http://").split(":")
    _reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    path = f"/image/v2/images/{image['id']}/file"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token.id}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        await ended.wait()
    writer.transport.abort()


# -- Keystone and its catalog


@pytest.mark.parametrize("settings", [{"keystone": {"deadline": 0.6}}], indirect=True)
async def test_a_hanging_keystone_costs_everybody_one_deadline(cloud: Cloud, gateway: Running, session: Any) -> None:
    cloud.keystone.fails(service.hang)

    async def ask() -> tuple[int, float]:
        started = time.monotonic()
        reply = await Client(session, gateway.root, cloud.keystone.token()).get("/compute/v2.1/servers")
        return reply.status, time.monotonic() - started

    answers = await asyncio.gather(*(ask() for _ in range(12)))
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < 1.5
    # Whoever comes a moment later does not wait at all.
    assert (await ask())[1] < 0.3


async def test_a_token_is_validated_once_for_all_who_bring_it(cloud: Cloud, client: Client) -> None:
    cloud.keystone.fails(service.delay(0.2), "GET /v3/auth/tokens")
    replies = await asyncio.gather(*(client.get("/compute/v2.1/servers") for _ in range(8)))
    assert {reply.status for reply in replies} == {200}
    assert cloud.keystone.count("GET", "auth/tokens") == 1


def without(cloud: Cloud, region: str, service_type: str) -> None:
    """Take a service of a region out of the catalog."""
    gone = (region, cloud.keystone.services[service_type])
    cloud.keystone.endpoints[:] = [
        endpoint for endpoint in cloud.keystone.endpoints if (endpoint["region"], endpoint["service_id"]) != gone
    ]


async def test_a_region_without_a_service_is_not_missed_there(cloud: Cloud, client: Client) -> None:
    without(cloud, "RegionTwo", "volumev3")
    reply = await client.get("/volume/v3/volumes")
    assert (reply.status, reply.json["volumes"]) == (200, [])
    assert "Triune-Missing-Pods" not in reply.headers
    assert (await client.get(f"/volume/v3/volumes/{uuid.uuid4()}")).status == 404
    read = cloud.keystone.count("GET", "/v3/endpoints")
    for _ in range(3):
        await client.get("/volume/v3/volumes")
    assert cloud.keystone.count("GET", "/v3/endpoints") == read


# -- versions


@pytest.mark.impatient
@pytest.mark.parametrize("kind", [service.status(500, "Oops"), service.text("<html>captive</html>", "text/html")])
async def test_nonsense_about_versions_is_left_out(cloud: Cloud, client: Client, kind: service.Fault) -> None:
    cloud.pods[1].nova.fails(kind)
    reply = await client.get("/compute/", headers={"X-Auth-Token": ""})
    assert reply.status == 200
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert [entry["id"] for entry in reply.json["versions"]] == ["v2.0", "v2.1"]
    assert (await client.at("compute 2.60").get("/compute/v2.1/flavors")).status == 200


async def test_who_has_no_token_costs_the_pods_nothing(cloud: Cloud, client: Client) -> None:
    for _ in range(5):
        assert (await client.get("/compute/", headers={"X-Auth-Token": ""})).status == 200
    assert [pod.nova.count("GET") for pod in cloud.pods] == [1, 1]


# -- the gateway itself and its database


@pytest.mark.parametrize("settings", [{"pods": {"location_cache": 0}}], indirect=True)
async def test_no_locations_need_be_kept_in_memory(cloud: Cloud, client: Client) -> None:
    server = cloud.pods[1].nova.add_server(client.token.project_id)
    for _ in range(2):
        assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200


async def test_health(cloud: Cloud, gateway: Running, session: Any) -> None:
    async with session.get(f"{gateway.root}/healthcheck") as reply:
        assert (reply.status, await reply.text()) == (200, "OK")
    await cloud.keystone.stop()
    # What was read once serves on.
    async with session.get(f"{gateway.root}/healthcheck") as reply:
        assert reply.status == 200


async def test_not_healthy_before_keystone_was_reached(
    cloud: Cloud, start_gateway: Callable[..., Any], session: Any
) -> None:
    await cloud.keystone.stop()
    async with (
        start_gateway({"keystone": {"deadline": 0.5}}) as gateway,
        session.get(f"{gateway.root}/healthcheck") as reply,
    ):
        assert reply.status == 503


async def test_without_a_database_what_is_known_goes_on(
    cloud: Cloud, gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: Any, **_options: Any) -> Any:
        raise ConnectionRefusedError

    server = cloud.pods[1].nova.add_server(client.token.project_id)
    assert (await client.get("/compute/v2.1/servers")).status == 200
    monkeypatch.setattr(gateway.shared.database, "_sessions", refused)
    assert (await client.get("/compute/v2.1/servers")).status == 200
    assert (await client.get(f"/compute/v2.1/servers/{server['id']}")).status == 200


async def test_without_a_database_from_the_start_it_is_503(
    cloud: Cloud, start_gateway: Callable[..., Any], session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: Any, **_options: Any) -> Any:
        raise ConnectionRefusedError

    async with start_gateway() as gateway:
        monkeypatch.setattr(gateway.shared.database, "_sessions", refused)
        reply = await Client(session, gateway.root, cloud.keystone.token()).get("/compute/v2.1/servers")
        assert reply.status == 503
        assert reply.json["serviceUnavailable"]["message"] == "The database is temporarily unavailable."
        async with session.get(f"{gateway.root}/healthcheck") as health:
            assert health.status == 503
