"""Block storage as one service: services, pools, summary, messages, and the form of everything at each microversion."""

from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import alike, both, microversion, plain, shape
from .people import CENTRAL, Person
from .waiting import wait_until

VERSIONS = ["3.0", "3.59", "3.71"]
AT_EACH = pytest.mark.parametrize("version", VERSIONS)


def joined(admin: Person, lab: Lab, path: str, version: str = "3.71") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the central region answers, and what each of the pods does."""
    how = microversion(version, "volume")
    answers = [admin.ask("block-storage", path, region=region, **how) for region in (CENTRAL, *lab.regions)]
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    ours, *native = [answer.json() for answer in answers]
    return ours, native


@AT_EACH
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/os-services", "services"),
        ("/os-services?binary=cinder-volume", "services"),
        ("/os-hosts", "hosts"),
        ("/scheduler-stats/get_pools", "pools"),
        ("/scheduler-stats/get_pools?detail=true", "pools"),
    ],
)
@pytest.mark.proves("volume", "GET /os-services", "GET /os-hosts", "GET /scheduler-stats/get_pools")
def test_what_all_pods_have(admin: Person, lab: Lab, path: str, key: str, version: str) -> None:
    ours, native = joined(admin, lab, path, version)
    # What changes from one moment to the next.
    passing = ("updated_at", "last-update", "timestamp", "free_capacity_gb", "allocated_capacity_gb", "total_volumes")
    passing += ("provisioned_capacity_gb", "zone", "service-status", "service-state")
    assert plain(ours[key], *passing) == [each for one in native for each in plain(one[key], *passing)]
    assert len(ours[key]) >= len(lab.regions)


@pytest.mark.parametrize("version", ["3.12", "3.71"])
@pytest.mark.proves("volume", "GET /volumes/summary")
def test_the_summary_adds_up(tenant: Person, lab: Lab, prefix: str, version: str) -> None:
    before, _ = joined(tenant, lab, "/volumes/summary", version)
    zones = list(lab.zones)
    with (
        things.stored(tenant, "volume", name=f"{prefix}-a", size=1, availability_zone=zones[0], metadata={"a": "1"}),
        things.stored(tenant, "volume", name=f"{prefix}-b", size=2, availability_zone=zones[-1], metadata={"a": "2"}),
    ):
        summary, native = joined(tenant, lab, "/volumes/summary", version)
        ours = summary["volume-summary"]
        counted = [each["volume-summary"] for each in native]
        for name in ("total_count", "total_size"):
            assert ours[name] == sum(each[name] for each in counted)
        assert ours["total_size"] == before["volume-summary"]["total_size"] + 3
        if version == "3.71":
            assert sorted(ours["metadata"]["a"]) == ["1", "2"]
        assert shape(summary).keys() == shape(native[0]).keys()


@pytest.mark.proves("volume", "GET /messages", "GET /messages/{message_id}", "DELETE /messages/{message_id}")
def test_a_message_tells_what_went_wrong(tenant: Person, admin: Person, lab: Lab, prefix: str) -> None:
    """No backend has what this type wants."""
    storage = admin.central.block_storage
    kind = storage.create_type(name=f"{prefix}-nowhere", extra_specs={"volume_backend_name": "nowhere"})
    made: list[tuple[str, str]] = []
    try:
        for zone in lab.zones:
            body = {"name": f"{prefix}-failed", "size": 1, "volume_type": kind.name, "availability_zone": zone}
            answer = tenant.ask("block-storage", "/volumes", "POST", json={"volume": body})
            assert answer.status_code == 202, answer.text
            made.append((zone, answer.json()["volume"]["id"]))
        for zone, identifier in made:
            wait_until(
                "the volume's error",
                lambda identifier=identifier: tenant.central.block_storage.get_volume(identifier).status == "error",  # type: ignore[misc]
            )
            query = f"/messages?resource_uuid={identifier}"
            version = microversion("3.71", "volume")
            (message,) = tenant.ask("block-storage", query, **version).json()["messages"]
            path, there = f"/messages/{message['id']}", lab.zones[zone]
            alike(*both(tenant, there, "block-storage", path, **version))
        pages = tenant.ask("block-storage", "/messages?limit=1", **version).json()
        assert len(pages["messages"]) == 1
        everything = tenant.ask("block-storage", "/messages", **version).json()["messages"]
        assert {each["resource_uuid"] for each in everything} >= {identifier for _, identifier in made}
        for each in everything:
            assert tenant.ask("block-storage", f"/messages/{each['id']}", "DELETE", **version).status_code == 204
        assert tenant.ask("block-storage", "/messages", **version).json()["messages"] == []
    finally:
        for _, identifier in made:
            tenant.central.block_storage.delete_volume(identifier, ignore_missing=True)
        for _, identifier in made:
            wait_until(
                "the volume's end",
                lambda identifier=identifier: (
                    tenant.central.block_storage.find_volume(identifier, ignore_missing=True)  # type: ignore[misc]
                    is None
                ),
            )
        storage.delete_type(kind)


READ = ["", "/metadata", "/metadata/a", "/encryption", "/encryption/cipher", "/nonsense"]


@AT_EACH
@pytest.mark.proves(
    "volume",
    "GET /volumes/{volume_id}",
    "GET /volumes",
    "GET /volumes/detail",
    "GET /volumes/{volume_id}/encryption",
    "GET /volumes/{volume_id}/encryption/{key}",
)
def test_a_volume_and_its_snapshot_are_told_as_by_the_pod(
    tenant: Person, admin: Person, lab: Lab, prefix: str, version: str
) -> None:
    how = microversion(version, "volume")
    zone = list(lab.zones)[VERSIONS.index(version) % len(lab.zones)]
    there = lab.zones[zone]
    body = {"volume": {"name": f"{prefix}-told", "size": 1, "availability_zone": zone, "metadata": {"a": "1"}}}
    made = tenant.ask("block-storage", "/volumes", "POST", json=body, **how)
    assert made.status_code == 202, made.text
    identifier = made.json()["volume"]["id"]
    path = f"/volumes/{identifier}"
    try:
        things.available(tenant, "volume", identifier)
        for person in (tenant, admin):
            for below in READ:
                ours, native = both(person, there, "block-storage", path + below, **how)
                if person is tenant or not below:
                    document = alike(ours, native, "updated_at", "volume_type_id")
                if not below and person is tenant:
                    assert document["volume"]["availability_zone"] == zone
                    assert made.json()["volume"].keys() <= document["volume"].keys()
        for below in ("/volumes", "/volumes/detail"):
            alike(*both(tenant, there, "block-storage", below, **how), "volume_type_id", "updated_at")
        with things.stored(tenant, "snapshot", name=f"{prefix}-told", volume_id=identifier) as snapshot:
            for below in (f"/snapshots/{snapshot.id}", "/snapshots", "/snapshots/detail"):
                alike(*both(tenant, there, "block-storage", below, **how), "updated_at")
    finally:
        tenant.central.block_storage.delete_volume(identifier, ignore_missing=True)
        wait_until("the volume's end", lambda: tenant.ask("block-storage", path).status_code == 404)


@AT_EACH
@pytest.mark.parametrize(
    "path",
    ["/limits", "/extensions", "/os-availability-zone", "/os-quota-sets/{project}", "/os-quota-class-sets/default"],
)
@pytest.mark.proves("volume", "GET /limits", "GET /extensions", "GET /os-availability-zone")
def test_the_form_is_that_of_a_pod(admin: Person, lab: Lab, path: str, version: str) -> None:
    path = path.format(project=admin.central.current_project_id)
    ours, native = both(admin, lab.regions[0], "block-storage", path, **microversion(version, "volume"))
    assert ours.status_code == native.status_code
    assert shape(ours.json()) == shape(native.json())
