"""Endpoints out of a catalog."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triune.identity import CatalogEntry
from triune.pods.client import Target, url
from triune.pods.endpoints import Endpoint, parse, select
from triune.pods.registry import Pod

POD = Pod("1", "RegionOne", "az1")


@pytest.mark.parametrize(
    ("address", "root", "wants_project"),
    [
        ("http://host:8774/v2.1", "http://host:8774", False),
        ("http://host:8774/v2.1/", "http://host:8774", False),
        ("http://host/compute/v2.1/%(project_id)s", "http://host/compute", True),
        ("http://host/compute/v2.1/%(tenant_id)s/", "http://host/compute", True),
        ("http://host/volume/v3/$(project_id)s", "http://host/volume", True),
        ("http://host/volume/v3/$(tenant_id)s", "http://host/volume", True),
        ("http://host:9292", "http://host:9292", False),
        ("http://host/image/", "http://host/image", False),
        ("https://[fd00::1]:9696/", "https://[fd00::1]:9696", False),
        ("http://host/v1/AUTH_%(project_id)s", "http://host", True),
        ("http://v2.example/image/v2", "http://v2.example/image", False),
    ],
)
def test_parsing(address: str, root: str, wants_project: bool) -> None:
    assert parse(address) == Endpoint(root, wants_project)


@given(
    path=st.lists(st.sampled_from(["compute", "v2", "api", "a.b"]), max_size=3), version=st.sampled_from(["v2.1", "v3"])
)
def test_a_version_is_cut_off_once(path: list[str], version: str) -> None:
    root = "/".join(["http://host", *path])
    assert parse(f"{root}/{version}").root == root


def entry(region: str, service_type: str, interface: str, address: str) -> CatalogEntry:
    return CatalogEntry(region, service_type, interface, address)


def test_selecting() -> None:
    entries = [
        entry("One", "compute", "public", "http://public/v2.1"),
        entry("One", "compute", "internal", "http://internal/v2.1"),
        entry("One", "volumev3", "public", "http://old/v3/%(project_id)s"),
        entry("One", "block-storage", "public", "http://new/v3"),
        entry("Two", "compute", "public", "http://two/v2.1"),
        entry("Two", "volumev3", "public", "http://two-old/v3"),
        entry("Two", "dns", "public", "http://dns"),
        entry("Three", "compute", "admin", "http://admin/v2.1"),
    ]
    public = {key: endpoint.root for key, endpoint in select(entries, "public").items()}
    assert public == {
        ("One", "compute"): "http://public",
        ("One", "volume"): "http://new",
        ("Two", "compute"): "http://two",
        ("Two", "volume"): "http://two-old",
    }
    internal = {key: endpoint.root for key, endpoint in select(entries, "internal").items()}
    # Where the wanted interface is missing, the public one serves.
    assert internal == {**public, ("One", "compute"): "http://internal"}


def test_the_wanted_interface_does_not_depend_on_the_order_of_the_catalog() -> None:
    entries = [
        entry("One", "compute", "internal", "http://internal/v2.1"),
        entry("One", "compute", "public", "http://public/v2.1"),
    ]
    for each in (entries, entries[::-1]):
        assert select(each, "internal")["One", "compute"].root == "http://internal"


PLAIN, PROJECT = Endpoint("http://host", False), Endpoint("http://host/volume", True)


@pytest.mark.parametrize(
    ("endpoint", "target", "address"),
    [
        (PLAIN, Target(POD, "compute", "GET", "/v2.1/servers"), "http://host/v2.1/servers"),
        (PLAIN, Target(POD, "compute", "GET", "/v2.1/servers", "a=b&c"), "http://host/v2.1/servers?a=b&c"),
        (PLAIN, Target(POD, "compute", "GET", "/"), "http://host/"),
        # Where the caller wrote its project, as it was written.
        (
            PLAIN,
            Target(POD, "compute", "GET", "/v2.1/servers", project="P", project_id="p"),
            "http://host/v2.1/P/servers",
        ),
        # Where the catalog asks for it.
        (PROJECT, Target(POD, "volume", "GET", "/v3/volumes", project_id="p"), "http://host/volume/v3/p/volumes"),
        (PROJECT, Target(POD, "volume", "GET", "/v3/volumes"), "http://host/volume/v3/volumes"),
        (PROJECT, Target(POD, "volume", "GET", "/v3", project_id="p"), "http://host/volume/v3/p"),
        # What is encoded stays encoded.
        (PLAIN, Target(POD, "compute", "GET", "/v2.1/os-keypairs/a%2Fb"), "http://host/v2.1/os-keypairs/a%2Fb"),
    ],
)
def test_addresses(endpoint: Endpoint, target: Target, address: str) -> None:
    assert url(endpoint, target) == address
