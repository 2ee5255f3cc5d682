"""Pauses between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from triune.work.backoff import Backoff


def test_pauses_double_up_to_the_longest():
    backoff = Backoff(first=2.0, longest=60.0)
    assert [backoff.pause(attempts, spread=1.0) for attempts in range(7)] == [2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_pause_is_between_half_and_whole(attempts: int, spread: float):
    backoff = Backoff(first=2.0, longest=300.0)
    assert backoff.pause(attempts, 1.0) / 2 <= backoff.pause(attempts, spread) <= backoff.pause(attempts, 1.0)
