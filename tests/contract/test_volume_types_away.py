"""Volume types and their like while a pod is away or refuses: it catches up, or they come back."""

import pytest

from .cloud import service
from .cloud.cloud import Cloud
from .conftest import Client
from .gateway import Running
from .test_convergence import eventually, working
from .volume_types import ENCRYPTION, ROOT, everywhere, fast


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker does not wait for the request that is at work on the same."""
    for module in ("everywhere", "named"):
        monkeypatch.setattr(f"triune.gateway.{module}.HANDS_OFF", 0.0)


async def test_a_pod_that_was_away_catches_up(cloud: Cloud, gateway: Running, admin: Client) -> None:
    old = fast(cloud)
    await cloud.pods[1].cinder.stop()
    reply = await admin.delete(f"{ROOT}/types/{old[0]}")
    assert (reply.status, reply.headers.get("Triune-Missing-Pods"), reply.text) == (202, "RegionTwo", "")
    body = {"name": "a/ü", "extra_specs": {"a": "b"}, "os-volume-type-access:is_public": False}
    assert (await admin.post(f"{ROOT}/types", {"volume_type": body})).status == 200
    assert (await admin.post(f"{ROOT}/qos-specs", {"qos_specs": {"name": "q", "consumer": "both"}})).status == 200
    one = cloud.pods[0].cinder
    made, qos = one.of_name("volume_type", "a/ü"), one.of_name("qos_specs", "q")
    assert made is not None
    assert qos is not None
    made |= {"encryption": {**ENCRYPTION, "volume_type_id": made["id"]}, "projects": {"p"}, "qos_specs_id": qos["id"]}
    await cloud.pods[1].cinder.start()
    two = cloud.pods[1].cinder
    async with working(gateway):
        await eventually(lambda: two.of_name("volume_type", "fast") is None and two.of_name("qos_specs", "q"))
        await eventually(lambda: (two.of_name("volume_type", "a/ü") or {}).get("qos_specs_id"))
    copied, specs = two.of_name("volume_type", "a/ü"), two.of_name("qos_specs", "q")
    assert copied is not None
    assert specs is not None
    assert (copied["extra_specs"], copied["is_public"], copied["projects"]) == ({"a": "b"}, False, {"p"})
    assert (copied["encryption"]["key_size"], specs["consumer"]) == (256, "both")
    assert copied["qos_specs_id"] == specs["id"]


async def test_a_type_that_a_pod_refuses_to_remove_comes_back(cloud: Cloud, gateway: Running, admin: Client) -> None:
    ids = fast(cloud, extra_specs={"a": "b"})
    cloud.pods[1].cinder.fails(service.status(400, "no"), "DELETE .*/types")
    assert (await admin.delete(f"{ROOT}/types/{ids[0]}")).status == 400
    async with working(gateway):
        await eventually(lambda: everywhere(cloud, "fast")[0])
    assert [each["extra_specs"] for each in everywhere(cloud, "fast")] == [{"a": "b"}] * 2


async def test_a_group_type_comes_to_a_pod_that_was_away_and_another_is_not_overwritten(
    cloud: Cloud, gateway: Running, admin: Client
) -> None:
    admin = admin.at("volume 3.11")
    await cloud.pods[1].cinder.stop()
    for name in ("g", "taken"):
        body = {"group_type": {"name": name, "group_specs": {"a": "b"}}}
        assert (await admin.post(f"{ROOT}/group_types", body)).status == 202
    own = cloud.pods[1].cinder.add_group_type("taken", group_specs={"own": "one"})
    await cloud.pods[1].cinder.start()
    async with working(gateway):
        await eventually(lambda: everywhere(cloud, "g", "group_type")[1])
    assert everywhere(cloud, "g", "group_type")[1]["group_specs"] == {"a": "b"}
    assert own["group_specs"] == {"own": "one"}
