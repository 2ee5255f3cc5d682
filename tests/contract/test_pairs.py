"""What a real region said to Tempest, said through the gateway: the pod gets the question as it was put, and the client
the answer as it was given, byte for byte, but for what has to be translated (`pairs/manners.py`).
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from multidict import CIMultiDict

from triune.gateway.app import SERVICES
from triune.gateway.compute.hypervisors import WITH_UUIDS
from triune.gateway.numbers import top_number
from triune.gateway.service import parse_version
from triune.gateway.strategies import Anywhere

from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .gateway import Running
from .pairs.asked import asked
from .pairs.blank import fill
from .pairs.manners import MANNERS, NOT_REPLAYED, Body, Manner, Other, leaf, name_of
from .pairs.operations import known
from .pairs.pair import Caller, Headers, Pair, load
from .pairs.replay import Got, Replay

FAKES = {"compute": "nova", "volume": "cinder", "image": "glance"}
# So many operations of each are replayed that succeeded, at the least.
OPERATIONS = {"compute": 56, "volume": 5, "image": 5}
# The zone of the recorded region: under this name it is known at the top as well, so that a zone is the same in both.
ZONE = "nova"


@pytest.fixture
async def gateway(cloud: Cloud, start_gateway: Any) -> AsyncIterator[Running]:
    """A gateway that knows the recorded region by its own zone."""
    async with start_gateway({}) as running:
        for pod, zone in zip(cloud.pods, (ZONE, "other"), strict=True):
            await running.shared.registry.create(pod.region, zone, "", "")
        yield running


def manner_of(pair: Pair) -> tuple[str, Manner | None]:
    """The class of the strategy that answers a pair, and what may differ."""
    (service,) = (each for each in SERVICES if each.name == pair.service)
    tail = pair.path.partition("?")[0].removeprefix(f"/{service.version}")
    tail = tail.removeprefix(f"/{pair.caller.project_id}")
    match = service.routes.match(pair.method, tail)
    # What is in no table is read from any pod.
    strategy = leaf(match.strategy, pair.microversion) if match is not None else Anywhere()
    name = name_of(strategy)
    return name, MANNERS.get(name)


def why_not(pair: Pair) -> str | None:
    """Why a pair is not replayed."""
    name, manner = manner_of(pair)
    if manner is None:
        return NOT_REPLAYED[name]
    if manner.is_paged and f"{pair.operation}/detail" in known(pair.service):
        return "a short list: pods are asked for the long one, to know what it is sorted by"
    if name == "Union" and '"next"' in pair.answer:
        return "the gateway reads all pages of a pod, and makes its own"
    return None


def recorded(service: str) -> list[Pair]:
    """All that is known of a real service."""
    return [*load(service), *asked(service)]


def replayed(service: str) -> list[Pair]:
    """The pairs that are replayed."""
    return [pair for pair in recorded(service) if why_not(pair) is None]


@pytest.mark.parametrize("service", FAKES)
def test_the_set_does_not_shrink(service: str) -> None:
    succeeded = {pair.operation for pair in replayed(service) if pair.status < 400}
    assert len(succeeded) >= OPERATIONS[service]


def test_what_is_not_replayed_is_not_replayed_for_a_reason() -> None:
    used = {manner_of(pair)[0] for service in FAKES for pair in recorded(service)}
    assert used <= {*MANNERS, *NOT_REPLAYED}
    assert not {*MANNERS} & {*NOT_REPLAYED}


def test_nothing_secret_was_recorded() -> None:
    for service in FAKES:
        text = "\n".join(f"{each.body}\n{each.answer}" for each in load(service))
        assert not re.search(r"gAAAA|BEGIN [A-Z ]*PRIVATE KEY|/(work|root|home)/", text)
        secrets = re.findall(r'"(?:adminPass|admin_pass|auth_key|private_key)": "([^"]*)"', text)
        assert {*secrets} <= {"recorded", ""}


@pytest.mark.parametrize("service", FAKES)
async def test_pairs_pass_through_the_gateway(
    cloud: Cloud, gateway: Running, session: aiohttp.ClientSession, service: str, subtests: pytest.Subtests
) -> None:
    for pair in replayed(service):
        name, manner = manner_of(pair)
        assert manner is not None
        with subtests.test(f"{pair.title} ({name})"):
            await replay(cloud, gateway, session, pair, manner)


CALLER = Caller("9a0c0000000040008000000000000001", "9a0c0000000040008000000000000002", ("member",))
SERVER = "9a0c0000-0000-4000-8000-000000000005"
LINKS = '"links": [{"rel": "self", "href": "{compute}/v2.1/servers/1"}]'


@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (202, [], ""),
        (202, [("Content-Type", "application/json")], ""),
        (202, [("Location", "{compute}/v2.1/servers/1")], ""),
        (202, [("Location", "{image}/images/1"), ("Content-Type", "application/json")], ""),
        (202, [("Location", "http://elsewhere/?next=1")], ""),
        (204, [("X-Some", "a"), ("X-Some", "b")], ""),
        (200, [("Content-Type", "application/json; charset=UTF-8")], '{"a": 1.0, "b": 1, "c": 1E5, "\\u00fc": "\\/"}'),
        (200, [("Content-Type", "application/json")], '{"server":{"b":[],"a":{}, "n":null }}'),
        (200, [("Content-Type", "application/json")], f'{{"server": {{"z": 1.0, "a": "\\u00fc<>&", {LINKS}}}}}'),
        (
            200,
            [("Content-Type", "application/json")],
            f'{{"server": {{"a": "\\ud83d\\ude00 \\"{{compute}}\\"", {LINKS}}}}}',
        ),
        (
            200,
            [("Content-Type", "application/json")],
            '{"server": {"metadata": {"links": "{compute}/v2.1", "home": "{compute}"}}}',
        ),
        (200, [("Content-Type", "text/plain")], "{compute} \u00fc"),
        (404, [("Content-Type", "text/html; charset=UTF-8"), ("Retry-After", "1")], "<html>{compute}</html>"),
        (
            409,
            [("Content-Type", "application/json; charset=UTF-8")],
            '{"conflictingRequest": {"code": 409, "message": "\\u00fc"}}',
        ),
    ],
)
async def test_peculiar_answers_pass_as_well(
    cloud: Cloud, gateway: Running, session: aiohttp.ClientSession, status: int, headers: Headers, answer: str
) -> None:
    for body in ('{"os-start":null}', '{ "os-start" : "\u00fc" }'):
        pair = Pair(
            "compute", "POST /servers/{server_id}/action os-start", CALLER, "POST",
            f"/v2.1/{CALLER.project_id}/servers/{SERVER}/action?a=%2F&a=+&b", [("Content-Type", "application/json")],
            body, status, headers, answer,
        )  # fmt: skip
        await replay(cloud, gateway, session, pair, MANNERS["Actions"])


async def replay(cloud: Cloud, gateway: Running, session: aiohttp.ClientSession, pair: Pair, manner: Manner) -> None:
    """Put the question of a pair to the gateway, and compare both sides."""
    replays = []
    for number, pod in enumerate(cloud.pods):
        addresses = {"{keystone}": cloud.keystone.root, "{compute}": pod.nova.root, "{volume}": pod.cinder.root}
        addresses["{image}"] = pod.glance.root
        # What is refused in one pod because it is wrong, or not there, is refused in the others in the same words.
        answers = number == 0 or manner.other is Other.SAME or pair.status >= 400
        replays.append(Replay(pair, addresses, answers, manner.is_paged))
        replays[-1].stand_before(pod.services)
    caller = pair.caller
    token = cloud.keystone.token(caller.project_id, caller.roles, user_id=caller.user_id)
    reply = await put(Client(session, gateway.root, token), pair)
    got = [each for replay in replays for each in replay.got]
    # What is wrong with a request the gateway may see itself; then it says so in the same words.
    assert got or pair.status >= 400, f"no pod got it: {reply.status} {reply.text[:300]}"
    if got:
        is_as_asked(got[-1], pair, manner)
    is_as_answered(reply, pair, manner, gateway.root, replays[0].addresses)


async def put(client: Client, pair: Pair) -> Reply:
    """What the gateway says to the question of a pair."""
    return await client.request(
        pair.method,
        f"/{pair.service}{pair.path}",
        headers=CIMultiDict(pair.headers),  # type: ignore[arg-type]
        data=pair.body.encode() or None,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


def is_as_asked(got: Got, pair: Pair, manner: Manner) -> None:
    """The pod got what the client sent."""
    _, _, query = pair.path.partition("?")
    if not manner.is_paged:
        assert got.query == query
    if manner.question is Body.BYTES:
        assert got.body.decode() == pair.body
    elif pair.body:
        assert holds(parsed(got.body), parsed(pair.body))
    for name, value in pair.headers:
        # `latest` is what all pods have; and where the gateway asks for itself, there is no body to have a type.
        if value.partition(" ")[2] != "latest" and (pair.body or name != "Content-Type"):
            assert got.headers.getall(name, []) == [value], name


def parsed(body: bytes | str) -> Any:
    """A body as JSON, or as it is."""
    try:
        return json.loads(body)
    except ValueError:
        return bytes(body) if isinstance(body, bytes) else body.encode()


def holds(received: Any, sent: Any) -> bool:
    """Whether a document has all of another, and perhaps more."""
    if isinstance(sent, dict) and isinstance(received, dict):
        return all(key in received and holds(received[key], value) for key, value in sent.items())
    return bool(received == sent)


# Of the gateway's own making.
OWN = frozenset({"x-openstack-request-id", "content-length", "date", "server"})


def is_as_answered(reply: Reply, pair: Pair, manner: Manner, root: str, addresses: Mapping[str, str]) -> None:
    """The client got what the pod said."""
    ours = {word: f"{root}/{word.strip('{}')}" for word in addresses if word != "{keystone}"}
    assert reply.status == pair.status, reply.text[:300]
    assert told(reply.text, manner) == told(top_words(pair, ours, addresses), manner)
    headers = CIMultiDict(
        (name, fill(fill(value.replace("{image}//", "{image}/"), ours) if name == "Location" else value, addresses))
        for name, value in pair.answer_headers
    )
    for name in {name.lower() for name in (*headers, *reply.headers)} - OWN:
        # Several lines of a header are one list (RFC 9110, 5.3).
        assert ", ".join(reply.headers.getall(name, ["-"])) == ", ".join(headers.getall(name, ["-"])), name
    assert reply.headers.getall("Content-Length", []) == ([] if pair.status == 204 else [str(len(reply.body))])


def top_words(pair: Pair, ours: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    """A recorded body in the words of the top: links lead to the gateway, what a pod counts has the top's number."""
    text = re.sub(r'"href": "[^"]*"', lambda link: fill(link[0], ours), pair.answer)
    if "/os-hypervisors" in pair.operation and parse_version(pair.microversion) < WITH_UUIDS:
        number = r'(?<="id": )\d+(?=, "(?:hypervisor_hostname|state|uptime)")'
        text = re.sub(number, lambda found: str(top_number("RegionOne", int(found[0]))), text)
    return fill(text, addresses)


def told(text: str, manner: Manner) -> str:
    """A body; in one of a merged list, links to a page name no marker, which has to be the gateway's own."""
    return re.sub(r'(?<=")[^"]*[?&]marker=[^"]*(?=")', _canonical, text) if manner.is_paged else text


def _canonical(link: re.Match[str]) -> str:
    url, _, query = link[0].partition("?")
    return f"{url}?{sorted(pair for pair in parse_qsl(query) if pair[0] != 'marker')}"
