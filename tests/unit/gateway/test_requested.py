"""What a request for servers asks of networks, read from its body alone."""

from typing import Any

import pytest

from triune.gateway.compute.requested import Malformed, Nic, Requested, interface, requested

NETWORK, PORT = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
OTHER = "33333333-3333-4333-8333-333333333333"


def read(version: str = "2.37", **server: Any) -> Requested:
    return requested({"name": "vm", "flavorRef": "1", **server}, version)


def test_networks_and_ports_in_their_order() -> None:
    items = [
        {"uuid": NETWORK},
        {"port": PORT, "uuid": "ignored where there is a port"},
        {"uuid": NETWORK, "fixed_ip": "10.0.0.5"},
        {"uuid": OTHER, "port": None, "fixed_ip": "fd00::5"},
    ]
    items[1]["uuid"] = OTHER
    assert read(networks=items).nics == (
        Nic(NETWORK),
        Nic(port_id=PORT),
        Nic(NETWORK, fixed_ip="10.0.0.5"),
        Nic(OTHER, fixed_ip="fd00::5"),
    )


@pytest.mark.parametrize(
    ("version", "networks", "nics", "auto"),
    [
        ("2.37", "none", (), False),
        ("2.37", "auto", None, True),
        ("2.104", [], None, False),
        ("2.1", [], None, False),
        ("2.36", ..., None, False),
    ],
)
def test_where_no_network_is_named(version: str, networks: Any, nics: Any, auto: bool) -> None:
    found = read(version, **({} if networks is ... else {"networks": networks}))
    assert (found.nics, found.auto) == (nics, auto)


@pytest.mark.parametrize(("version", "allowed"), [("2.31", False), ("2.32", True), ("2.37", False), ("2.42", True)])
def test_tags_by_microversion(version: str, allowed: bool) -> None:
    networks = [{"uuid": NETWORK, "tag": "nic1"}]
    if allowed:
        assert read(version, networks=networks).nics == (Nic(NETWORK, tag="nic1"),)
    else:
        with pytest.raises(Malformed):
            read(version, networks=networks)


@pytest.mark.parametrize(
    "server",
    [
        {},
        {"networks": None},
        {"networks": "some"},
        {"networks": [5]},
        {"networks": [{}]},
        {"networks": [{"uuid": "x"}]},
        {"networks": [{"uuid": NETWORK, "bogus": 1}]},
        {"networks": [{"uuid": NETWORK, "fixed_ip": "10.0.0.300"}]},
        {"networks": [{"port": PORT}, {"port": PORT}]},
        {"networks": [{"port": PORT, "fixed_ip": "10.0.0.5"}]},
        {"networks": [{"port": PORT}], "max_count": 2},
        {"networks": [{"uuid": NETWORK, "fixed_ip": "10.0.0.5"}], "min_count": 2},
        {"networks": [{"uuid": NETWORK}], "min_count": 2, "hostname": "h"},
        {"networks": [{"uuid": NETWORK}], "min_count": 3, "max_count": 2},
        {"networks": [{"uuid": NETWORK}], "min_count": "many"},
        {"networks": [{"uuid": NETWORK}], "min_count": 0},
        {"networks": [{"uuid": NETWORK}], "min_count": True},
        {"networks": "none", "security_groups": ["default"]},
        {"networks": "none", "security_groups": [{"name": 5}]},
        {"networks": "none", "security_groups": [{"name": ""}]},
        {"networks": "none", "security_groups": [{"name": " web"}]},
        {"networks": "none", "name": 5},
        {"networks": "none", "return_reservation_id": "maybe"},
        {"networks": "none", "return_reservation_id": 1},
        {"networks": "none", "return_reservation_id": None},
        {"networks": "none", "flavorRef": ...},
    ],
)
def test_what_is_the_pods_to_refuse(server: dict[str, Any]) -> None:
    whole = {"name": "vm", "flavorRef": "1", **server}
    whole = {name: value for name, value in whole.items() if value is not ...}
    with pytest.raises(Malformed):
        requested(whole, "2.37")


def test_counts_and_groups() -> None:
    groups = [{"name": "a"}, {"name": "b"}, {"name": "a"}, {}]
    found = read(networks="none", min_count="2", max_count=5, security_groups=groups)
    assert (found.least, found.most, found.groups) == (2, 5, ("a", "b"))
    assert read(networks="none", min_count=3).most == 3


NAMES = [
    "vm", "a b", "\u00e4\u4e2d", "vm\n", "x" * 255, "", " ", "vm ", " vm", "\u2003vm", "vm \n", "\n", "vm\n\n", "a\nb",
    "a\tb", "a\u2028b", "x" * 256, "\ud800", "\U0001f600", "\uffff", "\ufffe", "\ufffd", "\u00ad",
]  # fmt: skip
GOOD = {"vm", "a b", "\u00e4\u4e2d", "vm\n", "x" * 255, "\ufffd"}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_as_nova_takes_them(name: str) -> None:
    """What is good here was found with Nova's own pattern."""
    if name in GOOD:
        assert read(networks="none", name=name).nics == ()
    else:
        with pytest.raises(Malformed):
            read(networks="none", name=name)


@pytest.mark.parametrize("value", [True, False, "1", "no", "On", "TRUE"])
def test_booleans_as_nova_takes_them(value: Any) -> None:
    assert read(networks="none", return_reservation_id=value).nics == ()


def test_a_description_before_there_were_any_is_the_pods_to_refuse() -> None:
    with pytest.raises(Malformed):
        read("2.18", description="d")
    assert read("2.19", description="d").nics is None


@pytest.mark.parametrize(
    ("attachment", "nic"),
    [
        ({}, None),
        ({"net_id": NETWORK}, Nic(NETWORK)),
        ({"port_id": PORT}, Nic(port_id=PORT)),
        ({"net_id": NETWORK, "fixed_ips": [{"ip_address": "10.0.0.5"}]}, Nic(NETWORK, fixed_ip="10.0.0.5")),
        ({"port_id": PORT, "tag": "t"}, Nic(port_id=PORT, tag="t")),
    ],
)
def test_an_attachment(attachment: dict[str, Any], nic: Nic | None) -> None:
    assert interface(attachment, "2.49") == nic


@pytest.mark.parametrize(
    "attachment",
    [
        None,
        [],
        {"net_id": "x"},
        {"net_id": None},
        {"net_id": NETWORK, "port_id": PORT},
        {"fixed_ips": [{"ip_address": "10.0.0.5"}]},
        {"net_id": NETWORK, "fixed_ips": []},
        {"net_id": NETWORK, "fixed_ips": [{"ip_address": "x"}]},
        {"net_id": NETWORK, "fixed_ips": [{"ip_address": "10.0.0.5"}, {"ip_address": "10.0.0.6"}]},
        {"net_id": NETWORK, "tag": "a,b"},
        {"bogus": 1},
    ],
)
def test_attachments_that_are_the_pods_to_refuse(attachment: Any) -> None:
    with pytest.raises(Malformed):
        interface(attachment, "2.49")


def test_tags_of_attachments_are_new() -> None:
    with pytest.raises(Malformed):
        interface({"port_id": PORT, "tag": "t"}, "2.48")
