"""Hypervisors and migrations of all pods."""

import itertools
import random
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .test_hosts import message
from .test_lists import follow

ROOT = "/compute/v2.1"
three_pods = pytest.mark.parametrize("cloud", [3], indirect=True)


def fill(cloud: Cloud, count: int = 5) -> list[str]:
    """Hypervisors in all pods, in the first one more: a number that no other has. Their names, as lists tell them."""
    for number, pod in enumerate(cloud.pods, start=1):
        for index in range(count + (number == 1)):
            pod.nova.add_hypervisor(f"host{number}-{index}")
    by_region = sorted(cloud.pods, key=lambda pod: pod.region)
    return [record["hypervisor_hostname"] for pod in by_region for record in pod.nova.hypervisors]


@three_pods
@pytest.mark.parametrize("microversion", ["2.33", "2.53", "2.88"])
@pytest.mark.parametrize("limit", [1, 4])
@pytest.mark.proves("compute", "GET /os-hypervisors", "GET /os-hypervisors/detail")
async def test_pages_tell_every_hypervisor_once(cloud: Cloud, admin: Client, microversion: str, limit: int) -> None:
    names = fill(cloud)
    for path in ("os-hypervisors", "os-hypervisors/detail"):
        pages = await follow(admin.at(f"compute {microversion}"), f"{ROOT}/{path}?limit={limit}", "hypervisors")
        assert [each["hypervisor_hostname"] for each in itertools.chain(*pages)] == names
        assert all(len(page) <= limit for page in pages)
        assert ("service" in pages[0][0]) == path.endswith("detail")


async def test_1001_hypervisors(cloud: Cloud, admin: Client) -> None:
    names = fill(cloud, 500)
    # Before 2.33 there are no pages, and what looks like a limit is none.
    listed = (await admin.get(f"{ROOT}/os-hypervisors?limit=2")).json["hypervisors"]
    assert [each["hypervisor_hostname"] for each in listed] == names
    pages = await follow(admin.at("compute 2.104"), f"{ROOT}/os-hypervisors", "hypervisors")
    assert [each["hypervisor_hostname"] for each in itertools.chain(*pages)] == names
    assert len(names) == 1001


@three_pods
async def test_a_uuid_is_a_marker_whichever_pod_has_it(cloud: Cloud, admin: Client) -> None:
    names = fill(cloud, 3)
    new = admin.at("compute 2.53")
    listed = (await new.get(f"{ROOT}/os-hypervisors")).json["hypervisors"]
    for place, marker in enumerate(listed):
        pages = await follow(new, f"{ROOT}/os-hypervisors?limit=3&marker={marker['id']}", "hypervisors")
        assert [each["hypervisor_hostname"] for each in itertools.chain(*pages)] == names[place + 1 :]
    unknown = "00000000-0000-4000-8000-000000000000"
    reply = await new.get(f"{ROOT}/os-hypervisors?marker={unknown}")
    assert message(reply) == (400, f"marker [{unknown}] not found")


async def test_a_number_of_several_pods_is_no_marker(cloud: Cloud, admin: Client) -> None:
    names = fill(cloud)
    old = admin.at("compute 2.33")
    reply = await old.get(f"{ROOT}/os-hypervisors?marker=2")
    assert message(reply) == (400, "marker [2] is one in several pods: RegionOne, RegionTwo.")
    listed = (await old.get(f"{ROOT}/os-hypervisors?marker=6")).json["hypervisors"]
    assert [each["hypervisor_hostname"] for each in listed] == names[6:]


@pytest.mark.parametrize("microversion", ["2.1", "2.33", "2.52"])
async def test_every_hypervisor_has_a_number_of_its_own(cloud: Cloud, admin: Client, microversion: str) -> None:
    names = fill(cloud)
    old = admin.at(f"compute {microversion}")
    for path in ("os-hypervisors", "os-hypervisors/detail"):
        listed = (await old.get(f"{ROOT}/{path}")).json["hypervisors"]
        numbers = {each["hypervisor_hostname"]: each["id"] for each in listed}
        assert list(numbers) == names
        assert len(set(numbers.values())) == len(names)
        assert all(0 < number < 2**53 for number in numbers.values())
    for name, number in numbers.items():
        shown = (await old.get(f"{ROOT}/os-hypervisors/{number}")).json["hypervisor"]
        assert (shown["id"], shown["hypervisor_hostname"]) == (number, name)
        told = (await old.get(f"{ROOT}/os-hypervisors/{number}/uptime")).json["hypervisor"]
        assert (told["id"], told["hypervisor_hostname"]) == (number, name)
    (found,) = (await old.get(f"{ROOT}/os-hypervisors/host2-2/search")).json["hypervisors"]
    assert found["id"] == numbers["host2-2"]
    if microversion != "2.1":
        marker = numbers["host1-4"]
        page = (await old.get(f"{ROOT}/os-hypervisors?limit=2&marker={marker}")).json["hypervisors"]
        assert [each["hypervisor_hostname"] for each in page] == ["host1-5", "host2-0"]


@pytest.mark.proves("compute", "GET /os-hypervisors/{hypervisor_id}", "GET /os-hypervisors/{hypervisor_id}/uptime")
async def test_a_uuid_is_one_pods(cloud: Cloud, admin: Client) -> None:
    fill(cloud)
    new = admin.at("compute 2.53")
    record = cloud.pods[1].nova.hypervisors[2]
    cloud.pods[1].nova.add_server("0" * 32, host="host2-2")
    shown = (await new.get(f"{ROOT}/os-hypervisors/{record['uuid']}?with_servers=true")).json["hypervisor"]
    assert (shown["hypervisor_hostname"], len(shown["servers"])) == ("host2-2", 1)
    reply = await new.get(f"{ROOT}/os-hypervisors/{record['uuid']}/uptime")
    assert (reply.status, reply.json["hypervisor"]["uptime"]) == (200, record["uptime"])
    assert message(await new.get(f"{ROOT}/os-hypervisors/7")) == (400, "Invalid uuid 7")
    reply = await admin.at("compute 2.88").get(f"{ROOT}/os-hypervisors/{record['uuid']}/uptime")
    assert message(reply) == (404, "The resource could not be found.")
    record["uptime"] = None
    told = "Compute service of host2-2 is unavailable at this time."
    assert message(await new.get(f"{ROOT}/os-hypervisors/{record['uuid']}/uptime")) == (400, told)


async def test_a_number_of_several_hypervisors_is_refused(cloud: Cloud, admin: Client) -> None:
    fill(cloud)
    told = "Hypervisor id 2 refers to multiple hypervisors: RegionOne, RegionTwo."
    for path in ("2", "2/uptime"):
        assert message(await admin.get(f"{ROOT}/os-hypervisors/{path}")) == (400, told)
    cloud.pods[0].nova.hypervisors[1]["uptime"] = None
    assert message(await admin.get(f"{ROOT}/os-hypervisors/2/uptime")) == (400, told)
    shown = (await admin.get(f"{ROOT}/os-hypervisors/6")).json["hypervisor"]
    assert shown["hypervisor_hostname"] == "host1-5"
    for value in ("99", "a%2Fb"):
        reply = await admin.get(f"{ROOT}/os-hypervisors/{value}")
        assert message(reply) == (404, f"Hypervisor with ID '{value}' could not be found.")


async def test_one_that_may_be_in_a_pod_that_is_away_is_503(cloud: Cloud, admin: Client) -> None:
    fill(cloud)
    await cloud.pods[1].nova.stop()
    reply = await admin.get(f"{ROOT}/os-hypervisors/99")
    told = "Hypervisor 99 could not be found in the pods that answer; no answer from RegionTwo."
    assert message(reply) == (503, told)
    reply = await admin.get(f"{ROOT}/os-hypervisors/2")
    assert reply.json["hypervisor"]["hypervisor_hostname"] == "host1-1"
    reply = await admin.at("compute 2.33").get(f"{ROOT}/os-hypervisors")
    assert (len(reply.json["hypervisors"]), reply.headers["Triune-Missing-Pods"]) == (6, "RegionTwo")


@pytest.mark.proves(
    "compute", "GET /os-hypervisors/{hypervisor_id}/search", "GET /os-hypervisors/{hypervisor_id}/servers"
)
@pytest.mark.parametrize(
    ("microversion", "path"),
    [
        ("2.1", "os-hypervisors/{}/search"),
        ("2.52", "os-hypervisors/{}/servers"),
        ("2.53", "os-hypervisors?hypervisor_hostname_pattern={}"),
        ("2.104", "os-hypervisors/detail?with_servers=true&hypervisor_hostname_pattern={}"),
    ],
)
async def test_a_search_is_404_only_where_no_pod_has_a_match(
    cloud: Cloud, admin: Client, microversion: str, path: str
) -> None:
    fill(cloud)
    asking = admin.at(f"compute {microversion}")

    async def names(pattern: str) -> list[str]:
        listed = (await asking.get(f"{ROOT}/{path.format(pattern)}")).json["hypervisors"]
        return [each["hypervisor_hostname"] for each in listed]

    assert await names("-2") == ["host1-2", "host2-2"]
    assert len(await names("host2")) == 5
    reply = await asking.get(f"{ROOT}/{path.format('nobody')}")
    assert message(reply) == (404, "No hypervisor matching 'nobody' could be found.")
    assert "Triune-Missing-Pods" not in reply.headers
    await cloud.pods[1].nova.stop()
    reply = await asking.get(f"{ROOT}/{path.format('host2')}")
    assert (reply.status, reply.json, reply.headers["Triune-Missing-Pods"]) == (200, {"hypervisors": []}, "RegionTwo")
    assert await names("host1-1") == ["host1-1"]


async def test_a_search_is_not_paged(cloud: Cloud, admin: Client) -> None:
    reply = await admin.at("compute 2.53").get(f"{ROOT}/os-hypervisors?hypervisor_hostname_pattern=a&limit=1")
    assert message(reply)[0] == 400
    assert "is not supported" in message(reply)[1]


async def test_tenants_have_no_hypervisors(cloud: Cloud, client: Client) -> None:
    fill(cloud)
    for path in ("os-hypervisors", "os-hypervisors/1", "os-hypervisors/host/search", "os-migrations"):
        assert message(await client.get(f"{ROOT}/{path}"))[0] == 403


@pytest.mark.proves("compute", "GET /os-hypervisors/statistics")
async def test_statistics_are_added_up(cloud: Cloud, admin: Client) -> None:
    fill(cloud)
    reply = await admin.get(f"{ROOT}/os-hypervisors/statistics")
    assert reply.json["hypervisor_statistics"] == {"count": 11, "vcpus": 44, "vcpus_used": 11}


def migrate(cloud: Cloud, count: int) -> list[dict[str, Any]]:
    """Migrations in random pods, several at one time; as Nova sorts them."""
    chance = random.Random(3)
    for _ in range(count):
        nova = chance.choice(cloud.pods).nova
        status = chance.choice(["completed", "error"])
        nova.add_migration(f"2026-01-01T00:00:{chance.randrange(20):02}.000000", status=status)
    return sorted(
        (record for pod in cloud.pods for record in pod.nova.migrations),
        key=lambda record: (record["created_at"], record["id"]),
        reverse=True,
    )


@three_pods
@pytest.mark.proves("compute", "GET /os-migrations")
@pytest.mark.parametrize("limit", [1, 7])
async def test_migrations_are_merged_newest_first(cloud: Cloud, admin: Client, limit: int) -> None:
    known = migrate(cloud, 30)
    pages = await follow(admin.at("compute 2.59"), f"{ROOT}/os-migrations?limit={limit}", "migrations")
    told = list(itertools.chain(*pages))
    assert [(each["created_at"], each["id"]) for each in told] == [(each["created_at"], each["id"]) for each in known]
    assert {each["uuid"] for each in told} == {each["uuid"] for each in known}
    old = (await admin.get(f"{ROOT}/os-migrations?limit={limit}")).json["migrations"]
    assert len(old) == 30
    assert "uuid" not in old[0]


@three_pods
async def test_a_migration_is_a_marker_whichever_pod_has_it(cloud: Cloud, admin: Client) -> None:
    migrate(cloud, 12)
    new = admin.at("compute 2.59")
    everything = [each["uuid"] for each in (await new.get(f"{ROOT}/os-migrations")).json["migrations"]]
    for place in (0, 5, 11):
        path = f"{ROOT}/os-migrations?limit=4&marker={everything[place]}"
        pages = await follow(new, path, "migrations")
        assert [each["uuid"] for each in itertools.chain(*pages)] == everything[place + 1 :]
    unknown = "00000000-0000-4000-8000-000000000000"
    reply = await new.get(f"{ROOT}/os-migrations?marker={unknown}")
    assert message(reply) == (400, f"Marker {unknown} could not be found.")


async def test_filters_of_migrations_go_through(cloud: Cloud, admin: Client) -> None:
    known = [each["uuid"] for each in migrate(cloud, 20) if each["status"] == "error"]
    pages = await follow(admin.at("compute 2.59"), f"{ROOT}/os-migrations?status=error&limit=3", "migrations")
    assert sorted(each["uuid"] for each in itertools.chain(*pages)) == sorted(known)


async def test_a_broken_pod_hides_no_migrations(cloud: Cloud, admin: Client) -> None:
    migrate(cloud, 6)
    cloud.pods[1].nova.fails(service.status(500), "os-migrations")
    reply = await admin.at("compute 2.59").get(f"{ROOT}/os-migrations")
    assert len(reply.json["migrations"]) == len(cloud.pods[0].nova.migrations)
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
