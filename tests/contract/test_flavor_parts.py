"""What belongs to a flavor: every pod holds the same, so that any may tell it, and every one has to change it."""

from typing import Any

import pytest

from .cloud.cloud import Cloud
from .conftest import Client
from .refusals import refusal

ROOT = "/compute/v2.1/flavors"
TENANT = "5" * 32


def told(cloud: Cloud, flavor_id: str, field: str) -> list[Any]:
    """What each pod has of a flavor."""
    return [pod.nova.flavors[flavor_id][field] for pod in cloud.pods]


@pytest.fixture
def small(cloud: Cloud) -> None:
    """A private flavor in all pods, with an id that is no number."""
    for pod in cloud.pods:
        pod.nova.add_flavor("m1.small", is_public=False, extra_specs={"hw:numa_nodes": "1"})


@pytest.mark.usefixtures("small")
@pytest.mark.proves("compute", "PUT /flavors/{flavor_id}")
async def test_a_flavor_is_described_in_all_pods(cloud: Cloud, admin: Client, client: Client) -> None:
    path, wanted = f"{ROOT}/m1.small", {"flavor": {"description": "ü/1"}}
    reply = await admin.at("compute 2.61").put(path, json=wanted)
    shown = reply.json["flavor"]
    assert (reply.status, shown["description"], shown["extra_specs"]) == (200, "ü/1", {"hw:numa_nodes": "1"})
    assert shown["links"][0]["href"] == f"{admin.root}{path}"
    assert told(cloud, "m1.small", "description") == ["ü/1"] * 2
    old = await admin.at("compute 2.54").put(path, json=wanted)
    assert refusal(old) == (404, "API version 2.54 is not supported on this method.")
    newer = admin.at("compute 2.55")
    assert refusal(await newer.put(f"{ROOT}/none", json=wanted)) == (404, "Flavor none could not be found.")
    for wrong in ({"flavor": {"description": 7}}, {"flavor": {"name": "m2"}}, {"flavor": []}, {}, []):
        assert refusal(await newer.put(path, json=wrong))[0] == 400
    assert (await client.at("compute 2.55").put(path, json=wanted)).status == 403
    assert told(cloud, "m1.small", "description") == ["ü/1"] * 2


@pytest.mark.usefixtures("small")
@pytest.mark.proves(
    "compute",
    "POST /flavors/{flavor_id}/action addTenantAccess",
    "POST /flavors/{flavor_id}/action removeTenantAccess",
    "GET /flavors/{flavor_id}/os-flavor-access",
)
async def test_access_is_given_and_taken_in_all_pods(cloud: Cloud, admin: Client, client: Client) -> None:
    path = f"{ROOT}/m1.small/action"
    give, take = ({name: {"tenant": TENANT}} for name in ("addTenantAccess", "removeTenantAccess"))
    access = {"flavor_access": [{"flavor_id": "m1.small", "tenant_id": TENANT}]}
    assert ((reply := await admin.post(path, give)).status, reply.json) == (200, access)
    assert told(cloud, "m1.small", "access") == [{TENANT}] * 2
    assert (await admin.get(f"{ROOT}/m1.small/os-flavor-access")).json == access
    again = f"Flavor access already exists for flavor m1.small and project {TENANT} combination."
    assert refusal(await admin.post(path, give)) == (409, again)
    # From an earlier try one pod has it already, or not any more.
    cloud.pods[1].nova.flavors["m1.small"]["access"].clear()
    assert (await admin.post(path, give)).json == access
    cloud.pods[1].nova.flavors["m1.small"]["access"].clear()
    assert ((reply := await admin.post(path, take)).status, reply.json) == (200, {"flavor_access": []})
    assert told(cloud, "m1.small", "access") == [set(), set()]
    gone = f"Flavor access not found for m1.small / {TENANT} combination."
    assert refusal(await admin.post(path, take)) == (404, gone)
    for pod in cloud.pods:
        pod.nova.add_flavor("1")
    refused = await admin.at("compute 2.7").post(f"{ROOT}/1/action", give)
    assert refusal(refused) == (409, "Can not add access to a public flavor.")
    public = await admin.get(f"{ROOT}/1/os-flavor-access")
    assert refusal(public) == (404, "Access list not available for public flavors.")
    for below, method in (("action", "POST"), ("os-flavor-access", "GET")):
        body = {"json": give} if method == "POST" else {}
        reply = await admin.request(method, f"{ROOT}/none/{below}", **body)
        assert refusal(reply) == (404, "Flavor none could not be found.")
        assert (await client.request(method, f"{ROOT}/m1.small/{below}", **body)).status == 403
    for wrong in (
        {"addTenantAccess": {"tenant": 7}},
        {"removeTenantAccess": None},
        {"addTenantAccess": {}},
        [],
        {"no": 1},
    ):
        assert refusal(await admin.post(path, wrong))[0] == 400


@pytest.mark.usefixtures("small")
@pytest.mark.proves(
    "compute",
    "GET /flavors/{flavor_id}/os-extra_specs",
    "GET /flavors/{flavor_id}/os-extra_specs/{key}",
    "PUT /flavors/{flavor_id}/os-extra_specs/{key}",
    "DELETE /flavors/{flavor_id}/os-extra_specs/{key}",
)
async def test_extra_specs_are_those_of_all_pods(cloud: Cloud, admin: Client, client: Client) -> None:
    path = f"{ROOT}/m1.small/os-extra_specs"
    # The user's words are not translated, whatever they are called.
    for key, value in (("hw:cpu_policy", "dedicated"), ("availability_zone", "nova"), ("hw:numa_nodes", "2")):
        assert ((reply := await admin.put(f"{path}/{key}", json={key: value})).status, reply.json) == (
            200,
            {key: value},
        )
        assert [specs[key] for specs in told(cloud, "m1.small", "extra_specs")] == [value] * 2
        assert (await admin.get(f"{path}/{key}")).json == {key: value}
    everything = {"hw:numa_nodes": "2", "hw:cpu_policy": "dedicated", "availability_zone": "nova"}
    assert (await admin.get(path)).json == {"extra_specs": everything}
    assert (await admin.delete(f"{path}/hw:cpu_policy")).status == 200
    del everything["hw:cpu_policy"]
    assert told(cloud, "m1.small", "extra_specs") == [everything] * 2
    # One pod lacks it, as of a new region: the other tells it, and removes it.
    cloud.pods[0].nova.flavors.pop("m1.small")
    assert (await admin.get(path)).json == {"extra_specs": everything}
    assert (await admin.get(f"{path}/hw:numa_nodes")).json == {"hw:numa_nodes": "2"}
    assert (await admin.delete(f"{path}/hw:numa_nodes")).status == 200
    unknown = "Flavor m1.small has no extra specs with key hw:numa_nodes."
    cloud.pods[0].nova.add_flavor("m1.small", is_public=False)
    for method in ("GET", "DELETE"):
        assert refusal(await admin.request(method, f"{path}/hw:numa_nodes")) == (404, unknown)
    assert refusal(await admin.get(f"{ROOT}/none/os-extra_specs")) == (404, "Flavor none could not be found.")
    for wrong in ({"a": {}}, {"b": "1"}, {"a": "1", "b": "2"}, {}, ["a"], 7):
        assert refusal(await admin.put(f"{path}/a", json=wrong))[0] == 400
    assert (await client.put(f"{path}/a", json={"a": "1"})).status == 403
    # Others' private flavors do not exist for a tenant.
    assert (await client.get(path)).status == 404
