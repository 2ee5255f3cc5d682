"""What several pods support together."""

import pytest
from multidict import CIMultiDict

from triune.gateway.service import Microversions
from triune.gateway.versions import bounds, merge


def entry(id_: str, low: str = "", high: str = "", path: str = "/v2.1/", status: str = "CURRENT") -> dict[str, object]:
    links = [{"rel": "self", "href": f"http://pod{path}"}]
    return {"id": id_, "status": status, "version": high, "min_version": low, "links": links}


@pytest.mark.parametrize(
    ("ranges", "common"),
    [
        ([("2.1", "2.90"), ("2.53", "2.104")], ("2.53", "2.90")),
        ([("2.1", "2.9"), ("2.1", "2.10")], ("2.1", "2.9")),
        ([("2.1", "2.40"), ("2.60", "2.90")], ("2.60", "2.40")),
        ([("", ""), ("2.1", "2.2")], ("2.1", "2.2")),
        ([("", "")], ("", "")),
    ],
)
def test_bounds(ranges: list[tuple[str, str]], common: tuple[str, str]) -> None:
    assert bounds([{"min_version": low, "version": high} for low, high in ranges]) == common


def test_only_what_is_served_is_listed() -> None:
    pod = {"versions": [entry("v2.0", path="/v2/", status="DEPRECATED"), entry("v2.1", "2.1", "2.90")]}
    assert [listed["id"] for listed in merge([pod, pod], ["v2.1"])["versions"]] == ["v2.1"]


def test_disjoint_ranges_are_none() -> None:
    documents = [{"versions": [entry("v2.1", *span)]} for span in (("2.1", "2.40"), ("2.60", "2.90"))]
    (listed,) = merge(documents, ["v2.1"])["versions"]
    assert (listed["min_version"], listed["version"]) == ("", "")


def test_one_is_current() -> None:
    new = {
        "versions": [
            entry("v2.0", path="/v2/", status="SUPPORTED"),
            entry("v2.13", path="/v2/", status="SUPPORTED"),
            entry("v2.15", path="/v2/"),
        ]
    }
    old = {"versions": [entry("v2.13", path="/v2/"), entry("v2.0", path="/v2/", status="SUPPORTED")]}
    statuses = {listed["id"]: listed["status"] for listed in merge([new, old], ["v2"])["versions"]}
    assert statuses == {"v2.0": "SUPPORTED", "v2.13": "CURRENT"}
    # The pods' own words stay what they are.
    assert new["versions"][1]["status"] == "SUPPORTED"


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ([], None),
        ([("OpenStack-API-Version", "compute 2.60")], "2.60"),
        ([("OpenStack-API-Version", "compute 2.60, Compute   2.61 , volume 3.1")], "2.61"),
        ([("OpenStack-API-Version", "compute 2.60"), ("OpenStack-API-Version", "compute latest")], "latest"),
        ([("OpenStack-API-Version", "compute"), ("X-OpenStack-Nova-API-Version", "2.5,2.6")], "2.6"),
        ([("OpenStack-API-Version", "volume 3.1")], None),
    ],
)
def test_the_microversion_that_is_asked_for(headers: list[tuple[str, str]], asked: str | None) -> None:
    microversions = Microversions("compute", "2.1", legacy_header="X-OpenStack-Nova-API-Version")
    assert microversions.asked(CIMultiDict(headers)) == asked
