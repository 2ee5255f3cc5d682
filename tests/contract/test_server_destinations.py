"""New servers whose place is asked for: hosts, hypervisors, and hosts of other servers."""

import json
import uuid
from typing import Any

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .one_zone import holders, one_zone, post_server
from .servers_on_networks import message

pytestmark = [pytest.mark.usefixtures("flavors")]
IMPATIENT = pytest.mark.parametrize("settings", [{"pods": {"list_deadline": 1}}], indirect=True)


@pytest.fixture(autouse=True)
def hosts(cloud: Cloud) -> None:
    """Each pod has a host of its own, and one of a name that both have."""
    for number, pod in enumerate(cloud.pods, start=1):
        pod.nova.add_hypervisor(f"host{number}")
        pod.nova.add_hypervisor("twin")


def sent_zone(cloud: Cloud, index: int) -> Any:
    posts = [
        asked for asked in cloud.pods[index].nova.asked if asked.method == "POST" and asked.path.endswith("/servers")
    ]
    return json.loads(posts[-1].body)["server"].get("availability_zone")


@pytest.mark.parametrize(
    ("version", "fields", "where", "zone"),
    [
        ("2.37", {"availability_zone": ":host2"}, [0, 1], ":host2"),
        ("2.37", {"availability_zone": "az2:host2"}, [0, 1], "nova:host2"),
        ("2.37", {"availability_zone": "az2:host2:host2"}, [0, 1], "nova:host2:host2"),
        ("2.37", {"availability_zone": "az2::host2"}, [0, 1], "nova::host2"),
        ("2.37", {"availability_zone": ":HOST2"}, [0, 1], ":HOST2"),
        # As with Nova, the host goes before the zone that it is given with.
        ("2.37", {"availability_zone": "az1:host2"}, [0, 1], "nova:host2"),
        ("2.37", {"availability_zone": "az2:twin"}, [0, 1], "nova:twin"),
        ("2.74", {"host": "host2"}, [0, 1], None),
        ("2.74", {"hypervisor_hostname": "host2"}, [0, 1], None),
        ("2.74", {"host": "host2", "hypervisor_hostname": "host2", "availability_zone": "az2"}, [0, 1], "nova"),
        ("2.104", {"host": "twin", "availability_zone": "az1"}, [1, 0], "nova"),
        # What no pod has is a pod's to refuse.
        ("2.74", {"host": "nowhere"}, [1, 0], None),
        ("2.37", {"availability_zone": "az2:.."}, [0, 1], "nova:.."),
        ("2.37", {"availability_zone": "az2::.."}, [0, 1], "nova::.."),
    ],
)
async def test_a_host_decides(
    cloud: Cloud, admin: Client, version: str, fields: dict[str, Any], where: list[int], zone: str | None
) -> None:
    reply = await post_server(admin, version, **fields)
    assert reply.status == 202, reply.text
    assert holders(cloud) == where
    assert sent_zone(cloud, where.index(1)) == zone


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("2.37", {"availability_zone": ":twin"}),
        ("2.37", {"availability_zone": "::twin"}),
        ("2.74", {"host": "twin"}),
        ("2.74", {"hypervisor_hostname": "twin"}),
    ],
)
async def test_a_host_of_several_pods_names_them(
    cloud: Cloud, admin: Client, version: str, fields: dict[str, Any]
) -> None:
    reply = await post_server(admin, version, **fields)
    assert reply.status == 400
    assert "twin" in message(reply) and message(reply).endswith("RegionOne, RegionTwo.")
    assert holders(cloud) == [0, 0]


async def test_a_host_that_is_not_in_the_zone(cloud: Cloud, admin: Client) -> None:
    reply = await post_server(admin, "2.74", host="host1", availability_zone="az2")
    assert (reply.status, message(reply)) == (
        400,
        "Host host1 can be in availability zone az1, not in az2.",
    )


@pytest.mark.parametrize("settings", [{"gateway": {"default_availability_zone": "az1"}}], indirect=True)
async def test_a_host_goes_before_the_default_zone(cloud: Cloud, admin: Client) -> None:
    assert (await post_server(admin, "2.74", host="host2")).status == 202
    assert (await post_server(admin, availability_zone=":host2")).status == 202
    assert holders(cloud) == [0, 2]


@IMPATIENT
async def test_a_host_while_the_other_pod_is_away(cloud: Cloud, admin: Client) -> None:
    cloud.pods[0].nova.fails(service.hang)
    reply = await post_server(admin, "2.74", host="host2", availability_zone="az2")
    assert reply.status == 202, reply.text
    assert holders(cloud) == [0, 1]


@IMPATIENT
@pytest.mark.parametrize(("fields", "status"), [({}, 503), ({"availability_zone": "az2"}, 202)])
async def test_a_host_that_may_be_in_a_pod_that_is_away(
    cloud: Cloud, admin: Client, fields: dict[str, str], status: int
) -> None:
    cloud.pods[0].nova.fails(service.hang)
    reply = await post_server(admin, "2.74", host="nowhere", **fields)
    assert reply.status == status, reply.text
    assert "Triune-Missing-Pods" not in reply.headers or status == 503


async def test_who_may_not_see_hosts_is_told_nothing_of_them(cloud: Cloud, client: Client) -> None:
    """The pod's own policy judges, as it does where the host is another one."""
    for host in ("twin", "host2", "nowhere"):
        assert (await post_server(client, "2.74", host=host)).status == 202
    assert holders(cloud) == [3, 0]


async def test_hosts_are_no_field_of_older_microversions(cloud: Cloud, admin: Client) -> None:
    reply = await post_server(admin, "2.73", host="host2")
    assert reply.status == 400 and "'host' was unexpected" in message(reply)


# -- hosts of other servers


@pytest.mark.parametrize("spelling", ["os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"])
@pytest.mark.parametrize("listed", [True, False])
async def test_the_host_of_another_server(cloud: Cloud, client: Client, spelling: str, listed: bool) -> None:
    other = cloud.pods[1].nova.add_server(client.token.project_id or "")["id"]
    hints = {"same_host": [other, str(uuid.uuid4())] if listed else other, "different_host": [str(uuid.uuid4())]}
    body = {"server": {"name": "vm", "flavorRef": "1", "networks": "none"}, spelling: hints}
    reply = await client.at("compute 2.37").post("/compute/v2.1/servers", body)
    assert reply.status == 202, reply.text
    assert holders(cloud) == [0, 2]
    # Ids that a pod does not know do no harm there.
    assert json.loads(cloud.pods[1].nova.asked[-1].body)[spelling] == hints


async def test_hosts_of_servers_of_two_pods(cloud: Cloud, client: Client) -> None:
    """Nova wants any of them on the host, so that either pod does."""
    ids = [pod.nova.add_server(client.token.project_id or "")["id"] for pod in cloud.pods]
    assert (await post_server(client, hints={"same_host": ids}, availability_zone="az2")).status == 202
    assert (await post_server(client, hints={"same_host": ids}, availability_zone="az1")).status == 202
    assert holders(cloud) == [2, 2]


async def test_a_host_in_another_zone_names_both(cloud: Cloud, client: Client) -> None:
    other = cloud.pods[1].nova.add_server(client.token.project_id or "")["id"]
    reply = await post_server(client, hints={"same_host": other}, availability_zone="az1")
    assert reply.status == 400
    assert other in message(reply) and "az2, not in az1" in message(reply)


async def test_another_host_may_be_anywhere(cloud: Cloud, client: Client) -> None:
    other = cloud.pods[1].nova.add_server(client.token.project_id or "")["id"]
    assert (await post_server(client, hints={"different_host": other}, availability_zone="az1")).status == 202
    assert holders(cloud) == [1, 1]


async def test_where_servers_of_others_are_is_told_to_nobody(cloud: Cloud, client: Client) -> None:
    other = cloud.pods[1].nova.add_server("b" * 32)["id"]
    reply = await post_server(client, hints={"same_host": other}, availability_zone="az1")
    assert reply.status == 202
    assert holders(cloud) == [1, 1]


@IMPATIENT
async def test_a_server_that_may_be_in_a_pod_that_is_away(cloud: Cloud, client: Client) -> None:
    cloud.pods[1].nova.fails(service.hang)
    reply = await post_server(client, hints={"same_host": str(uuid.uuid4())}, availability_zone="az1")
    assert reply.status == 503
    assert holders(cloud) == [0, 0]


async def test_a_pod_that_went_full_with_a_host_in_one_zone(cloud: Cloud, gateway: Running, admin: Client) -> None:
    """A host that is asked for is nowhere else, so nobody waits and no other pod is tried."""
    await one_zone(admin)
    cloud.pods[0].nova.is_full = True
    assert (await post_server(admin, "2.74", host="host1")).status == 202
    assert holders(cloud) == [1, 0]
