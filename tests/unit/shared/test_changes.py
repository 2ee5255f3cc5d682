"""What is to be changed in a pod: kept until it has it."""

from typing import Any

import pytest

from triune.db.engine import Database
from triune.quota.limits import Limits
from triune.quota.scope import Scope
from triune.shared.changes import Changes
from triune.shared.flavor_parts import parts_of, steps
from triune.shared.intents import Intents
from triune.work.journal import Journal
from triune.work.requests import Key

ONE, TWO = (Key("flavor_change", "ü/1", pod) for pod in ("p1", "p2"))
LONG = "ü" * 65535


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


@pytest.fixture
def changes(database: Database, journal: Journal) -> Changes:
    return Changes(database, journal)


async def want(changes: Changes, *keys: Key, **parts: Any) -> None:
    await changes.wanted(keys, parts, None, "req-1", 0.0)


async def test_of_each_part_the_last_is_kept(changes: Changes) -> None:
    await want(changes, ONE, TWO, a="1", b=2, c=LONG)
    await want(changes, ONE, a=None, d=True)
    assert (await changes.of(ONE))[1] == {"a": None, "b": 2, "c": LONG, "d": True}
    assert (await changes.of(TWO))[1] == {"a": "1", "b": 2, "c": LONG}
    assert await changes.pods_behind("flavor_change", "ü/1") == {"p1", "p2"}


async def test_what_was_made_is_forgotten_unless_more_was_asked_for(changes: Changes) -> None:
    await want(changes, ONE, a="1", b="1")
    generation, _ = await changes.of(ONE)
    await want(changes, ONE, a="2")
    await changes.made(ONE, generation, ["a"])
    generation, left = await changes.of(ONE)
    assert left == {"a": "2", "b": "1"}
    await changes.made(ONE, generation, ["b"])
    assert await changes.of(ONE) == (generation, {"a": "2"})
    await changes.made(ONE, generation, ["a"])
    assert await changes.of(ONE) == (generation, {})


async def test_what_goes_takes_its_changes_along(changes: Changes, database: Database, journal: Journal) -> None:
    intents, gone = Intents(database, journal), Key("flavor_change", "ü/1", "gone")
    await want(changes, ONE, TWO, gone, a="1")
    await intents.removed([Key("flavor", "ü/1", "p1")], None, "req-2", 0.0)
    await intents.prune(3600.0)
    assert await changes.pods_behind("flavor_change", "ü/1") == {"p2"}


async def test_a_limit_that_was_dropped_again_is_still_to_be_dropped(database: Database, journal: Journal) -> None:
    limits, project, user = Limits(database, journal), Scope("compute", "p"), Scope("compute", "p", "anna")
    await limits.set(user, {"cores": 1}, ["p1"], None, "req-1")
    assert await limits.drop(project, ["p1", "p2"], None, "req-2") == [project, user]
    first = await limits.dropped(project.key("p1"))
    assert first is not None and await limits.dropped(user.key("p2")) is not None
    await limits.drop(project, ["p1"], None, "req-3")
    await limits.dropped_in_pod(project.key("p1"), first, None)
    second = await limits.dropped(project.key("p1"))
    assert second == first + 1
    await limits.dropped_in_pod(project.key("p1"), second, None)
    assert await limits.dropped(project.key("p1")) is None


def test_each_part_is_a_request_of_its_own_where_it_must_be() -> None:
    parts = {"description": None, "os-extra_specs/a/b": "1", "os-extra_specs/c": 2, "os-extra_specs/d e": None}
    description, new, gone = steps(parts)
    assert (description.method, description.below, description.body) == ("PUT", "", {"flavor": {"description": None}})
    assert (new.body, gone.below) == ({"extra_specs": {"a/b": "1", "c": 2}}, "/os-extra_specs/d%20e")
    assert [step.body for step in new.apart()] == [{"extra_specs": {"a/b": "1"}}, {"extra_specs": {"c": 2}}]
    add, remove = steps({"os-flavor-access/t": True, "os-flavor-access/u": None})
    assert (add.body, 409 in add.as_wanted) == ({"addTenantAccess": {"tenant": "t"}}, True)
    assert (remove.body, 409 in remove.as_wanted) == ({"removeTenantAccess": {"tenant": "u"}}, False)
    assert steps({"definition": {"id": "1"}}) == []


@pytest.mark.parametrize(
    ("method", "below", "body", "parts"),
    [
        ("PUT", "", {"flavor": {"description": None}}, {"description": None}),
        ("PUT", "", {"flavor": {}}, {}),
        ("PUT", "", {"flavor": []}, {}),
        ("PUT", "", [], {}),
        ("PUT", "/", {"flavor": {"description": "a"}}, {"description": "a"}),
        ("POST", "os-extra_specs", {"extra_specs": {"a": 1, "b": None}}, {"os-extra_specs/a": 1}),
        ("POST", "os-extra_specs", {"extra_specs": "a"}, {}),
        ("PUT", "os-extra_specs/hw%3Aa", {"hw:a": "1"}, {"os-extra_specs/hw:a": "1"}),
        ("DELETE", "os-extra_specs/hw%3Aa", None, {"os-extra_specs/hw:a": None}),
        ("DELETE", "os-extra_specs", None, {}),
        ("PUT", f"os-extra_specs/{'a' * 300}", {"a" * 300: "1"}, {}),
        ("POST", "action", {"addTenantAccess": {"tenant": "t"}}, {"os-flavor-access/t": True}),
        ("POST", "action", {"removeTenantAccess": {"tenant": "t"}}, {"os-flavor-access/t": None}),
        ("POST", "action", {"addTenantAccess": {"tenant": 7}}, {}),
        ("POST", "action", {"addTenantAccess": {"tenant": "\ud800"}}, {}),
        ("POST", "action", {"addTenantAccess": None}, {}),
        ("POST", "action", {"nonsense": {"tenant": "t"}}, {}),
        ("POST", "nonsense", {"extra_specs": {"a": "1"}}, {}),
    ],
)
def test_what_a_request_changes(method: str, below: str, body: Any, parts: dict[str, Any]) -> None:
    assert parts_of(method, below, body) == parts
