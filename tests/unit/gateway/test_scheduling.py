"""What a pod's scheduler has said, read from servers."""

from typing import Any

import pytest

from triune.gateway.compute.reservations import in_words_of_pods, joined
from triune.gateway.compute.scheduling import Verdict, joint_verdict, verdict

BUILDING = {"status": "BUILD", "OS-EXT-STS:task_state": "scheduling"}
SPAWNING = {"status": "BUILD", "OS-EXT-STS:task_state": "spawning"}
ACTIVE = {"status": "ACTIVE", "OS-EXT-STS:task_state": None}
DYING = {"status": "ERROR", "OS-EXT-STS:task_state": None}


def failed(message: Any) -> dict[str, Any]:
    return {**DYING, "fault": {"code": 500, "message": message}}


NO_HOST = failed("No valid host was found. There are not enough hosts available.")
TRIED = failed("Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (BUILDING, Verdict.UNDECIDED),
        ({"status": "UNKNOWN"}, Verdict.UNDECIDED),
        (DYING, Verdict.UNDECIDED),
        (SPAWNING, Verdict.TAKEN),
        ({"status": "BUILD", "OS-EXT-STS:task_state": None}, Verdict.TAKEN),
        (ACTIVE, Verdict.TAKEN),
        ({"status": "DELETED"}, Verdict.TAKEN),
        (NO_HOST, Verdict.NO_HOST),
        (TRIED, Verdict.NO_HOST),
        (failed("MessagingTimeout"), Verdict.TAKEN),
        (failed(None), Verdict.TAKEN),
    ],
)
def test_one(server: dict[str, Any], said: Verdict) -> None:
    assert verdict(server) is said
    assert joint_verdict([server]) is said


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ([], Verdict.TAKEN),
        ([NO_HOST, TRIED], Verdict.NO_HOST),
        ([NO_HOST, BUILDING], Verdict.UNDECIDED),
        ([NO_HOST, BUILDING, ACTIVE], Verdict.TAKEN),
        ([NO_HOST, failed("x")], Verdict.TAKEN),
    ],
)
def test_several(servers: list[dict[str, Any]], said: Verdict) -> None:
    assert joint_verdict(servers) is said


@pytest.mark.parametrize(
    ("known", "one"),
    [
        ([], ""),
        (["", ""], ""),
        (["r-abcd1234"], "r-abcd1234"),
        (["", "r-abcd1234", "r-abcd1234"], "r-abcd1234"),
        (["of another form"], "of another form"),
        (["r-abcd1234", "r-zzzz9999"], "r-abcd1234-zzzz9999"),
    ],
)
def test_several_reservations(known: list[str], one: str) -> None:
    assert joined(known) == one


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ""),
        ("reservation_id=r-abcd1234&name=a%20b", "reservation_id=r-abcd1234&name=a%20b"),
        ("reservation_id=r-abcd1234-x", "reservation_id=r-abcd1234-x"),
        (
            "name=a&reservation_id=r-abcd1234-zzzz9999",
            "name=a&reservation_id=%5Er-%28abcd1234%29%3F%28zzzz9999%29%3F%24",
        ),
    ],
)
def test_a_filter(query: str, asked: str) -> None:
    assert in_words_of_pods(query) == asked
