"""Groups of volumes, their snapshots, and volumes that change their owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import alike, both, microversion, zone_after
from .people import CENTRAL, Person
from .waiting import wait_until

LATEST = "3.71"
CONNECTOR = {"host": "nowhere", "ip": "192.0.2.1", "initiator": "iqn.2005-03.org.open-iscsi:0", "multipath": False}
COMPLETE: dict[str, Any] = {"os-complete": {}}


def ask(
    person: Person, path: str, method: str = "GET", region: str = CENTRAL, version: str = LATEST, **how: Any
) -> Any:
    """One request to block storage at a microversion."""
    return person.ask("block-storage", path, method, region=region, **microversion(version, "volume"), **how)


def told(answer: Any) -> Any:
    """What an answer says. Raises `AssertionError` where it refuses."""
    assert answer.status_code < 300, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()


def settles(person: Person, path: str, key: str, *statuses: str) -> dict[str, Any]:
    """Wait until something has one of these statuses."""

    def look() -> dict[str, Any]:
        found: dict[str, Any] = told(ask(person, path))[key]
        return found if found["status"] in statuses else {}

    return wait_until(f"{path} {' or '.join(statuses)}", look)


def gone(person: Person, path: str) -> None:
    """Wait until something is not there any more."""
    wait_until(f"the end of {path}", lambda: ask(person, path).status_code == 404)


@pytest.fixture(scope="module")
def volume_type(newcomers: Any, admin: Person, prefix: str) -> Iterator[Any]:
    """A type that groups may have."""
    made = admin.central.block_storage.create_type(name=f"{prefix}-grouped")
    yield made
    admin.central.block_storage.delete_type(made)


@pytest.fixture(scope="module")
def group_type(newcomers: Any, admin: Person, prefix: str) -> Iterator[dict[str, Any]]:
    """A type of groups."""
    made = told(ask(admin, "/group_types", "POST", json={"group_type": {"name": f"{prefix}-groups"}}))["group_type"]
    yield made
    assert ask(admin, f"/group_types/{made['id']}", "DELETE").status_code == 202


@contextmanager
def group(person: Person, name: str, zone: str, volume_type: Any, group_type: dict[str, Any]) -> Iterator[str]:
    """A group in a zone, which goes with its volumes; its path."""
    body = {"name": name, "group_type": group_type["id"], "volume_types": [volume_type.id], "availability_zone": zone}
    made = told(ask(person, "/groups", "POST", json={"group": body}))["group"]
    path = f"/groups/{made['id']}"
    try:
        shown = settles(person, path, "group", "available", "error")
        assert (shown["status"], shown["availability_zone"]) == ("available", zone)
        yield path
    finally:
        told_ = ask(person, f"{path}/action", "POST", json={"delete": {"delete-volumes": True}})
        assert told_.status_code == 202, told_.text
        gone(person, path)


@pytest.mark.proves(
    "volume",
    "GET /groups",
    "POST /groups",
    "GET /groups/detail",
    "GET /groups/{group_id}",
    "PUT /groups/{group_id}",
    "POST /groups/{group_id}/action delete",
    "GET /group_snapshots",
    "POST /group_snapshots",
    "GET /group_snapshots/detail",
    "GET /group_snapshots/{group_snapshot_id}",
    "DELETE /group_snapshots/{group_snapshot_id}",
    "POST /groups/action create-from-src",
)
def test_a_group_its_snapshot_and_a_group_from_it(
    tenant: Person, lab: Lab, prefix: str, volume_type: Any, group_type: dict[str, Any]
) -> None:
    zone = list(lab.zones)[-1]
    there = lab.zones[zone]
    with group(tenant, f"{prefix}-group", zone, volume_type, group_type) as path:
        identifier = path.rpartition("/")[2]
        body = {"name": f"{prefix}-member", "size": 1, "volume_type": volume_type.id, "group_id": identifier}
        # Without a zone: a volume is where its group is.
        volume = told(ask(tenant, "/volumes", "POST", json={"volume": body}))["volume"]
        assert things.available(tenant, "volume", volume["id"]).availability_zone == zone
        wrong = {"volume": {**body, "availability_zone": zone_after(lab, zone)}}
        if len(lab.zones) > 1:
            assert ask(tenant, "/volumes", "POST", json=wrong).status_code == 400
        assert ask(tenant, path, "PUT", json={"group": {"name": f"{prefix}-renamed"}}).status_code == 202
        settles(tenant, path, "group", "available")
        alike(
            *both(tenant, there, "block-storage", path, **microversion("3.13", "volume")), "volume_types", "group_type"
        )
        for collection in ("/groups", "/groups/detail"):
            assert [each["id"] for each in told(ask(tenant, collection))["groups"]] == [identifier]
        snapshot = {"name": f"{prefix}-group-snapshot", "group_id": identifier}
        made = told(ask(tenant, "/group_snapshots", "POST", json={"group_snapshot": snapshot}))["group_snapshot"]
        below = f"/group_snapshots/{made['id']}"
        try:
            shown = settles(tenant, below, "group_snapshot", "available", "error")
            assert shown["status"] == "available"
            alike(*both(tenant, there, "block-storage", below, **microversion(LATEST, "volume")), "group_type_id")
            for collection in ("/group_snapshots", "/group_snapshots/detail"):
                assert [each["id"] for each in told(ask(tenant, collection))["group_snapshots"]] == [made["id"]]
            # A group from it, without a zone.
            source = {"name": f"{prefix}-copy", "group_snapshot_id": made["id"]}
            copy = told(ask(tenant, "/groups/action", "POST", json={"create-from-src": source}))["group"]
            other = f"/groups/{copy['id']}"
            try:
                shown = settles(tenant, other, "group", "available", "error")
                assert (shown["status"], shown["availability_zone"]) == ("available", zone)
            finally:
                ask(tenant, f"{other}/action", "POST", json={"delete": {"delete-volumes": True}})
                gone(tenant, other)
        finally:
            assert ask(tenant, below, "DELETE").status_code == 202
            gone(tenant, below)


@pytest.mark.parametrize("version", ["3.0", "3.55", "3.59", LATEST])
@pytest.mark.proves(
    "volume",
    "GET /volume-transfers",
    "GET /volume-transfers/detail",
    "POST /volume-transfers",
    "GET /volume-transfers/{transfer_id}",
    "DELETE /volume-transfers/{transfer_id}",
    "POST /volume-transfers/{transfer_id}/accept",
    "GET /os-volume-transfer",
    "POST /os-volume-transfer",
    "POST /os-volume-transfer/{transfer_id}/accept",
)
def test_a_volume_is_given_away_and_back(tenant: Person, stranger: Person, lab: Lab, prefix: str, version: str) -> None:
    old = version == "3.0"
    base = "/os-volume-transfer" if old else "/volume-transfers"
    zone = list(lab.zones)[-1 if old else 0]
    with things.stored(tenant, "volume", name=f"{prefix}-given", size=1, availability_zone=zone) as volume:
        for giver, taker in ((tenant, stranger), (stranger, tenant)):
            body = {"transfer": {"volume_id": volume.id, "name": f"{prefix}-gift"}}
            made = told(ask(giver, base, "POST", version=version, json=body))["transfer"]
            path = f"{base}/{made['id']}"
            for listed in (base, f"{base}/detail"):
                transfers = told(ask(giver, listed, version=version))["transfers"]
                assert [each["id"] for each in transfers] == [made["id"]]
            there = lab.zones[zone]
            alike(*both(giver, there, "block-storage", path, **microversion(version, "volume")))
            wrong = {"json": {"accept": {"auth_key": "wrong"}}, **microversion(version, "volume")}
            alike(*both(taker, there, "block-storage", f"{path}/accept", "POST", **wrong))
            accept = {"accept": {"auth_key": made["auth_key"]}}
            taken = told(ask(taker, f"{path}/accept", "POST", version=version, json=accept))["transfer"]
            assert taken["volume_id"] == volume.id
            assert things.available(taker, "volume", volume.id).id == volume.id
            assert ask(giver, f"/volumes/{volume.id}").status_code == 404
        made = told(ask(tenant, base, "POST", version=version, json=body))["transfer"]
        assert ask(tenant, f"{base}/{made['id']}", "DELETE", version=version).status_code == 202
        things.available(tenant, "volume", volume.id)


@pytest.mark.proves(
    "volume",
    "GET /attachments",
    "POST /attachments",
    "GET /attachments/detail",
    "GET /attachments/{attachment_id}",
    "PUT /attachments/{attachment_id}",
    "DELETE /attachments/{attachment_id}",
    "POST /attachments/{attachment_id}/action os-complete",
)
@pytest.mark.parametrize("version", ["3.27", "3.54", LATEST])
def test_attachments(tenant: Person, lab: Lab, prefix: str, version: str) -> None:
    how = microversion(version, "volume")
    with (
        things.stored(tenant, "volume", name=f"{prefix}-a", size=1, availability_zone=next(iter(lab.zones))) as one,
        things.stored(tenant, "volume", name=f"{prefix}-b", size=1, availability_zone=list(lab.zones)[-1]) as two,
    ):
        made: list[str] = []
        try:
            for volume in (one, two):
                reserved = {"attachment": {"volume_uuid": volume.id}}
                # Cinder wants an instance only up to 3.53.
                reserved["attachment"]["instance_uuid"] = "11111111-2222-3333-4444-555555555555"
                answer = told(ask(tenant, "/attachments", "POST", version=version, json=reserved))
                made.append(answer["attachment"]["id"])
            for path in ("/attachments", "/attachments/detail"):
                listed = told(ask(tenant, path, version=version))["attachments"]
                assert {each["id"] for each in listed} == set(made)
                pages = told(ask(tenant, f"{path}?limit=1", version=version))
                assert len(pages["attachments"]) == 1
            for identifier, zone in zip(made, (next(iter(lab.zones)), list(lab.zones)[-1]), strict=True):
                alike(*both(tenant, lab.zones[zone], "block-storage", f"/attachments/{identifier}", **how))
                filtered = f"/attachments?volume_id={(one, two)[made.index(identifier)].id}"
                assert [each["id"] for each in told(ask(tenant, filtered, version=version))["attachments"]] == [
                    identifier
                ]
                connected = {"attachment": {"connector": CONNECTOR}}
                path = f"/attachments/{identifier}"
                told(ask(tenant, path, "PUT", version=version, json=connected))
                if version == "3.27":
                    alike(
                        *both(tenant, lab.zones[zone], "block-storage", f"{path}/action", "POST", json=COMPLETE, **how)
                    )
                else:
                    complete = ask(tenant, f"{path}/action", "POST", version=version, json=COMPLETE)
                    assert complete.status_code == 204, complete.text
                    assert (
                        tenant.central.block_storage.get_volume(
                            told(ask(tenant, path))["attachment"]["volume_id"]
                        ).status
                        == "in-use"
                    )
                alike(*both(tenant, lab.zones[zone], "block-storage", path, **how))
        finally:
            for identifier in made:
                assert ask(tenant, f"/attachments/{identifier}", "DELETE", version=version).status_code == 200
        for volume in (one, two):
            things.available(tenant, "volume", volume.id)
