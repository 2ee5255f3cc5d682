"""When a breaker opens, and what closes it."""

import pytest

from triune.pods.health import Attempt, Breaker, Health, Limits


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(Limits(failures=3, pause=2.0, max_pause=5.0), clock)


def leave(breaker: Breaker) -> Attempt:
    attempt = breaker.attempt()
    assert attempt is not None
    return attempt


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        attempt = leave(breaker)
        attempt.succeeded() if outcome == "succeeded" else attempt.failed("x")
    assert not breaker.is_open
    leave(breaker).failed("y")
    assert breaker.is_open
    assert breaker.attempt() is None
    assert breaker.last_error == "y"


def test_failures_of_requests_that_were_under_way_keep_the_first_pause(breaker: Breaker, clock: Clock) -> None:
    attempts = [leave(breaker) for _ in range(20)]
    for attempt in attempts:
        attempt.failed("x")
    clock.now += 1.9
    assert breaker.attempt() is None
    clock.now += 0.1
    assert leave(breaker).trial


def test_one_trial_per_pause_which_doubles(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        leave(breaker).failed("x")
    for pause in (2.0, 4.0, 5.0, 5.0):
        clock.now += pause - 0.1
        assert breaker.attempt() is None
        clock.now += 0.1
        trial = leave(breaker)
        assert breaker.attempt() is None
        trial.failed("x")


def test_a_trial_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        leave(breaker).failed("x")
    clock.now += 2
    leave(breaker).succeeded()
    assert not breaker.is_open
    assert not leave(breaker).trial


def test_a_trial_without_an_outcome_is_given_again(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        leave(breaker).failed("x")
    clock.now += 2
    leave(breaker).abandoned()
    assert leave(breaker).trial


def test_an_attempt_ends_once(breaker: Breaker) -> None:
    attempt = leave(breaker)
    attempt.failed("x")
    attempt.succeeded()
    attempt.failed("x")
    leave(breaker).failed("x")
    assert not breaker.is_open


def test_what_is_left_out_is_told_until_a_trial_may_pass(clock: Clock) -> None:
    health = Health(Limits(failures=1, pause=2.0, max_pause=5.0), clock)
    health.breaker("pod-a", "compute").failed("deadline")
    health.breaker("pod-a", "network").succeeded()
    assert health.refusing() == [("pod-a", "compute", "deadline")]
    clock.now += 2.0
    assert health.refusing() == []
    assert health.breaker("pod-a", "compute").is_open
    leave(health.breaker("pod-a", "compute"))
    # The trial is under way: the others wait for what it finds out.
    assert health.refusing() == [("pod-a", "compute", "deadline")]
