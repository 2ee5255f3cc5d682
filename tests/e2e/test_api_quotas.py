"""Limits that hold over all zones, and what is used in all of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import LATEST, alike, both, microversion, refused_alike, shape
from .people import CENTRAL, Newcomers, Person

VERSIONS = ["2.1", "2.37", "2.69", "2.90", LATEST]


@pytest.fixture(scope="module")
def servers(owner: Person, lab: Lab, boot: dict[str, str]) -> Iterator[list[Any]]:
    """A server in each zone."""
    requests = [
        {"name": f"{owner.name}-{zone}", "availability_zone": zone, "networks": "none", **boot} for zone in lab.zones
    ]
    with things.servers(owner, *requests) as made:
        yield made


@pytest.fixture
def limited(admin: Person, owner: Person) -> Iterator[Any]:
    """Sets limits of the project, for the length of a test."""
    path = f"/os-quota-sets/{owner.project_id}"
    touched: set[str] = set()

    def limit(service: str, **limits: int) -> Any:
        touched.add(service)
        return admin.ask(service, path, "PUT", json={"quota_set": limits})

    yield limit
    for service in touched:
        assert admin.ask(service, path, "DELETE").status_code in (200, 202)


def quota(person: Person, service: str, below: str = "", **where: str) -> dict[str, Any]:
    """The limits of a project."""
    answer = person.ask(service, f"/os-quota-sets/{person.project_id}{below}", **where)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["quota_set"]
    return found


@pytest.mark.proves(
    "compute",
    "GET /os-quota-sets/{tenant_id}",
    "GET /os-quota-sets/{tenant_id}/detail",
    "PUT /os-quota-sets/{tenant_id}",
    "DELETE /os-quota-sets/{tenant_id}",
    "POST /servers",
)
def test_servers_of_all_zones_are_under_one_limit(
    owner: Person, lab: Lab, servers: list[Any], limited: Any, boot: dict[str, str]
) -> None:
    most = len(servers)
    answer = limited("compute", instances=most)
    assert (answer.status_code, answer.json()["quota_set"]["instances"]) == (200, most)
    for region in lab.regions:
        assert quota(owner, "compute", region=region)["instances"] == most
    for zone in lab.zones:
        # No pod by itself has more than one.
        request = {"name": f"{owner.name}-more", "imageRef": boot["image_id"], "flavorRef": boot["flavor_id"]}
        body = {"server": {**request, "networks": "none", "availability_zone": zone}}
        refused = owner.ask("compute", "/servers", "POST", json=body, **microversion(LATEST))
        assert refused.status_code == 403, refused.text
        assert refused.json()["forbidden"] == {
            "code": 403,
            "message": f"Quota exceeded for instances: Requested 1, but already used {most} of {most} instances",
        }
    detail = quota(owner, "compute", "/detail")["instances"]
    assert detail == {"limit": most, "in_use": most, "reserved": 0}
    limits = owner.ask("compute", "/limits").json()["limits"]["absolute"]
    assert (limits["maxTotalInstances"], limits["totalInstancesUsed"]) == (most, most)
    # Less than what is used in all pods together, though more than in each.
    refused = limited("compute", instances=most - 1)
    assert refused.status_code == 400, refused.text
    assert limited("compute", instances=-1).status_code == 200
    limited("compute", cores=most, ram=most * 64)
    assert quota(owner, "compute", "/detail")["ram"] == {"limit": most * 64, "in_use": most * 64, "reserved": 0}


@pytest.mark.proves("compute", "DELETE /os-quota-sets/{tenant_id}", "GET /os-quota-sets/{tenant_id}/defaults")
def test_what_was_set_is_forgotten(owner: Person, admin: Person, lab: Lab, limited: Any) -> None:
    for service in ("compute", "block-storage"):
        name = "cores" if service == "compute" else "gigabytes"
        before = quota(owner, service)
        assert limited(service, **{name: 7}).status_code == 200
        assert quota(owner, service) == {**before, name: 7}
        assert admin.ask(service, f"/os-quota-sets/{owner.project_id}", "DELETE").status_code in (200, 202)
        for region in (CENTRAL, *lab.regions):
            assert quota(owner, service, region=region) == before


@pytest.mark.proves(
    "volume",
    "POST /volumes",
    "GET /os-quota-sets/{project_id}",
    "PUT /os-quota-sets/{project_id}",
    "DELETE /os-quota-sets/{project_id}",
)
def test_volumes_of_all_zones_are_under_one_limit(owner: Person, lab: Lab, limited: Any) -> None:
    zones = list(lab.zones)
    assert limited("block-storage", volumes=2, gigabytes=3).status_code == 200
    with (
        things.stored(owner, "volume", name=f"{owner.name}-a", size=1, availability_zone=zones[0]) as volume,
        things.stored(owner, "volume", name=f"{owner.name}-b", size=1, availability_zone=zones[-1]),
    ):
        for zone in zones:
            body = {"volume": {"name": f"{owner.name}-c", "size": 1, "availability_zone": zone}}
            refused = owner.ask("block-storage", "/volumes", "POST", json=body)
            assert refused.status_code == 413, refused.text
            assert "Maximum number of volumes allowed (2) exceeded for quota 'volumes'." in refused.text
        assert limited("block-storage", volumes=5).status_code == 200
        body = {"volume": {"name": f"{owner.name}-c", "size": 2, "availability_zone": zones[0]}}
        refused = owner.ask("block-storage", "/volumes", "POST", json=body)
        assert refused.status_code == 413, refused.text
        assert "Requested 2G, quota is 3G and 2G has been consumed" in refused.text
        grow = {"os-extend": {"new_size": 3}}
        refused = owner.ask("block-storage", f"/volumes/{volume.id}/action", "POST", json=grow)
        assert refused.status_code == 413, refused.text
        usage = quota(owner, "block-storage", "?usage=true")
        assert usage["volumes"] == {"limit": 5, "in_use": 2, "reserved": 0}
        assert usage["gigabytes"] == {"limit": 3, "in_use": 2, "reserved": 0}
        limits = owner.ask("block-storage", "/limits").json()["limits"]["absolute"]
        assert (limits["totalVolumesUsed"], limits["totalGigabytesUsed"]) == (2, 2)
        assert (limits["maxTotalVolumes"], limits["maxTotalVolumeGigabytes"]) == (5, 3)
    for region in lab.regions:
        assert not list(owner.pod(region).block_storage.volumes(name=f"{owner.name}-c"))


def test_too_much_is_refused_in_cinders_words(newcomers: Newcomers, admin: Person, lab: Lab) -> None:
    """Where nothing may be had each pod refuses by itself, too."""
    somebody = newcomers.welcome("limits")
    path = f"/os-quota-sets/{somebody.project_id}"
    assert admin.ask("block-storage", path, "PUT", json={"quota_set": {"volumes": 0}}).status_code == 200
    try:
        for region in lab.regions:
            body = {"volume": {"name": "refused", "size": 1}}
            refused_alike(*both(somebody, region, "block-storage", "/volumes", "POST", json=body), 413)
    finally:
        assert admin.ask("block-storage", path, "DELETE").status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.proves("compute", "GET /limits", "GET /os-quota-sets/{tenant_id}")
def test_limits_have_the_form_of_a_pods(owner: Person, admin: Person, lab: Lab, version: str) -> None:
    paths = [
        "/limits",
        "/limits?reserved=1",
        *(f"/os-quota-sets/{owner.project_id}{below}" for below in ("", "/detail", "/defaults")),
        "/os-quota-class-sets/default",
    ]
    for path in paths:
        for person in (owner, admin):
            ours, native = both(person, lab.regions[0], "compute", path, **microversion(version))
            assert ours.status_code == native.status_code, (path, ours.text, native.text)
            assert shape(ours.json()) == shape(native.json()), (path, ours.text, native.text)


WRONG: list[dict[str, Any]] = [
    {"quota_set": {"instances": "many"}},
    {"quota_set": {"instances": -2}},
    {"quota_set": {"colour": 1}},
    {"quota_set": {}},
    {"quota_set": 7},
    {},
]


@pytest.mark.parametrize("service", ["compute", "block-storage"])
def test_limits_that_cannot_be(owner: Person, admin: Person, lab: Lab, service: str) -> None:
    path = f"/os-quota-sets/{owner.project_id}"
    for body in WRONG:
        ours, native = both(admin, lab.regions[0], service, path, "PUT", json=body)
        alike(ours, native)
    body = {"quota_set": {"snapshots" if service == "block-storage" else "cores": 1}}
    refused_alike(*both(owner, lab.regions[0], service, path, "PUT", json=body), 403)


def period(**more: str) -> str:
    """A query for today and what is around it."""
    now = datetime.now(UTC).replace(tzinfo=None)
    days = {"start": now - timedelta(days=1), "end": now + timedelta(days=1)}
    asked = {**{name: day.isoformat() for name, day in days.items()}, **more}
    return "&".join(f"{name}={value}" for name, value in asked.items())


@pytest.mark.parametrize("version", ["2.1", "2.40", LATEST])
@pytest.mark.proves("compute", "GET /os-simple-tenant-usage", "GET /os-simple-tenant-usage/{tenant_id}")
def test_usage_of_all_zones(owner: Person, admin: Person, lab: Lab, servers: list[Any], version: str) -> None:
    path = f"/os-simple-tenant-usage/{owner.project_id}?{period()}"
    usage = owner.ask("compute", path, **microversion(version)).json()["tenant_usage"]
    there = {each["instance_id"] for each in usage["server_usages"]}
    assert there >= {server.id for server in servers}
    native = [
        owner.ask("compute", path, region=region, **microversion(version)).json()["tenant_usage"]
        for region in lab.regions
    ]
    assert len(usage["server_usages"]) == sum(len(each["server_usages"]) for each in native)
    for name in ("total_hours", "total_vcpus_usage", "total_memory_mb_usage", "total_local_gb_usage"):
        assert usage[name] == pytest.approx(sum(each[name] for each in native), rel=0.1)
    assert usage.keys() == native[0].keys()
    everybody = admin.ask("compute", f"/os-simple-tenant-usage?{period(detailed='1')}", **microversion(version))
    rows = [each for each in everybody.json()["tenant_usages"] if each["tenant_id"] == owner.project_id]
    if version == "2.1":
        assert len(rows) == 1
    assert {each["instance_id"] for row in rows for each in row["server_usages"]} >= {server.id for server in servers}


@pytest.mark.proves("compute", "GET /os-simple-tenant-usage/{tenant_id}")
def test_usage_in_pages(owner: Person, lab: Lab, servers: list[Any]) -> None:
    path, told = f"/os-simple-tenant-usage/{owner.project_id}?{period(limit='1')}", list[str]()
    answer = owner.ask("compute", path, **microversion("2.40"))
    for _ in range(len(servers) + 5):
        document = answer.json()
        page = document["tenant_usage"].get("server_usages", [])
        assert len(page) <= 1
        told += [each["instance_id"] for each in page]
        following = [link["href"] for link in document.get("tenant_usage_links", ()) if link["rel"] == "next"]
        if not following:
            break
        headers = {"OpenStack-API-Version": "compute 2.40"}
        answer = owner.central.session.get(following[0], headers=headers, raise_exc=False)
        assert answer.status_code == 200, answer.text
    assert len(told) == len(set(told))
    assert set(told) >= {server.id for server in servers}
