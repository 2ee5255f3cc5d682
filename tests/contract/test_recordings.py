"""The fakes say what real services said, and the gateway refuses what they refused in their words."""

import json
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .cloud.keystone import Token
from .conftest import Client, Reply
from .recorded import Exchange, fill, load, shape, within

PREFIXES = {"nova": "/compute", "cinder": "/volume", "glance": "/image"}

# About an image that only RegionOne has: the gateway asks every pod.
OWN_WAY = {"upload again", "data of an unknown image"}
# Nova and Cinder forget to put the number into this text.
NUMBER = "max_request_body_size (114688)"


@pytest.fixture
def words(cloud: Cloud) -> dict[str, str]:
    """The resources that the questions are about, in RegionOne."""
    token = cloud.keystone.token()
    project_id = token.project_id
    assert project_id is not None
    pod = cloud.pods[0]
    pod.cinder.add_type("__DEFAULT__")
    for each in cloud.pods:
        each.nova.add_flavor("f1a70000-0000-4000-8000-000000000000", name="e2e-4907ee-small")
    image = pod.glance.add(project_id, b"recorded", name="recorded")
    return {
        "{project}": project_id,
        "{user}": token.user_id,
        "{token}": token.id,
        "{image}": image["id"],
        "{flavor}": "f1a70000-0000-4000-8000-000000000000",
        "{server}": pod.nova.add_server(project_id, name="recorded", image=image["id"])["id"],
        "{volume}": pod.cinder.add("volume", project_id, name="recorded")["id"],
        "{keystone}": f"{cloud.keystone.root}/v3",
    }


async def ask(client: Client, exchange: Exchange, words: dict[str, str], prefix: str) -> Any:
    request = exchange.request
    if exchange.title == "import a keypair again":
        first = next(e for e in load("nova") if e.title == "import a keypair")
        await ask(client, first, words, prefix)
    headers = {"Content-Type": "application/json", "X-Auth-Token": words["{token}"], **request["headers"]}
    body = request["body"]
    return await client.request(
        request["method"],
        prefix + fill(request["path"], words),
        headers=headers,
        data=fill(body, words).encode() if body is not None else None,
    )


@pytest.mark.parametrize("service", PREFIXES)
async def test_the_fake_says_what_the_real_one_said(
    cloud: Cloud, words: dict[str, str], session: Any, service: str, subtests: pytest.Subtests
) -> None:
    fake = getattr(cloud.pods[0], service)
    nobody = Client(session, fake.root, Token(None, id=""))
    for exchange in load(service):
        with subtests.test(exchange.title):
            _is_honest(exchange, await ask(nobody, exchange, words, ""), words)


def _is_honest(exchange: Exchange, reply: Reply, words: dict[str, str]) -> None:
    real = exchange.response
    assert reply.status == real["status"]
    for name in ("WWW-Authenticate", "OpenStack-API-Version", "X-OpenStack-Nova-API-Version", "Allow"):
        expected = real["headers"].get(name)
        assert reply.headers.get(name) == (fill(expected, words) if expected else None), name
    assert (
        reply.headers.get("Content-Type", "").partition(";")[0]
        == (real["headers"].get("Content-Type", "").partition(";")[0])
    )
    if exchange.refused:
        assert same(reply.text, fill(real["body"], words))
    elif exchange.title != "download" and real["body"]:
        assert within(shape(reply.json), shape(json.loads(real["body"]))) == []


@pytest.mark.parametrize("service", PREFIXES)
async def test_the_gateway_refuses_in_the_same_words(
    words: dict[str, str], client: Client, service: str, subtests: pytest.Subtests
) -> None:
    for exchange in load(service):
        if exchange.title not in OWN_WAY and (exchange.refused or exchange.title == "limit 0"):
            with subtests.test(exchange.title):
                _is_native(exchange, await ask(client, exchange, words, PREFIXES[service]), words)


def _is_native(exchange: Exchange, reply: Reply, words: dict[str, str]) -> None:
    real = exchange.response
    assert reply.status == real["status"]
    for name, expected in real["headers"].items():
        if name != "Vary":
            assert reply.headers.get(name) == fill(expected, words), name
    assert same(reply.text.replace(NUMBER, "max_request_body_size (%s)"), fill(real["body"], words))


def same(text: str, real: str) -> bool:
    """Whether two answers say the same: JSON by its value, pages by their words."""
    try:
        return bool(json.loads(text) == json.loads(real))
    except ValueError:
        return text.split() == real.split()
