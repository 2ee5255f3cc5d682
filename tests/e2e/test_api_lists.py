"""Lists of servers: filters, sort keys, times, and what is no parameter, as the pods themselves answer."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from . import things
from .lab import Lab
from .likeness import LATEST, alike, both, microversion, plain, said
from .people import CENTRAL, Person

# More servers than zones, so that every order goes to and fro between the pods.
LETTERS = "abc"
SOON = 1.1


@pytest.fixture(scope="module")
def servers(owner: Person, lab: Lab, boot: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Servers by the last letter of their names; the zones take turns."""
    zones = list(lab.zones)
    requests = [
        {
            "name": f"{owner.name}-{letter}",
            "availability_zone": zones[number % len(zones)],
            "networks": "none",
            "tags": [letter, "all"],
            **boot,
        }
        for number, letter in enumerate(LETTERS[: max(3, len(zones))])
    ]
    with things.servers(owner, *requests) as made:
        yield dict(zip(LETTERS, made, strict=False))


def listed(person: Person, query: str, version: str = LATEST, region: str = CENTRAL, path: str = "/servers") -> Any:
    """The servers of a list. Raises `AssertionError` where it is refused."""
    answer = person.ask("compute", f"{path}?{query}", region=region, **microversion(version))
    assert answer.status_code == 200, f"{query} at {version}: {answer.text}"
    return answer.json()["servers"]


FILTERS = [
    "name=-a$",
    "name=nothing",
    "status=ACTIVE",
    "status=active&status=ERROR",
    "status=nonsense",
    "vm_state=active",
    "reservation_id=r-nothing",
    "image={image}",
    "flavor={flavor}",
    "host=nowhere",
    "ip=10.",
    "ip6=fd00",
    "changes-since=2020-01-01T00:00:00Z",
    "changes-since=2100-01-01T00:00:00Z",
    "changes-before=2020-01-01T00:00:00Z",
    "changes-before=2100-01-01T00:00:00Z",
    "changes-since=2020-01-01T00:00:00Z&changes-before=2100-01-01T00:00:00Z",
    "changes-since=2100-01-01T00:00:00Z&changes-before=2020-01-01T00:00:00Z",
    "changes-since=yesterday",
    "deleted=true",
    "deleted=false",
    "tags=a",
    "tags=a,all",
    "tags-any=a,b",
    "not-tags=a",
    "not-tags-any=a,b",
    "locked=true",
    "locked=nonsense",
    "description=x",
    "all_tenants=0",
    "all_tenants=nonsense",
    "power_state=1",
    "task_state=nothing",
    "key_name=nothing",
    "config_drive=true",
    "access_ip_v4=192.0.2.1",
    "colour=blue",
    "limit=nonsense",
    "limit=-1",
    "sort_key=nonsense",
    "sort_key=host",
    "sort_dir=sideways",
    "sort_key=display_name&sort_dir=asc&sort_key=uuid&sort_dir=desc",
]


@pytest.mark.parametrize(
    ("version", "path", "as_admin"),
    [
        ("2.1", "/servers", False),
        ("2.66", "/servers", False),
        ("2.75", "/servers", False),
        (LATEST, "/servers/detail", False),
        ("2.26", "/servers/detail", True),
    ],
)
@pytest.mark.proves("compute", "GET /servers", "GET /servers/detail")
def test_filters_are_those_of_the_pods(
    owner: Person,
    admin: Person,
    lab: Lab,
    servers: dict[str, Any],
    boot: dict[str, str],
    path: str,
    version: str,
    as_admin: bool,
) -> None:
    """Refused in the words of the pods, or the servers that the pods list."""
    person = admin if as_admin else owner
    wrong: list[str] = []
    for template in FILTERS:
        query = template.format(image=boot["image_id"], flavor=boot["flavor_id"])
        if as_admin:
            query = f"{query}&all_tenants=1&project_id={owner.project_id}"
        how = microversion(version)
        ours, *native = [
            person.ask("compute", f"{path}?{query}", region=region, **how) for region in (CENTRAL, *lab.regions)
        ]
        if native[0].status_code == ours.status_code == 200:
            there = [each for answer in native for each in answer.json()["servers"]]
            same = sorted(plain(ours.json()["servers"]), key=str) == sorted(plain(there), key=str)
        else:
            same = (ours.status_code, said(ours)) == (native[0].status_code, said(native[0]))
        if not same:
            wrong.append(
                f"{query}: {ours.status_code} {ours.text}\nand a pod: {native[0].status_code} {native[0].text}"
            )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "key", ["created_at", "display_name", "uuid", "updated_at", "vm_state", "display_description", "instance_type_id"]
)
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.proves("compute", "GET /servers")
def test_each_pods_order_is_kept(owner: Person, lab: Lab, servers: dict[str, Any], key: str, direction: str) -> None:
    query = f"sort_key={key}&sort_dir={direction}"
    ours, native = both(owner, lab.regions[0], "compute", f"/servers?{query}", **microversion(LATEST))
    if native.status_code != 200:
        alike(ours, native)
        return
    told = [each["id"] for each in ours.json()["servers"]]
    assert sorted(told) == sorted(server.id for server in servers.values())
    for region in lab.regions:
        held = [each["id"] for each in listed(owner, query, region=region)]
        assert [each for each in told if each in held] == held
    if key == "uuid":
        assert told == sorted(told, reverse=direction == "desc")


@pytest.mark.proves("compute", "GET /servers/detail")
def test_times_and_the_deleted(owner: Person, admin: Person, lab: Lab, boot: dict[str, str], servers: Any) -> None:
    begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(SOON)
    zone = list(lab.zones)[-1]
    with things.server(owner, name=f"{owner.name}-passing", availability_zone=zone, **boot) as passing:
        since = f"changes-since={begin}"
        assert [each["id"] for each in listed(owner, since)] == [passing.id]
        before = {each["id"] for each in listed(owner, f"changes-before={begin}")}
        assert before == {server.id for server in servers.values()}
    (gone,) = listed(owner, since, path="/servers/detail")
    assert (gone["id"], gone["status"]) == (passing.id, "DELETED")
    assert passing.id not in {each["id"] for each in listed(owner, "")}
    query = f"deleted=true&all_tenants=1&project_id={owner.project_id}&{since}"
    assert [each["id"] for each in listed(admin, query)] == [passing.id]
    # Who is no administrator may not ask for the deleted.
    ours, native = both(owner, lab.zones[zone], "compute", f"/servers?deleted=true&{since}", **microversion(LATEST))
    assert plain(ours.json()) == plain(native.json())


@pytest.mark.parametrize("marker", ["links", "ids"])
@pytest.mark.proves("compute", "GET /servers")
def test_pages_of_one_while_servers_come_and_go(
    owner: Person, lab: Lab, servers: dict[str, Any], boot: dict[str, str], marker: str
) -> None:
    """What is there all the time is told exactly once."""
    steady = {server.id for server in servers.values()}
    zones = list(lab.zones)
    compute, passing, told = owner.central.compute, list[str](), list[str]()
    path = "/servers?limit=1"
    answer = owner.ask("compute", path)
    try:
        for number in range(20):
            assert answer.status_code == 200, answer.text
            document = answer.json()
            told += [each["id"] for each in document["servers"]]
            following = [link["href"] for link in document.get("servers_links", ()) if link["rel"] == "next"]
            if not following:
                break
            if number % 2 == 0:
                made = compute.create_server(
                    name=f"{owner.name}-passing",
                    availability_zone=zones[number // 2 % len(zones)],
                    networks="none",
                    **boot,
                )
                passing.append(made.id)
            else:
                # The one that was just told may be the marker: it may not go, as with Nova.
                going = next((each for each in passing if each != told[-1]), None)
                if going:
                    things.remove_server(owner, going)
                    passing.remove(going)
            if marker == "links":
                answer = owner.central.session.get(following[0], raise_exc=False)
            else:
                answer = owner.ask("compute", f"{path}&marker={told[-1]}")
        else:
            raise AssertionError("the list does not end")
    finally:
        for identifier in passing:
            compute.delete_server(identifier, ignore_missing=True)
        for identifier in passing:
            things.remove_server(owner, identifier)
    assert steady <= set(told)
    assert len(told) == len(set(told))
