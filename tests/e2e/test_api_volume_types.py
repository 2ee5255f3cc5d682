"""Volume types, group types and QoS specs: by name the same in every pod, each pod with ids of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import alike, both, differences, microversion, plain, shape
from .people import CENTRAL, Person

VERSIONS = ["3.0", "3.11", "3.59", "3.71"]
AT_EACH = pytest.mark.parametrize("version", VERSIONS)
LATEST = VERSIONS[-1]
# Each pod has ids of its own.
IDS = ("id", "qos_specs_id", "volume_type_id", "encryption_id")


def ask(
    person: Person, path: str, method: str = "GET", region: str = CENTRAL, version: str = LATEST, **how: Any
) -> Any:
    """What block storage answers, decoded. Raises `AssertionError` where it refuses."""
    answer = person.ask("block-storage", path, method, region=region, **microversion(version, "volume"), **how)
    assert answer.status_code < 300, f"{method} {path} in {region}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


@contextmanager
def kind(admin: Person, collection: str, key: str, version: str = LATEST, **request: Any) -> Iterator[dict[str, Any]]:
    """A type, group type or QoS specs; it is gone afterwards."""
    made = ask(admin, f"/{collection}", "POST", version=version, json={key: request})[key]
    try:
        yield made
    finally:
        ask(admin, f"/{collection}/{made['id']}", "DELETE", version=version)


def named(person: Person, region: str, collection: str, name: str, version: str = LATEST) -> dict[str, Any] | None:
    """What a region has under a name."""
    # Private ones too, which only administrators have to ask for.
    query = "?is_public=None" if collection == "types" else ""
    listed = ask(person, f"/{collection}{query}", region=region, version=version)
    ((_, items),) = [(key, value) for key, value in listed.items() if isinstance(value, list) and "links" not in key]
    return next((each for each in items if each["name"] == name), None)


@pytest.fixture(scope="module")
def volume_type(newcomers: Any, admin: Person, prefix: str) -> Iterator[dict[str, Any]]:
    """A public type."""
    with kind(admin, "types", "volume_type", name=f"{prefix}-type/ü", description="of the tests") as made:
        yield made


@pytest.mark.proves(
    "volume",
    "GET /types",
    "POST /types",
    "GET /types/{type_id}",
    "PUT /types/{type_id}",
    "DELETE /types/{type_id}",
    "POST /types/{type_id}/extra_specs",
    "GET /types/{type_id}/extra_specs",
    "PUT /types/{type_id}/extra_specs/{key}",
    "DELETE /types/{type_id}/extra_specs/{key}",
)
def test_extra_specs(admin: Person, lab: Lab, prefix: str) -> None:
    with kind(admin, "types", "volume_type", name=f"{prefix}-specs", extra_specs={"colour": "blue"}) as made:
        path = f"/types/{made['id']}"

        def everywhere() -> list[dict[str, Any]]:
            found = [named(admin, region, "types", made["name"]) for region in lab.regions]
            return [each["extra_specs"] if each else {} for each in found]

        assert everywhere() == [{"colour": "blue"}] * len(lab.regions)
        ask(admin, f"{path}/extra_specs", "POST", json={"extra_specs": {"b:c": "1", "a.b": "x=1&y"}})
        ask(admin, f"{path}/extra_specs/b:c", "PUT", json={"b:c": "2"})
        ask(admin, f"{path}/extra_specs/colour", "DELETE")
        assert everywhere() == [{"b:c": "2", "a.b": "x=1&y"}] * len(lab.regions)
        assert ask(admin, f"{path}/extra_specs")["extra_specs"] == {"b:c": "2", "a.b": "x=1&y"}
        ask(admin, path, "PUT", json={"volume_type": {"description": "changed", "is_public": True}})
        ask(admin, path, "PUT", json={"volume_type": {"name": f"{prefix}-renamed"}})
        for region in lab.regions:
            assert (named(admin, region, "types", f"{prefix}-renamed") or {})["description"] == "changed"
            assert named(admin, region, "types", f"{prefix}-specs") is None
    for region in lab.regions:
        assert named(admin, region, "types", f"{prefix}-renamed") is None


@AT_EACH
@pytest.mark.proves("volume", "GET /types", "GET /types/{type_id}", "GET /types/default", "GET /group_types/default")
def test_a_type_is_told_as_by_a_pod(
    tenant: Person, admin: Person, lab: Lab, volume_type: dict[str, Any], version: str
) -> None:
    for region in lab.regions:
        held = named(admin, region, "types", volume_type["name"]) or {}
        for person in (tenant, admin):
            ours = ask(person, f"/types/{volume_type['id']}", version=version)["volume_type"]
            native = ask(person, f"/types/{held['id']}", region=region, version=version)["volume_type"]
            assert {**ours, "id": None} == {**native, "id": None}
        listed = both(tenant, region, "block-storage", "/types?is_public=None", **microversion(version, "volume"))
        # The newest first, as the pods list them; where they have made the same in another order, as the first does.
        in_order = [[each["name"] for each in answer.json()["volume_types"]] for answer in listed]
        if region == min(lab.regions):
            assert [name for name in in_order[0] if name in in_order[1]] == in_order[1]
        by_name = [sorted(answer.json()["volume_types"], key=lambda each: str(each["name"])) for answer in listed]
        assert list(differences(*(plain(each, *IDS) for each in by_name))) == []
        for path in ("/types/default", "/group_types/default"):
            ours, native = both(tenant, region, "block-storage", path, **microversion(version, "volume"))
            alike(ours, native, *IDS)


@pytest.mark.proves(
    "volume",
    "POST /types/{type_id}/encryption",
    "GET /types/{type_id}/encryption",
    "PUT /types/{type_id}/encryption/{key}",
    "DELETE /types/{type_id}/encryption/{key}",
    "GET /types/{type_id}/encryption/{key}",
)
def test_encryption(admin: Person, lab: Lab, prefix: str) -> None:
    with kind(admin, "types", "volume_type", name=f"{prefix}-luks") as made:
        path = f"/types/{made['id']}/encryption"
        wanted = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}
        identifier = ask(admin, path, "POST", json={"encryption": wanted})["encryption"]["encryption_id"]

        def everywhere() -> list[dict[str, Any]]:
            found = []
            for region in lab.regions:
                held = named(admin, region, "types", made["name"]) or {}
                found.append(ask(admin, f"/types/{held['id']}/encryption", region=region))
            return found

        assert all(each.items() >= wanted.items() for each in everywhere())
        ask(admin, f"{path}/{identifier}", "PUT", json={"encryption": {"key_size": 512}})
        assert {each["key_size"] for each in everywhere()} == {512}
        assert ask(admin, f"{path}/key_size")["key_size"] == 512
        ask(admin, f"{path}/{identifier}", "DELETE")
        assert not any(each.get("provider") for each in everywhere())


@pytest.mark.proves(
    "volume",
    "GET /qos-specs",
    "POST /qos-specs",
    "PUT /qos-specs/{qos_id}",
    "PUT /qos-specs/{qos_id}/delete_keys",
    "GET /qos-specs/{qos_id}/associate",
    "GET /qos-specs/{qos_id}/associations",
    "GET /qos-specs/{qos_id}/disassociate",
    "DELETE /qos-specs/{qos_id}",
)
def test_qos(admin: Person, lab: Lab, prefix: str) -> None:
    with (
        kind(admin, "types", "volume_type", name=f"{prefix}-fast") as made,
        kind(admin, "qos-specs", "qos_specs", name=f"{prefix}-qos", consumer="back-end", iops="5") as qos,
    ):
        path = f"/qos-specs/{qos['id']}"
        ask(admin, path, "PUT", json={"qos_specs": {"bytes": "7"}})
        ask(admin, f"{path}/delete_keys", "PUT", json={"keys": ["iops"]})
        for region in lab.regions:
            held = named(admin, region, "qos-specs", qos["name"]) or {}
            assert (held["consumer"], held["specs"]) == ("back-end", {"bytes": "7"})
        ask(admin, f"{path}/associate?vol_type_id={made['id']}")
        assert [each["name"] for each in ask(admin, f"{path}/associations")["qos_associations"]] == [made["name"]]
        for region in lab.regions:
            held = named(admin, region, "qos-specs", qos["name"]) or {}
            told = ask(admin, f"/qos-specs/{held['id']}/associations", region=region)["qos_associations"]
            assert [each["name"] for each in told] == [made["name"]]
        refused = admin.ask("block-storage", path, "DELETE")
        assert (refused.status_code, "badRequest" in refused.json()) == (400, True)
        ask(admin, f"{path}/disassociate?vol_type_id={made['id']}")
        assert ask(admin, f"{path}/associations")["qos_associations"] == []


@pytest.mark.proves(
    "volume",
    "POST /types/{type_id}/action addProjectAccess",
    "POST /types/{type_id}/action removeProjectAccess",
    "GET /types/{type_id}/os-volume-type-access",
)
def test_a_type_of_one_project(tenant: Person, stranger: Person, admin: Person, lab: Lab, prefix: str) -> None:
    request = {"name": f"{prefix}-private", "os-volume-type-access:is_public": False}
    with kind(admin, "types", "volume_type", **request) as made:
        path = f"/types/{made['id']}"
        access = {"project": tenant.project_id}
        ask(admin, f"{path}/action", "POST", json={"addProjectAccess": access})
        for region in (CENTRAL, *lab.regions):
            assert named(tenant, region, "types", made["name"]) is not None
            assert named(stranger, region, "types", made["name"]) is None
        told = ask(admin, f"{path}/os-volume-type-access")["volume_type_access"]
        assert told == [{"volume_type_id": made["id"], "project_id": tenant.project_id}]
        for zone in lab.zones:
            volume = {"name": f"{prefix}-typed", "size": 1, "availability_zone": zone, "volume_type": made["name"]}
            with things.stored(tenant, "volume", **volume) as stored:
                assert stored.volume_type == made["name"]
            # The pod has other names for zones.
            body = {"volume": {"name": "refused", "size": 1, "volume_type": made["name"]}}
            ours, native = both(stranger, lab.zones[zone], "block-storage", "/volumes", "POST", json=body)
            assert native.status_code == 404
            id_here = (named(admin, lab.zones[zone], "types", made["name"]) or {})["id"]
            assert ours.status_code == 404
            assert ours.text.replace(made["id"], "") == native.text.replace(id_here, "")
        ask(admin, f"{path}/action", "POST", json={"removeProjectAccess": access})
        for region in (CENTRAL, *lab.regions):
            assert named(tenant, region, "types", made["name"]) is None


@pytest.mark.proves(
    "volume",
    "GET /default-types",
    "GET /default-types/{project_id}",
    "PUT /default-types/{project_id}",
    "DELETE /default-types/{project_id}",
)
def test_the_default_type_of_a_project(
    tenant: Person, admin: Person, lab: Lab, volume_type: dict[str, Any], prefix: str
) -> None:
    path = f"/default-types/{tenant.project_id}"
    ask(admin, path, "PUT", json={"default_type": {"volume_type": volume_type["name"]}})
    try:
        told = ask(admin, path)["default_type"]
        assert told == {"project_id": tenant.project_id, "volume_type_id": volume_type["id"]}
        everybody = ask(admin, "/default-types")["default_types"]
        assert [each for each in everybody if each["project_id"] == tenant.project_id] == [told]
        for zone in lab.zones:
            request = {"name": f"{prefix}-default", "size": 1, "availability_zone": zone}
            with things.stored(tenant, "volume", **request) as volume:
                assert volume.volume_type == volume_type["name"]
            assert ask(tenant, "/types/default", region=lab.zones[zone])["volume_type"]["name"] == volume_type["name"]
    finally:
        ask(admin, path, "DELETE")
    for region in (CENTRAL, *lab.regions):
        assert admin.ask("block-storage", path, region=region, version="volume 3.71").status_code == 404


@pytest.mark.parametrize("version", ["3.11", "3.71"])
@pytest.mark.proves(
    "volume",
    "GET /group_types",
    "POST /group_types",
    "GET /group_types/{group_type_id}",
    "PUT /group_types/{group_type_id}",
    "DELETE /group_types/{group_type_id}",
    "GET /group_types/{group_type_id}/group_specs",
    "POST /group_types/{group_type_id}/group_specs",
    "GET /group_types/{group_type_id}/group_specs/{key}",
    "PUT /group_types/{group_type_id}/group_specs/{key}",
    "DELETE /group_types/{group_type_id}/group_specs/{key}",
)
def test_group_types(tenant: Person, admin: Person, lab: Lab, prefix: str, version: str) -> None:
    how = {"version": version}
    with kind(admin, "group_types", "group_type", name=f"{prefix}-group", **how) as made:
        path = f"/group_types/{made['id']}"
        ask(admin, f"{path}/group_specs", "POST", json={"group_specs": {"a": "1", "b": "2"}}, **how)
        ask(admin, f"{path}/group_specs/a", "PUT", json={"a": "3"}, **how)
        ask(admin, f"{path}/group_specs/b", "DELETE", **how)
        ask(admin, path, "PUT", json={"group_type": {"description": "changed"}}, **how)
        assert ask(admin, f"{path}/group_specs", **how) == {"group_specs": {"a": "3"}}
        assert ask(admin, f"{path}/group_specs/a", **how) == {"a": "3"}
        for region in (CENTRAL, *lab.regions):
            held = named(admin, region, "group_types", made["name"], version) or {}
            assert (held["group_specs"], held["description"]) == ({"a": "3"}, "changed")
            told = ask(tenant, f"/group_types/{held['id']}", region=region, **how)
            assert shape(told) == shape(ask(tenant, path, **how))
