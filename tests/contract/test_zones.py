"""Availability zones with their hosts, of all pods, under the names of the top."""

import pytest

from .cloud.cloud import Cloud
from .conftest import Client
from .one_zone import one_zone

PATH = "/compute/v2.1/os-availability-zone/detail"


@pytest.mark.impatient
@pytest.mark.proves("compute", "GET /os-availability-zone/detail")
async def test_hosts_stand_under_the_zones_of_the_top(cloud: Cloud, client: Client, admin: Client) -> None:
    for pod, host in zip(cloud.pods, ("h1", "h2"), strict=True):
        pod.nova.add_service(host)
        pod.nova.add_service(f"controller-{host}", "nova-scheduler")
    cloud.pods[1].nova.services[0]["forced_down"] = True
    told = (await admin.get(PATH)).json["availabilityZoneInfo"]
    assert [(zone["zoneName"], sorted(zone["hosts"])) for zone in told] == [
        ("az1", ["h1"]),
        ("az2", ["h2"]),
        ("internal", ["controller-h1", "controller-h2"]),
    ]
    states = [zone["hosts"][host]["nova-compute"]["available"] for zone, host in zip(told, ("h1", "h2"), strict=False)]
    assert states == [True, False]
    refused = await client.get(PATH)
    assert (refused.status, "os-availability-zone:detail" in refused.json["forbidden"]["message"]) == (403, True)
    await cloud.pods[1].nova.stop()
    for _ in range(4):
        reply = await admin.get(PATH)
    told = {zone["zoneName"]: zone for zone in reply.json["availabilityZoneInfo"]}
    assert reply.headers["Triune-Missing-Pods"] == "RegionTwo"
    assert (told["az1"]["zoneState"], told["az2"]["zoneState"]) == ({"available": True}, {"available": False})
    assert (sorted(told["az1"]["hosts"]), told["az2"]["hosts"]) == (["h1"], {})


async def test_hosts_of_several_pods_stand_in_one_zone(cloud: Cloud, admin: Client) -> None:
    await one_zone(admin)
    for pod, binary in zip(cloud.pods, ("nova-scheduler", "nova-conductor"), strict=True):
        pod.nova.add_service(pod.region)
        pod.nova.add_service("controller", binary)
    zone, internal = (await admin.get(PATH)).json["availabilityZoneInfo"]
    assert (zone["zoneName"], sorted(zone["hosts"])) == ("az", ["RegionOne", "RegionTwo"])
    # A host of one name in two pods has the services of both.
    assert sorted(internal["hosts"]["controller"]) == ["nova-conductor", "nova-scheduler"]
