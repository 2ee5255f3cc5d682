"""Every field of a new server reaches its pod as it was sent, in each microversion; mistyped ones the pod refuses."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .cloud.cloud import Cloud
from .cloud.neutron import Record
from .conftest import Client, Reply
from .gateway import Running
from .server_fields import FIELDS, NEWEST, SOMEBODY, VERSIONS, Field
from .servers_on_networks import settled

pytestmark = [pytest.mark.usefixtures("flavors")]
PATH = "/compute/v2.1/servers"


def minor(version: str) -> int:
    return NEWEST if version == "latest" else int(version.partition(".")[2])


def request_with(cloud: Cloud, client: Client, field: Field, version: str) -> dict[str, Any]:
    value = field.make(cloud.pods[1], client.token.project_id or "")
    server = {"name": "vm", "flavorRef": "1", "availability_zone": "az2"}
    if minor(version) >= 37:
        server["networks"] = "none"
    if field.is_hint:
        return {"server": server, field.name: value}
    return {"server": {**server, field.name: value}}


def sent(cloud: Cloud) -> dict[str, Any]:
    """What the pod got last."""
    nova = cloud.pods[1].nova
    posts = [asked for asked in nova.asked if asked.method == "POST" and asked.path.endswith("/servers")]
    body: dict[str, Any] = json.loads(posts[-1].body)
    return body


@pytest.fixture
def no_central(cloud: Cloud) -> None:
    """A central region without networks of its own."""
    keystone = cloud.keystone
    keystone.endpoints = [each for each in keystone.endpoints if each["region"] != "CentralRegion"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.usefixtures("no_central")
@pytest.mark.proves("compute", "POST /servers")
async def test_fields_reach_the_pod(cloud: Cloud, client: Client, version: str) -> None:
    cloud.pods[1].nova.keypairs[client.token.user_id, "key"] = {"public_key": "ssh-rsa x"}
    for field in FIELDS:
        body = request_with(cloud, client, field, version)
        reply = await client.at(f"compute {version}").post(PATH, body)
        told = sent(cloud)
        # The zone is put in the pod's words.
        zone = told["server"].pop("availability_zone")
        del body["server"]["availability_zone"]
        assert (zone, told) == ("nova", body), field.name
        # What a microversion does not have, the pod refuses.
        is_there = field.first <= minor(version) <= field.last
        assert reply.status == (202 if is_there else 400), f"{field.name} {reply.text}"
        assert is_there or "Invalid input for field" in reply.text
    assert not cloud.pods[0].nova.servers
    assert cloud.pods[0].nova.count("POST", "/servers") == 0


# What Triune does itself there: networks become ports, which have the security groups; each server is made by itself.
ITS_OWN = {"networks", "security_groups", "min_count", "max_count", "return_reservation_id"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.usefixtures("wired")
async def test_fields_reach_the_pod_on_networks(cloud: Cloud, client: Client, blue: Record, version: str) -> None:
    cloud.pods[1].nova.keypairs[client.token.user_id, "key"] = {"public_key": "ssh-rsa x"}
    for field in FIELDS:
        if field.name in ITS_OWN or not field.first <= minor(version) <= field.last:
            continue
        body = request_with(cloud, client, field, version)
        body["server"]["networks"] = [{"uuid": blue["id"]}]
        reply = await client.at(f"compute {version}").post(PATH, body)
        assert reply.status == 202, f"{field.name} {reply.text}"
        told = sent(cloud)
        del body["server"]["availability_zone"]
        assert told["server"].pop("availability_zone") == "nova"
        (nic,) = told["server"].pop("networks")
        assert nic.keys() == {"port"}
        del body["server"]["networks"]
        assert told == body
    await settled(cloud)


async def test_disks_with_tags_in_the_first_microversion_that_has_them(cloud: Cloud, client: Client) -> None:
    devices = [{"source_type": "blank", "destination_type": "local", "volume_size": 1, "tag": "disk"}]
    fields = {"name": "vm", "flavorRef": "1", "availability_zone": "az2", "block_device_mapping_v2": devices}
    reply = await client.at("compute 2.32").post(PATH, {"server": fields})
    assert reply.status == 202, reply.text
    assert reply.headers["OpenStack-API-Version"] == "compute 2.32"
    assert sent(cloud)["server"]["block_device_mapping_v2"] == devices
    assert (await client.at("compute 2.33").post(PATH, {"server": fields})).status == 400


async def test_a_volume_type_is_named(cloud: Cloud, client: Client) -> None:
    """Its id is each pod's own."""
    types = [pod.cinder.add_type("fast") for pod in cloud.pods]
    devices = [
        {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "volume_type": each}
        for each in (types[0]["id"], types[1]["id"], SOMEBODY, "fast", None)
    ]
    body = {"server": {
        "name": "vm", "flavorRef": "1", "networks": "none", "availability_zone": "az2",
        "block_device_mapping_v2": devices,
    }}  # fmt: skip
    assert (await client.at("compute 2.67").post(PATH, body)).status == 202
    told = [device["volume_type"] for device in sent(cloud)["server"]["block_device_mapping_v2"]]
    assert told == ["fast", "fast", SOMEBODY, "fast", None]


# -- anything in place of a field

NAMES = sorted({field.name for field in FIELDS if not field.is_hint} | {"name", "flavorRef", "availability_zone"})
HINTS = ("group", "same_host", "different_host", "query", "build_near_host_ip", "cidr", "target_cell", "different_cell")
WORDS = st.sampled_from(
    ["", "1", "az2", ":x", "::", "..", SOMEBODY, "none", "auto", "uuid", "port", "name", "source_type", "volume", "\n"]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.integers() | st.floats(allow_nan=False) | WORDS | st.text()
INNER = st.sampled_from(["uuid", "port", "fixed_ip", "tag", "source_type", "volume_id", "snapshot_id", "boot_index",
                         "volume_type", "name", "path", "destination_type", "a"])  # fmt: skip
ANYTHING = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(INNER | st.text(), each, max_size=3), max_leaves=6
)
BODIES = st.one_of(
    st.builds(lambda name, value: {"server": {name: value}}, st.sampled_from(NAMES), ANYTHING),
    st.builds(lambda name, value: {"os:scheduler_hints": {name: value}}, st.sampled_from(HINTS), ANYTHING),
    st.builds(
        lambda name, value: {name: value},
        st.sampled_from(["server", "os:scheduler_hints", "OS-SCH-HNT:scheduler_hints", "bogus"]),
        ANYTHING,
    ),
)


@pytest.mark.parametrize("networks", ["pods", "central"])
async def test_whatever_stands_in_a_field_the_pod_judges(
    request: pytest.FixtureRequest, cloud: Cloud, gateway: Running, client: Client, networks: str
) -> None:
    """The answer of the gateway is that of the pod itself."""
    request.getfixturevalue("wired" if networks == "central" else "no_central")
    loop, nova = asyncio.get_running_loop(), cloud.pods[1].nova
    direct = Client(client.session, nova.root, client.token)

    @settings(max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(body=BODIES, version=st.sampled_from(VERSIONS))
    @example(body={"server": {"min_count": 2.0}}, version="2.37")
    @example(body={"server": {"availability_zone": None}}, version="2.37")
    @example(body={"server": {"availability_zone": ""}}, version="2.1")
    @example(body={"server": {"max_count": 1e300}}, version="2.1")
    @example(body={"server": {"name": "\ud800"}}, version="2.1")
    @example(body={"server": {"flavorRef": 10**400}}, version="2.1")
    def judge(body: dict[str, Any], version: str) -> None:
        server = {"name": "vm", "flavorRef": "1", **({"networks": "none"} if minor(version) >= 37 else {})}
        whole = {"server": server, **body}
        if isinstance(body.get("server"), dict) and body["server"].keys() <= set(NAMES):
            whole["server"] = {**server, **body["server"]}
        asyncio.run_coroutine_threadsafe(same(whole, version), loop).result(20)

    async def same(body: dict[str, Any], version: str) -> None:
        through = await client.at(f"compute {version}").post(PATH, placed(body))
        nova.servers.clear()
        itself = await direct.at(f"compute {version}").post("/v2.1/servers", body)
        nova.servers.clear()
        assert "computeFault" not in through.text, through.text
        assert (through.status, fault_of(through)) == (itself.status, fault_of(itself))

    # Numbers that would be made one by one.
    nova.quota_instances = 3
    await asyncio.to_thread(judge)


def placed(body: dict[str, Any]) -> dict[str, Any]:
    """The same for the second pod, where the body leaves that open."""
    server = body["server"]
    if not isinstance(server, dict) or "availability_zone" in server:
        return body
    return {**body, "server": {**server, "availability_zone": "az2"}}


def fault_of(reply: Reply) -> Any:
    """The kind of a refusal; its words may name the zone."""
    return list(reply.json) if reply.status >= 400 else None
