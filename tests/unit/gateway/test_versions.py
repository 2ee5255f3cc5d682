"""What pods of different age have in common."""

from typing import Any

import pytest
from multidict import CIMultiDict

from triune.gateway.compute.table import COMPUTE
from triune.gateway.service import Microversions, parse_version
from triune.gateway.versions import intersection, merge


def entry(id_: str, low: str = "", high: str = "", **fields: Any) -> dict[str, Any]:
    return {"id": id_, "min_version": low, "version": high, **fields}


@pytest.mark.parametrize(
    ("ranges", "common"),
    [
        ([("2.1", "2.96"), ("2.25", "2.104"), ("2.3", "2.100")], ("2.25", "2.96")),
        # Minor versions are numbers, not letters.
        ([("2.9", "2.100"), ("2.10", "2.20")], ("2.10", "2.20")),
        # Nothing in common is no microversion at all.
        ([("2.1", "2.40"), ("2.60", "2.96")], ("", "")),
        ([("", ""), ("", "")], ("", "")),
    ],
)
def test_the_range_of_all_pods(ranges: list[tuple[str, str]], common: tuple[str, str]) -> None:
    narrowed = intersection([entry("v2.1", low, high) for low, high in ranges])
    assert (narrowed["min_version"], narrowed["version"]) == common


def test_only_common_versions_are_told() -> None:
    documents = [
        {"versions": [entry("v2.1", "2.1", "2.96", status="CURRENT"), entry("v2.0")]},
        {"versions": [entry("v2.1", "2.1", "2.90", status="CURRENT")]},
    ]
    assert merge(documents, ["v2.1"]) == {"versions": [entry("v2.1", "2.1", "2.90", status="CURRENT")]}


def test_only_what_the_gateway_serves_is_told() -> None:
    links = {path: [{"rel": "self", "href": f"http://host/{path}/"}] for path in ("v2", "v2.1")}
    document = {"versions": [entry("v2.0", links=links["v2"]), entry("v2.1", "2.1", "2.96", links=links["v2.1"])]}
    assert [told["id"] for told in merge([document, document], ["v2.1"])["versions"]] == ["v2.1"]


def test_the_newest_common_one_is_current() -> None:
    def document(*ids: str) -> dict[str, Any]:
        states = ["CURRENT", *["SUPPORTED"] * len(ids)]
        return {"versions": [{"id": id_, "status": state} for id_, state in zip(ids, states, strict=False)]}

    merged = merge([document("v2.17", "v2.9", "v2.16"), document("v2.18", "v2.9", "v2.16")], ["v2"])
    told = {told["id"]: told["status"] for told in merged["versions"]}
    assert told == {"v2.16": "CURRENT", "v2.9": "SUPPORTED"}


def test_one_version() -> None:
    documents = [{"version": entry("v2.1", "2.1", "2.96")}, {"version": entry("v2.1", "2.1", "2.90")}]
    assert merge(documents, ["v2.1"]) == {"version": entry("v2.1", "2.1", "2.90")}


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("2.96", (2, 96)), ("2.1", (2, 1)), ("", (0, 0)), (None, (0, 0)), ("x", (0, 0)), ("2", (0, 0))],
)
def test_parsing(version: str | None, numbers: tuple[int, int]) -> None:
    assert parse_version(version) == numbers


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ([], None),
        ([("OpenStack-API-Version", "compute 2.60")], "2.60"),
        ([("openstack-api-version", "volume 3.50, compute  2.60")], "2.60"),
        ([("OpenStack-API-Version", "volume 3.50"), ("OpenStack-API-Version", "compute latest")], "latest"),
        ([("OpenStack-API-Version", "volume 3.50")], None),
        ([("X-OpenStack-Nova-API-Version", "2.5")], "2.5"),
        ([("X-OpenStack-Nova-API-Version", "2.5"), ("OpenStack-API-Version", "compute 2.6")], "2.6"),
    ],
)
def test_what_a_request_asks_for(headers: list[tuple[str, str]], asked: str | None) -> None:
    assert COMPUTE.microversions is not None
    assert COMPUTE.microversions.asked(CIMultiDict(headers)) == asked


def test_asking_and_telling() -> None:
    microversions = Microversions("compute", default="2.1", legacy_header="X-OpenStack-Nova-API-Version")
    headers: CIMultiDict[str] = CIMultiDict({"openstack-api-version": "compute 2.1, volume 3.0"})
    microversions.set(headers, "2.60")
    assert headers.getall("OpenStack-API-Version") == ["compute 2.60"]
    assert headers["X-OpenStack-Nova-API-Version"] == "2.60"
    microversions.clear(headers)
    assert not headers
    microversions.mark(headers, "2.60")
    assert headers.getall("Vary") == ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"]
