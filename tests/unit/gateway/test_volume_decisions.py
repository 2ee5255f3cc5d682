"""What block storage decides without asking anybody: who has a host, ids in paths, what a record of a backup says."""

import base64
import json
from typing import Any

import pytest

from triune.gateway.named import with_id
from triune.gateway.volume.create import read_record
from triune.gateway.volume.hosts import Place, holders

SERVICES: dict[str, list[dict[str, Any]]] = {
    "p1": [{"host": "a@lvm", "cluster": None}, {"host": "a"}, {"host": "same@x", "cluster": "c@x"}],
    "p2": [{"host": "b@lvm", "cluster": "c"}, {"host": "ab@lvm"}, {"host": "same@x"}],
    "p3": [],
}


@pytest.mark.parametrize(
    ("field", "name", "found"),
    [
        ("host", "a", ["p1"]),
        ("host", "a@lvm", ["p1"]),
        ("host", "b@lvm#pool", ["p2"]),
        ("host", "b", ["p2"]),
        ("host", "same@x", ["p1", "p2"]),
        ("host", "same", ["p1", "p2"]),
        ("cluster", "None", []),
        ("host", "x", []),
        # The exact name counts before those that begin with it.
        ("cluster", "c", ["p2"]),
        ("cluster", "c@x", ["p1"]),
    ],
)
def test_who_has_a_host_or_cluster(field: str, name: str, found: list[str]) -> None:
    assert holders(SERVICES, Place(field, name)) == found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/types/1", "/types/a%2Fb"),
        ("/types/1/extra_specs/c%2Fd", "/types/a%2Fb/extra_specs/c%2Fd"),
        ("/qos-specs/1/delete_keys", "/qos-specs/a%2Fb/delete_keys"),
    ],
)
def test_a_path_gets_the_id_of_a_pod(path: str, expected: str) -> None:
    assert with_id(path, "a/b") == expected


@pytest.mark.parametrize(
    "url", [None, 5, "", "no base64", base64.b64encode(b"[1]").decode(), base64.b64encode(b"\xff")]
)
def test_what_is_no_record_says_nothing(url: object) -> None:
    assert read_record(url) == {}


def test_a_record_is_read() -> None:
    assert read_record(base64.b64encode(json.dumps({"id": "ü"}).encode()).decode()) == {"id": "ü"}
