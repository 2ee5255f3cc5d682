"""Hosts and compute services: the pod that has the one which is named."""

import asyncio
import re
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client, Reply

ROOT = "/compute/v2.1"
ACTIONS = ("reboot", "shutdown", "startup")


@pytest.fixture(autouse=True)
def hosts(cloud: Cloud) -> None:
    """A host of its own in each pod, one name that both know, and other services that have no host of their own."""
    for number, pod in enumerate(cloud.pods, start=1):
        pod.nova.add_service("controller", "nova-conductor")
        pod.nova.add_service(f"host{number}")
        pod.nova.add_service("twin")


def message(reply: Reply) -> tuple[int, str]:
    return reply.status, next(iter(reply.json.values()))["message"]


@pytest.mark.proves(
    "compute",
    "GET /os-hosts",
    "GET /os-hosts/{host_name}",
    "PUT /os-hosts/{host_name}",
    "GET /os-hosts/{host_name}/reboot",
    "GET /os-hosts/{host_name}/shutdown",
    "GET /os-hosts/{host_name}/startup",
)
async def test_a_host_is_its_pods(cloud: Cloud, admin: Client) -> None:
    listed = (await admin.get(f"{ROOT}/os-hosts")).json["hosts"]
    assert [host["host_name"] for host in listed] == ["controller", "host1", "twin", "controller", "host2", "twin"]
    for action in ACTIONS:
        reply = await admin.get(f"{ROOT}/os-hosts/host2/{action}")
        assert (reply.status, reply.json) == (200, {"host": "host2", "power_action": action})
    assert [pod.nova.powered for pod in cloud.pods] == [[], [("host2", action) for action in ACTIONS]]
    shown = await admin.get(f"{ROOT}/os-hosts/host2")
    assert shown.json["host"][0]["resource"]["host"] == "host2"
    assert "Triune-Missing-Pods" not in shown.headers
    reply = await admin.put(f"{ROOT}/os-hosts/host2", json={"status": "disable"})
    assert reply.json == {"host": "host2", "status": "disabled"}
    assert [record["disabled"] for record in cloud.pods[1].nova.services] == [False, True, False]


@pytest.mark.parametrize("path", ["os-hosts/twin", *(f"os-hosts/TWIN/{action}" for action in ACTIONS)])
async def test_nothing_is_done_to_a_host_by_chance(cloud: Cloud, admin: Client, path: str) -> None:
    name = path.split("/")[1]
    told = 400, f"Host name {name} refers to multiple hosts: RegionOne, RegionTwo."
    assert message(await admin.get(f"{ROOT}/{path}")) == told
    assert not any(pod.nova.count("GET", "os-hosts") for pod in cloud.pods)


@pytest.mark.parametrize("name", ["nobody", "controller", "a%20b", "a%2Fb"])
async def test_an_unknown_host_is_novas_404(cloud: Cloud, admin: Client, name: str) -> None:
    reply = await admin.get(f"{ROOT}/os-hosts/{name}/reboot")
    assert message(reply) == (404, f"Host '{name.replace('%20', ' ')}' is not mapped to any cell")
    assert not any(pod.nova.powered for pod in cloud.pods)


async def test_hosts_end_with_2_42(cloud: Cloud, admin: Client) -> None:
    for path in ("os-hosts/host1", "os-hosts/host1/reboot", "os-hosts/nobody/reboot"):
        reply = await admin.at("compute 2.43").get(f"{ROOT}/{path}")
        assert message(reply) == (404, "The resource could not be found.")
    assert not any(pod.nova.powered for pod in cloud.pods)


async def test_tenants_have_no_hosts(cloud: Cloud, client: Client) -> None:
    assert message(await client.get(f"{ROOT}/os-hosts/host1/reboot"))[0] == 403
    body = {"host": "host1", "binary": "nova-compute"}
    assert message(await client.put(f"{ROOT}/os-services/disable", json=body))[0] == 403
    assert not cloud.pods[0].nova.powered
    assert not cloud.pods[0].nova.services[1]["disabled"]


async def test_a_host_of_a_pod_that_is_away_is_503_and_others_are_there(cloud: Cloud, admin: Client) -> None:
    await cloud.pods[1].nova.stop()
    reply = await admin.get(f"{ROOT}/os-hosts/host2/reboot")
    told = "Host host2 could not be found in the pods that answer; no answer from RegionTwo."
    assert message(reply) == (503, told)
    assert (await admin.get(f"{ROOT}/os-hosts/host1/reboot")).status == 200
    cloud.pods[0].nova.fails(service.text('{"services": [{"host": 7}]}'), "os-services")
    assert (await admin.get(f"{ROOT}/os-hosts/host1/reboot")).status == 503


@pytest.mark.proves(
    "compute",
    "PUT /os-services/disable",
    "PUT /os-services/disable-log-reason",
    "PUT /os-services/enable",
    "PUT /os-services/force-down",
)
async def test_a_service_is_changed_by_its_host(cloud: Cloud, admin: Client) -> None:
    nova, record = cloud.pods[1].nova, cloud.pods[1].nova.services[1]
    body: dict[str, Any] = {"host": "host2", "binary": "nova-compute"}
    old = admin.at("compute 2.52")
    reply = await old.put(f"{ROOT}/os-services/disable", json=body)
    assert (reply.status, reply.json) == (200, {"service": {**body, "status": "disabled"}})
    reply = await old.put(f"{ROOT}/os-services/disable-log-reason", json={**body, "disabled_reason": "fan"})
    assert (reply.json["service"]["disabled_reason"], record["disabled_reason"]) == ("fan", "fan")
    assert (await old.put(f"{ROOT}/os-services/enable", json=body)).json["service"]["status"] == "enabled"
    reply = await old.put(f"{ROOT}/os-services/force-down", json={**body, "forced_down": True})
    assert (reply.json["service"]["forced_down"], record["forced_down"]) == (True, True)
    assert not cloud.pods[0].nova.count("PUT")
    assert nova.count("PUT") == 4


@pytest.mark.parametrize(
    ("action", "body", "told"),
    [
        ("disable", {"host": "twin"}, (400, "'binary' is a required property")),
        ("disable", [], (400, "Malformed|not of type")),
        ("disable", {"host": "controller", "binary": "nova-conductor"}, (400, "Updating a nova-conductor service is")),
        ("disable", {"host": "nobody", "binary": "nova-compute"}, (404, "Host 'nobody' is not mapped to any cell")),
        ("disable", {"host": "twin", "binary": "nova-compute"}, (400, "Host name twin refers to multiple hosts: Reg")),
        ("disable-log-reason", {"host": "host1", "binary": "nova-compute"}, (400, "Missing disabled reason field")),
        ("nonsense", {"host": "host1", "binary": "nova-compute"}, (404, "Unknown action")),
    ],
)
async def test_services_are_refused_as_nova_does(
    cloud: Cloud, admin: Client, action: str, body: Any, told: tuple[int, str]
) -> None:
    reply = await admin.put(f"{ROOT}/os-services/{action}", json=body)
    assert reply.status == told[0]
    assert re.search(told[1], message(reply)[1])
    assert not any(record["disabled"] for pod in cloud.pods for record in pod.nova.services)


@pytest.mark.proves("compute", "GET /os-services", "PUT /os-services/{service_id}", "DELETE /os-services/{service_id}")
async def test_a_service_is_known_by_its_uuid(cloud: Cloud, admin: Client) -> None:
    new = admin.at("compute 2.53")
    listed = (await new.get(f"{ROOT}/os-services?binary=nova-compute")).json["services"]
    assert [service["host"] for service in listed] == ["host1", "twin", "host2", "twin"]
    twin = listed[3]["id"]
    reply = await new.put(f"{ROOT}/os-services/{twin}", json={"status": "disabled", "disabled_reason": "fan"})
    assert (reply.status, reply.json["service"]["id"]) == (200, twin)
    assert [pod.nova.services[2]["disabled"] for pod in cloud.pods] == [False, True]
    assert (await new.delete(f"{ROOT}/os-services/{twin}")).status == 204
    assert [len(pod.nova.services) for pod in cloud.pods] == [3, 2]
    assert message(await new.delete(f"{ROOT}/os-services/{twin}")) == (404, f"Service {twin} not found.")
    assert message(await new.put(f"{ROOT}/os-services/enable", json={})) == (400, "Invalid uuid enable")
    assert message(await new.delete(f"{ROOT}/os-services/7")) == (400, "Invalid uuid 7")


async def test_a_number_of_several_services_is_refused_as_nova_does(cloud: Cloud, admin: Client) -> None:
    last = cloud.pods[1].nova.add_service("host3")["id"]
    told = "Service id 2 refers to multiple services: RegionOne, RegionTwo."
    assert message(await admin.delete(f"{ROOT}/os-services/2")) == (400, told)
    assert (await admin.delete(f"{ROOT}/os-services/{last}")).status == 204
    assert [len(pod.nova.services) for pod in cloud.pods] == [3, 3]
    assert message(await admin.delete(f"{ROOT}/os-services/99")) == (404, "Service 99 not found.")
    told = "Invalid input received: id must be an integer"
    assert message(await admin.delete(f"{ROOT}/os-services/nine")) == (400, told)


async def test_two_administrators_at_once(cloud: Cloud, admin: Client) -> None:
    bodies = [{"host": f"host{number}", "binary": "nova-compute"} for number in (1, 2)]
    replies = await asyncio.gather(*(admin.put(f"{ROOT}/os-services/disable", json=body) for body in bodies * 5))
    assert {reply.status for reply in replies} == {200}
    assert [[record["disabled"] for record in pod.nova.services] for pod in cloud.pods] == [[False, True, False]] * 2
