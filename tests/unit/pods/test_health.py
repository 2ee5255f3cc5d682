"""The circuit breaker, with a clock of the test's own."""

import pytest

from triune.pods.health import Attempt, Breaker, Health, Limits

LIMITS = Limits(failures=3, pause=2.0, max_pause=30.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(LIMITS, clock)


def allowed(breaker: Breaker) -> Attempt:
    attempt = breaker.attempt()
    assert attempt is not None
    return attempt


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        allowed(breaker).failed("no connection")


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    allowed(breaker).succeeded()
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker)
    assert breaker.is_open
    assert breaker.attempt() is None
    assert breaker.last_error == "no connection"


def test_one_request_in_a_pause_tries(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.9
    assert breaker.attempt() is None
    clock.now += 0.2
    assert allowed(breaker).trial
    assert breaker.attempt() is None


def test_a_success_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    allowed(breaker).succeeded()
    assert not breaker.is_open
    assert breaker.last_error == ""
    assert not allowed(breaker).trial


def test_the_pause_doubles_up_to_its_end_and_begins_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(6):
        waited = 0.0
        while (attempt := breaker.attempt()) is None:
            clock.now += 0.5
            waited += 0.5
        attempt.failed("again")
        pauses.append(waited)
    assert pauses == [2, 4, 8, 16, 30, 30]
    clock.now += 30
    allowed(breaker).succeeded()
    fail(breaker, 3)
    clock.now += 2
    assert breaker.attempt() is not None


def test_requests_from_before_it_opened_do_not_prolong_it(breaker: Breaker, clock: Clock) -> None:
    late = [allowed(breaker) for _ in range(5)]
    fail(breaker, 3)
    for attempt in late:
        attempt.failed("late")
    clock.now += 2
    assert allowed(breaker).trial


def test_a_late_success_closes_it(breaker: Breaker) -> None:
    late = allowed(breaker)
    fail(breaker, 3)
    late.succeeded()
    assert not breaker.is_open


def test_an_abandoned_trial_leaves_the_next_request_to_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    allowed(breaker).abandoned()
    assert allowed(breaker).trial


def test_an_attempt_ends_once(breaker: Breaker) -> None:
    attempt = allowed(breaker)
    attempt.failed("a")
    attempt.failed("b")
    attempt.succeeded()
    assert breaker.last_error == "a"


def test_each_service_of_each_pod_has_its_own(clock: Clock) -> None:
    health = Health(LIMITS, clock)
    fail(health.breaker("1", "compute"), 3)
    assert health.breaker("1", "compute").is_open
    assert not health.breaker("1", "volume").is_open
    assert not health.breaker("2", "compute").is_open
