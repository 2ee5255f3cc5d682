"""Twins of server groups: how they are called, whose they are, and which pod a policy prefers."""

import random
import string
import uuid
from typing import Any

import pytest

from triune.gateway.compute.server_group_members import hinted, weighed, with_hint
from triune.gateway.compute.server_groups import Part, ServerGroup, grouped
from triune.pods.registry import Pod
from triune.shared.server_groups import own_name, parsed, twin_name

ID = "0b8ac1ae-5a8b-4d2c-9c7e-1f2d3c4b5a69"
OTHER = "5d0c2f7e-0000-4d2c-9c7e-1f2d3c4b5a69"


def pod(name: str) -> Pod:
    return Pod(name, name, f"az-{name}", "", "", True)


def part(name: str, where: str = "one", group_id: str = ID, **shown: Any) -> Part:
    return Part(pod(where), {"id": group_id, "name": name, "members": [], "project_id": "p", **shown})


@pytest.mark.parametrize(
    "name",
    ["web", "web triune:", f"web triune:{ID}", f"triune:{ID}", "web triune:db", "ü/ß", "a", f"web triune:{ID} x"],
)
def test_a_name_comes_back(name: str) -> None:
    assert parsed(own_name(name)) == (name, None)
    assert parsed(twin_name(name, ID)) == (name, ID)
    # A cloud that is itself a pod takes the twin's name for a user's.
    assert parsed(own_name(twin_name(name, ID))) == (twin_name(name, ID), None)


def test_any_name_comes_back() -> None:
    pieces = [" triune:", ID, " ", ":", *string.ascii_letters[:6]]
    for seed in range(500):
        chosen = random.Random(seed)
        name = "".join(chosen.choices(pieces, k=chosen.randint(1, 8))).strip()
        if name:
            test_a_name_comes_back(name)


def test_an_ordinary_name_is_the_same_in_the_pod() -> None:
    assert own_name("web") == "web"
    assert twin_name("web", ID).startswith("web ")


def test_a_long_name_leaves_room() -> None:
    name = "x" * 199 + " " + "y" * 55
    assert len(twin_name(name, ID)) <= 255
    assert parsed(twin_name(name, ID)) == ("x" * 199, ID)
    # Even where that is escaped.
    assert len(own_name(twin_name("x" * 255, ID))) <= 255


def test_twins_belong_to_their_home() -> None:
    twin = part(twin_name("web", ID), "two", OTHER, members=["b", "c"])
    home = part("web", members=["a", "b"], rules={"max_server_per_host": 2})
    (group,) = grouped([twin, home])
    assert group.parts == (home, twin)
    assert group.view() == {**home.shown, "members": ["a", "b", "c"]}
    assert group.part_in(pod("two")) == twin and group.part_in(pod("three")) is None


def test_a_twin_stands_for_its_home() -> None:
    twin = part(twin_name("web", ID), "two", OTHER, members=["b"])
    (group,) = grouped([twin])
    assert group.view() == {"id": ID, "name": "web", "members": ["b"], "project_id": "p"}


def test_nobody_joins_the_group_of_another_project() -> None:
    home = part("web", members=["a"])
    forged = part(twin_name("mine", ID), "two", OTHER, members=["b"], project_id="q")
    groups = grouped([forged, home])
    assert [(group.home, group.members) for group in groups] == [(home, ["a"]), (forged, ["b"])]


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("soft-affinity", ["two", "three", "one"]),
        ("soft-anti-affinity", ["one", "three", "two"]),
        ("anti-affinity", ["one", "three", "two"]),
        (None, ["one", "two", "three"]),
    ],
)
def test_policies_weigh_members(policy: str | None, order: list[str]) -> None:
    parts = part("g", "two", members=["a", "b"], policy=policy), part("g", "three", members=["c"], policy=policy)
    pods = [pod(name) for name in ("one", "two", "three")]
    assert [each.id for each in weighed(pods, ServerGroup(ID, parts))] == order


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"os:scheduler_hints": {"group": ID}}, ID),
        ({"OS-SCH-HNT:scheduler_hints": {"group": [ID]}}, ID),
        ({"os:scheduler_hints": {}, "OS-SCH-HNT:scheduler_hints": {"group": ID}}, None),
        ({"os:scheduler_hints": {"group": [ID, OTHER]}}, None),
        ({"os:scheduler_hints": {"group": "web"}}, None),
        ({"os:scheduler_hints": [ID]}, None),
        ({"os:scheduler_hints": {"group": {"id": ID}}}, None),
        ({}, None),
    ],
)
def test_hints(body: dict[str, Any], found: str | None) -> None:
    assert hinted(body) == found
    if found is not None:
        there = str(uuid.uuid4())
        assert hinted(with_hint({**body, "server": {}}, there)) == there
        assert hinted(body) == found
