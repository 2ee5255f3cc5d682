"""Observing owners without comparing clocks."""

from dataclasses import replace

from triune.db.models import now
from triune.work.entry import Entry
from triune.work.lease import Observer
from triune.work.requests import Key

OWNED = Entry("id", Key("k", "r", "p"), None, None, 1, 0, 0, None, now(), "owner", 1, 0, now(), now())


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_key_without_owner_is_claimable_at_once():
    assert Observer(15.0).claimable([replace(OWNED, owner=None)])


def test_an_owner_is_dead_when_it_has_not_moved_for_longer_than_the_lease():
    clock = Clock()
    observer = Observer(15.0, clock)
    assert observer.claimable([OWNED]) == []
    clock.time = 15.0
    assert observer.claimable([OWNED]) == []
    clock.time = 15.1
    assert observer.claimable([OWNED]) == [OWNED]


def test_an_owner_that_moves_lives():
    clock = Clock()
    observer = Observer(15.0, clock)
    for beat in range(10):
        assert observer.claimable([replace(OWNED, beat=beat)]) == []
        clock.time += 14.0


def test_a_key_claimed_anew_is_observed_anew():
    clock = Clock()
    observer = Observer(15.0, clock)
    observer.claimable([OWNED])
    clock.time = 20.0
    assert observer.claimable([replace(OWNED, fence=2)]) == []


def test_what_was_seen_of_a_finished_key_is_forgotten():
    clock = Clock()
    observer = Observer(15.0, clock)
    observer.claimable([OWNED])
    observer.claimable([])
    clock.time = 20.0
    assert observer.claimable([OWNED]) == []
