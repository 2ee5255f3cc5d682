"""Hosts and clusters of block storage, what their back ends have, and records of backups: which pod is meant."""

import base64
import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/volume/v3"
LATEST = "volume 3.71"
HOSTS = ("one@lvm", "two@ceph")


@pytest.fixture
def hosts(cloud: Cloud) -> list[dict[str, Any]]:
    """A service on a host of its own in each pod, and one of the same host and cluster in both."""
    for pod in cloud.pods:
        pod.cinder.add_service("both@lvm", cluster="all")
    return [pod.cinder.add_service(host, cluster=f"c-{host}") for pod, host in zip(cloud.pods, HOSTS, strict=True)]


def says_both(reply: Any) -> bool:
    """Whether a native 400 names both pods."""
    message = reply.json["badRequest"]["message"]
    return reply.status == 400 and "RegionOne" in message and "RegionTwo" in message


@pytest.mark.proves("volume", "PUT /os-services/disable", "PUT /os-services/disable-log-reason")
@pytest.mark.proves("volume", "PUT /os-services/enable")
@pytest.mark.parametrize("number", [0, 1])
async def test_a_service_is_changed_in_the_pod_of_its_host(
    cloud: Cloud, admin: Client, hosts: list[dict[str, Any]], number: int
) -> None:
    body, mine, other = {"host": HOSTS[number], "binary": "cinder-volume"}, hosts[number], hosts[1 - number]
    for action, extra, status in (
        ("disable", {}, "disabled"),
        ("enable", {}, "enabled"),
        ("disable-log-reason", {"disabled_reason": "r"}, "disabled"),
    ):
        reply = await admin.put(f"{ROOT}/os-services/{action}", json={**body, **extra})
        assert (reply.status, reply.json["status"]) == (200, status)
        assert (mine["status"], other["status"]) == (status, "enabled")
    assert mine["disabled_reason"] == "r"
    assert says_both(await admin.put(f"{ROOT}/os-services/disable", json={**body, "host": "both@lvm"}))
    reply = await admin.put(f"{ROOT}/os-services/disable", json={**body, "host": "x"})
    assert reply.json["itemNotFound"]["message"] == "Service cinder-volume could not be found on host x."
    reply = await admin.put(f"{ROOT}/os-services/disable", json={"binary": "cinder-volume"})
    assert reply.json["badRequest"]["message"] == "Invalid input received: Host field is missing."


@pytest.mark.proves("volume", "PUT /os-services/failover_host", "PUT /os-services/freeze", "PUT /os-services/thaw")
@pytest.mark.parametrize("field", ["host", "cluster"])
async def test_a_back_end_is_frozen_in_its_pod(
    cloud: Cloud, admin: Client, hosts: list[dict[str, Any]], field: str
) -> None:
    admin, name = admin.at(LATEST), HOSTS[1] if field == "host" else f"c-{HOSTS[1]}"
    for action, status in (("freeze", 200), ("thaw", 200), ("failover_host", 202)):
        reply = await admin.put(f"{ROOT}/os-services/{action}", json={field: name})
        assert (reply.status, hosts[1]["did"], "did" in hosts[0]) == (status, action, False)
    assert says_both(await admin.put(f"{ROOT}/os-services/freeze", json={"cluster": "all"}))
    reply = await admin.put(f"{ROOT}/os-services/freeze", json={"host": HOSTS[0], "cluster": "all"})
    assert "One and only one" in reply.json["badRequest"]["message"]


@pytest.mark.usefixtures("hosts")
async def test_a_host_that_may_be_in_a_pod_that_is_away_is_503(cloud: Cloud, admin: Client) -> None:
    await cloud.pods[1].cinder.stop()
    reply = await admin.get(f"{ROOT}/os-hosts/{quote(HOSTS[1], safe='')}")
    assert (reply.status, "RegionTwo" in reply.json["serviceUnavailable"]["message"]) == (503, True)
    assert (await admin.get(f"{ROOT}/os-hosts/{HOSTS[0]}")).status == 200


@pytest.mark.usefixtures("hosts")
async def test_a_tenant_is_told_by_the_pods(client: Client) -> None:
    for method, path, body in (
        ("PUT", "os-services/disable", {"host": HOSTS[1], "binary": "cinder-volume"}),
        ("GET", f"os-hosts/{HOSTS[1]}", None),
        ("POST", "os-volume-manage", {"volume": {"host": "both@lvm", "ref": "r"}}),
        ("PUT", "os-services/get-log", {}),
    ):
        reply = await client.at(LATEST).request(method, f"{ROOT}/{path}", **({"json": body} if body else {}))
        assert (reply.status, "Policy" in reply.json["forbidden"]["message"]) == (403, True)


@pytest.mark.proves("volume", "PUT /os-services/get-log", "PUT /os-services/set-log")
async def test_log_levels_of_all_pods(cloud: Cloud, admin: Client, hosts: list[dict[str, Any]]) -> None:
    admin = admin.at(LATEST)
    assert (await admin.put(f"{ROOT}/os-services/set-log", json={"level": "DEBUG"})).status == 202
    assert {each["level"] for pod in cloud.pods for each in pod.cinder.services} == {"DEBUG"}
    body = {"level": "ERROR", "server": HOSTS[1]}
    assert (await admin.put(f"{ROOT}/os-services/set-log", json=body)).status == 202
    assert [each["level"] for each in hosts] == ["DEBUG", "ERROR"]
    levels = (await admin.put(f"{ROOT}/os-services/get-log", json={})).json["log_levels"]
    assert [each["host"] for each in levels] == ["both@lvm", HOSTS[0], "both@lvm", HOSTS[1]]
    (level,) = (await admin.put(f"{ROOT}/os-services/get-log", json={"server": HOSTS[1]})).json["log_levels"]
    assert level["levels"] == {"c": "ERROR"}


LISTS = [("os-services", "services"), ("os-hosts", "hosts"), ("clusters", "clusters"), ("clusters/detail", "clusters")]


@pytest.mark.usefixtures("hosts")
@pytest.mark.proves("volume", "GET /os-services", "GET /os-hosts", "GET /clusters", "GET /clusters/detail")
@pytest.mark.proves("volume", "GET /scheduler-stats/get_pools")
@pytest.mark.parametrize(("path", "key"), [*LISTS, ("scheduler-stats/get_pools", "pools")])
async def test_lists_tell_those_of_all_pods(admin: Client, path: str, key: str) -> None:
    reply = await admin.at(LATEST).get(f"{ROOT}/{path}")
    assert (reply.status, len(reply.json[key])) == (200, 4)
    assert all(name in reply.text for name in HOSTS)


@pytest.mark.proves("volume", "GET /os-hosts/{host_name}", "PUT /os-hosts/{host_name}", "GET /capabilities/{host_name}")
@pytest.mark.usefixtures("hosts")
async def test_a_host_is_shown_and_changed_in_its_pod(cloud: Cloud, admin: Client) -> None:
    for number, host in enumerate(HOSTS):
        place = f"{ROOT}/os-hosts/{quote(host, safe='')}"
        assert (await admin.get(place)).json["host"][0]["resource"]["host"] == host
        assert (await admin.put(place, json={"status": "enable"})).json == {"host": host, "status": "enabled"}
        assert cloud.pods[1 - number].cinder.count("PUT") == number
        for name in (host, host.partition("@")[0]):
            reply = await admin.get(f"{ROOT}/capabilities/{quote(name, safe='')}")
            assert reply.json["volume_backend_name"] == f"of {cloud.pods[number].cinder.root}"
    assert says_both(await admin.get(f"{ROOT}/capabilities/both"))
    reply = await admin.get(f"{ROOT}/os-hosts/x")
    assert reply.json["itemNotFound"]["message"] == "Host x could not be found."


@pytest.mark.proves("volume", "GET /clusters/{cluster_name}", "PUT /clusters/disable", "PUT /clusters/enable")
async def test_a_cluster_is_that_of_its_pod(cloud: Cloud, admin: Client, hosts: list[dict[str, Any]]) -> None:
    admin, name = admin.at(LATEST), f"c-{HOSTS[1]}"
    for action in ("disable", "enable"):
        reply = await admin.put(f"{ROOT}/clusters/{action}", json={"name": name})
        assert (reply.status, hosts[1]["status"], hosts[0]["status"]) == (200, f"{action}d", "enabled")
    assert (await admin.get(f"{ROOT}/clusters/{name}")).json["cluster"]["name"] == name
    assert says_both(await admin.get(f"{ROOT}/clusters/all"))


@pytest.mark.proves("volume", "GET /os-volume-manage", "GET /os-volume-manage/detail", "POST /os-volume-manage")
@pytest.mark.proves("volume", "GET /manageable_volumes", "GET /manageable_volumes/detail", "POST /manageable_volumes")
@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("path", ["os-volume-manage", "manageable_volumes"])
async def test_a_volume_comes_under_care_in_the_pod_of_its_host(cloud: Cloud, admin: Client, path: str) -> None:
    admin, place = admin.at(LATEST), f"{ROOT}/{path}"
    types = [pod.cinder.add_type("fast")["id"] for pod in cloud.pods]
    for number, host in enumerate(HOSTS):
        for rest in ("", "/detail"):
            reply = await admin.get(f"{place}{rest}?host={quote(f'{host}#pool', safe='')}&limit=1")
            (found,) = reply.json["manageable-volumes"]
            assert found["reference"]["source-name"] == f"of {cloud.pods[number].cinder.root}"
        wanted = {"host": f"{host}#pool", "ref": {"source-name": "x"}, "volume_type": types[1 - number]}
        reply = await admin.post(place, {"volume": {**wanted, "availability_zone": f"az{number + 1}"}})
        made = cloud.pods[number].cinder.records["volume"][reply.json["volume"]["id"]]
        assert (reply.status, made["volume_type"]) == (202, "fast")
        assert (await admin.get(f"{ROOT}/volumes/{made['id']}")).status == 200
        reply = await admin.post(place, {"volume": {**wanted, "availability_zone": f"az{2 - number}"}})
        assert (reply.status, "is in availability zone" in reply.json["badRequest"]["message"]) == (400, True)
    assert says_both(await admin.post(place, {"volume": {"host": "both@lvm", "ref": "x"}}))
    reply = await admin.post(place, {"volume": {"host": "nowhere", "ref": "x"}})
    assert (reply.status, reply.json["serviceUnavailable"]["message"]) == (503, "Host 'nowhere' not found")


@pytest.mark.proves("volume", "GET /os-snapshot-manage", "GET /os-snapshot-manage/detail", "POST /os-snapshot-manage")
@pytest.mark.proves("volume", "GET /manageable_snapshots", "GET /manageable_snapshots/detail")
@pytest.mark.proves("volume", "POST /manageable_snapshots")
@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("path", ["os-snapshot-manage", "manageable_snapshots"])
async def test_a_snapshot_comes_under_care_in_the_pod_of_its_volume(cloud: Cloud, admin: Client, path: str) -> None:
    admin, place = admin.at(LATEST), f"{ROOT}/{path}"
    for rest in ("", "/detail"):
        (found,) = (await admin.get(f"{place}{rest}?cluster=c-{HOSTS[1]}")).json["manageable-snapshots"]
        assert found["reference"]["source-name"] == f"of {cloud.pods[1].cinder.root}"
    volume = cloud.pods[1].cinder.add("volume", str(admin.token.project_id))
    reply = await admin.post(place, {"snapshot": {"volume_id": volume["id"], "ref": {"source-name": "x"}}})
    assert (reply.status, list(cloud.pods[1].cinder.records["snapshot"])) == (202, [reply.json["snapshot"]["id"]])
    missing = str(uuid.uuid4())
    reply = await admin.post(place, {"snapshot": {"volume_id": missing, "ref": "x"}})
    assert (reply.status, reply.json["itemNotFound"]["message"]) == (404, f"Volume {missing} could not be found.")


@pytest.mark.proves("volume", "POST /workers/cleanup")
@pytest.mark.usefixtures("hosts")
async def test_all_pods_clean_up(cloud: Cloud, admin: Client) -> None:
    admin, place = admin.at(LATEST), f"{ROOT}/workers/cleanup"
    reply = await admin.post(place, {})
    assert (reply.status, reply.json["unavailable"]) == (202, [])
    assert [each["host"] for each in reply.json["cleaning"]] == ["both@lvm", HOSTS[0], "both@lvm", HOSTS[1]]
    volume = cloud.pods[1].cinder.add("volume", str(admin.token.project_id))
    reply = await admin.post(place, {"resource_id": volume["id"]})
    assert [each["host"] for each in reply.json["cleaning"]] == ["both@lvm", HOSTS[1]]
    reply = await admin.post(place, {"resource_id": str(uuid.uuid4())})
    assert (reply.status, "pending cleanup" in reply.json["badRequest"]["message"]) == (400, True)
    reply = await admin.post(place, {"service_id": 1})
    assert (reply.status, "name the host" in reply.json["badRequest"]["message"]) == (400, True)
    await cloud.pods[1].cinder.stop()
    reply = await admin.post(place, {})
    assert (reply.status, reply.headers["Triune-Missing-Pods"]) == (202, "RegionTwo")


@pytest.mark.proves("volume", "POST /backups/import_record", "GET /backups/{backup_id}/export_record")
async def test_a_record_of_a_backup_comes_to_the_pod_that_has_its_volume(cloud: Cloud, admin: Client) -> None:
    place, there = f"{ROOT}/backups/import_record", cloud.pods[1].cinder
    volume = there.add("volume", str(admin.token.project_id))
    backup = there.add("backup", str(admin.token.project_id), volume_id=volume["id"])
    exported = (await admin.get(f"{ROOT}/backups/{backup['id']}/export_record")).json
    reply = await admin.post(place, exported)
    assert (reply.status, reply.json["badRequest"]["message"]) == (
        400,
        "Invalid backup: Backup already exists in database.",
    )
    del there.records["backup"][backup["id"]]
    reply = await admin.post(place, exported)
    assert (reply.status, reply.json["backup"]["id"], list(there.records["backup"])) == (
        201,
        backup["id"],
        [backup["id"]],
    )
    lost = base64.b64encode(json.dumps({"id": str(uuid.uuid4()), "volume_id": str(uuid.uuid4())}).encode()).decode()
    reply = await admin.post(place, {"backup-record": {"backup_service": "driver", "backup_url": lost}})
    assert reply.status == 201
    assert (await admin.get(f"{ROOT}/backups/{reply.json['backup']['id']}")).status == 200
    for url in ("no base64", 5, None):
        assert (await admin.post(place, {"backup-record": {"backup_service": "d", "backup_url": url}})).status >= 400
