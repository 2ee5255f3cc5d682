"""Tokens: who may ask, and what Keystone's absence does."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running

ROOTS = ("/compute/v2.1/servers", "/volume/v3/volumes", "/image/v2/images", "/v1.0/pods")
REFUSAL = {
    "error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
}


@pytest.mark.parametrize("path", [path for path in ROOTS if "image" not in path])
async def test_without_a_token_it_is_keystonemiddlewares_401(cloud: Cloud, client: Client, path: str) -> None:
    for token in ("", "unknown", "ü", "a" * 5000, "a b", "../../x", "x; y=z"):
        reply = await client.get(path, headers={"X-Auth-Token": token})
        assert reply.status == 401
        assert reply.json == REFUSAL
        assert reply.headers["WWW-Authenticate"] == f'Keystone uri="{cloud.keystone.root}/v3"'
        assert all(not pod.nova.asked for pod in cloud.pods)


async def test_an_expired_token_is_refused(cloud: Cloud, client: Client, session: Any, gateway: Running) -> None:
    token = cloud.keystone.token(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    reply = await Client(session, gateway.root, token).get("/compute/v2.1/servers")
    assert (reply.status, reply.json) == (401, REFUSAL)


async def test_a_token_is_refused_once_it_expires(cloud: Cloud, client: Client) -> None:
    assert (await client.get("/v1.0")).status == 200
    # Validated before, and remembered until shortly before its end.
    client.token.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    reply = await client.get("/compute/v2.1/servers")
    assert reply.status == 401


@pytest.mark.parametrize("settings", [{"keystone": {"token_cache_time": 0}}], indirect=True)
async def test_without_a_cache_a_revoked_token_is_refused_at_once(cloud: Cloud, client: Client) -> None:
    assert (await client.get("/v1.0")).status == 200
    del cloud.keystone.tokens[client.token.id]
    assert (await client.get("/v1.0")).status == 401


async def test_a_validated_token_costs_keystone_nothing_more(cloud: Cloud, client: Client) -> None:
    for _ in range(5):
        assert (await client.get("/compute/v2.1/servers")).status == 200
    assert cloud.keystone.count("GET", "auth/tokens") == 1


async def test_a_wrong_token_in_a_loop_is_no_load_for_keystone(cloud: Cloud, client: Client) -> None:
    for _ in range(5):
        assert (await client.get("/compute/v2.1/servers", headers={"X-Auth-Token": "wrong"})).status == 401
    assert cloud.keystone.count("GET", "auth/tokens") == 1


@pytest.mark.impatient
@pytest.mark.parametrize("settings", [{"keystone": {"deadline": 0.3}}], indirect=True)
@pytest.mark.parametrize("fault", [service.hang, service.drop, service.status(500), service.text("{"), None])
async def test_without_keystone_new_tokens_are_503_and_known_ones_go_on(
    cloud: Cloud, gateway: Running, client: Client, session: Any, fault: Any
) -> None:
    assert (await client.get("/compute/v2.1/servers")).status == 200
    if fault is None:
        await cloud.keystone.stop()
    else:
        cloud.keystone.fails(fault)
    assert (await client.get("/compute/v2.1/servers")).status == 200
    stranger = Client(session, gateway.root, cloud.keystone.token())
    for path in ROOTS:
        reply = await stranger.get(path)
        assert reply.status == 503, path
        assert "Keystone service is temporarily unavailable" in reply.text
    if fault is not None:
        return
    await cloud.keystone.start()
    for _ in range(60):
        # A failure is remembered for a moment, so that a Keystone in trouble is not asked by every request.
        reply = await stranger.get("/compute/v2.1/servers")
        if reply.status == 200:
            break
        await asyncio.sleep(0.05)
    assert reply.status == 200


async def test_triunes_own_revoked_token_is_renewed(cloud: Cloud, client: Client, session: Any) -> None:
    assert (await client.get("/compute/v2.1/servers")).status == 200
    for token in [token for token, body in cloud.keystone.tokens.items() if "service" in body.roles]:
        del cloud.keystone.tokens[token]
    anew = Client(session, client.root, cloud.keystone.token())
    assert (await anew.get("/compute/v2.1/servers")).status == 200


async def test_the_callers_own_token_goes_to_the_pods(cloud: Cloud, client: Client) -> None:
    await client.get("/compute/v2.1/servers")
    for pod in cloud.pods:
        assert {asked.headers["x-auth-token"] for asked in pod.nova.asked} == {client.token.id}


@pytest.mark.parametrize("path", ["/compute/v2.1/{}/servers", "/volume/v3/{}/volumes"])
async def test_another_project_in_the_path_is_the_pods_own_refusal(client: Client, path: str) -> None:
    assert (await client.get(path.format(client.token.project_id))).status == 200
    reply = await client.get(path.format("0123456789abcdef0123456789abcdef"))
    assert reply.status == 400
    assert "Malformed request" in reply.json["badRequest"]["message"]


async def test_a_token_without_a_project_asks_pods_without_one(cloud: Cloud, gateway: Running, session: Any) -> None:
    token = cloud.keystone.token()
    token.project_id = None
    reply = await Client(session, gateway.root, token).get("/volume/v3/volumes")
    assert reply.status == 200
    assert cloud.pods[0].cinder.asked[-1].path == "/v3/volumes/detail"
