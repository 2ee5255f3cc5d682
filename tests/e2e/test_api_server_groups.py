"""Server groups whose members are in several zones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import LATEST, alike, both, microversion, shape, zone_after
from .people import CENTRAL, Person

VERSIONS = ["2.1", "2.37", "2.69", LATEST]


@contextmanager
def group(
    person: Person, name: str, policy: str, version: str = LATEST, region: str = CENTRAL, **more: Any
) -> Iterator[Any]:
    """The answer with which a server group was made; the group is gone afterwards."""
    old = version in ("2.1", "2.37")
    body = {"server_group": {"name": name, **({"policies": [policy]} if old else {"policy": policy}), **more}}
    answer = person.ask("compute", "/os-server-groups", "POST", json=body, region=region, **microversion(version))
    assert answer.status_code == 200, answer.text
    try:
        yield answer
    finally:
        path = f"/os-server-groups/{answer.json()['server_group']['id']}"
        assert person.ask("compute", path, "DELETE", region=region).status_code == 204


def shown(person: Person, made: Any, region: str = CENTRAL) -> dict[str, Any]:
    """A group as it is now."""
    path = f"/os-server-groups/{made.json()['server_group']['id']}"
    answer = person.ask("compute", path, region=region, **microversion(LATEST))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["server_group"]
    return found


def members(boot: dict[str, str], made: Any, prefix: str, *zones: str | None) -> list[dict[str, Any]]:
    """Requests for servers in a group."""
    hints = {"group": made.json()["server_group"]["id"]}
    zoned = [{"availability_zone": zone} if zone else {} for zone in zones]
    return [
        {"name": f"{prefix}-member-{number}", "networks": "none", "scheduler_hints": hints, **where, **boot}
        for number, where in enumerate(zoned)
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.proves(
    "compute",
    "GET /os-server-groups",
    "POST /os-server-groups",
    "GET /os-server-groups/{server_group_id}",
    "DELETE /os-server-groups/{server_group_id}",
)
def test_a_group_is_told_as_by_a_pod(tenant: Person, lab: Lab, prefix: str, version: str) -> None:
    name = f"{prefix}-group ü"
    with group(tenant, name, "anti-affinity", version) as ours:
        path = f"/os-server-groups/{ours.json()['server_group']['id']}"
        again = tenant.ask("compute", path, **microversion(version))
        listed = tenant.ask("compute", "/os-server-groups", **microversion(version))
        assert again.json() == ours.json()
        assert listed.json() == {"server_groups": [ours.json()["server_group"]]}
    with group(tenant, name, "anti-affinity", version, region=lab.regions[-1]) as native:
        alike(ours, native, "id")
    alike(*both(tenant, lab.regions[0], "compute", path, **microversion(version)))
    alike(*both(tenant, lab.regions[0], "compute", path, "DELETE", **microversion(version)))


def test_anti_affinity_over_all_zones(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    zones = list(lab.zones)
    with group(tenant, f"{prefix}-apart", "anti-affinity") as made:
        with things.servers(tenant, *members(boot, made, prefix, *zones)) as servers:
            assert [server.availability_zone for server in servers] == zones
            assert len({server.host_id for server in servers}) == len(zones)
            assert sorted(shown(tenant, made)["members"]) == sorted(server.id for server in servers)
            for server in servers:
                assert server.server_groups == [made.json()["server_group"]["id"]]
            rows = tenant.cli("server group list --long")
            (row,) = [row for row in rows if row["ID"] == made.json()["server_group"]["id"]]
            assert sorted(str(row["Members"]).strip("[]'").replace("'", "").split(", ")) == sorted(
                server.id for server in servers
            )
        assert shown(tenant, made)["members"] == []


def test_affinity_keeps_to_the_zone_of_the_first(tenant: Person, lab: Lab, boot: dict[str, str], prefix: str) -> None:
    zone = list(lab.zones)[-1]
    other = zone_after(lab, zone)
    with group(tenant, f"{prefix}-together", "affinity") as made:
        first, second, elsewhere = members(boot, made, prefix, zone, None, other)
        with things.servers(tenant, first) as (one,), things.servers(tenant, second) as (two,):
            assert (two.availability_zone, two.host_id) == (zone, one.host_id)
            body = {
                "server": {
                    "name": elsewhere["name"],
                    "networks": "none",
                    "imageRef": boot["image_id"],
                    "flavorRef": boot["flavor_id"],
                    "availability_zone": other,
                },
                "os:scheduler_hints": elsewhere["scheduler_hints"],
            }
            answer = tenant.ask("compute", "/servers", "POST", json=body, **microversion(LATEST))
            assert answer.status_code == 400, answer.text
            said = answer.json()["badRequest"]["message"]
            assert zone in said
            assert other in said
            assert sorted(shown(tenant, made)["members"]) == sorted((one.id, two.id))
            for region in lab.regions:
                assert not list(tenant.pod(region).compute.servers(name=elsewhere["name"]))


def test_rules_and_soft_policies(tenant: Person, lab: Lab, prefix: str) -> None:
    with group(tenant, f"{prefix}-rules", "anti-affinity", rules={"max_server_per_host": 2}) as made:
        assert shown(tenant, made)["rules"] == {"max_server_per_host": 2}
    for policy in ("soft-affinity", "soft-anti-affinity"):
        with group(tenant, f"{prefix}-soft", policy) as made:
            assert shown(tenant, made)["policy"] == policy
    for request in (
        {"name": "refused", "policy": "affinity", "rules": {"max_server_per_host": 2}},
        {"name": "refused", "policy": "nothing"},
        {"name": "refused", "policies": ["affinity"]},
        {"name": "refused"},
    ):
        body = {"server_group": request}
        ours, native = both(
            tenant, lab.regions[0], "compute", "/os-server-groups", "POST", json=body, **microversion(LATEST)
        )
        assert native.status_code == 400
        alike(ours, native)


def test_groups_page_and_are_a_projects_own(tenant: Person, stranger: Person, admin: Person, prefix: str) -> None:
    with (
        group(tenant, f"{prefix}-a", "affinity") as a,
        group(tenant, f"{prefix}-b", "affinity") as b,
        group(stranger, f"{prefix}-c", "affinity") as c,
    ):
        ids = {each.json()["server_group"]["id"] for each in (a, b)}
        pages = [tenant.ask("compute", f"/os-server-groups?limit=1&offset={n}").json() for n in range(3)]
        assert [len(page["server_groups"]) for page in pages] == [1, 1, 0]
        assert {each["id"] for page in pages for each in page["server_groups"]} == ids
        everything = admin.ask("compute", "/os-server-groups?all_projects=true", **microversion(LATEST)).json()
        assert {each["id"] for each in everything["server_groups"]} >= {*ids, c.json()["server_group"]["id"]}
        hidden = f"/os-server-groups/{c.json()['server_group']['id']}"
        assert tenant.ask("compute", hidden).status_code == 404
        assert tenant.ask("compute", hidden, "DELETE").status_code == 404
        assert shape(shown(stranger, c)) == shape(shown(tenant, a))
