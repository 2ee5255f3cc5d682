"""Version documents and microversions over pods of different age."""

import time
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import IMPATIENT

NOBODY = {"X-Auth-Token": ""}


@pytest.fixture
def ages(cloud: Cloud) -> None:
    """RegionOne is new, RegionTwo is old; and each forgot something."""
    new, old = cloud.pods[0].nova, cloud.pods[1].nova
    new.lowest, new.highest = "2.1", "2.104"
    old.lowest, old.highest = "2.1", "2.90"
    cloud.pods[0].cinder.lowest, cloud.pods[0].cinder.highest = "3.5", "3.71"
    cloud.pods[1].cinder.highest = "3.60"
    cloud.pods[1].glance.versions = ("2.13", "2.12", "2.0")
    cloud.pods[0].glance.versions = ("2.15", "2.13", "2.0")


pytestmark = pytest.mark.usefixtures("ages")


@pytest.mark.parametrize("path", ["/compute", "/compute/"])
async def test_the_compute_versions_are_those_of_all_pods(client: Client, path: str) -> None:
    reply = await client.get(path, headers=NOBODY)
    assert reply.status == 200
    old, entry = reply.json["versions"]
    assert (old["id"], old["status"], old["min_version"], old["version"]) == ("v2.0", "DEPRECATED", "", "")
    assert old["links"] == [{"rel": "self", "href": f"{client.root}/compute/v2/"}]
    assert (entry["id"], entry["status"]) == ("v2.1", "CURRENT")
    assert (entry["min_version"], entry["version"]) == ("2.1", "2.90")
    assert entry["links"] == [{"rel": "self", "href": f"{client.root}/compute/v2.1/"}]


@pytest.mark.parametrize("path", ["/compute/v2.1", "/compute/v2.1/"])
@pytest.mark.proves("compute", "GET /")
async def test_one_compute_version(client: Client, path: str) -> None:
    entry = (await client.get(path, headers=NOBODY)).json["version"]
    assert (entry["id"], entry["min_version"], entry["version"]) == ("v2.1", "2.1", "2.90")
    assert entry["links"][0]["href"] == f"{client.root}/compute/v2.1/"


async def test_the_volume_versions_are_those_of_all_pods(client: Client) -> None:
    reply = await client.get("/volume/", headers=NOBODY)
    assert reply.status == 300
    (entry,) = reply.json["versions"]
    assert (entry["id"], entry["min_version"], entry["version"]) == ("v3.0", "3.5", "3.60")
    assert {"rel": "self", "href": f"{client.root}/volume/v3/"} in entry["links"]
    assert {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"} in entry["links"]


@pytest.mark.proves("volume", "GET /")
async def test_one_volume_version_needs_a_token_as_in_cinder(client: Client) -> None:
    reply = await client.get("/volume/v3/", headers=NOBODY)
    assert reply.status == 401
    reply = await client.get("/volume/v3/")
    assert (reply.status, reply.json["versions"][0]["version"]) == (200, "3.60")


@pytest.mark.parametrize(("path", "code"), [("/image/", 300), ("/image", 300), ("/image/versions", 200)])
async def test_the_image_versions_have_a_current_one(client: Client, path: str, code: int) -> None:
    reply = await client.get(path, headers=NOBODY)
    assert reply.status == code
    entries = reply.json["versions"]
    assert [(entry["id"], entry["status"]) for entry in entries] == [("v2.13", "CURRENT"), ("v2.0", "SUPPORTED")]
    assert entries[0]["links"] == [{"rel": "self", "href": f"{client.root}/image/v2/"}]


@pytest.mark.parametrize(
    ("name", "path", "low", "high"),
    [("compute", "/compute/v2.1/servers", "2.1", "2.90"), ("volume", "/volume/v3/volumes", "3.5", "3.60")],
)
async def test_out_of_the_range_of_all_pods_is_406(client: Client, name: str, path: str, low: str, high: str) -> None:
    asked = {"compute": "2.91", "volume": "3.61"}[name]
    reply = await client.at(f"{name} {asked}").get(path)
    assert reply.status == 406
    assert reply.json == {
        "computeFault": {
            "code": 406,
            "message": f"Version {asked} is not supported by the API. Minimum is {low} and maximum is {high}.",
        }
    }
    assert reply.headers["OpenStack-API-Version"] == f"{name} {asked}"
    assert "OpenStack-API-Version" in reply.headers["Vary"]
    assert (await client.at(f"{name} {high}").get(path)).status == 200


@pytest.mark.parametrize("version", ["foo", "2", "2.", ".1", "2.1.3", "-2.1", "2.x", "two.one", "\u0662.\u0661"])
async def test_a_malformed_one_is_400(client: Client, version: str) -> None:
    reply = await client.at(f"compute {version}").get("/compute/v2.1/servers")
    assert reply.status == 400
    assert "is of invalid format" in reply.json["badRequest"]["message"]


async def test_latest_is_the_latest_of_all(cloud: Cloud, client: Client) -> None:
    reply = await client.at("compute latest").get("/compute/v2.1/servers")
    assert reply.status == 200
    assert reply.headers["OpenStack-API-Version"] == "compute 2.90"
    for pod in cloud.pods:
        assert pod.nova.asked[-1].headers["openstack-api-version"] == "compute 2.90"


async def test_the_older_header_means_the_same(cloud: Cloud, client: Client) -> None:
    reply = await client.get("/compute/v2.1/servers", headers={"X-OpenStack-Nova-API-Version": "2.60"})
    assert reply.headers["OpenStack-API-Version"] == "compute 2.60"
    assert cloud.pods[0].nova.asked[-1].headers["x-openstack-nova-api-version"] == "2.60"
    reply = await client.get("/compute/v2.1/servers", headers={"X-OpenStack-Nova-API-Version": "2.99"})
    assert reply.status == 406


async def test_versions_of_several_services_in_one_header(cloud: Cloud, client: Client) -> None:
    both = client.at("compute 2.60, volume 3.50")
    assert (await both.get("/compute/v2.1/servers")).headers["OpenStack-API-Version"] == "compute 2.60"
    assert (await both.get("/volume/v3/volumes")).headers["OpenStack-API-Version"] == "volume 3.50"


async def test_without_a_version_pods_get_none(cloud: Cloud, client: Client) -> None:
    reply = await client.get("/compute/v2.1/servers")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.1"
    assert "openstack-api-version" not in cloud.pods[0].nova.asked[-1].headers


async def test_an_answer_of_triune_itself_tells_the_version_too(client: Client) -> None:
    reply = await client.at("compute 2.60").get("/compute/v2.1/os-availability-zone")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.60"


@pytest.mark.impatient
@pytest.mark.parametrize("fault", [service.hang, service.status(503), service.text("<html>"), service.text("[]"), None])
async def test_a_pod_that_is_away_does_not_hide_the_versions(cloud: Cloud, client: Client, fault: Any) -> None:
    if fault is None:
        await cloud.pods[1].nova.stop()
    else:
        cloud.pods[1].nova.fails(fault)
    for _ in range(2):
        entry = (await client.get("/compute/v2.1/", headers=NOBODY)).json["version"]
        assert entry["version"] == "2.104"
        reply = await client.at("compute 2.100").get("/compute/v2.1/servers")
        assert reply.status == 200


@pytest.mark.impatient
async def test_a_hanging_pod_is_waited_for_once(cloud: Cloud, client: Client) -> None:
    new = client.at("compute 2.60")
    assert (await new.get("/compute/v2.1/servers")).status == 200
    cloud.pods[1].nova.fails(service.hang)
    started = time.monotonic()
    assert (await new.get("/compute/v2.1/os-availability-zone")).status == 200
    assert (await client.get("/compute/", headers=NOBODY)).status == 200
    assert time.monotonic() - started < 2 * IMPATIENT["list_deadline"]


async def test_other_versions_are_not_there(client: Client) -> None:
    for path in (
        "/compute/v2.0/servers",
        "/compute/v3/servers",
        "/volume/v2/volumes",
        "/image/v1/images",
        "/v2.0/pods",
    ):
        assert (await client.get(path)).status == 404, path
