"""Decisions about images: what is copied, what differs, what cannot leave its pod."""

import json
from datetime import UTC, datetime

import pytest

from triune.shared.images import age, bound, changes, definition, differs, digest_of, image_path, patience

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
SHOWN = {
    "id": "i", "name": "a", "owner": "p", "visibility": "shared", "status": "active", "disk_format": "raw",
    "container_format": "bare", "created_at": "x", "updated_at": "x", "size": 4, "checksum": "c", "min_disk": 0,
    "os_hash_algo": "sha512", "os_hash_value": "h", "tags": ["t"], "protected": False, "virtual_size": None,
    "self": "/v2/images/i", "file": "f", "schema": "s", "direct_url": "rbd://x", "locations": [], "stores": "fast",
    "os_glance_importing_to_stores": "", "kernel_id": None, "hw_disk_bus": "scsi",
}  # fmt: skip


def test_what_is_a_pods_own_is_not_copied() -> None:
    assert definition(SHOWN) == {
        "id": "i", "name": "a", "owner": "p", "visibility": "shared", "disk_format": "raw", "container_format": "bare",
        "min_disk": 0, "tags": ["t"], "protected": False, "hw_disk_bus": "scsi",
    }  # fmt: skip


def test_a_copy_that_says_the_same_is_left_as_it_is() -> None:
    assert changes(SHOWN, {**SHOWN, "status": "queued", "size": None, "created_at": "y", "stores": "slow"}) == []


def test_a_copy_follows_the_image() -> None:
    copy = {**SHOWN, "name": None, "min_disk": 7, "old/x~": "1"}
    del copy["hw_disk_bus"]
    assert changes(SHOWN, copy) == [
        {"op": "add", "path": "/hw_disk_bus", "value": "scsi"},
        {"op": "replace", "path": "/min_disk", "value": 0},
        {"op": "replace", "path": "/name", "value": "a"},
        {"op": "remove", "path": "/old~1x~0"},
    ]


def test_what_always_is_there_loses_its_value_and_who_owns_it_does_not_change() -> None:
    assert changes({**SHOWN, "name": None}, {**SHOWN, "owner": "q"}) == [
        {"op": "replace", "path": "/name", "value": None}
    ]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, None),
        ({"block_device_mapping": json.dumps([{"snapshot_id": "s"}])}, "snapshots"),
        ({"block_device_mapping": [{"volume_id": "v", "snapshot_id": None}]}, "snapshots"),
        ({"block_device_mapping": json.dumps([{"source_type": "blank", "snapshot_id": None}])}, None),
        ({"block_device_mapping": "[]"}, None),
        ({"block_device_mapping": "{"}, None),
        ({"block_device_mapping": '[5, "a"]'}, None),
        ({"block_device_mapping": 5}, None),
        ({"cinder_encryption_key_id": "k"}, "key"),
        ({"cinder_encryption_key_id": ""}, None),
    ],
)
def test_what_names_things_of_its_pod_is_bound_to_it(fields: dict[str, object], word: str | None) -> None:
    reason = bound({**SHOWN, **fields})
    assert reason is None if word is None else word in (reason or "")


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({}, None),
        ({"size": 3}, "size 3 instead of 4"),
        ({"checksum": "d"}, "another checksum"),
        ({"checksum": None}, None),
        ({"os_hash_value": "g"}, "another os_hash_value"),
        ({"os_hash_value": "g", "os_hash_algo": "sha256"}, None),
    ],
)
def test_data_is_compared_as_far_as_pods_tell_it(fields: dict[str, object], difference: str | None) -> None:
    assert differs(SHOWN, {**SHOWN, **fields}) == difference


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-05-01T11:59:00Z", 60.0),
        ("2026-05-01T11:59:00", 60.0),
        ("2026-05-01T13:59:00+02:00", 60.0),
        ("2027-01-01T00:00:00Z", 0.0),
        ("x", 0.0),
        (None, 0.0),
    ],
)
def test_an_age_is_never_negative(text: str | None, seconds: float) -> None:
    assert age({"updated_at": text}, NOW) == seconds


@pytest.mark.parametrize(
    "fields", [{"os_hash_algo": None}, {"os_hash_algo": "md17"}, {"os_hash_value": None}, {"os_hash_value": ""}]
)
def test_a_hash_that_cannot_be_computed_is_not_compared(fields: dict[str, object]) -> None:
    digest = digest_of(SHOWN)
    digest.update(b"abc")
    assert digest.hexdigest().startswith("ddaf35a193617aba")
    assert digest_of({**SHOWN, **fields}) is None


def test_patience_has_bounds() -> None:
    assert patience({}) == 1.0
    assert patience({"updated_at": "2020-01-01T00:00:00Z"}) == 60.0


def test_an_id_is_one_segment_of_a_path() -> None:
    assert image_path("a/b", "/file") == "/v2/images/a%2Fb/file"
