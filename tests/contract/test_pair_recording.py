"""What is recorded of the talk between a client and a region: nothing secret, nothing of the lab's addresses, no more
than tells something new, and everything that the other side said.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from yarl import URL

from .cloud.cloud import Cloud
from .cloud.keystone import PASSWORD
from .pairs.blank import blank
from .pairs.chosen import MOST, Chosen, thin
from .pairs.operations import operation_of
from .pairs.pair import Caller, Pair, read
from .pairs.recording_proxy import KeystoneProxy, RecordingProxy

PROJECT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
async def noted(cloud: Cloud) -> AsyncIterator[tuple[KeystoneProxy, RecordingProxy, list[Pair]]]:
    """Proxies before Keystone and RegionOne's Nova."""
    nova = cloud.pods[0].nova
    pairs: list[Pair] = []
    words = {nova.root: "{compute}"}
    moved: dict[str, str] = {}
    keystone = KeystoneProxy(cloud.keystone.root, moved)
    proxy = RecordingProxy("compute", nova.root, keystone.callers, words, pairs.append)
    await proxy.start()
    await keystone.start()
    words[proxy.root] = "{compute}"
    moved[nova.root] = proxy.root
    yield keystone, proxy, pairs
    await proxy.stop()
    await keystone.stop()


async def log_in(session: aiohttp.ClientSession, keystone: KeystoneProxy) -> tuple[str, Any]:
    user = {"name": "triune", "password": PASSWORD}
    body = {"auth": {"identity": {"password": {"user": user}}}}
    async with session.post(f"{keystone.root}/v3/auth/tokens", json=body) as response:
        return response.headers["X-Subject-Token"], await response.json()


async def test_a_pair_is_what_was_said(
    cloud: Cloud, session: aiohttp.ClientSession, noted: tuple[KeystoneProxy, RecordingProxy, list[Pair]]
) -> None:
    keystone, proxy, pairs = noted
    token, _ = await log_in(session, keystone)
    caller = keystone.callers[token]
    server = cloud.pods[0].nova.add_server(caller.project_id, name="\u00fc")
    url = f"{proxy.root}/v2.1/{caller.project_id}/servers/{server['id']}?a=%2F"
    headers = {"X-Auth-Token": token, "OpenStack-API-Version": "compute 2.69", "Accept": "application/json"}
    async with session.get(URL(url, encoded=True), headers=headers) as response:
        body = await response.text()
        assert cloud.pods[0].nova.root in body
    (pair,) = pairs
    assert (pair.service, pair.operation, pair.method, pair.status) == (
        "compute", "GET /servers/{server_id}", "GET", 200,
    )  # fmt: skip
    assert pair.path == f"/v2.1/{caller.project_id}/servers/{server['id']}?a=%2F"
    assert pair.headers == [("OpenStack-API-Version", "compute 2.69"), ("Accept", "application/json")]
    assert pair.answer == body.replace(cloud.pods[0].nova.root, "{compute}")
    assert dict(pair.answer_headers)["Content-Type"] == "application/json"
    assert pair.caller == Caller(
        cloud.keystone.user.project_id or "", cloud.keystone.user.user_id, ("admin", "service")
    )
    told = {key: value for key, value in json.loads(json.dumps(pair, default=vars)).items() if key != "service"}
    assert read("compute", told) == pair


async def test_nothing_is_noted_of_strangers(
    cloud: Cloud, session: aiohttp.ClientSession, noted: tuple[KeystoneProxy, RecordingProxy, list[Pair]]
) -> None:
    _, proxy, pairs = noted
    async with session.get(f"{proxy.root}/v2.1/servers", headers={"X-Auth-Token": "unknown"}) as response:
        assert response.status == 401
    assert pairs == []


async def test_the_catalog_leads_to_the_proxies(
    cloud: Cloud,
    session: aiohttp.ClientSession,
    noted: tuple[KeystoneProxy, RecordingProxy, list[Pair]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keystone, proxy, _ = noted
    roots = [pod.nova.root for pod in cloud.pods]
    catalog = [{"type": "compute", "endpoints": [{"url": f"{root}/v2.1"} for root in roots]}]
    told = cloud.keystone.user.__class__.body
    monkeypatch.setattr(
        cloud.keystone.user.__class__, "body", lambda self: {"token": {**told(self)["token"], "catalog": catalog}}
    )
    _, document = await log_in(session, keystone)
    urls = [endpoint["url"] for endpoint in document["token"]["catalog"][0]["endpoints"]]
    assert urls == [f"{proxy.root}/v2.1", f"{roots[1]}/v2.1"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"adminPass": "s3\\"cret", "a": "b"}', '{"adminPass": "recorded", "a": "b"}'),
        ('{"admin_pass":"x"}', '{"admin_pass":"recorded"}'),
        ('{"private_key": "-----BEGIN\\n"}', '{"private_key": "recorded"}'),
        ('{"transfer": {"auth_key": "1f0", "id": "1"}}', '{"transfer": {"auth_key": "recorded", "id": "1"}}'),
        ('{"url": "http://h/?path=%3Ftoken%3D0123456789abcdef"}', '{"url": "http://h/?path=%3Ftoken%3Drecorded"}'),
        ("/v2.1/os-console-auth-tokens/5e0f0000-0000-4000", "/v2.1/os-console-auth-tokens/recorded"),
        ('"gAAAAABnQ_x-0123456789abcdef=="', '"recorded"'),
        ("http://10.0.0.1:80/v3 http://10.0.0.1:8080", "{volume}/v3 http://10.0.0.1:8080"),
        ('{"password_data": "", "adminPass": ""}', '{"password_data": "", "adminPass": ""}'),
    ],
)
def test_secrets_and_addresses_are_not_written_down(text: str, left: str) -> None:
    assert blank(text, {"http://10.0.0.1:80": "{volume}"}) == left


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "operation"),
    [
        ("compute", "GET", "/v2.1/servers/detail?limit=1", b"", "GET /servers/detail"),
        ("compute", "GET", f"/v2.1/{PROJECT}/servers/1/ips/a%2Fb", b"",
         "GET /servers/{server_id}/ips/{network_label}"),
        ("compute", "POST", "/v2.1/servers/1/action", b'{"reboot": {}}', "POST /servers/{server_id}/action reboot"),
        ("compute", "GET", "/v2.1/", b"", None),
        ("compute", "GET", "/v2.0/servers", b"", None),
        ("compute", "GET", "/v2.1/nonsense", b"", None),
        ("volume", "PUT", f"/v3/{PROJECT}/volumes/1/metadata", b"", "PUT /volumes/{volume_id}/metadata"),
        ("image", "PUT", "/v2/images/1/tags/a", b"", "PUT /images/{image_id}/tags/{tag_value}"),
    ],
)  # fmt: skip
def test_requests_are_known_by_the_names_of_operations(
    service: str, method: str, path: str, body: bytes, operation: str | None
) -> None:
    found = operation_of(service, method, path, body, PROJECT)
    assert found is None if operation is None else (found or "").replace("{id}", "{volume_id}") == operation


def pair(operation: str, microversion: str, status: int, answer: str = "") -> Pair:
    headers = [("OpenStack-API-Version", f"compute {microversion}")] if microversion else []
    return Pair("compute", operation, Caller(PROJECT, "user", ()), "GET", "/", headers, "", status, [], answer)


def test_few_of_each_operation_are_kept() -> None:
    pairs = [pair("GET /a", version, 200) for version in ("2.9", "2.10", "", "2.5")]
    pairs += [pair("GET /a", "", 404), pair("GET /a", "2.9", 400), pair("GET /a", "", 500), pair("GET /b", "", 404)]
    kept = [(each.operation, each.microversion, each.status) for each in thin(pairs)]
    assert kept == [
        ("GET /a", "", 200),
        ("GET /a", "2.10", 200),
        ("GET /a", "", 404),
        ("GET /b", "", 404),
    ]


def test_what_has_more_in_it_is_better_unless_it_is_long() -> None:
    chosen = Chosen()
    for answer in ("[]", "[1, 2]", "x" * 5_000, "[1]", "x" * (MOST + 1)):
        chosen.note(pair("GET /a", "", 200, answer))
    chosen.note(pair("GET /b", "", 200, "x" * 6_000))
    chosen.note(pair("GET /b", "", 200, "x" * 5_000))
    chosen.note(replace(pair("GET /a", "", 200, "{}"), service="volume"))
    assert [len(each.answer) for each in chosen.of("compute")] == [6, 5_000]
    assert chosen.seen == 8
