"""What answers promise, and that whatever else the pods hold is found."""

from typing import Any

import pytest

from chaos.api import MISSING, Reply
from chaos.ledger import Found, Promise, State, differences, misplaced, twins_of_nothing

REGIONS = ("RegionOne", "RegionTwo")
THERE, NOT_THERE, OPEN = State.THERE, State.NOT_THERE, State.OPEN


def reply(status: int, missing: bool = False) -> Reply:
    return Reply(status, {MISSING: "RegionOne"} if missing else {}, b"")


@pytest.mark.parametrize(
    ("kind", "answer", "state"),
    [
        ("server", reply(202), THERE),
        ("server", reply(409), NOT_THERE),
        ("server", reply(503), NOT_THERE),
        ("server", reply(504), OPEN),
        ("server", reply(500), OPEN),
        ("server", reply(0), OPEN),
        ("flavor", reply(200, missing=True), THERE),
        ("flavor", reply(409), NOT_THERE),
        ("flavor", reply(409, missing=True), OPEN),
        ("flavor", reply(503), OPEN),
    ],
)
def test_an_answer_to_who_makes_something(kind: str, answer: Reply, state: State) -> None:
    promise = Promise(kind, "name")
    promise.made(answer)
    assert promise.state is state


@pytest.mark.parametrize(
    ("kind", "answer", "state"),
    [
        ("server", reply(204), NOT_THERE),
        ("server", reply(404), NOT_THERE),
        ("server", reply(409), THERE),
        ("server", reply(503), THERE),
        ("server", reply(504), OPEN),
        ("image", reply(204, missing=True), NOT_THERE),
        ("image", reply(503), OPEN),
    ],
)
def test_an_answer_to_who_removes_something(kind: str, answer: Reply, state: State) -> None:
    promise = Promise(kind, "name", state=THERE)
    promise.removed(answer)
    assert promise.state is state


def test_a_change_that_not_all_pods_have_made_is_unfinished() -> None:
    flavor = Promise("flavor", "name", state=THERE)
    flavor.changed(reply(200), colour="red")
    flavor.changed(reply(503), colour="blue")
    assert (flavor.fields, flavor.unfinished) == ({}, {"colour": "blue"})
    flavor.changed(reply(200), colour="blue")
    assert (flavor.fields, flavor.unfinished) == ({"colour": "blue"}, {})


def test_a_change_that_was_refused_changes_nothing() -> None:
    volume = Promise("volume", "name", state=THERE)
    volume.changed(reply(200), colour="red")
    volume.changed(reply(409), colour="blue")
    assert volume.fields == {"colour": "red"}
    volume.changed(reply(504), colour="blue")
    assert volume.fields == {}


def found(*regions: str, kind: str = "server", **fields: Any) -> list[Found]:
    return [Found(region, kind, "name", "id", fields) for region in regions]


@pytest.mark.parametrize(
    ("promise", "held", "says"),
    [
        (Promise("server", "name", "id", THERE), found(REGIONS[0]), ""),
        (Promise("server", "name", state=OPEN), found(REGIONS[0]), ""),
        (Promise("server", "name", state=OPEN), [], ""),
        (Promise("server", "name", "id", THERE), [], "it is not there"),
        (Promise("server", "name", "another", THERE), found(REGIONS[0]), "it is not another"),
        (Promise("server", "name", state=NOT_THERE), found(REGIONS[0]), "it is in ['RegionOne']"),
        (Promise("server", "name", state=OPEN), found(*REGIONS), "more than once"),
        (Promise("server", "name", state=OPEN), found(REGIONS[0], REGIONS[0]), "more than once"),
        (Promise("server", "another", state=NOT_THERE), found(REGIONS[0]), "nobody has asked for it"),
        (Promise("server", "name", "id", THERE, {"status": "SHUTOFF"}), found(REGIONS[0], status="ACTIVE"), "as was"),
        (Promise("flavor", "name", "id", THERE), found(*REGIONS, kind="flavor"), ""),
        (Promise("flavor", "name", "id", THERE), found(REGIONS[0], kind="flavor"), "it is not in ['RegionTwo']"),
        (
            Promise("flavor", "name", "id", THERE),
            [*found(REGIONS[0], kind="flavor", ram=1), *found(REGIONS[1], kind="flavor", ram=2)],
            "not the same everywhere",
        ),
        (Promise("flavor", "name", "id", OPEN), found(REGIONS[1], REGIONS[1], kind="flavor"), "more than once"),
    ],
)
def test_what_differs_is_told(promise: Promise, held: list[Found], says: str) -> None:
    told = list(differences([promise], held, REGIONS))
    assert says in told[0] if says else not told


def test_routings_and_twins_that_lead_nowhere_are_told() -> None:
    held = [Found("RegionOne", "server", "name", "id"), Found("RegionTwo", "twin", "group", "twin")]
    assert not list(misplaced(held, [("server", "id", "RegionOne"), ("server", "gone", "RegionTwo")]))
    assert list(misplaced(held, [("server", "id", "RegionTwo")]))
    assert list(twins_of_nothing([], held))
    assert list(twins_of_nothing([Promise("server_group", "name", "group", NOT_THERE)], held))
    for state in (THERE, OPEN):
        assert not list(twins_of_nothing([Promise("server_group", "name", "group", state)], held))
        assert list(twins_of_nothing([Promise("server_group", "name", "group", state)], [*held, *held]))
