"""Host aggregates: one id at the top, parts in the pods of their hosts."""

import asyncio
from typing import Any

import pytest

from triune.gateway.compute.aggregates import TAG

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply
from .test_hosts import message

ROOT = "/compute/v2.1/os-aggregates"


@pytest.fixture(autouse=True)
def hosts(cloud: Cloud) -> None:
    """Two hosts in each pod, and one aggregate that is no part of a test, so that ids differ between pods."""
    for number, pod in enumerate(cloud.pods, start=1):
        for name in ("a", "b"):
            pod.nova.add_service(f"{name}{number}")
    cloud.pods[1].nova.add_aggregate("of the operator", "a2", rack="7")


async def create(admin: Client, name: str = "ssd", **more: Any) -> int:
    reply = await admin.post(ROOT, {"aggregate": {"name": name, **more}})
    assert reply.status == 200, reply.text
    return int(reply.json["aggregate"]["id"])


async def act(admin: Client, aggregate_id: int | str, action: str, **value: Any) -> Reply:
    return await admin.post(f"{ROOT}/{aggregate_id}/action", {action: value})


async def spanning(admin: Client) -> int:
    """An aggregate with a host in each pod."""
    aggregate_id = await create(admin)
    for host in ("a1", "a2"):
        assert (await act(admin, aggregate_id, "add_host", host=host)).status == 200
    return aggregate_id


def parts(cloud: Cloud, name: str = "ssd") -> list[list[str] | None]:
    """The hosts of an aggregate in each pod."""
    return [next((each["hosts"] for each in pod.nova.aggregates if each["name"] == name), None) for pod in cloud.pods]


@pytest.mark.proves("compute", "GET /os-aggregates", "GET /os-aggregates/{aggregate_id}", "POST /os-aggregates")
async def test_an_aggregate_has_one_id(cloud: Cloud, admin: Client) -> None:
    reply = await admin.at("compute 2.41").post(ROOT, {"aggregate": {"name": "ssd", "availability_zone": "az2"}})
    made = reply.json["aggregate"]
    assert (reply.status, made["name"], made["availability_zone"]) == (200, "ssd", "az2")
    assert not {"hosts", "metadata"} & made.keys()
    assert parts(cloud) == [None, []]
    assert (made["uuid"], made["id"]) != (cloud.pods[1].nova.aggregates[1]["uuid"], 2)
    listed = (await admin.get(ROOT)).json["aggregates"]
    assert [each["name"] for each in listed] == ["of the operator", "ssd"]
    assert len({each["id"] for each in listed}) == 2
    assert all(0 < each["id"] < 2**53 for each in listed)
    for each in listed:
        assert (await admin.get(f"{ROOT}/{each['id']}")).json == {"aggregate": each}
    assert listed[0]["metadata"] == {"rack": "7"}
    assert listed[1]["metadata"] == {"availability_zone": "az2"}
    assert "uuid" not in listed[0]


@pytest.mark.proves(
    "compute",
    "POST /os-aggregates/{aggregate_id}/action add_host",
    "POST /os-aggregates/{aggregate_id}/action remove_host",
)
async def test_a_host_decides_the_pod(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await create(admin)
    await act(admin, aggregate_id, "set_metadata", metadata={"ssd": "true"})
    reply = await act(admin, aggregate_id, "add_host", host="b2")
    assert (reply.status, reply.json["aggregate"]["hosts"]) == (200, ["b2"])
    assert parts(cloud) == [[], ["b2"]]
    assert cloud.pods[1].nova.aggregates[1]["metadata"] == {"ssd": "true", TAG: str(aggregate_id)}
    for host in ("a1", "a2"):
        reply = await act(admin, aggregate_id, "add_host", host=host)
    assert reply.json["aggregate"]["hosts"] == ["a1", "b2", "a2"]
    shown = (await admin.get(f"{ROOT}/{aggregate_id}")).json["aggregate"]
    assert shown == reply.json["aggregate"]
    assert (shown["id"], shown["metadata"]) == (aggregate_id, {"ssd": "true"})
    assert parts(cloud) == [["a1"], ["b2", "a2"]]
    assert len((await admin.get(ROOT)).json["aggregates"]) == 2
    for host, rest in (("b2", ["a1", "a2"]), ("a2", ["a1"]), ("a1", [])):
        reply = await act(admin, aggregate_id, "remove_host", host=host)
        assert (reply.status, reply.json["aggregate"]["hosts"]) == (200, rest)
    # The part goes with its last host, the home stays.
    assert parts(cloud) == [[], None]


@pytest.mark.proves(
    "compute",
    "PUT /os-aggregates/{aggregate_id}",
    "DELETE /os-aggregates/{aggregate_id}",
    "POST /os-aggregates/{aggregate_id}/action set_metadata",
    "POST /os-aggregates/{aggregate_id}/images",
)
async def test_changes_are_made_in_all_parts(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await spanning(admin)
    reply = await admin.put(f"{ROOT}/{aggregate_id}", json={"aggregate": {"name": "a/b ü"}})
    assert (reply.status, reply.json["aggregate"]["name"]) == (200, "a/b ü")
    assert parts(cloud, "a/b ü") == [["a1"], ["a2"]]
    for metadata in ({"one": "1", "two": "2"}, {"one": None}):
        reply = await act(admin, aggregate_id, "set_metadata", metadata=metadata)
    assert reply.json["aggregate"]["metadata"] == {"two": "2"}
    assert [pod.nova.aggregates[-1]["metadata"].get("two") for pod in cloud.pods] == ["2", "2"]
    new = admin.at("compute 2.81")
    assert (await new.post(f"{ROOT}/{aggregate_id}/images", {"cache": [{"id": "i"}]})).status == 202
    assert [pod.nova.cached for pod in cloud.pods] == [[("a/b ü", ["i"])]] * 2
    told = f"Cannot remove host from aggregate {aggregate_id}. Reason: Host aggregate is not empty."
    assert message(await admin.delete(f"{ROOT}/{aggregate_id}")) == (400, told)
    await act(admin, aggregate_id, "remove_host", host="a1")
    assert message(await admin.delete(f"{ROOT}/{aggregate_id}")) == (400, told)
    await act(admin, aggregate_id, "remove_host", host="a2")
    assert (await admin.delete(f"{ROOT}/{aggregate_id}")).status == 200
    assert parts(cloud, "a/b ü") == [None, None]
    told = f"Aggregate {aggregate_id} could not be found."
    assert message(await admin.get(f"{ROOT}/{aggregate_id}")) == (404, told)


async def test_refusals_name_the_id_of_the_top(cloud: Cloud, admin: Client, client: Client) -> None:
    aggregate_id = await spanning(admin)
    reply = await act(admin, aggregate_id, "add_host", host="a2")
    assert message(reply) == (409, f"Aggregate {aggregate_id} already has host a2.")
    reply = await act(admin, aggregate_id, "remove_host", host="b2")
    assert message(reply) == (404, f"Cannot remove host b2 in aggregate {aggregate_id}")
    reply = await act(admin, aggregate_id, "add_host", host="nobody")
    assert message(reply) == (404, "Host 'nobody' is not mapped to any cell")
    reply = await act(admin, aggregate_id, "explode", host="a1")
    assert message(reply) == (400, "There is no such action: explode")
    for wrong in ({"add_host": {"host": 7}}, {"set_metadata": {"metadata": []}}, {"set_metadata": {}}):
        assert (await admin.post(f"{ROOT}/{aggregate_id}/action", wrong)).status == 400
    assert (await admin.put(f"{ROOT}/{aggregate_id}", json={"aggregate": {}})).status == 400
    assert (await admin.put(f"{ROOT}/{aggregate_id}", data=b"{")).status == 400
    reply = await act(admin, aggregate_id, "set_metadata", metadata={TAG: "1"})
    assert message(reply)[0] == 400
    for number in ("1", "2", "0"):
        # Ids of pods are nobody's here.
        assert message(await admin.delete(f"{ROOT}/{number}")) == (404, f"Aggregate {number} could not be found.")
    told = "Invalid input received: id must be an integer"
    assert message(await admin.get(f"{ROOT}/a%2Fb")) == (400, told)
    for body in (None, {}, {"aggregate": {"name": ""}}, {"aggregate": {"name": 7}}):
        assert message(await admin.post(ROOT, body))[0] == 400
    assert message(await client.get(ROOT))[0] == 403
    assert message(await client.delete(f"{ROOT}/{aggregate_id}"))[0] == 403
    assert parts(cloud) == [["a1"], ["a2"]]


async def test_a_name_is_one_aggregates(cloud: Cloud, admin: Client) -> None:
    told = "Aggregate of the operator already exists."
    assert message(await admin.post(ROOT, {"aggregate": {"name": "of the operator"}})) == (409, told)
    aggregate_id = await create(admin)
    reply = await admin.put(f"{ROOT}/{aggregate_id}", json={"aggregate": {"name": "of the operator"}})
    assert message(reply) == (409, told)
    assert parts(cloud) == [[], None]


async def test_a_zone_is_that_of_the_pods(cloud: Cloud, admin: Client) -> None:
    reply = await admin.post(ROOT, {"aggregate": {"name": "ssd", "availability_zone": "nowhere"}})
    assert message(reply) == (400, "The requested availability zone is not available")
    aggregate_id = await create(admin, availability_zone="az1")
    reply = await act(admin, aggregate_id, "add_host", host="a2")
    reason = "Reason: One or more hosts already in availability zone(s) ['az2']."
    assert message(reply) == (409, f"Cannot add host to aggregate {aggregate_id}. {reason}")
    both = await create(admin, "both")
    for host in ("a1", "a2"):
        await act(admin, both, "add_host", host=host)
    reply = await admin.put(f"{ROOT}/{both}", json={"aggregate": {"availability_zone": "az1"}})
    assert message(reply) == (400, f"Cannot update aggregate {both}. {reason}")
    reply = await act(admin, both, "set_metadata", metadata={"availability_zone": "az1"})
    assert message(reply) == (400, f"Cannot update metadata of aggregate {both}. {reason}")
    await act(admin, both, "remove_host", host="a2")
    reply = await admin.put(f"{ROOT}/{both}", json={"aggregate": {"availability_zone": "az1"}})
    assert reply.json["aggregate"]["availability_zone"] == "az1"


async def test_a_refusal_of_one_part_takes_the_change_back(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await spanning(admin)
    await act(admin, aggregate_id, "set_metadata", metadata={"one": "1"})
    cloud.pods[1].nova.fails(service.status(403), "(PUT|POST) .*/os-aggregates/")
    reply = await admin.put(f"{ROOT}/{aggregate_id}", json={"aggregate": {"name": "new"}})
    assert reply.status == 403
    assert (await act(admin, aggregate_id, "set_metadata", metadata={"one": "2", "two": "2"})).status == 403
    assert parts(cloud) == [["a1"], ["a2"]]
    assert cloud.pods[0].nova.aggregates[0]["metadata"] == {"one": "1"}


async def test_what_an_interrupted_request_left_is_taken(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await create(admin)
    cloud.pods[1].nova.add_aggregate("ssd")
    reply = await act(admin, aggregate_id, "add_host", host="b2")
    assert (reply.status, reply.json["aggregate"]["hosts"]) == (200, ["b2"])
    other = await create(admin, "taken")
    cloud.pods[1].nova.add_aggregate("taken", "b2")
    reply = await act(admin, other, "add_host", host="a2")
    assert message(reply) == (409, "Aggregate taken already exists in RegionTwo.")


async def test_a_host_that_is_refused_leaves_no_part(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await create(admin)
    pod = cloud.pods[1].nova
    whole = pod._act_on_aggregate

    def refuse(asked: Any) -> Any:
        if b"add_host" in asked.body:
            raise service.fault(409, f"Cannot add host to aggregate {asked.parameters[0]}. Reason: no.")
        return whole(asked)

    pod._act_on_aggregate = refuse  # type: ignore[method-assign]
    reply = await act(admin, aggregate_id, "add_host", host="a2")
    assert message(reply) == (409, f"Cannot add host to aggregate {aggregate_id}. Reason: no.")
    assert parts(cloud) == [[], None]


async def test_two_administrators_at_once(cloud: Cloud, admin: Client) -> None:
    replies = await asyncio.gather(*(admin.post(ROOT, {"aggregate": {"name": "ssd"}}) for _ in range(4)))
    assert sorted(reply.status for reply in replies) == [200, 409, 409, 409]
    (aggregate_id,) = [reply.json["aggregate"]["id"] for reply in replies if reply.status == 200]
    replies = await asyncio.gather(
        *(act(admin, aggregate_id, "add_host", host=host) for host in ("a1", "b1", "a2", "b2"))
    )
    assert {reply.status for reply in replies} == {200}
    shown = (await admin.get(f"{ROOT}/{aggregate_id}")).json["aggregate"]
    assert sorted(shown["hosts"]) == ["a1", "a2", "b1", "b2"]
    assert [len(pod.nova.aggregates) for pod in cloud.pods] == [1, 2]


async def test_while_a_pod_is_away(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await spanning(admin)
    here = await create(admin, "here", availability_zone="az1")
    await cloud.pods[1].nova.stop()
    reply = await admin.get(ROOT)
    assert [each["name"] for each in reply.json["aggregates"]] == ["ssd", "here"]
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    reply = await admin.put(f"{ROOT}/{aggregate_id}", json={"aggregate": {"name": "new"}})
    assert message(reply) == (503, f"Aggregate {aggregate_id} has hosts in RegionTwo, which does not answer.")
    assert (await act(admin, here, "add_host", host="b1")).status == 200
    reply = await admin.put(f"{ROOT}/{here}", json={"aggregate": {"name": "new"}})
    assert reply.status == 200
    told = "Aggregate 7 could not be found in the pods that answer; no answer from RegionTwo."
    assert message(await admin.get(f"{ROOT}/7")) == (503, told)
    assert (await admin.post(ROOT, {"aggregate": {"name": "newer"}})).status == 200
    assert parts(cloud, "newer") == [[], None]


async def test_a_home_that_is_away_or_gone_loses_no_id(cloud: Cloud, admin: Client) -> None:
    aggregate_id = await spanning(admin)
    await cloud.pods[0].nova.stop()
    shown = (await admin.get(f"{ROOT}/{aggregate_id}")).json["aggregate"]
    assert (shown["id"], shown["hosts"]) == (aggregate_id, ["a2"])
    await cloud.pods[0].nova.start()
    cloud.pods[0].nova.aggregates.clear()
    for _ in range(20):
        reply = await act(admin, aggregate_id, "remove_host", host="a2")
        if reply.status == 200:
            break
        await asyncio.sleep(0.05)
    assert (reply.json["aggregate"]["id"], reply.json["aggregate"]["hosts"]) == (aggregate_id, [])
    assert (await admin.delete(f"{ROOT}/{aggregate_id}")).status == 200
    assert parts(cloud) == [None, None]
