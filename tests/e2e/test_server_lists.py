"""One list over all zones: merged, sorted, paged, filtered, and no project's but one's own."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from openstack import exceptions

from . import things
from .lab import Lab
from .pages import followed
from .people import CENTRAL, Person

# Zones by the last letter of the names, so that every order of names goes to and fro between the pods.
PLACES = {"a": "az1", "b": "az2", "c": "az1", "d": "az2", "e": "az2"}


@pytest.fixture(scope="module")
def servers(tenant: Person, boot: dict[str, str], prefix: str) -> Iterator[dict[str, Any]]:
    """Servers in both zones, by the last letter of their names, made one after the other."""
    with ExitStack() as stack:
        made: dict[str, Any] = {}
        for letter, zone in PLACES.items():
            request = {"name": f"{prefix}-list-{letter}", "availability_zone": zone, **boot}
            made[letter] = stack.enter_context(things.server(tenant, **request))
            # Nova tells times in whole seconds; of two servers of the same second either may come first.
            time.sleep(1)
        yield made


@pytest.fixture(scope="module")
def strange_server(stranger: Person, boot: dict[str, str], prefix: str) -> Iterator[Any]:
    """A server of another project."""
    with things.server(stranger, name=f"{prefix}-strange", availability_zone="az2", **boot) as server:
        yield server


def letters(servers: list[dict[str, Any]]) -> str:
    """The last letters of the servers' names, in their order."""
    return "".join(server["name"][-1] for server in servers)


def ask(person: Person, query: str, path: str = "/servers/detail", version: str = "compute 2.90") -> dict[str, Any]:
    """A list as its document."""
    answer = person.ask("compute", f"{path}?{query}", version=version)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "edcba"),
        ("sort_key=display_name&sort_dir=asc", "abcde"),
        ("sort_key=display_name&sort_dir=desc", "edcba"),
        ("sort_key=created_at&sort_dir=asc", "abcde"),
        ("sort_key=display_name&sort_dir=asc&limit=3", "abc"),
        ("availability_zone=az1&sort_key=display_name&sort_dir=asc", "ac"),
        ("name=-list-%5Bbd%5D&sort_key=display_name&sort_dir=asc", "bd"),
        ("status=ERROR", ""),
    ],
)
@pytest.mark.parametrize("path", ["/servers/detail", "/servers"])
@pytest.mark.proves("compute", "GET /servers", "GET /servers/detail")
def test_order_and_filters(tenant: Person, servers: dict[str, Any], path: str, query: str, order: str) -> None:
    assert letters(ask(tenant, query, path)["servers"]) == order


def test_links_lead_to_the_gateway(tenant: Person, servers: dict[str, Any]) -> None:
    gateway = tenant.central.session.get_endpoint(service_type="compute", region_name=CENTRAL)
    for server in ask(tenant, "")["servers"]:
        for link in server["links"]:
            assert link["href"].startswith(gateway.split("/v2.1")[0] + "/"), link
        (own,) = [link["href"] for link in server["links"] if link["rel"] == "self"]
        assert tenant.central.session.get(own).json()["server"]["id"] == server["id"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.proves("compute", "GET /servers/detail")
def test_next_links_tell_every_server_once(tenant: Person, servers: dict[str, Any], limit: int, direction: str) -> None:
    path = f"/servers/detail?limit={limit}&sort_key=display_name&sort_dir={direction}"
    pages = followed(tenant, "compute", path, "servers")
    assert all(len(page) <= limit for page in pages)
    assert "".join(map(letters, pages)) == ("abcde" if direction == "asc" else "edcba")


@pytest.mark.parametrize("letter", PLACES)
def test_a_plain_id_as_marker(tenant: Person, servers: dict[str, Any], letter: str) -> None:
    document = ask(tenant, f"marker={servers[letter].id}&sort_key=display_name&sort_dir=asc")
    assert letters(document["servers"]) == "abcde".partition(letter)[2]


def test_an_unknown_marker_is_refused_as_by_a_pod(tenant: Person, lab: Lab, servers: dict[str, Any]) -> None:
    query = "/servers?marker=11111111-2222-3333-4444-555555555555"
    ours, native = (tenant.ask("compute", query, region=region) for region in (CENTRAL, lab.zones["az1"]))
    assert (ours.status_code, ours.json()) == (native.status_code, native.json())


def test_the_command_line_pages_and_sorts(tenant: Person, servers: dict[str, Any], prefix: str) -> None:
    rows = tenant.cli("server list --sort-column Name --sort-ascending --long --name", f"{prefix}-list-")
    assert [row["ID"] for row in rows] == [servers[letter].id for letter in PLACES]
    assert [row["Availability Zone"] for row in rows] == list(PLACES.values())
    rows = tenant.cli("server list --limit 2 --marker", servers["d"].id)
    assert [row["ID"] for row in rows] == [servers["c"].id, servers["b"].id]


def test_other_projects_servers_do_not_exist(
    tenant: Person, stranger: Person, servers: dict[str, Any], strange_server: Any
) -> None:
    assert {server["id"] for server in ask(stranger, "")["servers"]} == {strange_server.id}
    assert strange_server.id not in {server["id"] for server in ask(tenant, "")["servers"]}
    # Not even once the gateway has learnt, from its owner, where it is.
    for action in (tenant.central.compute.get_server, tenant.central.compute.delete_server):
        with pytest.raises(exceptions.NotFoundException):
            action(strange_server.id, **({"ignore_missing": False} if "delete" in action.__name__ else {}))
    assert stranger.central.compute.get_server(strange_server.id).status == "ACTIVE"


def test_administrators_see_all_projects(
    tenant: Person, admin: Person, servers: dict[str, Any], strange_server: Any
) -> None:
    everything = {server["id"] for server in ask(admin, "all_tenants=1")["servers"]}
    assert everything >= {strange_server.id, *(server.id for server in servers.values())}
    of_one = ask(admin, f"all_tenants=1&project_id={tenant.project_id}&sort_key=display_name&sort_dir=asc&limit=4")
    assert letters(of_one["servers"]) == "abcd"
    rows = admin.cli("server list --all-projects --project", tenant.project_id)
    assert {row["ID"] for row in rows} == {server.id for server in servers.values()}


def test_all_projects_is_for_administrators(tenant: Person, lab: Lab, servers: dict[str, Any]) -> None:
    ours, native = (
        tenant.ask("compute", "/servers/detail?all_tenants=1", region=region) for region in (CENTRAL, lab.zones["az1"])
    )
    assert ours.status_code == native.status_code == 403
    assert ours.json() == native.json()
