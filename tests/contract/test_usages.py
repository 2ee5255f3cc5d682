"""Usage of projects over all pods."""

import itertools
import random
import uuid
from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client
from .test_hosts import message

ROOT = "/compute/v2.1"
USAGE = f"{ROOT}/os-simple-tenant-usage"
three_pods = pytest.mark.parametrize("cloud", [3], indirect=True)


def fill(cloud: Cloud, count: int = 25) -> list[dict[str, Any]]:
    """Servers of three projects that ran in random pods; in the order of Nova."""
    chance = random.Random(4)
    for _ in range(count):
        instance_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        chance.choice(cloud.pods).nova.add_usage(chance.choice("abc") * 32, instance_id, chance.randrange(1, 20) / 4)
    records = [each for pod in cloud.pods for each in pod.nova.usages]
    return sorted(records, key=lambda each: (each["tenant_id"], each["instance_id"]))


def totals(usages: list[dict[str, Any]]) -> dict[str, tuple[float, ...]]:
    names = ("total_hours", "total_vcpus_usage", "total_memory_mb_usage", "total_local_gb_usage")
    return {
        project_id: tuple(sum(usage[name] for usage in usages if usage["tenant_id"] == project_id) for name in names)
        for project_id in {usage["tenant_id"] for usage in usages}
    }


def expected(records: list[dict[str, Any]]) -> dict[str, tuple[float, ...]]:
    result = {}
    for project_id in {each["tenant_id"] for each in records}:
        mine = [each for each in records if each["tenant_id"] == project_id]
        hours = sum(each["hours"] for each in mine)
        result[project_id] = (hours, hours * 2, hours * 512, hours * 3)
    return result


async def pages(client: Client, path: str, name: str) -> list[Any]:
    """What all pages behind a path tell, by their links."""
    told, following = [], path
    for _ in range(100):
        reply = await client.get(following)
        assert reply.status == 200, reply.text
        told.append(reply.json[name])
        links = reply.json.get(f"{name}_links", [])
        if not links:
            return told
        following = links[0]["href"]
        assert following.startswith(f"{client.root}{USAGE}")
    raise AssertionError("no end")


@three_pods
@pytest.mark.parametrize("microversion", ["2.1", "2.40", "2.104"])
@pytest.mark.proves("compute", "GET /os-simple-tenant-usage", "GET /os-simple-tenant-usage/{tenant_id}")
async def test_usage_is_added_up_for_each_project(cloud: Cloud, admin: Client, microversion: str) -> None:
    records = fill(cloud)
    asking = admin.at(f"compute {microversion}")
    reply = await asking.get(f"{USAGE}?start=2026-01-01T00:00:00&end=2026-01-02T00:00:00")
    usages = reply.json["tenant_usages"]
    assert [usage["tenant_id"] for usage in usages] == [letter * 32 for letter in "abc"]
    assert totals(usages) == expected(records)
    assert usages[0].keys() == {
        "tenant_id", "total_hours", "total_vcpus_usage", "total_memory_mb_usage", "total_local_gb_usage",
        "start", "stop",
    }  # fmt: skip
    assert (usages[0]["start"], usages[0]["stop"]) == ("2026-01-01T00:00:00", "2026-01-02T00:00:00")
    detailed = (await asking.get(f"{USAGE}?detailed=1")).json["tenant_usages"]
    servers = [server for usage in detailed for server in usage["server_usages"]]
    assert sorted(server["instance_id"] for server in servers) == sorted(each["instance_id"] for each in records)
    assert all(server in records for server in servers)
    one = (await asking.get(f"{USAGE}/{'b' * 32}")).json["tenant_usage"]
    assert totals([one]) == {"b" * 32: expected(records)["b" * 32]}
    assert len(one["server_usages"]) == sum(each["tenant_id"] == "b" * 32 for each in records)
    assert (await asking.get(f"{USAGE}/nobody")).json == {"tenant_usage": {}}


@three_pods
@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize("detailed", [0, 1])
async def test_pages_are_of_servers(cloud: Cloud, admin: Client, limit: int, detailed: int) -> None:
    records = fill(cloud)
    told = await pages(admin.at("compute 2.40"), f"{USAGE}?detailed={detailed}&limit={limit}", "tenant_usages")
    assert totals(list(itertools.chain(*told))) == expected(records)
    if detailed:
        servers = [[server for usage in page for server in usage["server_usages"]] for page in told]
        assert list(itertools.chain(*servers)) == records
        assert all(len(page) == limit for page in servers[:-1])
    else:
        assert not any("server_usages" in usage for page in told for usage in page)


@three_pods
async def test_pages_of_one_project(cloud: Cloud, admin: Client) -> None:
    records = [each for each in fill(cloud) if each["tenant_id"] == "b" * 32]
    for microversion in ("2.40", "2.104"):
        told = await pages(admin.at(f"compute {microversion}"), f"{USAGE}/{'b' * 32}?limit=2", "tenant_usage")
        assert [server for usage in told if usage for server in usage["server_usages"]] == records
        assert totals([usage for usage in told if usage]) == expected(records)


@three_pods
async def test_a_server_is_a_marker_whichever_pod_has_it(cloud: Cloud, admin: Client) -> None:
    records = fill(cloud)
    for place in (0, 7, 12, 24):
        path = f"{USAGE}?detailed=1&limit=5&marker={records[place]['instance_id']}"
        told = await pages(admin.at("compute 2.40"), path, "tenant_usages")
        assert [server for page in told for usage in page for server in usage["server_usages"]] == records[place + 1 :]
    unknown = str(uuid.uuid4())
    reply = await admin.at("compute 2.40").get(f"{USAGE}?marker={unknown}")
    assert message(reply) == (400, f"Marker {unknown} could not be found.")


async def test_1001_servers_are_two_pages(cloud: Cloud, admin: Client) -> None:
    records = fill(cloud, 1001)
    told = await pages(admin.at("compute 2.40"), f"{USAGE}?detailed=1", "tenant_usages")
    assert [sum(len(usage["server_usages"]) for usage in page) for page in told] == [1000, 1]
    assert totals(list(itertools.chain(*told))) == expected(records)


@pytest.mark.parametrize("microversion", ["2.1", "2.40"])
async def test_usage_is_refused_as_nova_does(cloud: Cloud, client: Client, admin: Client, microversion: str) -> None:
    fill(cloud)
    reply = await admin.at(f"compute {microversion}").get(f"{USAGE}?start=2026-01-02T00:00:00&end=2026-01-01T00:00:00")
    assert message(reply) == (400, "Invalid start time. The start time cannot occur after the end time.")
    assert message(await client.at(f"compute {microversion}").get(USAGE))[0] == 403
    assert (await client.get(f"{USAGE}/{client.token.project_id}")).json == {"tenant_usage": {}}


@pytest.mark.parametrize("microversion", ["2.1", "2.40"])
async def test_a_pod_that_is_away_is_named(cloud: Cloud, admin: Client, microversion: str) -> None:
    fill(cloud)
    await cloud.pods[1].nova.stop()
    reply = await admin.at(f"compute {microversion}").get(USAGE)
    assert totals(reply.json["tenant_usages"]) == expected(cloud.pods[0].nova.usages)
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"


@pytest.mark.proves(
    "compute", "GET /os-instance_usage_audit_log", "GET /os-instance_usage_audit_log/{before_timestamp}"
)
async def test_the_audit_log_is_one(cloud: Cloud, admin: Client) -> None:
    for number, pod in enumerate(cloud.pods, start=1):
        for name in ("twin", f"host{number}"):
            pod.nova.add_service(name)
    log = (await admin.get(f"{ROOT}/os-instance_usage_audit_log")).json["instance_usage_audit_logs"]
    assert (log["num_hosts"], log["overall_status"]) == (4, "ALL hosts done. 4 errors.")
    assert list(log["log"]) == ["host1", "twin", "host2", "twin (RegionTwo)"]
    cloud.pods[1].nova.not_audited.add("host2")
    path = f"{ROOT}/os-instance_usage_audit_log/2026-11-01%2000:00:00"
    log = (await admin.get(path)).json["instance_usage_audit_log"]
    assert (log["total_instances"], log["hosts_not_run"]) == (9, ["host2"])
    assert log["overall_status"] == "3 of 4 hosts done. 3 errors."
    reply = await admin.get(f"{ROOT}/os-instance_usage_audit_log/yesterday")
    assert message(reply) == (400, "Invalid timestamp for date yesterday")
